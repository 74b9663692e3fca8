/* SPDX-License-Identifier: MIT
 * Command lines: options by table, help from the same table. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELP_OPTION   CLI_OPTIONS_MAX
#define FIRST_LONG    256
#define HELP_INDENT   26
#define HELP_LINE_MAX 78

/* --- help ----------------------------------------------------------------------------------- */

/* Breaks the text at blanks; continuation lines are indented. */
static void put_wrapped(FILE *out, const char *text, int column)
{
    int at = column;

    while (*text != '\0') {
        int n = (int)strcspn(text, " ");

        if (at > column && at + 1 + n > HELP_LINE_MAX) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(out, "%s%.*s", at > column ? " " : "", n, text);
        text += n;
        text += *text == ' ';
    }
    fputc('\n', out);
}

static void put_option(FILE *out, const struct cli_option *o)
{
    int n = o->letter != '\0' ? fprintf(out, "  -%c, --%s", o->letter, o->name)
                              : fprintf(out, "      --%s", o->name);

    if (o->argument != NULL)
        n += fprintf(out, " %s", o->argument);
    if (n >= HELP_INDENT - 1)
        fprintf(out, "\n%*s", HELP_INDENT, "");
    else
        fprintf(out, "%*s", HELP_INDENT - n, "");
    put_wrapped(out, o->text, HELP_INDENT);
}

void cli_help(const struct cli_command *command, FILE *out)
{
    static const struct cli_option help = {"help", 'h', NULL, "print this and leave"};
    size_t i;

    fprintf(out, "usage: jobmill %s [options]%s%s\n\n%s\n\n", command->name,
            *command->words != '\0' ? " " : "", command->words, command->summary);
    for (i = 0; i < command->n_options; i++)
        put_option(out, &command->options[i]);
    put_option(out, &help);
    if (command->notes != NULL)
        fprintf(out, "\n%s\n", command->notes);
}

/* --- options -------------------------------------------------------------------------------- */

int cli_usage(const struct cli_args *args, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "jobmill %s: ", args->command->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: jobmill %s [options]%s%s\n(see jobmill %s --help)\n",
            args->command->name, *args->command->words != '\0' ? " " : "", args->command->words,
            args->command->name);
    return CLI_USAGE;
}

struct getopt_tables {
    struct option longs[CLI_OPTIONS_MAX + 2];
    char shorts[2 * CLI_OPTIONS_MAX + 4];
};

static void build_tables(const struct cli_command *command, struct getopt_tables *t)
{
    size_t n = 0, i;

    memset(t, 0, sizeof *t);
    t->shorts[n++] = ':'; /* tells a missing value from an unknown option */
    t->shorts[n++] = 'h';
    for (i = 0; i < command->n_options; i++) {
        const struct cli_option *o = &command->options[i];

        t->longs[i] = (struct option){o->name, o->argument != NULL, NULL, FIRST_LONG + (int)i};
        if (o->letter == '\0')
            continue;
        t->shorts[n++] = o->letter;
        if (o->argument != NULL)
            t->shorts[n++] = ':';
    }
    t->longs[i] = (struct option){"help", no_argument, NULL, FIRST_LONG + HELP_OPTION};
}

/* Index of the option that getopt found, HELP_OPTION, or -1. */
static int option_of(const struct cli_command *command, int found)
{
    size_t i;

    if (found == 'h')
        return HELP_OPTION;
    if (found >= FIRST_LONG)
        return found - FIRST_LONG;
    for (i = 0; i < command->n_options; i++)
        if (command->options[i].letter == found && found != '\0')
            return (int)i;
    return -1;
}

static int refuse_option(const struct cli_args *args, int found, const char *word)
{
    const struct cli_command *command = args->command;
    const char *names[CLI_OPTIONS_MAX], *nearest = NULL;
    struct str name = str_from(word);
    size_t i, n;

    if (found == ':')
        return cli_usage(args, "option %s needs a value", word);
    if (optopt >= FIRST_LONG)
        return cli_usage(args, "option %s takes no value", word);
    for (i = 0; i < command->n_options; i++)
        names[i] = command->options[i].name;
    if (str_starts(name, "--")) {
        for (n = 2; n < name.len && name.ptr[n] != '=';)
            n++;
        nearest = str_nearest((struct str){name.ptr + 2, n - 2}, names, i);
        if (nearest != NULL)
            return cli_usage(args, "unknown option %s (did you mean --%s?)", word, nearest);
        return cli_usage(args, "unknown option %s", word);
    }
    return cli_usage(args, "unknown option -%c", optopt);
}

/* -1 to go on, else the exit code. */
static int parse(struct cli_args *args, int argc, char **argv)
{
    struct getopt_tables tables;
    int found;

    build_tables(args->command, &tables);
    opterr = 0;
    optind = 1;
    while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
        int option = found == '?' || found == ':' ? -1 : option_of(args->command, found);

        if (option < 0)
            return refuse_option(args, found, argv[optind - 1]);
        if (option == HELP_OPTION) {
            cli_help(args->command, stdout);
            return CLI_OK;
        }
        args->given[args->n_given++] = (struct cli_given){option, optarg != NULL ? optarg : ""};
    }
    args->words = argv + optind;
    args->n_words = argc - optind;
    if (args->n_words < args->command->min_words)
        return cli_usage(args, "expected %s", args->command->words);
    if (args->command->max_words >= 0 && args->n_words > args->command->max_words)
        return cli_usage(args, "unexpected argument \"%s\"", args->words[args->command->max_words]);
    return -1;
}

/* What was printed may not have arrived: a full disk, a closed pipe. */
static int check_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "jobmill: cannot write the output\n");
    return code == CLI_OK ? CLI_FAILED : code;
}

int cli_run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_args args = {
        .command = command,
        .given = calloc((size_t)argc + 1, sizeof *args.given),
    };
    int code;

    if (args.given == NULL) {
        fprintf(stderr, "jobmill: out of memory\n");
        return CLI_FAILED;
    }
    code = parse(&args, argc, argv);
    if (code < 0)
        code = command->run(&args);
    free(args.given);
    return check_output(code);
}

const char *cli_value(const struct cli_args *args, int option)
{
    const char *value = NULL;
    size_t i;

    for (i = 0; i < args->n_given; i++)
        if (args->given[i].option == option)
            value = args->given[i].value;
    return value;
}

int cli_fail(const struct err *e)
{
    fprintf(stderr, "jobmill: %s\n", e->text);
    switch (e->code) {
    case ERR_INVALID:
    case ERR_MISMATCH:
    case ERR_NOT_FOUND:
        return CLI_CONFIG;
    case ERR_UNAVAILABLE:
        return CLI_UNAVAILABLE;
    default:
        return CLI_FAILED;
    }
}
