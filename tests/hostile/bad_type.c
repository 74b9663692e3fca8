/* SPDX-License-Identifier: MIT
 * A handler whose job_type has characters that no job type may have. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "no good\n", .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
