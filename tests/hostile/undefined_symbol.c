/* SPDX-License-Identifier: MIT
 * A plugin that needs a symbol that nobody has. */
#include <jobmill.h>

int32_t nobody_has_this(void);

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return nobody_has_this();
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
