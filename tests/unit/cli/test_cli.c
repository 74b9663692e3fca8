/* SPDX-License-Identifier: MIT
 * Command lines: options, words, and what is refused. */
#include "cli/cli.h"

#include "lib/unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool ran;
    char config[32], tags[64], words[64];
    bool wait;
} seen;

static int note(const struct cli_args *args)
{
    size_t i;
    int w;

    seen.ran = true;
    snprintf(seen.config, sizeof seen.config, "%s",
             cli_value(args, 0) != NULL ? cli_value(args, 0) : "(none)");
    seen.wait = cli_value(args, 2) != NULL;
    for (i = 0; i < args->n_given; i++)
        if (args->given[i].option == 1)
            snprintf(seen.tags + strlen(seen.tags), sizeof seen.tags - strlen(seen.tags), "%s;",
                     args->given[i].value);
    for (w = 0; w < args->n_words; w++)
        snprintf(seen.words + strlen(seen.words), sizeof seen.words - strlen(seen.words), "%s;",
                 args->words[w]);
    return 42;
}

static const struct cli_option options[] = {
    {"config", 'c', "DIR", "a folder"},
    {"tag", 't', "TAG", "may be repeated"},
    {"wait", 'w', NULL, "a switch"},
};
static const struct cli_command command = {
    .name = "try",
    .words = "WORD...",
    .summary = "Tries.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .min_words = 1,
    .max_words = 2,
    .run = note,
};

/* Runs `line`, split at blanks, with stdout and stderr in `out`. */
static int run_line(const char *line, char *out, size_t size)
{
    char copy[256], *argv[16] = {NULL}, *rest = copy;
    int argc = 0, saved_out, saved_err, code, pipe_ends[2];
    ssize_t n;

    memset(&seen, 0, sizeof seen);
    snprintf(copy, sizeof copy, "%s", line);
    while ((argv[argc] = strsep(&rest, " ")) != NULL)
        argc++;
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    fflush(NULL);
    saved_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    saved_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup3(pipe_ends[1], STDOUT_FILENO, O_CLOEXEC);
    dup3(pipe_ends[1], STDERR_FILENO, O_CLOEXEC);
    code = cli_run(&command, argc, argv);
    fflush(NULL);
    /* lint: standard streams are for children too */
    dup3(saved_out, STDOUT_FILENO, 0);
    /* lint: standard streams are for children too */
    dup3(saved_err, STDERR_FILENO, 0);
    close(saved_out);
    close(saved_err);
    close(pipe_ends[1]);
    n = read(pipe_ends[0], out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    close(pipe_ends[0]);
    return code;
}

static void reads_options_and_words(void **state)
{
    char out[4096];

    (void)state;
    assert_int_equal(run_line("try a -c x --tag=1 -t 2 b -w", out, sizeof out), 42);
    assert_string_equal(seen.config, "x");
    assert_string_equal(seen.tags, "1;2;");
    assert_string_equal(seen.words, "a;b;");
    assert_true(seen.wait);
    assert_int_equal(run_line("try -c x --config y -- -w", out, sizeof out), 42);
    assert_string_equal(seen.config, "y");
    assert_string_equal(seen.words, "-w;");
    assert_false(seen.wait);
    assert_int_equal(run_line("try -", out, sizeof out), 42);
    assert_string_equal(seen.words, "-;");
    assert_string_equal(seen.config, "(none)");
}

static void refuses_what_it_does_not_know(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"try", "expected WORD..."},
        {"try a b c", "unexpected argument \"c\""},
        {"try a --cnfig x", "unknown option --cnfig (did you mean --config?)"},
        {"try a --zzzzzzzzzz", "unknown option --zzzzzzzzzz\n"},
        {"try a -x", "unknown option -x"},
        {"try a -wx", "unknown option -x"},
        {"try a -c", "-c needs a value"},
        {"try a --config", "--config needs a value"},
        {"try a --wait=1", "takes no value"},
    };
    char out[4096];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run_line(cases[i].line, out, sizeof out), CLI_USAGE);
        assert_false(seen.ran);
        if (strstr(out, cases[i].says) == NULL)
            fail_msg("\"%s\" printed \"%s\", expected \"%s\"", cases[i].line, out, cases[i].says);
        assert_non_null(strstr(out, "usage: jobmill try [options] WORD..."));
    }
}

static void helps(void **state)
{
    char out[4096];

    (void)state;
    assert_int_equal(run_line("try --help", out, sizeof out), CLI_OK);
    assert_false(seen.ran);
    assert_non_null(strstr(out, "usage: jobmill try [options] WORD..."));
    assert_non_null(strstr(out, "  -t, --tag TAG"));
    assert_int_equal(run_line("try -h", out, sizeof out), CLI_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_options_and_words),
        cmocka_unit_test(refuses_what_it_does_not_know),
        cmocka_unit_test(helps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
