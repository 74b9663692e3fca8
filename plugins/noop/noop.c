/* SPDX-License-Identifier: MIT
 * Job type `noop`: does nothing, for benchmarks and as the smallest plugin there can be. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler handlers[] = {{.job_type = "noop", .run = run}};

JOBMILL_PLUGIN("noop", "1.0.0", handlers);
