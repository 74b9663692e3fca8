/* SPDX-License-Identifier: MIT
 * `jobmill wait ID...`: until jobs have ended. */
#include "cli/commands.h"

#include "cli/wait.h"
#include "conf/value.h"

#define OPT_TIMEOUT CLIENT_OPTIONS_N

static int run(const struct cli_args *args)
{
    const char *timeout = cli_value(args, OPT_TIMEOUT);
    struct client *client;
    int64_t timeout_ms = -1;
    int code;

    if (timeout != NULL && !value_duration(str_from(timeout), &timeout_ms))
        return cli_usage(args, "--timeout: found \"%s\", expected a duration such as 30s or 5m",
                         timeout);
    code = client_open(args, &client);
    if (code != CLI_OK)
        return code;
    code = wait_for_jobs(client, args->words, (size_t)args->n_words, timeout_ms);
    client_close(&client);
    return code;
}

static const struct cli_option options[] = {
    CLIENT_OPTIONS,
    {"timeout", 't', "DURATION", "give up after that time, e.g. 60s (default: never)"},
};

const struct cli_command cmd_wait = {
    .name = "wait",
    .words = "ID...",
    .summary = "Waits until jobs have ended and prints how. Shows a bar on a terminal.",
    .notes = "With -o json: one object per job, as the engine sent it, when all have ended.\n"
             "Exit codes: 0 all completed, 1 any did not (or is not known), 2 wrong command line,\n"
             "69 the engine cannot be reached, 124 --timeout is over.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .min_words = 1,
    .max_words = -1,
    .run = run,
};
