/* SPDX-License-Identifier: MIT
 * `jobmill list`: jobs as a table, newest first. */
#include "cli/commands.h"

#include "base/clock.h"
#include "cli/client.h"
#include "cli/table.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     100000
#define PAGE_MAX      200
#define EMPTY_MAX     1000 /* pages without a job in a row: the engine looks at so many rows each */

enum own_option {
    OPT_STATUS = CLIENT_OPTIONS_N,
    OPT_TYPE,
    OPT_QUEUE,
    OPT_TAG,
    OPT_ERROR,
    OPT_LIMIT
};

/* "&status=queued,running&type=x"; the engine checks the values. */
static void put_filters(const struct cli_args *args, struct buf *query)
{
    static const struct {
        int option;
        const char *word;
    } filters[] = {
        {OPT_TYPE, "type"}, {OPT_QUEUE, "queue"}, {OPT_TAG, "tag"}, {OPT_ERROR, "error_code"}};
    const char *separator = "&status=";
    size_t i;

    for (i = 0; i < args->n_given; i++) {
        if (args->given[i].option != OPT_STATUS)
            continue;
        buf_adds(query, separator);
        client_add_escaped(query, args->given[i].value);
        separator = "%2C";
    }
    for (i = 0; i < CLI_COUNT(filters); i++) {
        const char *value = cli_value(args, filters[i].option);

        if (value == NULL)
            continue;
        buf_addf(query, "&%s=", filters[i].word);
        client_add_escaped(query, value);
    }
}

/* Which artifact runs a type; both texts are the listing's. */
struct handler_name {
    struct str type, file;
};

struct listing {
    struct client *client;
    struct buf filters;
    struct buf cursor;
    struct table table;
    struct buf json; /* the pages' elements, as the engine sent them */
    struct arena arena;
    struct handler_name *handlers;
    size_t n_handlers;
    size_t left, shown, empty;
};

static struct str base_name(struct str path)
{
    size_t i = path.len;

    while (i > 0 && path.ptr[i - 1] != '/')
        i--;
    return (struct str){path.ptr + i, path.len - i};
}

/* What runs what, for the table. An engine that does not tell leaves the column empty. */
static void read_handlers(struct listing *l)
{
    const struct json_tok *row;
    struct answer answer;
    struct err e;
    uint32_t i;

    if (client_call(l->client, "GET", "/api/v1/handlers", STR_NONE, &answer, &e) != 0 ||
        answer.doc.toks[0].kind != JSON_ARRAY)
        return;
    l->handlers = arena_array(&l->arena, answer.doc.toks[0].count, sizeof *l->handlers);
    row = answer.doc.toks + 1;
    for (i = 0; l->handlers != NULL && i < answer.doc.toks[0].count; i++) {
        struct str file = str_from(answer_text(&answer, row, "file"));

        l->handlers[l->n_handlers++] =
            (struct handler_name){arena_str(&l->arena, str_from(answer_text(&answer, row, "type"))),
                                  arena_str(&l->arena, base_name(file))};
        row = json_next(&answer.doc, row);
    }
}

static struct str handler_of(const struct listing *l, struct str type)
{
    size_t i;

    for (i = 0; i < l->n_handlers; i++)
        if (str_eq(l->handlers[i].type, type))
            return l->handlers[i].file;
    return STR_NONE;
}

/* How long the last run of a job that is over took. */
static void add_took(struct table *t, const struct answer *a, const struct json_tok *job)
{
    int64_t from, to;

    if (time_parse(str_from(answer_text(a, job, "started_at")), &from) &&
        time_parse(str_from(answer_text(a, job, "completed_at")), &to))
        table_addf(t, "%lld ms", (long long)(to - from));
    else
        table_add(t, STR_NONE);
}

static void add_row(struct listing *l, const struct answer *a, const struct json_tok *job,
                    int64_t now_ms)
{
    char created[TEXT_RELATIVE_MAX] = "-";
    struct table *t = &l->table;
    int64_t ms;

    if (time_parse(str_from(answer_text(a, job, "created_at")), &ms))
        text_relative(ms, now_ms, created);
    table_add(t, str_from(answer_text(a, job, "id")));
    table_add(t, str_from(answer_text(a, job, "type")));
    table_add(t, handler_of(l, str_from(answer_text(a, job, "type"))));
    table_add(t, str_from(answer_text(a, job, "status")));
    table_addf(t, "%d/%d", (int)answer_int(a, job, "attempt"),
               (int)answer_int(a, job, "max_retries") + 1);
    table_add(t, str_from(answer_text(a, job, "queue")));
    table_add(t, str_from(created));
    add_took(t, a, job);
    table_add(t, str_from(answer_text(a, job, "last_error")));
}

