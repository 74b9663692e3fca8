/* SPDX-License-Identifier: MIT
 * A handler without run. */
#include <jobmill.h>

static const jobmill_handler table[] = {{.job_type = "hostile"}};

JOBMILL_PLUGIN("hostile", "1.0", table);
