/* SPDX-License-Identifier: MIT
 * A good plugin built against a later SDK whose handlers are larger. */
#include <jobmill.h>

/* A good note as JOBMILL_PLUGIN writes it. */
__attribute__((section(JOBMILL_NOTE_SECTION), aligned(4), used)) static const jobmill_note note = {
    8, 12, JOBMILL_NOTE_TYPE, {'J', 'o', 'b', 'm', 'i', 'l', 'l', '\0'}, JOBMILL_ABI_MAGIC, 1, 0,
    1, 7};

static int32_t run(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    return JOBMILL_OK;
}

struct later_handler {
    jobmill_handler known;
    void (*unknown)(void);
    uint64_t more[3];
};

static const struct later_handler later[] = {
    {.known = {.job_type = "wide-1", .run = run}, .more = {1, 2, 3}},
    {.known = {.job_type = "wide-2", .run = run}, .more = {4, 5, 6}}};

__attribute__((visibility("default"))) const jobmill_plugin *jobmill_plugin_v1(void);

const jobmill_plugin *jobmill_plugin_v1(void)
{
    static const jobmill_plugin descriptor = {.magic = JOBMILL_ABI_MAGIC,
                                              .struct_size = sizeof(jobmill_plugin) + 64,
                                              .abi_major = 1,
                                              .handler_stride = sizeof(struct later_handler),
                                              .handler_count = 2,
                                              .handlers = &later[0].known,
                                              .name = "wide",
                                              .version = "7.0"};

    return &descriptor;
}