/* "[a,b]" without the brackets. */
static struct str inside(struct str array)
{
    array = str_trim(array);
    if (array.len < 2)
        return STR_NONE;
    return str_trim((struct str){array.ptr + 1, array.len - 2});
}

static int take_page(struct listing *l, const struct answer *answer, struct err *e)
{
    const struct json_tok *array = answer->doc.toks, *job = array + 1;
    struct str text = inside(answer->doc.text);
    int64_t now_ms = clock_wall_ms();
    uint32_t i;

    if (array->kind != JSON_ARRAY)
        return err_set(e, ERR_UNAVAILABLE, "the engine answered %s, expected an array",
                       json_kind_name((enum json_kind)array->kind));
    for (i = 0; i < array->count; i++) {
        add_row(l, answer, job, now_ms);
        job = json_next(&answer->doc, job);
    }
    if (text.len > 0) {
        buf_adds(&l->json, l->json.len > 0 ? "," : "");
        buf_addstr(&l->json, text);
    }
    l->shown += array->count;
    l->left = array->count < l->left ? l->left - array->count : 0;
    l->empty = array->count == 0 ? l->empty + 1 : 0;
    buf_reset(&l->cursor);
    buf_adds(&l->cursor, answer->next);
    return 0;
}

static int read_page(struct listing *l, struct err *e)
{
    struct buf path = BUF_INIT;
    struct answer answer;
    int rc;

    buf_addf(&path, "/api/v1/jobs?limit=%zu", l->left < PAGE_MAX ? l->left : (size_t)PAGE_MAX);
    buf_addstr(&path, buf_str(&l->filters));
    if (l->cursor.len > 0) {
        buf_adds(&path, "&cursor=");
        client_add_escaped(&path, l->cursor.ptr);
    }
    rc = path.failed ? err_set(e, ERR_NOMEM, "out of memory")
                     : client_call(l->client, "GET", path.ptr, STR_NONE, &answer, e);
    buf_free(&path);
    return rc != 0 ? rc : take_page(l, &answer, e);
}

static int list(struct listing *l)
{
    struct err e = {.code = 0};

    if (!client_as_json(l->client))
        read_handlers(l);
    do {
        if (read_page(l, &e) != 0)
            return client_fail(&e);
    } while (l->left > 0 && l->cursor.len > 0 && l->empty < EMPTY_MAX);
    if (client_as_json(l->client))
        printf("[%s]\n", buf_str(&l->json).ptr);
    else if (l->shown == 0)
        fprintf(stderr, "no jobs\n");
    else
        table_print(&l->table, stdout, text_wants_colour(stdout));
    if (l->cursor.len > 0 && !client_as_json(l->client))
        fprintf(stderr, "(there are more; see --limit)\n");
    return CLI_OK;
}

static int run(const struct cli_args *args)
{
    static const char *const heads[] = {"ID",    "TYPE",    "HANDLER", "STATUS",    "RUNS",
                                        "QUEUE", "CREATED", "TOOK",    "LAST ERROR"};
    const char *limit_text = cli_value(args, OPT_LIMIT);
    struct listing l = {.left = LIMIT_DEFAULT};
    int64_t limit = LIMIT_DEFAULT;
    int code;

    if (limit_text != NULL &&
        (!str_to_i64(str_from(limit_text), &limit) || limit < 1 || limit > LIMIT_MAX))
        return cli_usage(args, "--limit: found \"%s\", expected 1 to %d", limit_text, LIMIT_MAX);
    l.left = (size_t)limit;
    code = client_open(args, &l.client);
    if (code != CLI_OK)
        return code;
    put_filters(args, &l.filters);
    table_init(&l.table, heads, CLI_COUNT(heads));
    code = list(&l);
    table_fini(&l.table);
    buf_free(&l.filters);
    buf_free(&l.cursor);
    buf_free(&l.json);
    arena_free(&l.arena);
    client_close(&l.client);
    return code;
}

static const struct cli_option options[] = {
    CLIENT_OPTIONS,
    {"status", 's', "STATUS",
     "only those: pending, queued, running, retrying, completed, dead_letter, cancelled; several "
     "with commas or by repeating the option"},
    {"type", '\0', "TYPE", "only jobs of this type"},
    {"queue", 'q', "NAME", "only jobs of this queue"},
    {"tag", 't', "TAG", "only jobs with this tag"},
    {"error-code", 'e', "CODE", "only jobs whose last run ended so: error, timeout, crash, …"},
    {"limit", 'n', "N", "at most so many (default: 50)"},
};

const struct cli_command cmd_list = {
    .name = "list",
    .words = "",
    .summary = "Lists jobs, newest first. With -o json: one array, as the engine sent it.",
    .notes = CLIENT_EXITS,
    .options = options,
    .n_options = CLI_COUNT(options),
    .run = run,
};
