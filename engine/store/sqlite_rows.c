/* SPDX-License-Identifier: MIT
 * Rows of jobs: reading, binding, finding, inserting, deleting. */
#include "store/sqlite_priv.h"

#include <string.h>

void store__read_filter_columns(sqlite3_stmt *stmt, struct job *out)
{
    out->id = store__col_uuid(stmt, COL_id);
    out->state = (enum job_state)store__col_int(stmt, COL_state);
    out->type = store__col_str(stmt, COL_type);
    out->queue = store__col_str(stmt, COL_queue);
    out->created_at = sqlite3_column_int64(stmt, COL_created_at);
    out->completed_at = sqlite3_column_int64(stmt, COL_completed_at);
    out->workflow_id = store__col_uuid(stmt, COL_workflow_id);
    out->worker_id = store__col_str(stmt, COL_worker_id);
    out->error_code = store__col_str(stmt, COL_error_code);
    out->tags = store__col_str(stmt, COL_tags);
}

static void read_counters(sqlite3_stmt *stmt, struct job *out)
{
    bool has_step = sqlite3_column_type(stmt, COL_step_index) != SQLITE_NULL;

    out->priority = store__col_int(stmt, COL_priority);
    out->attempt = store__col_int(stmt, COL_attempt);
    out->max_retries = store__col_int(stmt, COL_max_retries);
    out->claims = store__col_int(stmt, COL_claims);
    out->crashes = store__col_int(stmt, COL_crashes);
    out->losses = store__col_int(stmt, COL_losses);
    out->timeout_ms = sqlite3_column_int64(stmt, COL_timeout_ms);
    out->retry.base_ms = sqlite3_column_int64(stmt, COL_backoff_base_ms);
    out->retry.cap_ms = sqlite3_column_int64(stmt, COL_backoff_cap_ms);
    out->retry.factor_pct = store__col_int(stmt, COL_backoff_factor_pct);
    out->retry.jitter_pct = store__col_int(stmt, COL_backoff_jitter_pct);
    out->cpu_us = sqlite3_column_int64(stmt, COL_cpu_us);
    out->memory_kb = sqlite3_column_int64(stmt, COL_memory_kb);
    out->step_index = has_step ? store__col_int(stmt, COL_step_index) : -1;
}

void store__read_job(sqlite3_stmt *stmt, struct job *out)
{
    const void *token = sqlite3_column_blob(stmt, COL_token);

    memset(out, 0, sizeof *out);
    store__read_filter_columns(stmt, out);
    read_counters(stmt, out);
    out->updated_at = sqlite3_column_int64(stmt, COL_updated_at);
    out->scheduled_at = sqlite3_column_int64(stmt, COL_run_at);
    out->started_at = sqlite3_column_int64(stmt, COL_started_at);
    out->retry_of = store__col_uuid(stmt, COL_retry_of);
    if (token != NULL && sqlite3_column_bytes(stmt, COL_token) == JOB_TOKEN_LEN)
        memcpy(out->token, token, JOB_TOKEN_LEN);
    out->idempotency_key = store__col_str(stmt, COL_idempotency_key);
    out->last_error = store__col_str(stmt, COL_last_error);
    out->progress = store__col_str(stmt, COL_progress);
    out->payload = store__col_str(stmt, COL_payload);
    out->result = store__col_str(stmt, COL_result);
}

static void bind_i64(sqlite3_stmt *stmt, enum job_column column, int64_t value)
{
    sqlite3_bind_int64(stmt, (int)column + 1, value);
}

static void bind_text(sqlite3_stmt *stmt, enum job_column column, struct str text)
{
    store__bind_str(stmt, (int)column + 1, text);
}

static void bind_id(sqlite3_stmt *stmt, enum job_column column, const struct uuid *id)
{
    store__bind_uuid(stmt, (int)column + 1, id);
}

