/* SPDX-License-Identifier: MIT
 * What time brings: due jobs become queued, old rows are removed. */
#include "store/sqlite_priv.h"

#define BULK_KEEP_MS (INT64_C(30) * 24 * 3600 * 1000)

/* The rows that a sweep works on, read before anything is changed. */
struct sweep {
    struct arena arena;
    struct job *jobs; /* id, state, type, queue, idempotency_key */
    size_t n;
};

/* Reads up to `max` rows of a statement whose first columns are id, state, type, queue and, with
 * `has_key`, idempotency_key. */
static int read_sweep(sqlite3_stmt *stmt, size_t max, bool has_key, struct sweep *w, struct err *e)
{
    int rc;

    w->n = 0;
    w->jobs = arena_array(&w->arena, max, sizeof *w->jobs);
    if (w->jobs == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for a sweep of %zu rows", max);
    while (w->n < max && (rc = store__step(stmt, e)) != 0) {
        struct job *job = &w->jobs[w->n];
        struct str *const strs[] = {&job->type, &job->queue, &job->idempotency_key};

        if (rc < 0)
            return rc;
        job->id = store__col_uuid(stmt, 0);
        job->state = (enum job_state)store__col_int(stmt, 1);
        job->type = store__col_str(stmt, 2);
        job->queue = store__col_str(stmt, 3);
        if (has_key)
            job->idempotency_key = store__col_str(stmt, 4);
        rc = store__row_failed(stmt, e);
        if (rc == 0)
            rc = store__keep_strs(&w->arena, strs, 3, e);
        if (rc != 0)
            return rc;
        w->n++;
    }
    sqlite3_reset(stmt);
    return 0;
}

static int promote_one(struct sqlite_store *s, const struct job *job, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_PROMOTE, e);

    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, s->now);
    store__bind_blob(stmt, 2, job->id.bytes, sizeof job->id.bytes);
    store__tally_move(s, job, job->state, JOB_QUEUED);
    return store__run(stmt, e);
}

static int find_next_due(struct sqlite_store *s, int64_t *in_ms, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_NEXT_DUE, e);
    int rc;

    *in_ms = -1;
    if (stmt == NULL)
        return e->code;
    rc = store__step(stmt, e);
    if (rc <= 0)
        return rc;
    *in_ms = sqlite3_column_int64(stmt, 0) - s->now;
    if (*in_ms < 0)
        *in_ms = 0;
    sqlite3_reset(stmt);
    return 0;
}

static int promote(struct sqlite_store *s, size_t max, size_t *promoted, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_DUE, e);
    struct sweep w = {.arena = ARENA_INIT};
    size_t i;
    int rc;

    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, s->now);
    sqlite3_bind_int64(stmt, 2, (int64_t)max);
    rc = read_sweep(stmt, max, false, &w, e);
    for (i = 0; rc == 0 && i < w.n; i++)
        rc = promote_one(s, &w.jobs[i], e);
    *promoted = w.n;
    arena_free(&w.arena);
    return rc;
}

int store__promote_due(struct store *base, size_t max, size_t *promoted, int64_t *next_in_ms,
                       struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    int rc = store__begin(s, e);

    *promoted = 0;
    *next_in_ms = -1;
    if (rc != 0)
        return rc;
    rc = promote(s, max, promoted, e);
    if (rc == 0)
        rc = find_next_due(s, next_in_ms, e);
    return store__end(s, rc, e);
}

/* Removes the jobs that `stmt`, all bound, yields. */
static int remove_swept(struct sqlite_store *s, sqlite3_stmt *stmt, size_t max, size_t *removed,
                        struct err *e)
{
    struct sweep w = {.arena = ARENA_INIT};
    size_t i;
    int rc = read_sweep(stmt, max, true, &w, e);

    for (i = 0; rc == 0 && i < w.n; i++)
        rc = store__delete_job(s, &w.jobs[i], e);
    *removed += w.n;
    arena_free(&w.arena);
    return rc;
}

static int retain_history(struct sqlite_store *s, enum job_state state, int64_t keep_ms, size_t max,
                          size_t *removed, struct err *e)
{
    sqlite3_stmt *stmt;

    if (keep_ms <= 0 || *removed >= max)
        return 0;
    stmt = store__stmt(&s->writer, STMT_OLD_HISTORY, e);
    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int(stmt, 1, (int)state);
    sqlite3_bind_int64(stmt, 2, s->now - keep_ms);
    sqlite3_bind_int64(stmt, 3, (int64_t)(max - *removed));
    return remove_swept(s, stmt, max - *removed, removed, e);
}

static int retain_dead(struct sqlite_store *s, int64_t keep_ms, size_t max, size_t *removed,
                       struct err *e)
{
    sqlite3_stmt *stmt;

    if (keep_ms <= 0 || *removed >= max)
        return 0;
    stmt = store__stmt(&s->writer, STMT_OLD_DEAD, e);
    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, s->now - keep_ms);
    sqlite3_bind_int64(stmt, 2, (int64_t)(max - *removed));
    return remove_swept(s, stmt, max - *removed, removed, e);
}

static int retain_keys(struct sqlite_store *s, size_t max, size_t *removed, struct err *e)
{
    sqlite3_stmt *stmt;
    int rc;

    if (*removed >= max)
        return 0;
    stmt = store__stmt(&s->writer, STMT_OLD_KEYS, e);
    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, s->now);
    sqlite3_bind_int64(stmt, 2, (int64_t)(max - *removed));
    rc = store__run(stmt, e);
    if (rc == 0)
        *removed += (size_t)sqlite3_changes(s->writer.db);
    return rc;
}

/* Ended bulk operations are few; they are not counted. */
static int retain_bulk(struct sqlite_store *s, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_OLD_BULK, e);

    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, s->now - BULK_KEEP_MS);
    return store__run(stmt, e);
}

int store__retain(struct store *base, const struct retention *r, size_t max, size_t *removed,
                  struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    int rc = store__begin(s, e);

    *removed = 0;
    if (rc != 0)
        return rc;
    rc = retain_history(s, JOB_COMPLETED, r->completed_ms, max, removed, e);
    if (rc == 0)
        rc = retain_history(s, JOB_CANCELLED, r->cancelled_ms, max, removed, e);
    if (rc == 0)
        rc = retain_dead(s, r->dead_ms, max, removed, e);
    if (rc == 0)
        rc = retain_keys(s, max, removed, e);
    if (rc == 0)
        rc = retain_bulk(s, e);
    return store__end(s, rc, e);
}
