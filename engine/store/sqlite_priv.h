/* SPDX-License-Identifier: MIT
 * What the files of the SQLite store share: connections, transactions, rows. */
#ifndef JOBMILL_STORE_SQLITE_PRIV_H
#define JOBMILL_STORE_SQLITE_PRIV_H

#include "base/arena.h"
#include "store/migrate_priv.h"
#include "store/store.h"

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* --- columns ---------------------------------------------------------------------------------- */

/* clang-format off */
/* The columns of `jobs` and `job_history` in the order in which statements name them; `payload`
 * follows, and `result` where there is one. */
#define JOB_COLUMNS(X)                                                                             \
    X(id) X(state) X(type) X(queue) X(created_at) X(completed_at) X(workflow_id) X(worker_id)      \
    X(error_code) X(tags) X(updated_at) X(run_at) X(started_at) X(priority) X(attempt)             \
    X(max_retries) X(claims) X(crashes) X(losses) X(timeout_ms) X(backoff_base_ms)                 \
    X(backoff_cap_ms) X(backoff_factor_pct) X(backoff_jitter_pct) X(cpu_us) X(memory_kb)           \
    X(step_index) X(retry_of) X(token) X(idempotency_key) X(last_error) X(progress)

/* The first of them: what filters look at. */
#define FILTER_COLUMNS                                                                             \
    "id, state, type, queue, created_at, completed_at, workflow_id, worker_id, error_code, tags"

/* The columns of `bulk_ops`; `completed_at` follows. */
#define BULK_COLUMNS(X)                                                                            \
    X(id) X(action) X(state) X(states) X(type) X(queue) X(tag) X(worker_id) X(error_code)          \
    X(workflow_id) X(created_after) X(created_before) X(died_before) X(patch) X(max_jobs)          \
    X(cursor) X(matched) X(succeeded) X(failed) X(error) X(created_at) X(updated_at)
/* clang-format on */

#define AS_NAME(column) #column ", "
#define AS_MARK(column) "?, "
#define AS_COL(column)  COL_##column,
#define AS_BULK(column) BULK_##column,

enum job_column { JOB_COLUMNS(AS_COL) COL_payload, COL_result };
enum bulk_column { BULK_COLUMNS(AS_BULK) BULK_completed_at };

enum stmt_id {
#define STMT(id, sql) STMT_##id,
#include "store/sqlite_statements.def"
    STMT_COUNT
};

/* --- a connection: sqlite_conn.c -------------------------------------------------------------- */

struct sqlite_conn {
    sqlite3 *db;
    sqlite3_stmt *stmts[STMT_COUNT]; /* prepared when first used */
};

struct conn_options {
    int flags; /* SQLITE_OPEN_* */
    int cache_kib;
    bool checkpoints; /* the writer; readers never do (R21) */
};

int store__conn_open(struct sqlite_conn *c, const char *path, const struct conn_options *options,
                     struct err *e) MUST_CHECK;
void store__conn_close(struct sqlite_conn *c);

/* Runs SQL text that returns nothing. */
int store__conn_exec(struct sqlite_conn *c, const char *sql, struct err *e) MUST_CHECK;

/* The statement, reset and ready to be bound; NULL when it cannot be prepared. */
sqlite3_stmt *store__stmt(struct sqlite_conn *c, enum stmt_id id, struct err *e) MUST_CHECK;
/* 1: a row, 0: no more (and reset), < 0: failed (and reset). */
int store__step(sqlite3_stmt *stmt, struct err *e) MUST_CHECK;
/* For statements without rows: steps to the end, resets. */
int store__run(sqlite3_stmt *stmt, struct err *e) MUST_CHECK;
/* As store__run for the statement with a single parameter that is an id. */
int store__run_id(struct sqlite_conn *c, enum stmt_id id, struct uuid job,
                  struct err *e) MUST_CHECK;
/* What the connection's last failure means: an err_code, with text. */
int store__conn_failed(sqlite3 *db, struct err *e);

/* Binding and reading; bound bytes are borrowed until the reset. A nil uuid and STR_NONE are NULL.
 */
void store__bind_str(sqlite3_stmt *stmt, int at, struct str s);
void store__bind_uuid(sqlite3_stmt *stmt, int at, const struct uuid *id);
void store__bind_blob(sqlite3_stmt *stmt, int at, const void *data, size_t len);
/* Reading: borrowed until the next step or reset. What could not be read for want of memory looks
 * like NULL; store__row_failed tells, once the columns of a row have been read. */
struct str store__col_str(sqlite3_stmt *stmt, int col);
struct uuid store__col_uuid(sqlite3_stmt *stmt, int col);
int32_t store__col_int(sqlite3_stmt *stmt, int col);
int store__row_failed(sqlite3_stmt *stmt, struct err *e) MUST_CHECK;

