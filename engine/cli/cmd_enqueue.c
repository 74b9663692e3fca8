/* SPDX-License-Identifier: MIT
 * `jobmill enqueue TYPE [PAYLOAD|-]`: one job over REST. */
#include "cli/commands.h"

#include "base/clock.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/wait.h"
#include "conf/value.h"
#include "json/scan.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX ((size_t)64 * 1024 * 1024)

enum own_option {
    OPT_QUEUE = CLIENT_OPTIONS_N,
    OPT_PRIORITY,
    OPT_DELAY,
    OPT_AT,
    OPT_TIMEOUT,
    OPT_MAX_RETRIES,
    OPT_KEY,
    OPT_TAG,
    OPT_WAIT
};

static int read_stdin(struct buf *out, struct err *e)
{
    char chunk[16384];
    size_t n;

    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0) {
        buf_add(out, chunk, n);
        if (out->failed)
            return err_set(e, ERR_NOMEM, "out of memory");
        if (out->len > PAYLOAD_MAX)
            return err_set(e, ERR_LIMIT, "the payload has more than %zu bytes", PAYLOAD_MAX);
    }
    return ferror(stdin) ? err_errno(e, ERR_IO, "standard input") : 0;
}

/* The payload as JSON text, checked here so that the complaint can say line and column of it. */
static int put_payload(const struct cli_args *args, struct buf *body)
{
    struct buf input = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct json_doc doc;
    struct err e = {.code = 0};
    struct str text;
    int code = CLI_OK;

    if (args->n_words < 2)
        return CLI_OK;
    text = str_from(args->words[1]);
    if (str_is(text, "-")) {
        if (read_stdin(&input, &e) != 0) {
            code = client_fail(&e);
            goto out;
        }
        text = buf_str(&input);
    }
    text = str_trim(text);
    if (json_scan(&arena, text, &doc, &e) != 0) {
        code = cli_usage(args, "the payload is not JSON: %s", e.text);
        goto out;
    }
    json_name(body, "payload");
    json_put_raw(body, text);
out:
    arena_free(&arena);
    buf_free(&input);
    return code;
}

static void put_text(const struct cli_args *args, int option, const char *member, struct buf *body)
{
    const char *value = cli_value(args, option);

    if (value == NULL)
        return;
    json_name(body, member);
    json_put_str(body, str_from(value));
}

static int put_int(const struct cli_args *args, int option, const char *member, struct buf *body)
{
    const char *value = cli_value(args, option);
    int64_t number;

    if (value == NULL)
        return CLI_OK;
    if (!str_to_i64(str_from(value), &number))
        return cli_usage(args, "--%s: found \"%s\", expected a whole number",
                         args->command->options[option].name, value);
    json_name(body, member);
    json_put_int(body, number);
    return CLI_OK;
}

static int put_duration(const struct cli_args *args, int option, const char *member,
                        struct buf *body)
{
    const char *value = cli_value(args, option);
    int64_t ms;

    if (value == NULL)
        return CLI_OK;
    if (!value_duration(str_from(value), &ms))
        return cli_usage(args, "--%s: found \"%s\", expected a duration such as 500ms, 30s or 5m",
                         args->command->options[option].name, value);
    json_name(body, member);
    json_put_int(body, ms);
    return CLI_OK;
}

static int put_time(const struct cli_args *args, struct buf *body)
{
    const char *value = cli_value(args, OPT_AT);
    int64_t ms;

    if (value == NULL)
        return CLI_OK;
    if (cli_value(args, OPT_DELAY) != NULL)
        return cli_usage(args, "found both --at and --delay, expected one");
    if (!time_parse(str_from(value), &ms))
        return cli_usage(args, "--at: found \"%s\", expected a time such as 2026-01-31T12:34:56Z",
                         value);
    json_name(body, "run_at");
    json_put_time(body, ms);
    return CLI_OK;
}

