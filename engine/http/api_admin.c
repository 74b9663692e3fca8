/* SPDX-License-Identifier: MIT
 * What operators and probes look at: handlers, workers, counts, health, the API's description. */
#include "base/embed.h"
#include "http/job_json.h"
#include "http/route.h"
#include "json/write.h"

#include <string.h>

/* --- probes --------------------------------------------------------------------------------- */

static void reply_fixed(struct request *r, struct str body)
{
    r->reply.fixed = body;
    reply_json(r, 200);
}

void api_health(struct request *r)
{
    reply_fixed(r, STR("{\"status\":\"ok\",\"version\":\"" JOBMILL_VERSION "\"}"));
}

void api_live(struct request *r)
{
    reply_fixed(r, STR("{\"status\":\"ok\"}"));
}

/* The reasons as an array, one per line of `why`. */
static void put_reasons(struct buf *b, struct str why)
{
    size_t at = 0;

    json_name(b, "reasons");
    json_open(b, '[');
    while (at < why.len) {
        const char *newline = memchr(why.ptr + at, '\n', why.len - at);
        size_t end = newline == NULL ? why.len : (size_t)(newline - why.ptr);

        if (end > at)
            json_put_str(b, (struct str){why.ptr + at, end - at});
        at = end + 1;
    }
    json_close(b, ']');
}

static void refuse_ready(struct request *r, const char *state, struct str why)
{
    problem_begin(r, PROBLEM_NOT_READY, arena_printf(&r->arena, "the engine is %s", state));
    json_member_str(&r->reply.body, "state", str_from(state));
    put_reasons(&r->reply.body, why);
    problem_end(r);
}

void api_ready(struct request *r)
{
    static const char *const states[] = {[ENGINE_STARTING] = "starting",
                                         [ENGINE_READY] = "ready",
                                         [ENGINE_DRAINING] = "draining",
                                         [ENGINE_STALLED] = "stalled"};
    struct buf why = BUF_INIT;
    enum engine_health health = engine_health(r->engine, &why);
    struct err e = {0};

    if (health == ENGINE_READY && request_is_refused_by_drain(r))
        refuse_ready(r, states[ENGINE_DRAINING], STR("the engine is shutting down"));
    else if (health != ENGINE_READY)
        refuse_ready(r, states[health], buf_str(&why));
    else if (r->store->ops->read.ping(r->store, &e) != 0)
        refuse_ready(r, "without store", str_from(e.text));
    else
        reply_fixed(r, STR("{\"status\":\"ready\"}"));
    buf_free(&why);
}

void api_openapi(struct request *r)
{
    const struct embedded *asset;

    for (asset = embedded_assets; asset->name != NULL; asset++)
        if (strcmp(asset->name, "engine/http/openapi.json") == 0)
            reply_fixed(r, (struct str){asset->start, (size_t)(asset->end - asset->start)});
}

/* --- handlers ------------------------------------------------------------------------------- */

static void put_handler(struct buf *b, const struct handler_info *h)
{
    json_open(b, '{');
    json_member_str(b, "type", h->type);
    json_member_str(b, "kind", h->kind);
    json_member_str(b, "name", h->name);
    json_member_str(b, "version", h->version);
    json_member_str(b, "handler", h->handler);
    json_member_str(b, "file", h->file);
    json_member_str(b, "hash", h->hash);
    json_member_str(b, "pool", h->pool);
    json_member_bool(b, "single_threaded", h->single_threaded);
    json_member_bool(b, "served_here", h->served_here);
    json_member_int(b, "max_retries", h->max_retries);
    json_member_int_or_null(b, "timeout_ms", h->timeout_ms, 0);
    json_member_retry(b, &h->retry);
    json_member_int(b, "runs", h->runs);
    json_member_int(b, "failures", h->failures);
    json_member_int_or_null(b, "mean_us", h->runs == 0 ? -1 : h->mean_us, -1);
    json_member_time(b, "last_seen", h->last_seen);
    json_close(b, '}');
}

static bool read_handlers(struct request *r, struct handler_info **rows, size_t *n)
{
    struct err e = {0};
    int rc = engine_handlers(r->engine, &r->arena, rows, n, &e);

    if (rc != 0)
        problem_reply_err(r, rc, &e);
    return rc == 0;
}

void api_handler_list(struct request *r)
{
    struct buf *b = &r->reply.body;
    struct handler_info *rows;
    size_t n, i;

    if (!read_handlers(r, &rows, &n))
        return;
    json_open(b, '[');
    for (i = 0; i < n; i++)
        put_handler(b, &rows[i]);
    json_close(b, ']');
    reply_json(r, 200);
}