/* --- the owner's lock on the file: sqlite_owner.c --------------------------------------------- */

/* Takes `<path>.lock`, waiting up to `wait_ms`; ERR_UNAVAILABLE names the process that has it.
 * Returns the descriptor that holds it. */
int store__owner_lock(const char *path, int64_t wait_ms, struct err *e) MUST_CHECK;

/* --- a lock that serves in the order of arrival: sqlite_txn.c --------------------------------- */

struct fair_lock {
    pthread_mutex_t mutex; /* protects the tickets */
    pthread_cond_t turn;
    uint64_t next, serving;
};

/* --- counts of one transaction: sqlite_tally.c ------------------------------------------------ */

#define TALLY_BUCKETS 64

struct tally_cell {
    struct tally_cell *next;
    struct str queue, type;
    int64_t delta[JOB_STATE_END];
};

struct tally {
    struct arena arena;
    struct tally_cell *buckets[TALLY_BUCKETS];
    struct tally_cell *last; /* what was found last: batches repeat themselves */
    bool failed;             /* out of memory: the transaction must not commit */
};

/* --- the store -------------------------------------------------------------------------------- */

#define READERS_MAX 4

struct reader {
    struct sqlite_conn conn;
    bool is_borrowed;
};

struct sqlite_store {
    struct store base; /* first: the handle that others see */
    char path[PATH_MAX];
    int lock_fd;
    int64_t key_window_ms;
    int64_t (*clock)(void);
    _Atomic int64_t latest_ms; /* the clock never shows less */

    struct fair_lock lock; /* protects the next four */
    struct sqlite_conn writer;
    int64_t now; /* of the transaction under way */
    struct tally tally;
    int wal_pages;

    pthread_mutex_t readers_mutex; /* protects readers */
    pthread_cond_t reader_free;
    struct reader readers[READERS_MAX];
};

struct sqlite_store *store__sqlite(struct store *s);

/* Opens, or migrates, `options->url`, which begins with `sqlite:`. */
int store__sqlite_open(const struct store_options *options, bool migrate, struct store **out,
                       struct err *e) MUST_CHECK;
int store__sqlite_migrate(const struct store_options *options, bool apply, store_migration_fn *each,
                          void *context, struct err *e) MUST_CHECK;

/* What migrate.c drives; `conn` with db NULL stands for a file that does not exist. */
struct migrate_target store__sqlite_target(struct sqlite_conn *conn, int64_t now);

/* A write transaction: takes the lock, begins, samples the clock into s->now. */
int store__begin(struct sqlite_store *s, struct err *e) MUST_CHECK;
/* Commits when rc is 0, else rolls back; lets go of the lock. Returns rc or the commit's failure.
 */
int store__end(struct sqlite_store *s, int rc, struct err *e);
int64_t store__now(struct sqlite_store *s);
void store__fair_init(struct fair_lock *lock);
void store__fair_fini(struct fair_lock *lock);

/* A connection for reading, borrowed; waits while all are. NULL when one cannot be opened. */
struct sqlite_conn *store__reader_take(struct sqlite_store *s, struct err *e) MUST_CHECK;
void store__reader_give(struct sqlite_store *s, struct sqlite_conn *c);
void store__readers_close(struct sqlite_store *s);

/* Counts that change with the transaction under way. */
void store__tally(struct sqlite_store *s, struct str queue, struct str type, enum job_state state,
                  int64_t delta);
void store__tally_move(struct sqlite_store *s, const struct job *job, enum job_state from,
                       enum job_state to);
int store__tally_apply(struct sqlite_store *s, struct err *e) MUST_CHECK;
void store__tally_clear(struct tally *t);

/* --- rows: sqlite_rows.c ---------------------------------------------------------------------- */

/* Borrows from the statement until its next step or reset. */
void store__read_filter_columns(sqlite3_stmt *stmt, struct job *out);
void store__read_job(sqlite3_stmt *stmt, struct job *out);
/* Binds a job to INSERT_JOB, or with_result to INSERT_HISTORY. */
void store__bind_job(sqlite3_stmt *stmt, const struct job *job, bool with_result);
/* Moves what `job` borrows into the arena. */
int store__keep_job(struct arena *arena, struct job *job, struct err *e) MUST_CHECK;
/* Moves the strings into the arena, as one piece. */
int store__keep_strs(struct arena *arena, struct str *const *strs, size_t n,
                     struct err *e) MUST_CHECK;
/* The row of a job: GET_HOT or GET_HISTORY, stepped onto it. *out borrows from *stmt, which the
 * caller resets. *stmt is NULL when there is no such job. */
