/* SPDX-License-Identifier: MIT
 * Reading single jobs, attempts, counts, workers and types; and announcing types. */
#include "store/sqlite_priv.h"

#include <string.h>

#define STATS_RUNS_MAX 10000 /* (type, queue, priority) looked at for the oldest queued job */

int store__get(struct store *base, struct uuid id, struct arena *arena, struct job *out,
               bool *found, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct sqlite_conn *c = store__reader_take(s, e);
    int rc;

    *found = false;
    if (c == NULL)
        return e->code;
    rc = store__get_job(c, id, arena, out, found, e);
    store__reader_give(s, c);
    return rc;
}

/* Reads one row into `row`, keeping its strings in the arena. */
typedef int read_row_fn(struct sqlite_store *s, sqlite3_stmt *stmt, struct arena *arena, void *row,
                        struct err *e);

static int read_rows(struct sqlite_store *s, sqlite3_stmt *stmt, read_row_fn *read, size_t size,
                     struct arena *arena, void **rows, size_t *n, struct err *e)
{
    size_t room = 0;
    int rc;

    while ((rc = store__step(stmt, e)) == 1) {
        if (*n == room) {
            void *grown = arena_array(arena, room == 0 ? 16 : room * 2, size);

            if (grown == NULL)
                return err_set(e, ERR_NOMEM, "out of memory for %zu rows", room * 2);
            if (*n > 0)
                memcpy(grown, *rows, *n * size);
            room = room == 0 ? 16 : room * 2;
            *rows = grown;
        }
        rc = read(s, stmt, arena, (char *)*rows + *n * size, e);
        if (rc == 0)
            rc = store__row_failed(stmt, e);
        if (rc != 0)
            return rc;
        ++*n;
    }
    return rc;
}

/* All rows of a statement, whose one parameter, if `id` is given, is an id. */
static int query(struct store *base, enum stmt_id statement, const struct uuid *id,
                 read_row_fn *read, size_t size, struct arena *arena, void **rows, size_t *n,
                 struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct sqlite_conn *c = store__reader_take(s, e);
    sqlite3_stmt *stmt;
    int rc;

    *rows = NULL;
    *n = 0;
    if (c == NULL)
        return e->code;
    stmt = store__stmt(c, statement, e);
    if (stmt != NULL && id != NULL)
        store__bind_uuid(stmt, 1, id);
    rc = stmt == NULL ? e->code : read_rows(s, stmt, read, size, arena, rows, n, e);
    store__reader_give(s, c);
    return rc;
}

static int read_attempt(struct sqlite_store *s, sqlite3_stmt *stmt, struct arena *arena, void *out,
                        struct err *e)
{
    struct attempt_row *row = out;
    struct str *const strs[] = {&row->worker_id, &row->error};
    bool is_retried = sqlite3_column_type(stmt, 8) != SQLITE_NULL;

    (void)s;
    row->claim = store__col_int(stmt, 0);
    row->attempt = store__col_int(stmt, 1);
    row->outcome = (enum run_outcome)store__col_int(stmt, 2);
    row->worker_id = store__col_str(stmt, 3);
    row->started_at = sqlite3_column_int64(stmt, 4);
    row->ended_at = sqlite3_column_int64(stmt, 5);
    row->cpu_us = sqlite3_column_int64(stmt, 6);
    row->memory_kb = sqlite3_column_int64(stmt, 7);
    row->retry_delay_ms = is_retried ? sqlite3_column_int64(stmt, 8) : -1;
    row->error = store__col_str(stmt, 9);
    return store__keep_strs(arena, strs, 2, e);
}

int store__attempts(struct store *s, struct uuid id, struct arena *arena, struct attempt_row **rows,
                    size_t *n, struct err *e)
{
    void *all;
    int rc = query(s, STMT_ATTEMPTS, &id, read_attempt, sizeof **rows, arena, &all, n, e);

    *rows = all;
    return rc;
}

static enum worker_state state_of(enum worker_state stored, const struct worker_row *row,
                                  int64_t now)
{
    if (stored != WORKER_ALIVE)
        return stored;
    if (row->lease_until < now)
        return WORKER_LOST;
    return row->draining ? WORKER_DRAINING : WORKER_ALIVE;
}

static int read_worker(struct sqlite_store *s, sqlite3_stmt *stmt, struct arena *arena, void *out,
                       struct err *e)
{
    struct worker_row *row = out;
    struct str *const strs[] = {&row->id, &row->host, &row->roles, &row->version};

    row->id = store__col_str(stmt, 0);
    row->incarnation = store__col_uuid(stmt, 1);
    row->draining = store__col_int(stmt, 3) != 0;
    row->host = store__col_str(stmt, 4);
    row->roles = store__col_str(stmt, 5);
    row->version = store__col_str(stmt, 6);
    row->pid = sqlite3_column_int64(stmt, 7);
    row->slots = store__col_int(stmt, 8);
    row->busy = store__col_int(stmt, 9);
    row->started_at = sqlite3_column_int64(stmt, 10);
    row->beat_at = sqlite3_column_int64(stmt, 11);
    row->lease_until = sqlite3_column_int64(stmt, 12);
    row->state = state_of((enum worker_state)store__col_int(stmt, 2), row, store__now(s));
    return store__keep_strs(arena, strs, 4, e);
}

