/* SPDX-License-Identifier: MIT
 * The Jobmill note of an ELF file. Every offset and size in the file is untrusted. */
#include "exec/elfnote.h"

#include <jobmill.h>

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM_HEADERS_MAX 256
#define NOTES_MAX_BYTES     65536

/* The header of this very program, placed by the linker: what machine a plugin must be for. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* ERR_INVALID "the file ends …" when there are fewer than `size` bytes at `offset`. */
static int read_at(int fd, void *out, size_t size, uint64_t offset, struct err *e)
{
    size_t done = 0;

    if (offset > INT64_MAX - size)
        return err_set(e, ERR_INVALID, "broken ELF file: an offset is beyond all bounds");
    while (done < size) {
        ssize_t n = pread(fd, (char *)out + done, size - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, "cannot read");
        if (n == 0)
            return err_set(e, ERR_INVALID, "broken ELF file: found %zu of %zu bytes at offset %llu",
                           done, size, (unsigned long long)offset);
        done += (size_t)n;
    }
    return 0;
}

static int check_header(const ElfW(Ehdr) * h, struct err *e)
{
    if (h->e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS])
        return err_set(e, ERR_MISMATCH, "found ELF class %d, expected %d (%zu bit)",
                       h->e_ident[EI_CLASS], __ehdr_start.e_ident[EI_CLASS], sizeof(void *) * 8);
    if (h->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA])
        return err_set(e, ERR_MISMATCH, "found ELF byte order %d, expected %d", h->e_ident[EI_DATA],
                       __ehdr_start.e_ident[EI_DATA]);
    if (h->e_machine != __ehdr_start.e_machine)
        return err_set(e, ERR_MISMATCH,
                       "built for another machine: found ELF machine %d, "
                       "expected %d",
                       h->e_machine, __ehdr_start.e_machine);
    if (h->e_type != ET_DYN)
        return err_set(e, ERR_INVALID, "not a shared object: found ELF type %d, expected %d",
                       h->e_type, ET_DYN);
    if (h->e_phentsize != sizeof(ElfW(Phdr)) || h->e_phnum == 0 || h->e_phnum > PROGRAM_HEADERS_MAX)
        return err_set(e, ERR_INVALID,
                       "broken ELF file: found %d program headers of %d bytes, "
                       "expected 1 to %d of %zu",
                       h->e_phnum, h->e_phentsize, PROGRAM_HEADERS_MAX, sizeof(ElfW(Phdr)));
    return 0;
}

static int read_header(int fd, ElfW(Ehdr) * h, struct err *e)
{
    int rc;

    memset(h, 0, sizeof *h);
    rc = read_at(fd, h->e_ident, SELFMAG, 0, NULL);
    if (rc == ERR_IO)
        return read_at(fd, h->e_ident, SELFMAG, 0, e);
    if (rc != 0 || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return err_set(e, ERR_INVALID,
                       "not a shared object: found no ELF header, expected a .so file");
    rc = read_at(fd, h, sizeof *h, 0, e);
    return rc != 0 ? rc : check_header(h, e);
}

static size_t align_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* Looks for the Jobmill note in the notes of one segment; true when found. */
static bool find_note(const char *notes, size_t len, size_t align, struct elf_note *out)
{
    size_t at = 0;

    while (len - at >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        size_t name_at = at + sizeof note, desc_at;

        memcpy(&note, notes + at, sizeof note);
        if (note.n_namesz > len || note.n_descsz > len)
            return false;
        desc_at = align_up(name_at + note.n_namesz, align);
        if (desc_at > len || note.n_descsz > len - desc_at)
            return false;
        if (note.n_type == JOBMILL_NOTE_TYPE && note.n_namesz == sizeof JOBMILL_NOTE_NAME &&
            memcmp(notes + name_at, JOBMILL_NOTE_NAME, sizeof JOBMILL_NOTE_NAME) == 0 &&
            note.n_descsz >= sizeof *out) {
            memcpy(out, notes + desc_at, sizeof *out);
            return true;
        }
        at = align_up(desc_at + note.n_descsz, align);
        if (at > len)
            return false;
    }
    return false;
}

/* *found says whether this segment had the note. */
static int search_segment(int fd, const ElfW(Phdr) * segment, struct elf_note *out, bool *found,
                          struct err *e)
{
    char *notes;
    int rc;

    if (segment->p_type != PT_NOTE || segment->p_filesz == 0)
        return 0;
    if (segment->p_filesz > NOTES_MAX_BYTES)
        return err_set(e, ERR_INVALID,
                       "broken ELF file: found %llu bytes of notes, expected at "
                       "most %d",
                       (unsigned long long)segment->p_filesz, NOTES_MAX_BYTES);
    notes = malloc(segment->p_filesz);
    if (notes == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    rc = read_at(fd, notes, segment->p_filesz, segment->p_offset, e);
    if (rc == 0)
        *found = find_note(notes, segment->p_filesz, segment->p_align == 8 ? 8 : 4, out);
    free(notes);
    return rc;
}

int elf_note_read(int fd, struct elf_note *out, struct err *e)
{
    ElfW(Ehdr) header;
    bool found = false;
    int rc = read_header(fd, &header, e);
    unsigned i;

    for (i = 0; rc == 0 && !found && i < header.e_phnum; i++) {
        ElfW(Phdr) segment;

        rc = read_at(fd, &segment, sizeof segment, header.e_phoff + i * sizeof segment, e);
        if (rc == 0)
            rc = search_segment(fd, &segment, out, &found, e);
    }
    if (rc == 0 && !found)
        rc = err_set(e, ERR_INVALID,
                     "not a Jobmill plugin: found no %s note, expected one (built "
                     "with JOBMILL_PLUGIN of jobmill.h)",
                     JOBMILL_NOTE_NAME);
    return rc;
}

int elf_note_check_abi(const char *where, uint32_t magic, unsigned major, unsigned minor,
                       struct err *e)
{
    if (magic != JOBMILL_ABI_MAGIC)
        return err_set(e, ERR_MISMATCH,
                       "not a Jobmill plugin: found magic 0x%08x in its %s, "
                       "expected 0x%08x",
                       (unsigned)magic, where, (unsigned)JOBMILL_ABI_MAGIC);
    if (major != JOBMILL_ABI_MAJOR)
        return err_set(e, ERR_MISMATCH, "found SDK major version %u in its %s, expected %d", major,
                       where, JOBMILL_ABI_MAJOR);
    if (minor > JOBMILL_ABI_MINOR)
        return err_set(e, ERR_MISMATCH, "its %s asks for SDK %u.%u or later, this engine has %d.%d",
                       where, major, minor, JOBMILL_ABI_MAJOR, JOBMILL_ABI_MINOR);
    return 0;
}
