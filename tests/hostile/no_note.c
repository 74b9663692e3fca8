/* SPDX-License-Identifier: MIT
 * A plugin without the note. */
#include <jobmill.h>

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

static const jobmill_handler table[] = {{.job_type = "hostile", .run = run}};

__attribute__((visibility("default"))) const jobmill_plugin *jobmill_plugin_v1(void);

const jobmill_plugin *jobmill_plugin_v1(void)
{
    static const jobmill_plugin descriptor = {.magic = JOBMILL_ABI_MAGIC,
                                              .struct_size = sizeof(jobmill_plugin),
                                              .abi_major = 1,
                                              .handler_stride = sizeof(jobmill_handler),
                                              .handler_count = 1,
                                              .handlers = table,
                                              .name = "hostile",
                                              .version = "1.0"};

    return &descriptor;
}
