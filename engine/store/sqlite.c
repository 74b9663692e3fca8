/* SPDX-License-Identifier: MIT
 * The SQLite store: opening, migrating, closing, and its table of operations. */
#include "store/sqlite_priv.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITER_CACHE_KIB 4096
#define APPLICATION_ID   1246579020 /* "JMIL", set by the first migration */

static void sqlite_close(struct store *s);

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .close = sqlite_close,
    .create = store__create,
    .claim_next = store__claim_next,
    .claim_ids = store__claim_ids,
    .finish = store__finish,
    .progress = store__progress,
    .register_worker = store__register_worker,
    .beat = store__beat,
    .unregister_worker = store__unregister_worker,
    .reap = store__reap,
    .promote_due = store__promote_due,
    .retain = store__retain,
    .retry = store__retry,
    .remove = store__remove,
    .bulk_start = store__bulk_start,
    .bulk_next = store__bulk_next,
    .announce_types = store__announce_types,
    .read = {.get = store__get,
             .list = store__list,
             .attempts = store__attempts,
             .stats = store__stats,
             .workers = store__workers,
             .types = store__types,
             .bulk_get = store__bulk_get,
             .ping = store__ping},
};

struct sqlite_store *store__sqlite(struct store *s)
{
    assert(s->ops == &sqlite_ops);
    return (struct sqlite_store *)s;
}

/* The path that the URL names. Never one that SQLite takes for a URI or ":memory:". */
static int find_path(const struct store_options *o, char path[static PATH_MAX], struct err *e)
{
    struct str given = {o->url.ptr + strlen("sqlite:"), o->url.len - strlen("sqlite:")};
    int len;

    if (given.len > 0 && memchr(given.ptr, '\0', given.len) != NULL)
        return err_set(e, ERR_INVALID, "store url: the path contains a NUL byte");
    if (given.len == 0)
        len = snprintf(path, PATH_MAX, "%s/jobmill.db", o->data_dir == NULL ? "." : o->data_dir);
    else if (given.ptr[0] == '/')
        len = snprintf(path, PATH_MAX, "%.*s", STR_ARG(given));
    else
        len = snprintf(path, PATH_MAX, "./%.*s", STR_ARG(given));
    /* room for "-journal" and ".lock" */
    if (len > PATH_MAX - 16)
        return err_set(e, ERR_INVALID, "store url: the path is longer than %d bytes",
                       PATH_MAX - 16);
    return 0;
}

static int make_folder(const char *path, struct err *e)
{
    char folder[PATH_MAX];
    char *slash;

    memcpy(folder, path, strlen(path) + 1);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return 0;
    *slash = '\0';
    if (io_make_dirs(folder, e) != 0)
        return e->code = ERR_UNAVAILABLE;
    return 0;
}

static int query_i64(struct sqlite_conn *c, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    int rc;

    if (sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return store__conn_failed(c->db, e);
    rc = store__step(stmt, e);
    if (rc == 1)
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc < 0 ? rc : 0;
}

/* Refuses the database of another program before anything is written to it. */
static int check_identity(struct sqlite_conn *c, const char *path, struct err *e)
{
    int64_t id = 0, tables = 0;
    int rc = query_i64(c, "SELECT count(*) FROM sqlite_master", &tables, e);

    if (rc == 0)
        rc = query_i64(c, "PRAGMA application_id", &id, e);
    if (rc == 0 && tables > 0 && id != APPLICATION_ID)
        rc = err_set(e, ERR_MISMATCH,
                     "%s: the database of another program: found application id %lld, expected %d",
                     path, (long long)id, APPLICATION_ID);
    return rc;
}

/* SQLite cannot be told the mode, but gives its other files that of the database. */
static int make_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0)
        return err_errno(e, ERR_UNAVAILABLE, "%s: cannot open", path);
    close(fd);
    return 0;
}

