/* SPDX-License-Identifier: MIT
 * Tests of reading the note: truncated and damaged files are refused, never followed. */
#include "exec/elfnote.h"

#include "base/io.h"
#include "lib/play_engine.h"
#include "lib/unit.h"

#include <jobmill.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct buf image; /* of a good plugin */

static int read_image(void **state)
{
    char path[PATH_MAX];
    struct err e;

    (void)state;
    snprintf(path, sizeof path, "%s/wide_handler.so", play_hostile_dir());
    return io_read_file(path, 64 << 20, &image, &e);
}

static int free_image(void **state)
{
    (void)state;
    buf_free(&image);
    return 0;
}

static int read_note(const char *bytes, size_t len, struct elf_note *note, struct err *e)
{
    int fd = io_sealed_memfd("elf", (struct str){bytes, len}, e), rc;

    assert_true(fd >= 0);
    rc = elf_note_read(fd, note, e);
    close(fd);
    return rc;
}

static void a_good_note_is_read(void **state)
{
    struct elf_note note;
    struct err e;

    (void)state;
    assert_int_equal(read_note(image.ptr, image.len, &note, &e), 0);
    assert_int_equal(note.magic, JOBMILL_ABI_MAGIC);
    assert_int_equal(note.abi_major, 1);
    assert_int_equal(note.abi_minor, 0);
    assert_int_equal(note.built_minor, 7);
}

static void truncated_files_are_refused(void **state)
{
    struct elf_note note;
    struct err e;
    size_t len;

    (void)state;
    for (len = 0; len < 600; len += 3) { /* the note stands within the first 700 bytes or so */
        int rc = read_note(image.ptr, len, &note, &e);

        assert_int_equal(rc, ERR_INVALID);
    }
}

static void another_machine_is_named(void **state)
{
    struct elf_note note;
    struct err e;
    char copy[4096];

    (void)state;
    memcpy(copy, image.ptr, sizeof copy);
    copy[18] ^= 0x55; /* e_machine */
    assert_int_equal(read_note(copy, sizeof copy, &note, &e), ERR_MISMATCH);
    assert_says(e, "another machine");
    memcpy(copy, image.ptr, sizeof copy);
    copy[4] = 1; /* 32 bit */
    assert_int_equal(read_note(copy, sizeof copy, &note, &e), ERR_MISMATCH);
    memcpy(copy, image.ptr, sizeof copy);
    copy[16] = 1; /* an object file */
    assert_int_equal(read_note(copy, sizeof copy, &note, &e), ERR_INVALID);
    assert_says(e, "not a shared object");
}

/* Any damage gives an answer: a note or a refusal, under the sanitizers. */
static void damaged_files_do_no_harm(void **state)
{
    struct unit_random r = unit_random_start("elfnote");
    char copy[2048];
    struct elf_note note;
    struct err e;
    int round, i;

    (void)state;
    for (round = 0; round < 5000; round++) {
        memcpy(copy, image.ptr, sizeof copy);
        for (i = 0; i < 4; i++)
            copy[16 + unit_random_below(&r, 1000)] = (char)unit_random_next(&r);
        assert_true(read_note(copy, sizeof copy, &note, &e) <= 0);
    }
}

static void versions_are_compared(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(elf_note_check_abi("note", JOBMILL_ABI_MAGIC, 1, 0, &e), 0);
    assert_int_equal(elf_note_check_abi("note", 1, 1, 0, &e), ERR_MISMATCH);
    assert_says(e, "found magic 0x00000001 in its note, expected 0x4c4d424a");
    assert_int_equal(elf_note_check_abi("note", JOBMILL_ABI_MAGIC, 2, 0, &e), ERR_MISMATCH);
    assert_says(e, "found SDK major version 2 in its note, expected 1");
    assert_int_equal(elf_note_check_abi("note", JOBMILL_ABI_MAGIC, 1, JOBMILL_ABI_MINOR + 1, &e),
                     ERR_MISMATCH);
    assert_says(e, "or later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_note_is_read),      cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(another_machine_is_named), cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(versions_are_compared),
    };

    return cmocka_run_group_tests(tests, read_image, free_image);
}
