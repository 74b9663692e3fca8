/* SPDX-License-Identifier: MIT
 * Unit tests of captured output: lines, overlong lines, unfinished lines. */
#include "core/capture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct lines {
    char text[16384]; /* every line with a '|' behind it */
    size_t n;
};

static void collect(void *context, struct str line)
{
    struct lines *l = context;
    size_t used = strlen(l->text);

    assert_true(line.len <= CAPTURE_LINE_MAX);
    assert_true(used + line.len + 2 < sizeof l->text);
    memcpy(l->text + used, line.ptr, line.len);
    strncpy(l->text + used + line.len, "|", 2);
    l->n++;
}

static int pipe_with(const char *text, size_t len, int *writer)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], text, len), (ssize_t)len);
    *writer = ends[1];
    return ends[0];
}

static void test_lines_are_cut_apart(void **state)
{
    struct capture c = {.len = 0};
    struct lines l = {.n = 0};
    int writer, fd = pipe_with("one\ntwo\n\nthr", 12, &writer);

    (void)state;
    assert_true(capture_read(&c, fd, collect, &l));
    assert_string_equal(l.text, "one|two|");
    assert_int_equal(write(writer, "ee\n", 3), 3);
    assert_true(capture_read(&c, fd, collect, &l));
    assert_string_equal(l.text, "one|two|three|");
    close(writer);
    assert_false(capture_read(&c, fd, collect, &l));
    close(fd);
}

static void test_the_end_hands_out_an_unfinished_line(void **state)
{
    struct capture c = {.len = 0};
    struct lines l = {.n = 0};
    int writer, fd = pipe_with("no newline", 10, &writer);

    (void)state;
    close(writer);
    assert_false(capture_read(&c, fd, collect, &l));
    assert_string_equal(l.text, "no newline|");
    close(fd);
}

static void test_an_overlong_line_is_cut_once_and_marked(void **state)
{
    struct capture c = {.len = 0};
    struct lines l = {.n = 0};
    char big[5000];
    int writer, fd;

    (void)state;
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\n';
    fd = pipe_with(big, sizeof big, &writer);
    assert_int_equal(write(writer, "next\n", 5), 5);
    assert_true(capture_read(&c, fd, collect, &l));
    assert_int_equal(l.n, 2);
    assert_memory_equal(l.text + CAPTURE_LINE_MAX - 3, "...|next|", 9);
    close(writer);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_cut_apart),
        cmocka_unit_test(test_the_end_hands_out_an_unfinished_line),
        cmocka_unit_test(test_an_overlong_line_is_cut_once_and_marked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
