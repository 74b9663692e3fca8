/* SPDX-License-Identifier: MIT
 * `jobmill check`: everything that can be known to be wrong without starting. */
#include "cli/commands.h"

#include "cli/config.h"
#include "cli/table.h"
#include "conf/value.h"
#include "core/probe.h"
#include "http/auth.h"
#include "queue/queue.h"
#include "store/store.h"

static void put_line(const char *name, const char *value)
{
    struct buf safe = BUF_INIT;

    text_add_safe(&safe, str_from(value));
    printf("%-9s %s\n", name, buf_str(&safe).ptr);
    buf_free(&safe);
}

/* A URL may carry a password: only its scheme is shown when it has a host. */
static void put_url(const char *name, const char *url)
{
    struct str text = str_from(url);

    if (str_starts(text, "sqlite:") || str_starts(text, "store:"))
        put_line(name, url);
    else
        put_line(name, "(a server)");
}

static void put_settings(const struct conf *conf)
{
    put_line("config", conf->dir);
    put_line("data", conf->data_dir);
    put_line("listen", conf->listen);
    put_url("store", conf->store_url);
    put_url("queue", conf->queue_url);
}

static void put_route(struct table *t, const struct catalog *catalog, const struct route *route)
{
    char timeout[VALUE_TEXT_MAX];

    value_format_duration(route->timeout_ms, timeout);
    table_add(t, route->type);
    table_add(t, route->artifact->kind == HANDLER_LUA ? STR("lua") : STR("plugin"));
    table_add(t, route->handler_name);
    table_addf(t, "%.*s %.*s", STR_ARG(route->artifact->name), STR_ARG(route->artifact->version));
    table_add(t, catalog->pools[route->pool].name);
    table_add(t, route->timeout_ms == 0 ? STR("none") : str_from(timeout));
    table_addf(t, "%d", (int)route->max_retries);
}

static void put_routes(const struct catalog *catalog)
{
    static const char *const heads[] = {"TYPE", "KIND",    "HANDLER", "ARTIFACT",
                                        "POOL", "TIMEOUT", "RETRIES"};
    struct table t;
    size_t i;

    table_init(&t, heads, CLI_COUNT(heads));
    for (i = 0; i < catalog->n_routes; i++)
        put_route(&t, catalog, &catalog->routes[i]);
    table_print(&t, stdout, text_wants_colour(stdout));
    table_fini(&t);
}

static void put_pools(const struct catalog *catalog)
{
    static const char *const heads[] = {"POOL", "PROCESSES", "THREADS", "MEMORY", "TYPES"};
    char memory[VALUE_TEXT_MAX];
    struct table t;
    size_t i;

    table_init(&t, heads, CLI_COUNT(heads));
    for (i = 0; i < catalog->n_pools; i++) {
        const struct catalog_pool *p = &catalog->pools[i];

        value_format_size(p->memory_bytes, memory);
        table_add(&t, p->name);
        table_addf(&t, "%d", (int)p->processes);
        table_addf(&t, "%d", (int)p->threads);
        table_add(&t, p->memory_bytes == 0 ? STR("no limit") : str_from(memory));
        table_addf(&t, "%zu", p->n_routes);
    }
    table_print(&t, stdout, text_wants_colour(stdout));
    table_fini(&t);
}

/* What `serve` would refuse later: URLs that no back end answers to, a bad file of tokens. */
static int check_rest(const struct conf *conf, struct err *e)
{
    struct auth *auth = NULL;
    int rc = store_check_url(str_from(conf->store_url), e);

    if (rc == 0)
        rc = queue_check_url(str_from(conf->queue_url), e);
    if (rc == 0)
        rc = auth_open(conf->tokens_file, &auth, e);
    auth_close(&auth);
    return rc;
}

static int run(const struct cli_args *args)
{
    struct err e = {.code = 0};
    struct catalog *catalog = NULL;
    struct conf *conf;
    int code = cli_read_config(args, 0, &conf);

    if (code != CLI_OK)
        return code;
    if (check_rest(conf, &e) != 0 || probe_catalog(conf, false, &catalog, &e) != 0) {
        code = cli_fail(&e);
    } else {
        put_settings(conf);
        if (catalog->n_routes > 0) {
            putchar('\n');
            put_routes(catalog);
            putchar('\n');
            put_pools(catalog);
        }
        printf("\nThe configuration is fine. Job types: %zu, files: %zu.\n", catalog->n_routes,
               catalog->n_artifacts);
    }
    catalog_free(&catalog);
    conf_free(&conf);
    return code;
}

static const struct cli_option options[] = {CLI_CONFIG_OPTION};

const struct cli_command cmd_check = {
    .name = "check",
    .words = "",
    .summary = "Checks the configuration, the plugins and the scripts without starting.",
    .notes = "Connects to nothing, opens no store and writes nothing. Exit codes: 0 all is fine,\n"
             "78 something is wrong and was named.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .run = run,
};
