/* SPDX-License-Identifier: MIT
 * Bulk operations: their durable rows. */
#include "store/sqlite_priv.h"

#include <string.h>

static void bind_str(sqlite3_stmt *stmt, enum bulk_column column, struct str s)
{
    store__bind_str(stmt, (int)column + 1, s);
}

static void bind_i64(sqlite3_stmt *stmt, enum bulk_column column, int64_t value)
{
    sqlite3_bind_int64(stmt, (int)column + 1, value);
}

static void bind_filter(sqlite3_stmt *stmt, const struct job_filter *f)
{
    bind_i64(stmt, BULK_states, f->states);
    bind_str(stmt, BULK_type, f->type);
    bind_str(stmt, BULK_queue, f->queue);
    bind_str(stmt, BULK_tag, f->tag);
    bind_str(stmt, BULK_worker_id, f->worker_id);
    bind_str(stmt, BULK_error_code, f->error_code);
    store__bind_uuid(stmt, BULK_workflow_id + 1, &f->workflow_id);
    bind_i64(stmt, BULK_created_after, f->created_after_ms);
    bind_i64(stmt, BULK_created_before, f->created_before_ms);
    bind_i64(stmt, BULK_died_before, f->died_before_ms);
}

static void bind_row(sqlite3_stmt *stmt, const struct bulk_row *row)
{
    store__bind_uuid(stmt, BULK_id + 1, &row->id);
    bind_i64(stmt, BULK_action, row->action);
    bind_i64(stmt, BULK_state, row->state);
    bind_filter(stmt, &row->filter);
    bind_str(stmt, BULK_patch, row->patch);
    bind_i64(stmt, BULK_max_jobs, row->limit);
    store__bind_uuid(stmt, BULK_cursor + 1, &row->cursor);
    bind_i64(stmt, BULK_matched, row->matched);
    bind_i64(stmt, BULK_succeeded, row->succeeded);
    bind_i64(stmt, BULK_failed, row->failed);
    bind_str(stmt, BULK_error, row->error);
    bind_i64(stmt, BULK_created_at, row->created_at);
    bind_i64(stmt, BULK_updated_at, row->updated_at);
    bind_i64(stmt, BULK_completed_at, row->completed_at);
}

static void read_filter(sqlite3_stmt *stmt, struct job_filter *f)
{
    f->states = (uint32_t)sqlite3_column_int64(stmt, BULK_states);
    f->type = store__col_str(stmt, BULK_type);
    f->queue = store__col_str(stmt, BULK_queue);
    f->tag = store__col_str(stmt, BULK_tag);
    f->worker_id = store__col_str(stmt, BULK_worker_id);
    f->error_code = store__col_str(stmt, BULK_error_code);
    f->workflow_id = store__col_uuid(stmt, BULK_workflow_id);
    f->created_after_ms = sqlite3_column_int64(stmt, BULK_created_after);
    f->created_before_ms = sqlite3_column_int64(stmt, BULK_created_before);
    f->died_before_ms = sqlite3_column_int64(stmt, BULK_died_before);
}

static int read_row(sqlite3_stmt *stmt, struct arena *arena, struct bulk_row *row, struct err *e)
{
    struct job_filter *f = &row->filter;
    struct str *const strs[] = {&f->type,       &f->queue,   &f->tag,    &f->worker_id,
                                &f->error_code, &row->patch, &row->error};
    int rc;

    memset(row, 0, sizeof *row);
    row->id = store__col_uuid(stmt, BULK_id);
    row->action = (enum bulk_action)store__col_int(stmt, BULK_action);
    row->state = (enum bulk_state)store__col_int(stmt, BULK_state);
    read_filter(stmt, f);
    row->patch = store__col_str(stmt, BULK_patch);
    row->limit = sqlite3_column_int64(stmt, BULK_max_jobs);
    row->cursor = store__col_uuid(stmt, BULK_cursor);
    row->matched = sqlite3_column_int64(stmt, BULK_matched);
    row->succeeded = sqlite3_column_int64(stmt, BULK_succeeded);
    row->failed = sqlite3_column_int64(stmt, BULK_failed);
    row->error = store__col_str(stmt, BULK_error);
    row->created_at = sqlite3_column_int64(stmt, BULK_created_at);
    row->updated_at = sqlite3_column_int64(stmt, BULK_updated_at);
    row->completed_at = sqlite3_column_int64(stmt, BULK_completed_at);
    rc = store__row_failed(stmt, e);
    return rc == 0 ? store__keep_strs(arena, strs, sizeof strs / sizeof *strs, e) : rc;
}

/* Steps `stmt` onto a row, if there is one, and keeps it. */
static int find_row(sqlite3_stmt *stmt, struct arena *arena, struct bulk_row *row, bool *found,
                    struct err *e)
{
    int rc = store__step(stmt, e);

    *found = rc == 1;
    if (rc <= 0)
        return rc;
    rc = read_row(stmt, arena, row, e);
    sqlite3_reset(stmt);
    return rc;
}

int store__bulk_start(struct store *base, struct bulk_row *row, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    sqlite3_stmt *stmt;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    stmt = store__stmt(&s->writer, STMT_BULK_INSERT, e);
    if (stmt == NULL)
        return store__end(s, e->code, e);
    row->state = BULK_RUNNING;
    row->created_at = row->updated_at = s->now;
    row->completed_at = 0;
    bind_row(stmt, row);
    return store__end(s, store__run(stmt, e), e);
}

int store__bulk_update(struct sqlite_store *s, struct bulk_row *row, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_BULK_UPDATE, e);
    int rc;

    if (stmt == NULL)
        return e->code;
    row->updated_at = s->now;
    row->completed_at = row->state == BULK_RUNNING ? 0 : s->now;
    sqlite3_bind_int(stmt, 1, (int)row->state);
    store__bind_uuid(stmt, 2, &row->cursor);
    sqlite3_bind_int64(stmt, 3, row->matched);
    sqlite3_bind_int64(stmt, 4, row->succeeded);
    sqlite3_bind_int64(stmt, 5, row->failed);
    store__bind_str(stmt, 6, row->error);
    sqlite3_bind_int64(stmt, 7, row->updated_at);
    sqlite3_bind_int64(stmt, 8, row->completed_at);
    store__bind_uuid(stmt, 9, &row->id);
    rc = store__run(stmt, e);
    if (rc == 0 && sqlite3_changes(s->writer.db) == 0)
        rc = err_set(e, ERR_CONFLICT, "the bulk operation does not exist or has ended");
    return rc;
}

int store__bulk_next(struct store *base, struct arena *arena, struct bulk_row *row, bool *found,
                     struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct sqlite_conn *c = store__reader_take(s, e);
    sqlite3_stmt *stmt;
    int rc;

    *found = false;
    if (c == NULL)
        return e->code;
    stmt = store__stmt(c, STMT_BULK_NEXT, e);
    rc = stmt == NULL ? e->code : find_row(stmt, arena, row, found, e);
    store__reader_give(s, c);
    return rc;
}

int store__bulk_get(struct store *base, struct uuid id, struct arena *arena, struct bulk_row *out,
                    bool *found, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct sqlite_conn *c = store__reader_take(s, e);
    sqlite3_stmt *stmt;
    int rc;

    *found = false;
    if (c == NULL)
        return e->code;
    stmt = store__stmt(c, STMT_BULK_GET, e);
    if (stmt != NULL)
        store__bind_uuid(stmt, 1, &id);
    rc = stmt == NULL ? e->code : find_row(stmt, arena, out, found, e);
    store__reader_give(s, c);
    return rc;
}
