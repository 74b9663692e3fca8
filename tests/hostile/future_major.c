/* SPDX-License-Identifier: MIT
 * A plugin of SDK 2.0: refused before it is loaded. */
#include <jobmill.h>

#undef JOBMILL_ABI_MAJOR
#define JOBMILL_ABI_MAJOR 2

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
