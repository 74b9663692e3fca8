/* SPDX-License-Identifier: MIT
 * An entry function that returns NULL. */
#include <jobmill.h>

/* A good note in front of a bad descriptor. */
__attribute__((section(JOBMILL_NOTE_SECTION), aligned(4), used)) static const jobmill_note note = {
    8, 12, JOBMILL_NOTE_TYPE, {'J', 'o', 'b', 'm', 'i', 'l', 'l', '\0'}, JOBMILL_ABI_MAGIC, 1, 0,
    1, 0};

__attribute__((visibility("default"))) const jobmill_plugin *jobmill_plugin_v1(void);

const jobmill_plugin *jobmill_plugin_v1(void)
{
    return NULL;
}