static void put_tags(const struct cli_args *args, struct buf *body)
{
    size_t i;

    if (cli_value(args, OPT_TAG) == NULL)
        return;
    json_name(body, "tags");
    json_open(body, '[');
    for (i = 0; i < args->n_given; i++)
        if (args->given[i].option == OPT_TAG)
            json_put_str(body, str_from(args->given[i].value));
    json_close(body, ']');
}

static int build_body(const struct cli_args *args, struct buf *body)
{
    int code;

    json_open(body, '{');
    json_name(body, "type");
    json_put_str(body, str_from(args->words[0]));
    put_text(args, OPT_QUEUE, "queue", body);
    put_text(args, OPT_KEY, "idempotency_key", body);
    put_tags(args, body);
    if ((code = put_int(args, OPT_PRIORITY, "priority", body)) != CLI_OK ||
        (code = put_int(args, OPT_MAX_RETRIES, "max_retries", body)) != CLI_OK ||
        (code = put_duration(args, OPT_DELAY, "delay_ms", body)) != CLI_OK ||
        (code = put_duration(args, OPT_TIMEOUT, "timeout_ms", body)) != CLI_OK ||
        (code = put_time(args, body)) != CLI_OK || (code = put_payload(args, body)) != CLI_OK)
        return code;
    json_close(body, '}');
    if (!body->failed)
        return CLI_OK;
    fprintf(stderr, "jobmill: out of memory\n");
    return CLI_FAILED;
}

/* Prints the id, or with -o json the job as it was answered. */
static int enqueue(const struct cli_args *args, struct client *client, struct str body)
{
    bool wait = cli_value(args, OPT_WAIT) != NULL;
    struct answer answer;
    struct err e = {.code = 0};
    char *id;
    int code = CLI_OK;

    if (client_call(client, "POST", "/api/v1/jobs", body, &answer, &e) != 0)
        return client_fail(&e);
    id = strdup(answer_text(&answer, answer.doc.toks, "id"));
    if (answer.replayed)
        fprintf(stderr, "jobmill: the key was used before; this is the job of that time\n");
    if (!wait && client_as_json(client)) {
        printf("%.*s\n", STR_ARG(str_trim(answer.doc.text)));
    } else if (!wait && id != NULL) {
        struct buf safe = BUF_INIT;

        text_add_safe(&safe, str_from(id));
        printf("%s\n", buf_str(&safe).ptr);
        buf_free(&safe);
    }
    if (wait && id != NULL)
        code = wait_for_jobs(client, &id, 1, -1);
    free(id);
    return code;
}

static int run(const struct cli_args *args)
{
    struct client *client = NULL;
    struct buf body = BUF_INIT;
    int code = build_body(args, &body);

    if (code == CLI_OK)
        code = client_open(args, &client);
    if (code == CLI_OK)
        code = enqueue(args, client, buf_str(&body));
    client_close(&client);
    buf_free(&body);
    return code;
}

static const struct cli_option options[] = {
    CLIENT_OPTIONS,
    {"queue", 'q', "NAME", "queue to put it in (default: default)"},
    {"priority", 'p', "N", "-100 to 100; higher runs earlier (default: 0)"},
    {"delay", 'd', "DURATION", "not before that much time, e.g. 30s"},
    {"at", '\0', "TIME", "not before that time, e.g. 2026-01-31T12:34:56Z"},
    {"timeout", '\0', "DURATION", "how long a run may take (default: the handler's)"},
    {"max-retries", 'r', "N", "further runs after a failure (default: the handler's)"},
    {"key", 'k', "KEY", "idempotency key: the same key and body give the same job"},
    {"tag", 't', "TAG", "may be given up to 16 times"},
    {"wait", 'w', NULL, "wait until the job has ended, as `jobmill wait` does"},
};

const struct cli_command cmd_enqueue = {
    .name = "enqueue",
    .words = "TYPE [PAYLOAD|-]",
    .summary = "Enqueues a job and prints its id. PAYLOAD is JSON; - reads it from standard input.",
    .notes = CLIENT_EXITS,
    .options = options,
    .n_options = CLI_COUNT(options),
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
