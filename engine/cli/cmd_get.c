/* SPDX-License-Identifier: MIT
 * `jobmill get ID...`: jobs in full. */
#include "cli/commands.h"

#include "base/clock.h"
#include "cli/client.h"
#include "cli/table.h"

#include <inttypes.h>

#define LABEL_WIDTH 12

static void put_field(const char *label, struct str value)
{
    struct buf safe = BUF_INIT;

    text_add_safe(&safe, value);
    printf("%-*s %s\n", LABEL_WIDTH, label, buf_str(&safe).ptr);
    buf_free(&safe);
}

static void put_text(const struct answer *job, const char *member, const char *label)
{
    const char *text = answer_text(job, job->doc.toks, member);

    if (*text != '\0')
        put_field(label, str_from(text));
}

/* A time and how long ago that was. */
static void put_time(const struct answer *job, const char *member, const char *label,
                     int64_t now_ms)
{
    const char *text = answer_text(job, job->doc.toks, member);
    char relative[TEXT_RELATIVE_MAX];
    struct buf line = BUF_INIT;
    int64_t ms;

    if (*text == '\0')
        return;
    buf_adds(&line, text);
    if (time_parse(str_from(text), &ms)) {
        text_relative(ms, now_ms, relative);
        buf_addf(&line, " (%s)", relative);
    }
    put_field(label, buf_str(&line));
    buf_free(&line);
}

/* A member as JSON, when it is there and not empty. */
static void put_json(const struct answer *job, const char *member, const char *label)
{
    const struct json_tok *value = answer_member(job, job->doc.toks, member);

    if (value != NULL && !(value->kind == JSON_ARRAY && value->count == 0))
        put_field(label, json_raw(&job->doc, value));
}

static void put_status(const struct answer *job)
{
    const char *status = answer_text(job, job->doc.toks, "status");
    const char *colour = text_wants_colour(stdout) ? text_state_colour(status) : "";
    struct buf safe = BUF_INIT;

    text_add_safe(&safe, str_from(status));
    printf("%-*s %s%s%s (attempt %" PRId64 " of %" PRId64 ")\n", LABEL_WIDTH, "status", colour,
           buf_str(&safe).ptr, *colour != '\0' ? TEXT_PLAIN : "",
           answer_int(job, job->doc.toks, "attempt"),
           answer_int(job, job->doc.toks, "max_retries") + 1);
    buf_free(&safe);
}

static void put_progress(const struct answer *job)
{
    const struct json_tok *progress = answer_member(job, job->doc.toks, "progress");
    struct buf line = BUF_INIT;

    if (progress == NULL)
        return;
    buf_addf(&line, "%.0f%% %s", answer_double(job, progress, "percent"),
             answer_text(job, progress, "message"));
    put_field("progress", str_trim(buf_str(&line)));
    buf_free(&line);
}

static void put_job(const struct answer *job)
{
    int64_t now_ms = clock_wall_ms(), priority = answer_int(job, job->doc.toks, "priority");

    put_text(job, "id", "id");
    put_text(job, "type", "type");
    put_status(job);
    put_text(job, "queue", "queue");
    if (priority != 0)
        printf("%-*s %" PRId64 "\n", LABEL_WIDTH, "priority", priority);
    put_json(job, "payload", "payload");
    put_json(job, "result", "result");
    put_progress(job);
    put_text(job, "last_error", "last error");
    put_text(job, "error_code", "error code");
    put_json(job, "tags", "tags");
    put_text(job, "idempotency_key", "key");
    put_text(job, "worker_id", "worker");
    put_text(job, "workflow_id", "workflow");
    put_text(job, "retry_of", "retry of");
    put_time(job, "created_at", "created", now_ms);
    put_time(job, "scheduled_at", "scheduled", now_ms);
    put_time(job, "started_at", "started", now_ms);
    put_time(job, "completed_at", "ended", now_ms);
}

static int get_one(struct client *client, const char *id, bool is_first)
{
    struct buf path = BUF_INIT;
    struct answer answer;
    struct err e = {.code = 0};
    int rc;

    buf_adds(&path, "/api/v1/jobs/");
    client_add_escaped(&path, id);
    rc = path.failed ? err_set(&e, ERR_NOMEM, "out of memory")
                     : client_call(client, "GET", path.ptr, STR_NONE, &answer, &e);
    buf_free(&path);
    if (rc != 0) {
        err_prefix(&e, "%s", id);
        return client_fail(&e);
    }
    if (client_as_json(client)) {
        printf("%.*s\n", STR_ARG(str_trim(answer.doc.text)));
    } else {
        printf("%s", is_first ? "" : "\n");
        put_job(&answer);
    }
    return CLI_OK;
}

/* All ids are tried; the first failure decides the exit code. */
static int run(const struct cli_args *args)
{
    struct client *client;
    int code = client_open(args, &client), i;

    if (code != CLI_OK)
        return code;
    for (i = 0; i < args->n_words; i++) {
        int one = get_one(client, args->words[i], i == 0);

        if (code == CLI_OK)
            code = one;
        if (one == CLI_UNAVAILABLE)
            break;
    }
    client_close(&client);
    return code;
}

static const struct cli_option options[] = {CLIENT_OPTIONS};

const struct cli_command cmd_get = {
    .name = "get",
    .words = "ID...",
    .summary = "Shows jobs in full. With -o json: one object per line, as the engine sent it.",
    .notes = CLIENT_EXITS,
    .options = options,
    .n_options = CLI_COUNT(options),
    .min_words = 1,
    .max_words = -1,
    .run = run,
};
