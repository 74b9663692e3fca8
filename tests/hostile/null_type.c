/* SPDX-License-Identifier: MIT
 * A handler without a job_type. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
