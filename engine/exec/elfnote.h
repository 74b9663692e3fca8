/* SPDX-License-Identifier: MIT
 * The Jobmill note of an ELF file, read without running any of its code. */
#ifndef JOBMILL_EXEC_ELFNOTE_H
#define JOBMILL_EXEC_ELFNOTE_H

#include "base/err.h"

#include <stdint.h>

struct elf_note {
    uint32_t magic;
    uint16_t abi_major, abi_minor, built_major, built_minor;
};

/* Reads the note from an open regular file. ERR_INVALID when it is not a shared object for this
 * machine or has no such note: found and expected, without the file's name. */
int elf_note_read(int fd, struct elf_note *out, struct err *e) MUST_CHECK;

/* Whether this engine's SDK suits a plugin of these numbers; ERR_MISMATCH with found and expected.
 * `where` names their place. */
int elf_note_check_abi(const char *where, uint32_t magic, unsigned major, unsigned minor,
                       struct err *e) MUST_CHECK;

#endif
