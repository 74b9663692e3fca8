/* SPDX-License-Identifier: MIT
 * What all commands share: their table entry, their options, their exit codes. */
#ifndef JOBMILL_CLI_CLI_H
#define JOBMILL_CLI_CLI_H

#include "base/err.h"
#include "base/str.h"

#include <stdio.h>

#define CLI_OPTIONS_MAX 16

/* Exit codes, the same for every command. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,       /* the answer is no: not found, refused, a job did not complete */
    CLI_USAGE = 2,        /* the command line is wrong */
    CLI_UNAVAILABLE = 69, /* the engine or the store cannot be reached */
    CLI_CONFIG = 78,      /* the configuration, a plugin or a script is wrong */
    CLI_TIMED_OUT = 124   /* `wait --timeout` is over and the jobs have not ended */
};

struct cli_option {
    const char *name;     /* without the dashes */
    char letter;          /* '\0': none */
    const char *argument; /* what the help calls it; NULL: a switch */
    const char *text;
};

struct cli_given {
    int option;        /* index into the command's options */
    const char *value; /* "" for a switch */
};

struct cli_args {
    const struct cli_command *command;
    struct cli_given *given; /* in the order of the command line */
    size_t n_given;
    char **words; /* what is not an option */
    int n_words;
};

struct cli_command {
    const char *name;
    const char *words; /* for the usage line, e.g. "ID..." */
    const char *summary;
    const char *notes; /* more paragraphs of help; may be NULL */
    const struct cli_option *options;
    size_t n_options;
    int min_words, max_words;                /* max -1: any number */
    int (*run)(const struct cli_args *args); /* returns an exit code */
};

/* Parses argv (whose [0] is the command's name) and runs the command; serves --help. */
int cli_run(const struct cli_command *command, int argc, char **argv);

/* The last value given for an option, NULL when it was not given. */
const char *cli_value(const struct cli_args *args, int option);

/* Prints "jobmill COMMAND: …" and a pointer to --help on stderr; returns CLI_USAGE. */
int cli_usage(const struct cli_args *args, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints "jobmill: TEXT" on stderr; returns the exit code that suits e->code where configuration
 * is concerned. */
int cli_fail(const struct err *e);

void cli_help(const struct cli_command *command, FILE *out);

#define CLI_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