static void bind_counters(sqlite3_stmt *stmt, const struct job *job)
{
    bind_i64(stmt, COL_priority, job->priority);
    bind_i64(stmt, COL_attempt, job->attempt);
    bind_i64(stmt, COL_max_retries, job->max_retries);
    bind_i64(stmt, COL_claims, job->claims);
    bind_i64(stmt, COL_crashes, job->crashes);
    bind_i64(stmt, COL_losses, job->losses);
    bind_i64(stmt, COL_timeout_ms, job->timeout_ms);
    bind_i64(stmt, COL_backoff_base_ms, job->retry.base_ms);
    bind_i64(stmt, COL_backoff_cap_ms, job->retry.cap_ms);
    bind_i64(stmt, COL_backoff_factor_pct, job->retry.factor_pct);
    bind_i64(stmt, COL_backoff_jitter_pct, job->retry.jitter_pct);
    bind_i64(stmt, COL_cpu_us, job->cpu_us);
    bind_i64(stmt, COL_memory_kb, job->memory_kb);
    if (job->step_index < 0)
        sqlite3_bind_null(stmt, COL_step_index + 1);
    else
        bind_i64(stmt, COL_step_index, job->step_index);
}

void store__bind_job(sqlite3_stmt *stmt, const struct job *job, bool with_result)
{
    bind_id(stmt, COL_id, &job->id);
    bind_i64(stmt, COL_state, job->state);
    bind_text(stmt, COL_type, job->type);
    bind_text(stmt, COL_queue, job->queue);
    bind_i64(stmt, COL_created_at, job->created_at);
    bind_i64(stmt, COL_completed_at, job->completed_at);
    bind_id(stmt, COL_workflow_id, &job->workflow_id);
    bind_text(stmt, COL_worker_id, job->worker_id);
    bind_text(stmt, COL_error_code, job->error_code);
    bind_text(stmt, COL_tags, job->tags);
    bind_i64(stmt, COL_updated_at, job->updated_at);
    bind_i64(stmt, COL_run_at, job->scheduled_at);
    bind_i64(stmt, COL_started_at, job->started_at);
    bind_counters(stmt, job);
    bind_id(stmt, COL_retry_of, &job->retry_of);
    if (with_result)
        store__bind_blob(stmt, COL_token + 1, job->token, JOB_TOKEN_LEN);
    else
        sqlite3_bind_null(stmt, COL_token + 1); /* a new job has none */
    bind_text(stmt, COL_idempotency_key, job->idempotency_key);
    bind_text(stmt, COL_last_error, job->last_error);
    bind_text(stmt, COL_progress, job->progress);
    bind_text(stmt, COL_payload, job->payload);
    if (with_result)
        bind_text(stmt, COL_result, job->result);
}

