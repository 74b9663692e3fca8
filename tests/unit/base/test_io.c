/* SPDX-License-Identifier: MIT
 * Tests of files and descriptors. */
#include "base/io.h"

#include "lib/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[200];

static int set_up(void **state)
{
    (void)state;
    unit_folder_make(folder, sizeof folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unit_folder_remove(folder);
    return 0;
}

/* The path of `name` in the test's folder; valid until the next call but one. */
static const char *in_folder(const char *name)
{
    static char paths[2][300];
    static int turn;

    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static void writes_and_reads(void **state)
{
    const char *path = in_folder("file");
    struct buf b = BUF_INIT;
    struct err e = {0};
    struct stat st;

    (void)state;
    assert_int_equal(io_write_file(path, STR("first"), 0640, &e), 0);
    assert_int_equal(io_write_file(path, STR("second\0x"), 0600, &e), 0);
    assert_int_equal(io_read_file(path, 100, &b, &e), 0);
    assert_int_equal(b.len, 8);
    assert_memory_equal(b.ptr, "second\0x", 9);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(io_read_file(path, 100, &b, &e), 0);
    assert_int_equal(b.len, 16); /* appended */
    buf_free(&b);
}

static void reads_large_files(void **state)
{
    const char *path = in_folder("large");
    struct buf b = BUF_INIT, back = BUF_INIT;
    struct err e = {0};
    int i;

    (void)state;
    for (i = 0; i < 50000; i++)
        buf_addf(&b, "%d,", i);
    assert_int_equal(io_write_file(path, buf_str(&b), 0600, &e), 0);
    assert_int_equal(io_read_file(path, b.len, &back, &e), 0);
    assert_true(str_eq(buf_str(&b), buf_str(&back)));
    assert_int_equal(io_read_file(path, b.len - 1, &back, &e), ERR_LIMIT);
    assert_says(e, "larger than");
    buf_free(&b);
    buf_free(&back);
}

static void refuses_what_is_no_file(void **state)
{
    struct buf b = BUF_INIT;
    struct err e = {0};

    (void)state;
    assert_int_equal(io_read_file(in_folder("absent"), 100, &b, &e), ERR_NOT_FOUND);
    assert_says(e, "absent: cannot open: No such file");
    assert_int_equal(io_read_file(folder, 100, &b, &e), ERR_INVALID);
    assert_says(e, "not a regular file");
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_int_equal(io_read_file(in_folder("fifo"), 100, &b, &e), ERR_INVALID);
    assert_int_equal(io_read_file("/dev/null", 100, &b, &e), ERR_INVALID);
    buf_free(&b);
}

static void failed_write_leaves_the_old_file(void **state)
{
    struct buf b = BUF_INIT;
    struct err e = {0};

    (void)state;
    assert_int_equal(io_write_file(in_folder("no/such"), STR("x"), 0600, &e), ERR_IO);
    assert_says(e, "cannot create");
    /* renaming over a folder fails after the temporary file is complete */
    assert_int_equal(io_make_dirs(in_folder("dir/below"), &e), 0);
    assert_int_equal(io_write_file(in_folder("dir"), STR("x"), 0600, &e), ERR_IO);
    assert_says(e, "cannot rename");
    snprintf(b.ptr = buf_reserve(&b, 300), 300, "%s.%d.tmp", in_folder("dir"), (int)getpid());
    assert_int_equal(access(b.ptr, F_OK), -1);
    buf_free(&b);
}

static void makes_folders(void **state)
{
    struct err e = {0};
    struct stat st;
    char longest[5000];

    (void)state;
    assert_int_equal(io_make_dirs(in_folder("a/b//c/"), &e), 0);
    assert_int_equal(io_make_dirs(in_folder("a/b/c"), &e), 0);
    assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0750);
    assert_int_equal(io_write_file(in_folder("a/file"), STR(""), 0600, &e), 0);
    assert_int_equal(io_make_dirs(in_folder("a/file"), &e), ERR_IO);
    assert_says(e, "not a folder");
    assert_int_equal(io_make_dirs(in_folder("a/file/below"), &e), ERR_IO);
    assert_int_equal(io_make_dirs("", &e), ERR_INVALID);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(io_make_dirs(longest, &e), ERR_INVALID);
}

static void write_all_reports_trouble(void **state)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct err e = {0};

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, STR("x"), &e), ERR_IO);
    assert_says(e, "No space left");
    assert_int_equal(io_write_all(fd, STR_NONE, &e), 0);
    io_close(&fd);
    assert_int_equal(fd, -1);
    io_close(&fd);
}

static void memory_file_is_sealed(void **state)
{
    struct err e = {0};
    char text[8] = {0};
    int fd = io_sealed_memfd("config", STR("sealed"), &e);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(pread(fd, text, sizeof text, 0), 6);
    assert_string_equal(text, "sealed");
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 100), -1);
    assert_ptr_equal(mmap(NULL, 6, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
    fd = io_sealed_memfd("empty", STR_NONE, &e);
    assert_true(fd >= 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads),
        cmocka_unit_test(reads_large_files),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(failed_write_leaves_the_old_file),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(write_all_reports_trouble),
        cmocka_unit_test(memory_file_is_sealed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
