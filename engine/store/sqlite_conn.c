/* SPDX-License-Identifier: MIT
 * Connections to SQLite: pragmas, the statement cache, what failures mean. */
#include "store/sqlite_priv.h"

#include <stdio.h>
#include <string.h>

#define BUSY_MS 5000

static const char *const statements[STMT_COUNT] = {
#define STMT(id, sql) [STMT_##id] = sql,
#include "store/sqlite_statements.def"
};

int store__conn_failed(sqlite3 *db, struct err *e)
{
    const char *file = db == NULL ? NULL : sqlite3_db_filename(db, "main");
    const char *text = sqlite3_errmsg(db);

    if (file == NULL)
        file = "sqlite";
    switch (sqlite3_errcode(db) & 0xFF) {
    case SQLITE_NOMEM:
        return err_set(e, ERR_NOMEM, "%s: out of memory", file);
    case SQLITE_FULL:
        return err_set(e, ERR_UNAVAILABLE, "%s: no space left on the disk", file);
    case SQLITE_CORRUPT:
        return err_set(e, ERR_UNAVAILABLE,
                       "%s: the database is damaged (%s): stop the engine and restore a backup",
                       file, text);
    case SQLITE_NOTADB:
        return err_set(e, ERR_MISMATCH, "%s: not an SQLite database", file);
    case SQLITE_TOOBIG:
        return err_set(e, ERR_INVALID, "%s: a value is too large for SQLite", file);
    case SQLITE_CONSTRAINT:
        return err_set(e, ERR_INVALID, "%s: %s", file, text);
    default: /* IOERR, BUSY, CANTOPEN, READONLY; also what should not happen, with its text */
        return err_set(e, ERR_UNAVAILABLE, "%s: %s (SQLite code %d)", file, text,
                       sqlite3_extended_errcode(db));
    }
}

static int configure(struct sqlite_conn *c, const struct conn_options *options, struct err *e)
{
    char sql[512];

    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    sqlite3_wal_autocheckpoint(c->db, 0); /* the writer does it after its commits */
    snprintf(sql, sizeof sql,
             "PRAGMA cache_size=-%d; PRAGMA mmap_size=0; PRAGMA temp_store=memory; "
             "PRAGMA foreign_keys=off; PRAGMA trusted_schema=off;",
             options->cache_kib);
    if (store__conn_exec(c, sql, e) != 0)
        return e->code;
    if (!options->checkpoints)
        return store__conn_exec(c, "PRAGMA query_only=on;", e);
    return store__conn_exec(c,
                            "PRAGMA page_size=4096; PRAGMA journal_mode=wal; "
                            "PRAGMA synchronous=full; PRAGMA journal_size_limit=33554432;",
                            e);
}

int store__conn_open(struct sqlite_conn *c, const char *path, const struct conn_options *options,
                     struct err *e)
{
    int flags = options->flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int rc;

    memset(c, 0, sizeof *c);
    if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK)
        rc = c->db == NULL ? err_set(e, ERR_NOMEM, "%s: out of memory", path)
                           : err_set(e, ERR_UNAVAILABLE, "%s: %s", path, sqlite3_errmsg(c->db));
    else
        rc = configure(c, options, e);
    if (rc != 0)
        store__conn_close(c);
    return rc;
}

void store__conn_close(struct sqlite_conn *c)
{
    size_t i;

    for (i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(c->stmts[i]);
    sqlite3_close(c->db);
    memset(c, 0, sizeof *c);
}

int store__conn_exec(struct sqlite_conn *c, const char *sql, struct err *e)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                   : store__conn_failed(c->db, e);
}

sqlite3_stmt *store__stmt(struct sqlite_conn *c, enum stmt_id id, struct err *e)
{
    if (c->stmts[id] == NULL &&
        sqlite3_prepare_v3(c->db, statements[id], -1, SQLITE_PREPARE_PERSISTENT, &c->stmts[id],
                           NULL) != SQLITE_OK)
        store__conn_failed(c->db, e);
    return c->stmts[id];
}

int store__step(sqlite3_stmt *stmt, struct err *e)
{
    int rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW)
        return 1;
    rc = rc == SQLITE_DONE ? 0 : store__conn_failed(sqlite3_db_handle(stmt), e);
    sqlite3_reset(stmt);
    return rc;
}

int store__run(sqlite3_stmt *stmt, struct err *e)
{
    int rc;

    do
        rc = store__step(stmt, e);
    while (rc == 1);
    return rc;
}

int store__run_id(struct sqlite_conn *c, enum stmt_id id, struct uuid job, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(c, id, e);

    if (stmt == NULL)
        return e->code;
    store__bind_blob(stmt, 1, job.bytes, sizeof job.bytes);
    return store__run(stmt, e);
}

void store__bind_str(sqlite3_stmt *stmt, int at, struct str s)
{
    if (s.ptr == NULL)
        sqlite3_bind_null(stmt, at);
    else
        sqlite3_bind_text64(stmt, at, s.ptr, s.len, SQLITE_STATIC, SQLITE_UTF8);
}

void store__bind_blob(sqlite3_stmt *stmt, int at, const void *data, size_t len)
{
    sqlite3_bind_blob64(stmt, at, data, len, SQLITE_STATIC);
}

void store__bind_uuid(sqlite3_stmt *stmt, int at, const struct uuid *id)
{
    if (uuid_is_nil(*id))
        sqlite3_bind_null(stmt, at);
    else
        store__bind_blob(stmt, at, id->bytes, sizeof id->bytes);
}

struct str store__col_str(sqlite3_stmt *stmt, int col)
{
    const char *text = (const char *)sqlite3_column_text(stmt, col);

    if (text == NULL)
        return STR_NONE;
    return (struct str){text, (size_t)sqlite3_column_bytes(stmt, col)};
}

struct uuid store__col_uuid(sqlite3_stmt *stmt, int col)
{
    const void *data = sqlite3_column_blob(stmt, col);
    struct uuid id = {{0}};

    if (data != NULL && sqlite3_column_bytes(stmt, col) == (int)sizeof id.bytes)
        memcpy(id.bytes, data, sizeof id.bytes);
    return id;
}

int32_t store__col_int(sqlite3_stmt *stmt, int col)
{
    return (int32_t)sqlite3_column_int64(stmt, col);
}

int store__row_failed(sqlite3_stmt *stmt, struct err *e)
{
    sqlite3 *db = sqlite3_db_handle(stmt);

    return (sqlite3_errcode(db) & 0xFF) == SQLITE_NOMEM ? store__conn_failed(db, e) : 0;
}
