/* SPDX-License-Identifier: MIT
 * `jobmill migrate [status]`: brings the store's schema up to date, or says where it stands. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/io.h"
#include "cli/config.h"
#include "cli/table.h"
#include "store/migrate.h"

#include <string.h>

#define LOCK_WAIT_MS 3000

static void add_row(void *context, const struct migration_status *m)
{
    struct table *t = context;
    char when[TIME_TEXT_LEN + 1];

    table_addf(t, "%04d", (int)m->version);
    table_add(t, str_from(m->name));
    time_format(m->applied_at, when);
    if (m->applied_now)
        table_add(t, STR("applied now"));
    else if (m->applied_at == 0)
        table_add(t, STR("pending"));
    else
        table_addf(t, "applied %s", when);
}

static int migrate(const struct conf *conf, bool apply)
{
    static const char *const heads[] = {"VERSION", "NAME", "STATE"};
    struct store_options options = {
        .url = str_from(conf->store_url),
        .data_dir = conf->data_dir,
        .key_window_ms = conf->key_window_ms,
        .lock_wait_ms = LOCK_WAIT_MS,
    };
    struct err e = {.code = 0};
    struct table t;
    int rc;

    table_init(&t, heads, CLI_COUNT(heads));
    rc = apply ? io_make_dirs(conf->data_dir, &e) : 0;
    if (rc == 0)
        rc = store_migrate(&options, apply, add_row, &t, &e);
    if (rc == 0)
        table_print(&t, stdout, text_wants_colour(stdout));
    table_fini(&t);
    return rc == 0 ? CLI_OK : cli_fail(&e);
}

static int run(const struct cli_args *args)
{
    bool status = args->n_words == 1;
    struct conf *conf;
    int code;

    if (status && strcmp(args->words[0], "status") != 0)
        return cli_usage(args, "unexpected argument \"%s\", expected status or nothing",
                         args->words[0]);
    code = cli_read_config(args, 0, &conf);
    if (code != CLI_OK)
        return code;
    code = migrate(conf, !status);
    conf_free(&conf);
    return code;
}

static const struct cli_option options[] = {CLI_CONFIG_OPTION};

const struct cli_command cmd_migrate = {
    .name = "migrate",
    .words = "[status]",
    .summary = "Brings the store's schema up to date; with status, only says where it stands.",
    .notes = "`jobmill serve` migrates an embedded store by itself. Exit codes: 0 done, 69 the\n"
             "store cannot be reached or is held by a running engine, 78 its schema does not fit\n"
             "this program, or the configuration is wrong.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .max_words = 1,
    .run = run,
};
