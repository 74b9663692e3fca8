/* SPDX-License-Identifier: MIT
 * `jobmill serve`: the engine with its HTTP interface in front. */
#include "cli/commands.h"

#include "cli/config.h"
#include "core/serve.h"
#include "http/http.h"

#include <stddef.h>

static int front_start(struct engine *engine, const struct conf *conf, void **state, struct err *e)
{
    struct http *http = NULL;
    int rc = http_start(engine, conf, &http, e);

    *state = http;
    return rc;
}

static void front_drain(void *state)
{
    http_drain(state);
}

static void front_stop(void *state)
{
    struct http *http = state;

    http_stop(&http);
}

static int run(const struct cli_args *args)
{
    static const struct frontend frontend = {front_start, front_drain, front_stop};
    struct err e = {.code = 0};
    struct conf *conf;
    int code = cli_read_config(args, 0, &conf);

    if (code != CLI_OK)
        return code;
    if (serve_run(conf, &frontend, &e) != 0)
        code = cli_fail(&e);
    conf_free(&conf);
    return code;
}

static const struct cli_option options[] = {CLI_CONFIG_OPTION};

const struct cli_command cmd_serve = {
    .name = "serve",
    .words = "",
    .summary = "Runs the engine in the foreground until SIGTERM or SIGINT.",
    .notes = "The first signal drains: running jobs get engine.drain to finish. A second one ends\n"
             "at once. Exit codes: 0 stopped as asked, 69 the store or the address is not\n"
             "available, 78 the configuration, a plugin or a script is wrong, 1 anything else.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .run = run,
};
