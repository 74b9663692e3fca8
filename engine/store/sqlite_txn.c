/* SPDX-License-Identifier: MIT
 * Transactions of the SQLite store: the fair lock before the writer, the clock, begin, commit,
 * checkpoints; and the connections that read. */
#include "store/sqlite_priv.h"

#include "base/log.h"

/* Pages of the write-ahead log: from the first on it is copied back as far as readers allow, from
 * the second on the writer waits for them, so that the log is bounded (64 MiB). */
#define WAL_PAGES_PASSIVE 4000
#define WAL_PAGES_RESTART 16000

#define READER_CACHE_KIB 1024

void store__fair_init(struct fair_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_cond_init(&lock->turn, NULL);
    lock->next = lock->serving = 0;
}

void store__fair_fini(struct fair_lock *lock)
{
    pthread_cond_destroy(&lock->turn);
    pthread_mutex_destroy(&lock->mutex);
}

static void fair_take(struct fair_lock *lock)
{
    uint64_t ticket;

    pthread_mutex_lock(&lock->mutex);
    ticket = lock->next++;
    while (lock->serving != ticket)
        pthread_cond_wait(&lock->turn, &lock->mutex);
    pthread_mutex_unlock(&lock->mutex);
}

static void fair_give(struct fair_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    lock->serving++;
    if (lock->next != lock->serving)
        pthread_cond_broadcast(&lock->turn);
    pthread_mutex_unlock(&lock->mutex);
}

int64_t store__now(struct sqlite_store *s)
{
    int64_t now = s->clock(), latest = atomic_load(&s->latest_ms);

    while (now > latest)
        if (atomic_compare_exchange_weak(&s->latest_ms, &latest, now))
            return now;
    return latest;
}

/* Copies the write-ahead log back. A failure costs nothing now and is met again by a commit. */
static void checkpoint(struct sqlite_store *s)
{
    int mode =
        s->wal_pages >= WAL_PAGES_RESTART ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
    int rc;

    if (s->wal_pages < WAL_PAGES_PASSIVE)
        return;
    rc = sqlite3_wal_checkpoint_v2(s->writer.db, NULL, mode, NULL, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        log_warn("%s: cannot checkpoint: %s", s->path, sqlite3_errmsg(s->writer.db));
}

static int run_plain(struct sqlite_conn *c, enum stmt_id id, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(c, id, e);

    return stmt == NULL ? e->code : store__run(stmt, e);
}

static void roll_back(struct sqlite_conn *c)
{
    size_t i;

    for (i = 0; i < STMT_COUNT; i++)
        if (c->stmts[i] != NULL && sqlite3_stmt_busy(c->stmts[i]))
            sqlite3_reset(c->stmts[i]);
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

int store__begin(struct sqlite_store *s, struct err *e)
{
    int rc;

    fair_take(&s->lock);
    rc = run_plain(&s->writer, STMT_BEGIN_WRITE, e);
    if (rc != 0) {
        roll_back(&s->writer);
        fair_give(&s->lock);
        return rc;
    }
    s->now = store__now(s);
    return 0;
}

int store__end(struct sqlite_store *s, int rc, struct err *e)
{
    if (rc == 0)
        rc = store__tally_apply(s, e);
    if (rc == 0)
        rc = run_plain(&s->writer, STMT_COMMIT, e);
    if (rc == 0)
        checkpoint(s);
    else
        roll_back(&s->writer);
    store__tally_clear(&s->tally);
    fair_give(&s->lock);
    return rc;
}

static struct reader *find_reader(struct sqlite_store *s)
{
    struct reader *unopened = NULL;
    size_t i;

    for (i = 0; i < READERS_MAX; i++) {
        struct reader *r = &s->readers[i];

        if (r->is_borrowed)
            continue;
        if (r->conn.db != NULL)
            return r;
        if (unopened == NULL)
            unopened = r;
    }
    return unopened;
}

struct sqlite_conn *store__reader_take(struct sqlite_store *s, struct err *e)
{
    static const struct conn_options options = {.flags = SQLITE_OPEN_READONLY,
                                                .cache_kib = READER_CACHE_KIB};
    struct reader *r;

    pthread_mutex_lock(&s->readers_mutex);
    while ((r = find_reader(s)) == NULL)
        pthread_cond_wait(&s->reader_free, &s->readers_mutex);
    r->is_borrowed = true;
    pthread_mutex_unlock(&s->readers_mutex);
    if (r->conn.db != NULL || store__conn_open(&r->conn, s->path, &options, e) == 0)
        return &r->conn;
    store__reader_give(s, &r->conn);
    return NULL;
}

void store__reader_give(struct sqlite_store *s, struct sqlite_conn *c)
{
    size_t i;

    if (c->db != NULL)
        roll_back(c);
    pthread_mutex_lock(&s->readers_mutex);
    for (i = 0; i < READERS_MAX; i++)
        if (&s->readers[i].conn == c)
            s->readers[i].is_borrowed = false;
    pthread_cond_signal(&s->reader_free);
    pthread_mutex_unlock(&s->readers_mutex);
}

void store__readers_close(struct sqlite_store *s)
{
    size_t i;

    for (i = 0; i < READERS_MAX; i++)
        store__conn_close(&s->readers[i].conn);
}
