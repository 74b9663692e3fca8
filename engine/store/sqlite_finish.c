/* SPDX-License-Identifier: MIT
 * Ending runs: results, retries, dead letters, attempts, the move to history; and progress. */
#include "store/sqlite_priv.h"

#include <string.h>

/* At most JOB_ERROR_MAX bytes, not ending inside a character. */
static struct str cut_error(struct str error)
{
    if (error.ptr == NULL || error.len <= JOB_ERROR_MAX)
        return error;
    error.len = JOB_ERROR_MAX;
    while (error.len > 0 && ((unsigned char)error.ptr[error.len] & 0xC0) == 0x80)
        error.len--;
    return error;
}

static int64_t at_least(int64_t value, int64_t least)
{
    return value < least ? least : value;
}

/* When the run began and ended, by the store's clock; *started 0 when it never began. */
static void date_run(const struct sqlite_store *s, const struct job *job, const struct finish *f,
                     int64_t *started, int64_t *ended)
{
    *started = f->started_ago_ms < 0 ? 0 : at_least(s->now - f->started_ago_ms, job->created_at);
    *ended = at_least(s->now - at_least(f->ended_ago_ms, 0), at_least(*started, job->created_at));
}

static int put_attempt(struct sqlite_store *s, const struct job *job, const struct finish *f,
                       struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_PUT_ATTEMPT, e);
    int64_t started, ended;

    if (stmt == NULL)
        return e->code;
    date_run(s, job, f, &started, &ended);
    store__bind_blob(stmt, 1, job->id.bytes, sizeof job->id.bytes);
    sqlite3_bind_int(stmt, 2, job->claims);
    sqlite3_bind_int(stmt, 3, job->attempt);
    sqlite3_bind_int(stmt, 4, (int)f->outcome);
    store__bind_str(stmt, 5, job->worker_id);
    sqlite3_bind_int64(stmt, 6, started);
    sqlite3_bind_int64(stmt, 7, ended);
    sqlite3_bind_int64(stmt, 8, f->cpu_us);
    sqlite3_bind_int64(stmt, 9, f->memory_kb);
    if (f->verdict.next == JOB_RETRYING)
        sqlite3_bind_int64(stmt, 10, f->verdict.delay_ms);
    else
        sqlite3_bind_null(stmt, 10);
    store__bind_str(stmt, 11, cut_error(f->error));
    return store__run(stmt, e);
}

/* A run that was given back says nothing about the job: what was said before stays. */
static void note_error(struct job *job, const struct finish *f)
{
    if (f->outcome == RUN_OK) {
        job->error_code = STR_NONE;
        return;
    }
    if (f->outcome == RUN_GIVEN_BACK && f->verdict.next == JOB_QUEUED)
        return;
    job->error_code = str_from(f->verdict.error_code == NULL ? run_outcome_name(f->outcome)
                                                             : f->verdict.error_code);
    if (f->error.ptr != NULL)
        job->last_error = cut_error(f->error);
}

static void apply_verdict(const struct sqlite_store *s, struct job *job, const struct finish *f)
{
    enum job_state next = f->verdict.next;
    int64_t started, ended;

    date_run(s, job, f, &started, &ended);
    job->state = next;
    job->attempt = (int32_t)at_least(f->verdict.attempt, 0);
    job->crashes = f->verdict.crashes;
    job->losses = f->verdict.losses;
    job->started_at = started;
    job->updated_at = s->now;
    job->cpu_us = f->cpu_us;
    job->memory_kb = f->memory_kb;
    if (next == JOB_RETRYING)
        job->scheduled_at = s->now + at_least(f->verdict.delay_ms, 0);
    if (job_state_is_final(next) || next == JOB_DEAD_LETTER)
        job->completed_at = s->now;
    if (f->outcome == RUN_OK)
        job->result = f->result;
    note_error(job, f);
}

static int move_to_history(struct sqlite_store *s, sqlite3_stmt *row, const struct job *job,
                           struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_INSERT_HISTORY, e);
    int rc;

    if (stmt == NULL)
        return e->code;
    store__bind_job(stmt, job, true);
    rc = store__run(stmt, e);
    sqlite3_reset(row);
    return rc == 0 ? store__run_id(&s->writer, STMT_DELETE_HOT, job->id, e) : rc;
}

