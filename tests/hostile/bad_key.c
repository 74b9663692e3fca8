/* SPDX-License-Identifier: MIT
 * A configuration key with a character that no key may have. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_config_key keys[] = {{.key = "fine"}, {.key = "not fine"}};
static const jobmill_handler table[] = {
    {.job_type = "hostile", .config_count = 2, .config = keys, .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