int store__find_hot(struct sqlite_conn *c, struct uuid id, sqlite3_stmt **stmt, struct job *out,
                    struct err *e) MUST_CHECK;
int store__find_job(struct sqlite_conn *c, struct uuid id, sqlite3_stmt **stmt, struct job *out,
                    struct err *e) MUST_CHECK;
/* As store__find_job, kept in the arena. */
int store__get_job(struct sqlite_conn *c, struct uuid id, struct arena *arena, struct job *out,
                   bool *found, struct err *e) MUST_CHECK;
/* All ids that a statement gives in its first column, in `arena`. */
int store__collect_ids(sqlite3_stmt *stmt, size_t max, struct arena *arena, struct uuid **ids,
                       size_t *n, struct err *e) MUST_CHECK;
/* Inserts a job; *exists when there is one with this id already. */
int store__insert_job(struct sqlite_store *s, const struct job *job, bool *exists,
                      struct err *e) MUST_CHECK;
/* Deletes a job that was found, with its attempts and its idempotency key. */
int store__delete_job(struct sqlite_store *s, const struct job *job, struct err *e) MUST_CHECK;

/* A run of the index jobs_queued: the queued jobs of one type, queue and priority, by due time. */
struct queued_run {
    struct str type, queue;
    int32_t priority;
    int64_t run_at; /* of its first job */
};

/* Moves `run` to the next run behind it, its names in `arena`; *found false when there is none.
 * From {"", "", INT32_MIN} it is the first of all: sqlite_claim.c. */
int store__next_run(struct sqlite_conn *c, struct queued_run *run, struct arena *arena, bool *found,
                    struct err *e) MUST_CHECK;

/* Ends the run of a running job found in `stmt`, which is reset: sqlite_finish.c. */
int store__end_run(struct sqlite_store *s, sqlite3_stmt *stmt, struct job *job,
                   const struct finish *f, struct err *e) MUST_CHECK;
/* Writes the progress of a bulk operation; ERR_CONFLICT when it has ended: sqlite_bulk.c. */
int store__bulk_update(struct sqlite_store *s, struct bulk_row *row, struct err *e) MUST_CHECK;

/* --- the members of store_ops ----------------------------------------------------------------- */

int store__create(struct store *s, struct create_group *groups, size_t n, struct err *e);
int store__claim_next(struct store *s, const struct claim_request *r, struct arena *arena,
                      struct job **jobs, size_t *n, struct err *e);
int store__claim_ids(struct store *s, const struct claim_request *r, struct arena *arena,
                     struct job **jobs, size_t *n, struct err *e);
int store__finish(struct store *s, struct finish *items, size_t n, struct err *e);
int store__progress(struct store *s, struct progress *items, size_t n, struct err *e);
int store__register_worker(struct store *s, const struct worker_beat *beat, size_t *freed,
                           struct err *e);
int store__beat(struct store *s, const struct worker_beat *beat, struct err *e);
int store__unregister_worker(struct store *s, struct str id, struct uuid incarnation,
                             struct err *e);
int store__reap(struct store *s, size_t max, size_t *freed, struct err *e);
int store__promote_due(struct store *s, size_t max, size_t *promoted, int64_t *next_in_ms,
                       struct err *e);
int store__retain(struct store *s, const struct retention *r, size_t max, size_t *removed,
                  struct err *e);
int store__retry(struct store *s, struct retry_edit *items, size_t n, struct bulk_row *bulk,
                 struct arena *arena, struct err *e);
int store__remove(struct store *s, struct delete_item *items, size_t n, struct bulk_row *bulk,
                  struct err *e);
int store__bulk_start(struct store *s, struct bulk_row *row, struct err *e);
int store__bulk_next(struct store *s, struct arena *arena, struct bulk_row *row, bool *found,
                     struct err *e);
int store__announce_types(struct store *s, const struct type_row *rows, size_t n, struct err *e);
int store__get(struct store *s, struct uuid id, struct arena *arena, struct job *out, bool *found,
               struct err *e);
int store__list(struct store *s, const struct job_filter *filter, struct uuid below, size_t limit,
                struct arena *arena, struct job_page *out, struct err *e);
int store__attempts(struct store *s, struct uuid id, struct arena *arena, struct attempt_row **rows,
                    size_t *n, struct err *e);
int store__stats(struct store *s, struct arena *arena, struct stats *out, struct err *e);
int store__workers(struct store *s, struct arena *arena, struct worker_row **rows, size_t *n,
                   struct err *e);
int store__types(struct store *s, struct arena *arena, struct seen_type **rows, size_t *n,
                 struct err *e);
int store__bulk_get(struct store *s, struct uuid id, struct arena *arena, struct bulk_row *out,
                    bool *found, struct err *e);
int store__ping(struct store *s, struct err *e);

#endif
