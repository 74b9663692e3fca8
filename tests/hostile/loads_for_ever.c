/* SPDX-License-Identifier: MIT
 * A constructor that never returns. */
#include <jobmill.h>

__attribute__((constructor)) static void at_load(void)
{
    volatile int on = 1;

    while (on) {
    }
}

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
