/* SPDX-License-Identifier: MIT
 * Running a probe: small shell scripts stand in for jobmill-exec. */
#include "core/probe.h"

#include "base/io.h"
#include "lib/unit.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    char folder[PATH_MAX / 2], exec_path[PATH_MAX];
    struct buf json;
    struct err e;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    unit_folder_make(f->folder, sizeof f->folder);
    snprintf(f->exec_path, sizeof f->exec_path, "%s/exec", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    buf_free(&f->json);
    unit_folder_remove(f->folder);
    free(f);
    return 0;
}

static int run_script(struct fixture *f, const char *commands)
{
    char text[1024];

    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", commands);
    assert_int_equal(io_write_file(f->exec_path, str_from(text), 0700, &f->e), 0);
    buf_reset(&f->json);
    return probe_run(f->exec_path, "/x/file.so", &f->json, &f->e);
}

static void passes_the_file_and_reads_the_answer(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(run_script(f, "echo \"$# $1 $2\"; cat"), 0);
    assert_str(buf_str(&f->json), "2 probe /x/file.so\n");
    assert_int_equal(run_script(f, "echo refused; exit 78"), 0);
    assert_str(buf_str(&f->json), "refused\n");
}

/* Law 5: no credential reaches foreign code. */
static void hides_the_environment(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("DATABASE_URL", "postgres://secret", 1), 0);
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    assert_int_equal(run_script(f, "env"), 0);
    assert_null(strstr(f->json.ptr, "secret"));
    assert_non_null(strstr(f->json.ptr, "TZ=UTC\n"));
    unsetenv("DATABASE_URL");
}

/* The engine blocks and ignores signals; a probe must be killable and see broken pipes. */
static void signals_are_as_usual(void **state)
{
    struct fixture *f = *state;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(run_script(f, "grep SigBlk /proc/self/status"), 0);
    assert_str(buf_str(&f->json), "SigBlk:\t0000000000000000\n");
    assert_int_equal(run_script(f, "kill -PIPE $$"), ERR_IO);
    assert_says(f->e, "killed by signal 13");
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void names_what_went_wrong(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(run_script(f, "kill -9 $$"), ERR_IO);
    assert_says(f->e, "/x/file.so: the probe was killed by signal 9");
    assert_int_equal(run_script(f, "echo x; exit 3"), ERR_IO);
    assert_says(f->e, "exit code 3, expected 0 or 78");
    assert_int_equal(run_script(f, "exit 0"), ERR_IO);
    assert_says(f->e, "said nothing");
    assert_int_equal(run_script(f, "yes"), ERR_IO);
    assert_says(f->e, "printed more than 1048576 bytes");
    assert_int_equal(probe_run("/nowhere/exec", "/x", &f->json, &f->e), ERR_IO);
    assert_says(f->e, "cannot start /nowhere/exec: No such file");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(passes_the_file_and_reads_the_answer),
        CASE(hides_the_environment),
        CASE(signals_are_as_usual),
        CASE(names_what_went_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