/* `error` and its code are NULL where the row keeps what it has. */
static int update_row(struct sqlite_store *s, const struct job *job, struct str code,
                      struct str error, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_END_RUN, e);

    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int(stmt, 1, (int)job->state);
    sqlite3_bind_int(stmt, 2, job->attempt);
    sqlite3_bind_int(stmt, 3, job->crashes);
    sqlite3_bind_int(stmt, 4, job->losses);
    sqlite3_bind_int64(stmt, 5, job->scheduled_at);
    sqlite3_bind_int64(stmt, 6, job->started_at);
    sqlite3_bind_int64(stmt, 7, job->completed_at);
    sqlite3_bind_int64(stmt, 8, job->updated_at);
    sqlite3_bind_int64(stmt, 9, job->cpu_us);
    sqlite3_bind_int64(stmt, 10, job->memory_kb);
    store__bind_str(stmt, 11, code);
    store__bind_str(stmt, 12, error);
    store__bind_blob(stmt, 13, job->id.bytes, sizeof job->id.bytes);
    return store__run(stmt, e);
}

int store__end_run(struct sqlite_store *s, sqlite3_stmt *stmt, struct job *job,
                   const struct finish *f, struct err *e)
{
    bool is_noted =
        f->outcome != RUN_OK && (f->outcome != RUN_GIVEN_BACK || f->started_ago_ms >= 0);
    struct str old_code = job->error_code, old_error = job->last_error, code, error;
    int rc = is_noted ? put_attempt(s, job, f, e) : 0;

    store__tally_move(s, job, JOB_RUNNING, f->verdict.next);
    apply_verdict(s, job, f);
    if (rc == 0 && job_state_is_final(job->state))
        return move_to_history(s, stmt, job, e);
    code = job->error_code.ptr == old_code.ptr ? STR_NONE : job->error_code;
    error = job->last_error.ptr == old_error.ptr ? STR_NONE : job->last_error;
    sqlite3_reset(stmt); /* what the job borrowed from the row is gone */
    return rc == 0 ? update_row(s, job, code, error, e) : rc;
}

static int finish_one(struct sqlite_store *s, struct finish *f, struct err *e)
{
    sqlite3_stmt *stmt;
    struct job job;
    int rc = store__find_hot(&s->writer, f->id, &stmt, &job, e);

    f->applied = false;
    f->due_in_ms = 0;
    if (rc != 0 || stmt == NULL)
        return rc;
    if (job.state != JOB_RUNNING || memcmp(job.token, f->token, JOB_TOKEN_LEN) != 0 ||
        !job_state_may(JOB_RUNNING, f->verdict.next)) {
        sqlite3_reset(stmt);
        return 0;
    }
    rc = store__end_run(s, stmt, &job, f, e);
    f->applied = rc == 0;
    if (f->verdict.next == JOB_RETRYING)
        f->due_in_ms = job.scheduled_at - s->now;
    return rc;
}

int store__finish(struct store *base, struct finish *items, size_t n, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    size_t i;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    for (i = 0; rc == 0 && i < n; i++)
        rc = finish_one(s, &items[i], e);
    return store__end(s, rc, e);
}

static int progress_one(struct sqlite_store *s, struct progress *p, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_PUT_PROGRESS, e);
    int rc;

    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, p->progress);
    sqlite3_bind_int64(stmt, 2, s->now);
    store__bind_uuid(stmt, 3, &p->id);
    store__bind_blob(stmt, 4, p->token, sizeof p->token);
    rc = store__run(stmt, e);
    p->applied = rc == 0 && sqlite3_changes(s->writer.db) == 1;
    return rc;
}

int store__progress(struct store *base, struct progress *items, size_t n, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    size_t i;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    for (i = 0; rc == 0 && i < n; i++)
        rc = progress_one(s, &items[i], e);
    return store__end(s, rc, e);
}