static int open_writer(struct sqlite_conn *c, const char *path, bool create, struct err *e)
{
    const struct conn_options options = {
        .flags = SQLITE_OPEN_READWRITE,
        .cache_kib = WRITER_CACHE_KIB,
        .checkpoints = true,
    };
    int rc = create ? make_file(path, e) : 0;

    if (rc == 0)
        rc = store__conn_open(c, path, &options, e);
    if (rc == 0)
        rc = check_identity(c, path, e);
    if (rc != 0)
        store__conn_close(c);
    return rc;
}

static int wal_grew(void *context, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_store *s = context;

    (void)db;
    (void)name;
    s->wal_pages = pages;
    return SQLITE_OK;
}

/* A lock, a folder and a writer for `options`; the writer stays closed when there is no file and
 * none may be made. */
static int open_file(const struct store_options *o, bool create, char path[static PATH_MAX],
                     int *lock_fd, struct sqlite_conn *writer, struct err *e)
{
    int rc = find_path(o, path, e);

    *lock_fd = -1;
    memset(writer, 0, sizeof *writer);
    if (rc == 0 && !create && access(path, F_OK) != 0)
        return 0;
    if (rc == 0)
        rc = make_folder(path, e);
    if (rc == 0)
        rc = *lock_fd = store__owner_lock(path, o->lock_wait_ms, e);
    if (rc >= 0)
        rc = open_writer(writer, path, create, e);
    if (rc != 0)
        io_close(lock_fd);
    return rc;
}

static void log_migration(void *context, const struct migration_status *m)
{
    if (m->applied_now)
        log_info("migrated the store path=%s migration=%s", (const char *)context, m->name);
}

static int bring_up_to_date(struct sqlite_store *s, bool migrate, struct err *e)
{
    struct migrate_target target = store__sqlite_target(&s->writer, store__now(s));
    size_t pending = 0;
    int rc = store__migrate(&target, migrate, log_migration, s->path, &pending, e);

    if (rc == 0 && pending > 0)
        rc = err_set(e, ERR_MISMATCH, "%s: %zu migrations are pending: run `jobmill migrate`",
                     s->path, pending);
    return rc;
}

static void init(struct sqlite_store *s, const struct store_options *o)
{
    s->base.ops = &sqlite_ops;
    s->key_window_ms = o->key_window_ms;
    s->clock = o->now_ms == NULL ? clock_wall_ms : o->now_ms;
    store__fair_init(&s->lock);
    pthread_mutex_init(&s->readers_mutex, NULL);
    pthread_cond_init(&s->reader_free, NULL);
}

int store__sqlite_open(const struct store_options *options, bool migrate, struct store **out,
                       struct err *e)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for a store");
    init(s, options);
    rc = open_file(options, migrate, s->path, &s->lock_fd, &s->writer, e);
    if (rc == 0)
        rc = bring_up_to_date(s, migrate, e);
    if (rc != 0) {
        sqlite_close(&s->base);
        return rc;
    }
    sqlite3_wal_hook(s->writer.db, wal_grew, s);
    *out = &s->base;
    return 0;
}

/* Readers first: the last connection that closes checkpoints, and that is the writer. */
static void sqlite_close(struct store *base)
{
    struct sqlite_store *s = store__sqlite(base);

    store__readers_close(s);
    store__conn_close(&s->writer);
    io_close(&s->lock_fd);
    store__fair_fini(&s->lock);
    pthread_mutex_destroy(&s->readers_mutex);
    pthread_cond_destroy(&s->reader_free);
    free(s);
}

int store__sqlite_migrate(const struct store_options *options, bool apply, store_migration_fn *each,
                          void *context, struct err *e)
{
    char path[PATH_MAX];
    struct sqlite_conn writer;
    struct migrate_target target;
    size_t pending;
    int lock_fd;
    int rc = open_file(options, apply, path, &lock_fd, &writer, e);

    if (rc != 0)
        return rc;
    target = store__sqlite_target(&writer,
                                  options->now_ms == NULL ? clock_wall_ms() : options->now_ms());
    rc = store__migrate(&target, apply, each, context, &pending, e);
    store__conn_close(&writer);
    io_close(&lock_fd);
    return rc;
}
