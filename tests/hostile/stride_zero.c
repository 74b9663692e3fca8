/* SPDX-License-Identifier: MIT
 * A descriptor with handler_stride 0. */
#include <jobmill.h>

/* A good note in front of a bad descriptor. */
__attribute__((section(JOBMILL_NOTE_SECTION), aligned(4), used)) static const jobmill_note note = {
    8, 12, JOBMILL_NOTE_TYPE, {'J', 'o', 'b', 'm', 'i', 'l', 'l', '\0'}, JOBMILL_ABI_MAGIC, 1, 0,
    1, 0};

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
                                              .handler_stride = 0,
                                              .handler_count = 1,
                                              .handlers = table,
                                              .name = "hostile",
                                              .version = "1.0"};

    return &descriptor;
}