int store__keep_strs(struct arena *arena, struct str *const *strs, size_t n, struct err *e)
{
    size_t total = 0, i;
    char *to;

    for (i = 0; i < n; i++)
        if (strs[i]->ptr != NULL)
            total += strs[i]->len + 1;
    to = arena_alloc(arena, total);
    if (to == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for a row of %zu bytes", total);
    for (i = 0; i < n; i++) {
        if (strs[i]->ptr == NULL)
            continue;
        memcpy(to, strs[i]->ptr, strs[i]->len);
        strs[i]->ptr = to;
        to += strs[i]->len + 1; /* the arena's memory is zero: the NUL is there */
    }
    return 0;
}

int store__keep_job(struct arena *arena, struct job *job, struct err *e)
{
    struct str *const strs[] = {&job->type,     &job->queue,      &job->payload,
                                &job->tags,     &job->result,     &job->idempotency_key,
                                &job->progress, &job->last_error, &job->error_code,
                                &job->worker_id};

    return store__keep_strs(arena, strs, sizeof strs / sizeof *strs, e);
}

static int find_in(struct sqlite_conn *c, enum stmt_id id, struct uuid job, sqlite3_stmt **stmt,
                   struct job *out, struct err *e)
{
    sqlite3_stmt *found = store__stmt(c, id, e);
    int rc;

    *stmt = NULL;
    if (found == NULL)
        return e->code;
    out->id = job; /* lives as long as the row is looked at */
    store__bind_blob(found, 1, out->id.bytes, sizeof out->id.bytes);
    rc = store__step(found, e);
    if (rc <= 0)
        return rc;
    store__read_job(found, out);
    rc = store__row_failed(found, e);
    if (rc == 0)
        *stmt = found;
    else
        sqlite3_reset(found);
    return rc;
}

int store__find_hot(struct sqlite_conn *c, struct uuid id, sqlite3_stmt **stmt, struct job *out,
                    struct err *e)
{
    return find_in(c, STMT_GET_HOT, id, stmt, out, e);
}

/* Hot first: a job that moves to history in between is found there. */
int store__find_job(struct sqlite_conn *c, struct uuid id, sqlite3_stmt **stmt, struct job *out,
                    struct err *e)
{
    int rc = store__find_hot(c, id, stmt, out, e);

    if (rc == 0 && *stmt == NULL)
        rc = find_in(c, STMT_GET_HISTORY, id, stmt, out, e);
    return rc;
}

int store__get_job(struct sqlite_conn *c, struct uuid id, struct arena *arena, struct job *out,
                   bool *found, struct err *e)
{
    sqlite3_stmt *stmt;
    int rc = store__find_job(c, id, &stmt, out, e);

    *found = rc == 0 && stmt != NULL;
    if (!*found)
        return rc;
    rc = store__keep_job(arena, out, e);
    sqlite3_reset(stmt);
    return rc;
}

int store__collect_ids(sqlite3_stmt *stmt, size_t max, struct arena *arena, struct uuid **ids,
                       size_t *n, struct err *e)
{
    size_t room = 0;
    int rc;

    *ids = NULL;
    *n = 0;
    while (*n < max && (rc = store__step(stmt, e)) != 0) {
        if (rc < 0)
            return rc;
        if (*n == room) {
            struct uuid *grown = arena_array(arena, room == 0 ? 64 : room * 2, sizeof *grown);

            if (grown == NULL)
                return err_set(e, ERR_NOMEM, "out of memory for %zu ids", room * 2);
            if (*n > 0)
                memcpy(grown, *ids, *n * sizeof *grown);
            room = room == 0 ? 64 : room * 2;
            *ids = grown;
        }
        (*ids)[(*n)++] = store__col_uuid(stmt, 0);
        rc = store__row_failed(stmt, e);
        if (rc != 0)
            return rc;
    }
    sqlite3_reset(stmt);
    return 0;
}

int store__insert_job(struct sqlite_store *s, const struct job *job, bool *exists, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_INSERT_JOB, e);
    int rc;

    *exists = false;
    if (stmt == NULL)
        return e->code;
    store__bind_job(stmt, job, false);
    rc = store__run(stmt, e);
    if (rc != 0 && sqlite3_extended_errcode(s->writer.db) == SQLITE_CONSTRAINT_PRIMARYKEY) {
        *exists = true;
        return 0;
    }
    if (rc == 0)
        store__tally(s, job->queue, job->type, job->state, 1);
    return rc;
}

static int delete_key(struct sqlite_store *s, const struct job *job, struct err *e)
{
    sqlite3_stmt *stmt;

    if (job->idempotency_key.ptr == NULL)
        return 0;
    stmt = store__stmt(&s->writer, STMT_KEY_DELETE, e);
    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, job->idempotency_key);
    store__bind_uuid(stmt, 2, &job->id);
    return store__run(stmt, e);
}

int store__delete_job(struct sqlite_store *s, const struct job *job, struct err *e)
{
    bool is_final = job_state_is_final(job->state);
    int rc = delete_key(s, job, e);

    if (rc == 0)
        rc = store__run_id(&s->writer, STMT_DELETE_ATTEMPTS, job->id, e);
    if (rc == 0)
        rc =
            store__run_id(&s->writer, is_final ? STMT_DELETE_HISTORY : STMT_DELETE_HOT, job->id, e);
    if (rc == 0 && !is_final) /* final states count what ever was */
        store__tally(s, job->queue, job->type, job->state, -1);
    return rc;
}
