/* SPDX-License-Identifier: MIT
 * Tests of the log: levels, and lines that stay lines. */
#include "base/log.h"

#include "base/clock.h"
#include "lib/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Runs `log_at(level, "%s", text)` with stderr in a pipe; what was written goes to `out`. */
static size_t capture(enum log_level level, const char *text, char *out, size_t size)
{
    int fds[2], saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    ssize_t got;

    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    log_at(level, "%s", text);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    got = read(fds[0], out, size - 1);
    close(fds[0]);
    close(fds[1]);
    close(saved);
    out[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static void writes_one_line(void **state)
{
    char line[8192];
    int64_t ms;

    (void)state;
    errno = ENOSPC;
    capture(LOG_WARN, "hello", line, sizeof line);
    assert_true(time_parse((struct str){line, TIME_TEXT_LEN}, &ms));
    assert_string_equal(line + TIME_TEXT_LEN, " warn  hello\n");
}

static void keeps_errno(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    errno = ENOSPC;
    log_info("not shown");
    assert_int_equal(errno, ENOSPC);
    log_set_level(LOG_INFO);
}

static void honours_the_level(void **state)
{
    char line[8192];

    (void)state;
    assert_int_equal(capture(LOG_DEBUG, "quiet", line, sizeof line), 0);
    log_set_level(LOG_DEBUG);
    assert_true(capture(LOG_DEBUG, "loud", line, sizeof line) > 0);
    assert_true(log_enabled(LOG_DEBUG));
    log_set_level(LOG_ERROR);
    assert_int_equal(capture(LOG_WARN, "quiet", line, sizeof line), 0);
    assert_false(log_enabled(LOG_WARN));
    log_set_level(LOG_INFO);
}

/* A job's output must not forge a second line or move a terminal's cursor. */
static void masks_control_characters(void **state)
{
    char line[8192];

    (void)state;
    capture(LOG_INFO, "a\nb\tc\rd\x1b[2Je\x7f", line, sizeof line);
    assert_string_equal(line + TIME_TEXT_LEN, " info  a b c?d?[2Je?\n");
}

static void cuts_long_lines(void **state)
{
    char text[10000], line[20000];
    size_t len;

    (void)state;
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    len = capture(LOG_INFO, text, line, sizeof line);
    assert_true(len <= 4096);
    assert_true(len > 4000);
    assert_int_equal(line[len - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

static void names_its_levels(void **state)
{
    enum log_level level;

    (void)state;
    assert_true(log_level_parse(STR("debug"), &level) && level == LOG_DEBUG);
    assert_true(log_level_parse(STR("info"), &level) && level == LOG_INFO);
    assert_true(log_level_parse(STR("warn"), &level) && level == LOG_WARN);
    assert_true(log_level_parse(STR("error"), &level) && level == LOG_ERROR);
    assert_false(log_level_parse(STR("INFO"), &level));
    assert_false(log_level_parse(STR(""), &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_one_line),   cmocka_unit_test(keeps_errno),
        cmocka_unit_test(honours_the_level), cmocka_unit_test(masks_control_characters),
        cmocka_unit_test(cuts_long_lines),   cmocka_unit_test(names_its_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