void api_handler_get(struct request *r)
{
    struct handler_info *rows;
    size_t n, i;

    if (!read_handlers(r, &rows, &n))
        return;
    for (i = 0; i < n && !str_eq(rows[i].type, r->args[0]); i++)
        ;
    if (i == n) {
        problem_reply(r, PROBLEM_NOT_FOUND, "no handler is known for the type \"%.*s\"",
                      (int)(r->args[0].len < JOB_NAME_MAX ? r->args[0].len : JOB_NAME_MAX),
                      r->args[0].ptr);
        return;
    }
    put_handler(&r->reply.body, &rows[i]);
    reply_json(r, 200);
}

/* --- workers -------------------------------------------------------------------------------- */

static void put_worker(struct buf *b, const struct worker_row *w)
{
    static const char *const states[] = {[WORKER_ALIVE] = "alive",
                                         [WORKER_DRAINING] = "draining",
                                         [WORKER_LOST] = "lost",
                                         [WORKER_STOPPED] = "stopped"};

    json_open(b, '{');
    json_member_str(b, "id", w->id);
    json_member_str(b, "status", str_from(states[w->state]));
    json_member_str(b, "host", w->host);
    json_member_int(b, "pid", w->pid);
    json_member_str(b, "roles", w->roles);
    json_member_str(b, "version", w->version);
    json_member_int(b, "slots", w->slots);
    json_member_int(b, "busy", w->busy);
    json_member_time(b, "started_at", w->started_at);
    json_member_time(b, "last_heartbeat_at", w->beat_at);
    json_member_time(b, "lease_until", w->lease_until);
    json_close(b, '}');
}

static bool read_workers(struct request *r, struct worker_row **rows, size_t *n)
{
    struct err e = {0};
    int rc = r->store->ops->read.workers(r->store, &r->arena, rows, n, &e);

    if (rc != 0)
        problem_reply_err(r, rc, &e);
    return rc == 0;
}

void api_worker_list(struct request *r)
{
    struct buf *b = &r->reply.body;
    struct worker_row *rows;
    size_t n, i;

    if (!read_workers(r, &rows, &n))
        return;
    json_open(b, '[');
    for (i = 0; i < n; i++)
        put_worker(b, &rows[i]);
    json_close(b, ']');
    reply_json(r, 200);
}

void api_worker_get(struct request *r)
{
    struct worker_row *rows;
    size_t n, i;

    if (!read_workers(r, &rows, &n))
        return;
    for (i = 0; i < n && !str_eq(rows[i].id, r->args[0]); i++)
        ;
    if (i == n) {
        problem_reply(r, PROBLEM_NOT_FOUND, "there is no worker \"%.*s\"",
                      (int)(r->args[0].len < 128 ? r->args[0].len : 128), r->args[0].ptr);
        return;
    }
    put_worker(&r->reply.body, &rows[i]);
    reply_json(r, 200);
}

/* --- counts --------------------------------------------------------------------------------- */

/* The sum over all queues and types, every state present. */
static void put_totals(struct buf *b, const struct stats *s)
{
    int64_t totals[JOB_STATE_END] = {0};
    size_t i;
    int state;

    for (i = 0; i < s->n; i++)
        if (s->counts[i].state > 0 && s->counts[i].state < JOB_STATE_END)
            totals[s->counts[i].state] += s->counts[i].n;
    json_name(b, "jobs");
    json_open(b, '{');
    for (state = 1; state < JOB_STATE_END; state++)
        json_member_int(b, job_state_name((enum job_state)state), totals[state]);
    json_close(b, '}');
}

static void put_counts(struct buf *b, const struct stats *s)
{
    size_t i;

    json_name(b, "counts");
    json_open(b, '[');
    for (i = 0; i < s->n; i++) {
        json_open(b, '{');
        json_member_str(b, "queue", s->counts[i].queue);
        json_member_str(b, "type", s->counts[i].type);
        json_member_str(b, "status", str_from(job_state_name(s->counts[i].state)));
        json_member_int(b, "n", s->counts[i].n);
        json_close(b, '}');
    }
    json_close(b, ']');
}

void api_stats(struct request *r)
{
    struct buf *b = &r->reply.body;
    struct stats stats = {.n = 0};
    struct err e = {0};
    int rc = r->store->ops->read.stats(r->store, &r->arena, &stats, &e);

    if (rc != 0) {
        problem_reply_err(r, rc, &e);
        return;
    }
    json_open(b, '{');
    json_member_int(b, "backlog", stats.backlog);
    json_member_int(b, "running", stats.running);
    json_member_int_or_null(b, "oldest_age_ms", stats.oldest_age_ms, -1);
    json_member_time(b, "now", stats.now_ms);
    put_totals(b, &stats);
    put_counts(b, &stats);
    json_close(b, '}');
    reply_json(r, 200);
}
