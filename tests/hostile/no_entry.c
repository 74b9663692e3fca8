/* SPDX-License-Identifier: MIT
 * A good note and no entry function. */
#include <jobmill.h>

__attribute__((section(JOBMILL_NOTE_SECTION), aligned(4), used)) static const jobmill_note note = {
    8, 12, JOBMILL_NOTE_TYPE, {'J', 'o', 'b', 'm', 'i', 'l', 'l', '\0'}, JOBMILL_ABI_MAGIC, 1, 0,
    1, 0};
