/* SPDX-License-Identifier: MIT
 * A handler that announces configuration keys and has none. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .config_count = 3, .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
