/* SPDX-License-Identifier: MIT
 * A job as clients see it. */
#include "http/job_json.h"

#include "base/clock.h"
#include "json/write.h"

#define JOB_JSON_BYTES 700 /* room for what every job has, so that a buffer rarely grows */

void json_put_id(struct buf *b, const char *name, struct uuid id)
{
    char text[UUID_TEXT_LEN + 1];

    json_name(b, name);
    if (uuid_is_nil(id)) {
        json_put_raw(b, STR("null"));
        return;
    }
    uuid_format(id, text);
    json_put_str(b, (struct str){text, UUID_TEXT_LEN});
}

void json_member_str(struct buf *b, const char *name, struct str value)
{
    json_name(b, name);
    json_put_str(b, value);
}

void json_member_int(struct buf *b, const char *name, int64_t value)
{
    json_name(b, name);
    json_put_int(b, value);
}

void json_member_int_or_null(struct buf *b, const char *name, int64_t value, int64_t none)
{
    json_name(b, name);
    if (value == none)
        json_put_raw(b, STR("null"));
    else
        json_put_int(b, value);
}

void json_member_time(struct buf *b, const char *name, int64_t wall_ms)
{
    json_name(b, name);
    json_put_time(b, wall_ms);
}

void json_member_bool(struct buf *b, const char *name, bool value)
{
    json_name(b, name);
    json_put_bool(b, value);
}

void json_member_retry(struct buf *b, const struct retry_policy *retry)
{
    json_name(b, "backoff");
    json_open(b, '{');
    json_member_int(b, "base_ms", retry->base_ms);
    json_member_int(b, "cap_ms", retry->cap_ms);
    json_name(b, "factor");
    json_put_real(b, retry->factor_pct / 100.0);
    json_name(b, "jitter");
    json_put_real(b, retry->jitter_pct / 100.0);
    json_close(b, '}');
}

static void member_raw(struct buf *b, const char *name, struct str json)
{
    json_name(b, name);
    json_put_raw(b, json);
}

static struct str progress_of(struct request *r, const struct job *job)
{
    struct str live = STR_NONE;

    if (job->state == JOB_RUNNING)
        live = engine_live_progress(r->engine, job->id, &r->arena);
    return live.ptr != NULL ? live : job->progress;
}

/* A fresh job has the same time three times: it is formatted once. */
static void member_time(struct buf *b, const char *name, int64_t wall_ms, int64_t *cached_ms,
                        char text[static TIME_TEXT_LEN + 1])
{
    json_name(b, name);
    if (wall_ms == 0) {
        json_put_raw(b, STR("null"));
        return;
    }
    if (wall_ms != *cached_ms)
        time_format(wall_ms, text);
    *cached_ms = wall_ms;
    json_put_str(b, (struct str){text, TIME_TEXT_LEN});
}

static void put_times(struct buf *b, const struct job *job)
{
    char text[TIME_TEXT_LEN + 1];
    int64_t cached_ms = 0;

    member_time(b, "created_at", job->created_at, &cached_ms, text);
    member_time(b, "updated_at", job->updated_at, &cached_ms, text);
    member_time(b, "scheduled_at", job->scheduled_at, &cached_ms, text);
    member_time(b, "started_at", job->started_at, &cached_ms, text);
    member_time(b, "completed_at", job->completed_at, &cached_ms, text);
}

void job_json_open(struct request *r, struct buf *b, const struct job *job)
{
    buf_reserve(b, JOB_JSON_BYTES + job->payload.len + job->result.len);
    json_open(b, '{');
    json_put_id(b, "id", job->id);
    json_member_str(b, "idempotency_key", job->idempotency_key);
    json_put_id(b, "workflow_id", job->workflow_id);
    json_member_int_or_null(b, "step_index", job->step_index, -1);
    json_member_str(b, "type", job->type);
    json_member_str(b, "queue", job->queue);
    json_member_int(b, "priority", job->priority);
    member_raw(b, "payload", job->payload);
    json_member_str(b, "status", str_from(job_state_name(job->state)));
    json_member_int(b, "attempt", job->attempt);
    json_member_int(b, "max_retries", job->max_retries);
    json_member_int_or_null(b, "timeout_ms", job->timeout_ms, 0);
    member_raw(b, "progress", progress_of(r, job));
    member_raw(b, "result", job->result);
    member_raw(b, "tags", job->tags.ptr == NULL ? STR("[]") : job->tags);
    json_member_str(b, "last_error", job->last_error);
    json_member_str(b, "error_code", job->error_code);
    json_member_str(b, "worker_id", job->worker_id);
    json_put_id(b, "retry_of", job->retry_of);
    json_member_int_or_null(b, "cpu_us", job->cpu_us, 0);
    json_member_int_or_null(b, "memory_kb", job->memory_kb, 0);
    put_times(b, job);
}

void job_json_put(struct request *r, struct buf *b, const struct job *job)
{
    job_json_open(r, b, job);
    json_close(b, '}');
}

void job_json_page(struct request *r, const struct job_page *page)
{
    size_t i;

    json_open(&r->reply.body, '[');
    for (i = 0; i < page->n; i++)
        job_json_put(r, &r->reply.body, &page->jobs[i]);
    json_close(&r->reply.body, ']');
    reply_json(r, 200);
}

void attempt_json_put(struct buf *b, const struct attempt_row *row)
{
    json_open(b, '{');
    json_member_int(b, "claim", row->claim);
    json_member_int(b, "attempt", row->attempt);
    json_member_str(b, "outcome", str_from(run_outcome_name(row->outcome)));
    json_member_bool(b, "counts", run_outcome_counts(row->outcome));
    json_member_str(b, "error", row->error);
    json_member_str(b, "worker_id", row->worker_id);
    json_member_time(b, "started_at", row->started_at);
    json_member_time(b, "ended_at", row->ended_at);
    json_member_int_or_null(b, "duration_ms",
                            row->started_at == 0 ? -1 : row->ended_at - row->started_at, -1);
    json_member_int_or_null(b, "cpu_us", row->cpu_us, 0);
    json_member_int_or_null(b, "memory_kb", row->memory_kb, 0);
    json_member_int_or_null(b, "retry_delay_ms", row->retry_delay_ms, -1);
    json_close(b, '}');
}
