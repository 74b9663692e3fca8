/* SPDX-License-Identifier: MIT
 * A plugin that asks for SDK 1.9: refused before it is loaded. */
#define JOBMILL_MIN_MINOR 9
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
