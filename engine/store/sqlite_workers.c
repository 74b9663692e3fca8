/* SPDX-License-Identifier: MIT
 * Workers: their lives and leases, and giving back the jobs of lives that are over. */
#include "store/sqlite_priv.h"

#include <stdio.h>

#define FORGET_AFTER_MS (INT64_C(24) * 3600 * 1000)

/* Ends a run that nobody will finish. */
static int lose(struct sqlite_store *s, struct uuid id, struct err *e)
{
    char text[JOB_NAME_MAX + 64];
    sqlite3_stmt *stmt;
    struct job job;
    struct finish f = {.outcome = RUN_LOST};
    int rc = store__find_hot(&s->writer, id, &stmt, &job, e);

    if (rc != 0 || stmt == NULL)
        return rc;
    snprintf(text, sizeof text, "the lease of worker %.*s is over", STR_ARG(job.worker_id));
    f.verdict = run_judge(&job, RUN_LOST, -1, 0);
    f.error = str_from(text);
    f.started_ago_ms = s->now - job.started_at;
    return store__end_run(s, stmt, &job, &f, e);
}

/* Gives back the jobs whose ids `stmt` yields. */
static int lose_all(struct sqlite_store *s, sqlite3_stmt *stmt, size_t max, size_t *freed,
                    struct err *e)
{
    struct arena scratch = ARENA_INIT;
    struct uuid *ids;
    size_t n, i;
    int rc = store__collect_ids(stmt, max, &scratch, &ids, &n, e);

    for (i = 0; rc == 0 && i < n; i++)
        rc = lose(s, ids[i], e);
    *freed = n;
    arena_free(&scratch);
    return rc;
}

/* Binds what a beat tells, as WORKER_PUT and WORKER_BEAT both begin. */
static void bind_beat(sqlite3_stmt *stmt, const struct worker_beat *beat, int64_t now)
{
    const struct worker_row *row = &beat->row;

    store__bind_str(stmt, 1, row->host.ptr == NULL ? STR("") : row->host);
    store__bind_str(stmt, 2, row->roles.ptr == NULL ? STR("") : row->roles);
    store__bind_str(stmt, 3, row->version.ptr == NULL ? STR("") : row->version);
    sqlite3_bind_int64(stmt, 4, row->pid);
    sqlite3_bind_int(stmt, 5, row->slots);
    sqlite3_bind_int(stmt, 6, row->busy);
    sqlite3_bind_int(stmt, 7, row->draining);
    sqlite3_bind_int64(stmt, 8, now);
    sqlite3_bind_int64(stmt, 9, now + beat->lease_ms);
    store__bind_str(stmt, 10, row->id);
    store__bind_uuid(stmt, 11, &row->incarnation);
}

static int put_worker(struct sqlite_store *s, const struct worker_beat *beat, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_WORKER_PUT, e);

    if (stmt == NULL)
        return e->code;
    bind_beat(stmt, beat, s->now);
    sqlite3_bind_int64(stmt, 12, s->now);
    return store__run(stmt, e);
}

static int lose_other_lives(struct sqlite_store *s, const struct worker_row *row, size_t *freed,
                            struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_RUNNING_OF_OTHER_LIVES, e);

    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, row->id);
    store__bind_uuid(stmt, 2, &row->incarnation);
    sqlite3_bind_int64(stmt, 3, -1);
    return lose_all(s, stmt, SIZE_MAX, freed, e);
}

int store__register_worker(struct store *base, const struct worker_beat *beat, size_t *freed,
                           struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    int rc = store__begin(s, e);

    *freed = 0;
    if (rc != 0)
        return rc;
    rc = put_worker(s, beat, e);
    if (rc == 0)
        rc = lose_other_lives(s, &beat->row, freed, e);
    return store__end(s, rc, e);
}

/* Runs a conditional update of a worker's row; ERR_CONFLICT when the life it names is over. */
static int update_life(struct sqlite_store *s, sqlite3_stmt *stmt, struct str id, struct err *e)
{
    int rc = store__run(stmt, e);

    if (rc == 0 && sqlite3_changes(s->writer.db) == 0)
        rc = err_set(e, ERR_CONFLICT,
                     "worker %.*s: this life is over: its lease ran out, or a newer one began",
                     STR_ARG(id));
    return rc;
}

int store__beat(struct store *base, const struct worker_beat *beat, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    sqlite3_stmt *stmt;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    stmt = store__stmt(&s->writer, STMT_WORKER_BEAT, e);
    if (stmt == NULL)
        return store__end(s, e->code, e);
    bind_beat(stmt, beat, s->now);
    return store__end(s, update_life(s, stmt, beat->row.id, e), e);
}

int store__unregister_worker(struct store *base, struct str id, struct uuid incarnation,
                             struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    sqlite3_stmt *stmt;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    stmt = store__stmt(&s->writer, STMT_WORKER_STOP, e);
    if (stmt == NULL)
        return store__end(s, e->code, e);
    sqlite3_bind_int64(stmt, 1, s->now);
    store__bind_str(stmt, 2, id);
    store__bind_uuid(stmt, 3, &incarnation);
    return store__end(s, update_life(s, stmt, id, e), e);
}

static int run_with_time(struct sqlite_store *s, enum stmt_id id, int64_t time, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, id, e);

    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, time);
    return store__run(stmt, e);
}

static int lose_without_lease(struct sqlite_store *s, size_t max, size_t *freed, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_RUNNING_WITHOUT_LEASE, e);

    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, max > INT32_MAX ? INT32_MAX : (int64_t)max);
    return lose_all(s, stmt, max, freed, e);
}

int store__reap(struct store *base, size_t max, size_t *freed, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    int rc = store__begin(s, e);

    *freed = 0;
    if (rc != 0)
        return rc;
    rc = run_with_time(s, STMT_WORKERS_LOSE, s->now, e);
    if (rc == 0)
        rc = lose_without_lease(s, max, freed, e);
    if (rc == 0)
        rc = run_with_time(s, STMT_WORKERS_FORGET, s->now - FORGET_AFTER_MS, e);
    return store__end(s, rc, e);
}
