/* SPDX-License-Identifier: MIT
 * A plugin without a name. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

JOBMILL_PLUGIN(NULL, "1.0", table);
