/* SPDX-License-Identifier: MIT
 * A good plugin that prints to stdout while it is loaded. */
#include <jobmill.h>

#include <stdio.h>

__attribute__((constructor)) static void at_load(void)
{
    printf("{\"noise\": true}\n");
    fflush(stdout);
}

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