int store__workers(struct store *s, struct arena *arena, struct worker_row **rows, size_t *n,
                   struct err *e)
{
    void *all;
    int rc = query(s, STMT_WORKERS, NULL, read_worker, sizeof **rows, arena, &all, n, e);

    *rows = all;
    return rc;
}

static int read_type(struct sqlite_store *s, sqlite3_stmt *stmt, struct arena *arena, void *out,
                     struct err *e)
{
    struct seen_type *row = out;
    struct str *const strs[] = {&row->type, &row->defaults, &row->config_hash};

    (void)s;
    row->type = store__col_str(stmt, 0);
    row->defaults = store__col_str(stmt, 1);
    row->config_hash = store__col_str(stmt, 2);
    row->last_seen = sqlite3_column_int64(stmt, 3);
    return store__keep_strs(arena, strs, 3, e);
}

int store__types(struct store *s, struct arena *arena, struct seen_type **rows, size_t *n,
                 struct err *e)
{
    void *all;
    int rc = query(s, STMT_TYPES, NULL, read_type, sizeof **rows, arena, &all, n, e);

    *rows = all;
    return rc;
}

static int put_type(struct sqlite_store *s, const struct type_row *row, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_TYPE_PUT, e);

    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, row->type);
    store__bind_str(stmt, 2, row->defaults.ptr == NULL ? STR("{}") : row->defaults);
    store__bind_str(stmt, 3, row->config_hash.ptr == NULL ? STR("") : row->config_hash);
    sqlite3_bind_int64(stmt, 4, s->now);
    return store__run(stmt, e);
}

int store__announce_types(struct store *base, const struct type_row *rows, size_t n, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    size_t i;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    for (i = 0; rc == 0 && i < n; i++)
        rc = put_type(s, &rows[i], e);
    return store__end(s, rc, e);
}

static int read_count(struct sqlite_store *s, sqlite3_stmt *stmt, struct arena *arena, void *out,
                      struct err *e)
{
    struct count_row *row = out;
    struct str *const strs[] = {&row->queue, &row->type};

    (void)s;
    row->queue = store__col_str(stmt, 0);
    row->type = store__col_str(stmt, 1);
    row->state = (enum job_state)store__col_int(stmt, 2);
    row->n = sqlite3_column_int64(stmt, 3);
    return store__keep_strs(arena, strs, 2, e);
}

/* The earliest due time of all queued jobs: the least of the heads of the index's runs; 0: none. */
static int find_oldest(struct sqlite_conn *c, int64_t *oldest, struct err *e)
{
    struct arena scratch = ARENA_INIT;
    struct queued_run run = {STR(""), STR(""), INT32_MIN, 0};
    bool found = true;
    int rc = 0, i;

    *oldest = 0;
    for (i = 0; rc == 0 && found && i < STATS_RUNS_MAX; i++) {
        rc = store__next_run(c, &run, &scratch, &found, e);
        if (rc == 0 && found && (*oldest == 0 || run.run_at < *oldest))
            *oldest = run.run_at;
    }
    arena_free(&scratch);
    return rc;
}

static void sum_up(struct stats *out, int64_t oldest)
{
    size_t i;

    for (i = 0; i < out->n; i++) {
        if (out->counts[i].state == JOB_QUEUED)
            out->backlog += out->counts[i].n;
        if (out->counts[i].state == JOB_RUNNING)
            out->running += out->counts[i].n;
    }
    out->oldest_age_ms = oldest == 0 ? -1 : oldest > out->now_ms ? 0 : out->now_ms - oldest;
}

int store__stats(struct store *base, struct arena *arena, struct stats *out, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct sqlite_conn *c;
    void *counts;
    int64_t oldest;
    int rc;

    memset(out, 0, sizeof *out);
    rc =
        query(base, STMT_COUNTS, NULL, read_count, sizeof *out->counts, arena, &counts, &out->n, e);
    out->counts = counts;
    if (rc != 0)
        return rc;
    c = store__reader_take(s, e);
    if (c == NULL)
        return e->code;
    rc = find_oldest(c, &oldest, e);
    store__reader_give(s, c);
    out->now_ms = store__now(s);
    if (rc == 0)
        sum_up(out, oldest);
    return rc;
}

int store__ping(struct store *base, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct sqlite_conn *c = store__reader_take(s, e);
    sqlite3_stmt *stmt;
    int rc;

    if (c == NULL)
        return e->code;
    stmt = store__stmt(c, STMT_PING, e);
    rc = stmt == NULL ? e->code : store__run(stmt, e);
    store__reader_give(s, c);
    return rc;
}
