/* SPDX-License-Identifier: MIT
 * A plugin whose note has another magic: refused before it is loaded. */
#include <jobmill.h>

#undef JOBMILL_ABI_MAGIC
#define JOBMILL_ABI_MAGIC UINT32_C(0x12345678)

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

JOBMILL_PLUGIN("hostile", "1.0", table);
