/* SPDX-License-Identifier: MIT
 * A configuration key whose default is not of its type. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_config_key keys[] = {
    {.key = "count", .type = JOBMILL_CONFIG_INT, .default_value = "many"}};
static const jobmill_handler table[] = {
    {.job_type = "hostile", .config_count = 1, .config = keys, .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
