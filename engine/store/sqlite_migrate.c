/* SPDX-License-Identifier: MIT
 * SQLite as a target of migrations: the table of what was applied. */
#include "store/sqlite_priv.h"

#include <string.h>

static int prepare(struct sqlite_conn *c, const char *sql, sqlite3_stmt **stmt, struct err *e)
{
    return sqlite3_prepare_v2(c->db, sql, -1, stmt, NULL) == SQLITE_OK
               ? 0
               : store__conn_failed(c->db, e);
}

static int has_table(struct sqlite_conn *c, bool *has, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    int rc = prepare(c, "SELECT 1 FROM sqlite_master WHERE name='schema_migrations'", &stmt, e);

    if (rc == 0)
        rc = store__step(stmt, e);
    *has = rc == 1;
    sqlite3_finalize(stmt);
    return rc < 0 ? rc : 0;
}

static void read_record(sqlite3_stmt *stmt, struct migration_record *out)
{
    const void *checksum = sqlite3_column_blob(stmt, 1);

    memset(out, 0, sizeof *out);
    out->version = store__col_int(stmt, 0);
    if (checksum != NULL && sqlite3_column_bytes(stmt, 1) == MIGRATION_CHECKSUM_LEN)
        memcpy(out->checksum, checksum, MIGRATION_CHECKSUM_LEN);
    out->applied_at = sqlite3_column_int64(stmt, 2);
}

static int load(void *context, struct migration_record *records, size_t *n, struct err *e)
{
    struct sqlite_conn *c = context;
    sqlite3_stmt *stmt = NULL;
    bool has = false;
    int rc = c->db == NULL ? 0 : has_table(c, &has, e);

    *n = 0;
    if (rc != 0 || !has)
        return rc;
    rc = prepare(c, "SELECT version, checksum, applied_at FROM schema_migrations ORDER BY version",
                 &stmt, e);
    while (rc == 0 && *n < MIGRATIONS_MAX && (rc = store__step(stmt, e)) == 1) {
        read_record(stmt, &records[(*n)++]);
        rc = 0;
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int record(struct sqlite_conn *c, const struct migration *m, int64_t now, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    int rc = prepare(c,
                     "INSERT INTO schema_migrations(version, name, checksum, applied_at) "
                     "VALUES(?, ?, ?, ?)",
                     &stmt, e);

    if (rc == 0) {
        sqlite3_bind_int(stmt, 1, m->version);
        store__bind_str(stmt, 2, str_from(m->name));
        store__bind_blob(stmt, 3, m->checksum, sizeof m->checksum);
        sqlite3_bind_int64(stmt, 4, now);
        rc = store__run(stmt, e);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int apply(void *context, const struct migration *m, int64_t now, struct err *e)
{
    struct sqlite_conn *c = context;
    int rc = store__conn_exec(c,
                              "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS schema_migrations("
                              "version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, "
                              "checksum BLOB NOT NULL, applied_at INTEGER NOT NULL);",
                              e);

    if (rc == 0) /* embedded texts end with a NUL */
        rc = store__conn_exec(c, m->sql.ptr, e);
    if (rc == 0)
        rc = record(c, m, now, e);
    if (rc == 0)
        rc = store__conn_exec(c, "COMMIT", e);
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

struct migrate_target store__sqlite_target(struct sqlite_conn *conn, int64_t now)
{
    return (struct migrate_target){
        .folder = "migrations/sqlite/", .context = conn, .now = now, .load = load, .apply = apply};
}
