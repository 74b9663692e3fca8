/* SPDX-License-Identifier: MIT
 * The store: the only truth (law 1). `struct store_ops` is the contract that every store keeps and
 * tests/store proves; store_read.h has the reading half.
 *
 * Rules for all operations:
 * - Thread-safe. Each call is one transaction, durable when it returns 0; on failure nothing of it
 *   has happened, or (ERR_UNAVAILABLE only) it is unknown whether it has.
 * - Set-based: one call serves a whole batch. One bad item never fails its batch.
 * - The store's own clock stamps and compares (law 7); callers pass durations only.
 * - Every transition is conditional on state, and for running jobs on the lease token (R1, R2).
 * - Strings handed in are borrowed for the call; strings handed out live in the given arena.
 * - `e` is required.
 * - Codes: ERR_UNAVAILABLE (back end away, disk full, busy too long), ERR_NOMEM, ERR_INVALID. */
#ifndef JOBMILL_STORE_STORE_H
#define JOBMILL_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/job.h"
#include "store/store_read.h"

#define STORE_HASH_LEN 16 /* of a submitted body */

/* --- creating ------------------------------------------------------------------------------- */

enum create_outcome {
    CREATE_DONE = 1, /* the job is new */
    CREATE_REPLAYED, /* its key was used before with the same body: `job` is the original */
    CREATE_MISMATCH, /* its key was used before with another body */
    CREATE_NOT_DONE  /* a sibling in its all-or-nothing group failed */
};

struct create {
    /* In: id, type, queue, payload, tags, idempotency_key, workflow_id, step_index, priority,
     * max_retries, timeout_ms, retry, retry_of. Out: the stored job. */
    struct job job;
    int64_t delay_ms;  /* due this much after now by the store's clock; -1: use run_at_ms */
    int64_t run_at_ms; /* absolute, with delay_ms -1 */
    uint8_t body_hash[STORE_HASH_LEN]; /* with an idempotency key */
    enum create_outcome outcome;       /* out */
};

/* Items that stand or fall together: a single create, or one bulk request. If any item of a group
 * with n > 1 is CREATE_MISMATCH, no new job of the group is created: its other items are
 * CREATE_NOT_DONE (or CREATE_REPLAYED, when they were). Two items of one call with the same key
 * and hash: the second is CREATE_REPLAYED. */
struct create_group {
    struct create *items;
    size_t n;
    struct arena *arena; /* for what replays read back */
};

/* --- claiming ------------------------------------------------------------------------------- */

/* What a worker can run. queue.ptr NULL: every queue. */
struct lane {
    struct str type, queue;
};

struct claim_request {
    const struct lane *lanes; /* claim_next: any order; the best rank over all of them wins */
    size_t n_lanes;
    const struct uuid *ids; /* claim_ids: those that are queued and in one of the lanes */
    size_t n_ids;
    size_t max_jobs;
    size_t max_bytes; /* of payloads; the first job is taken whatever its size */
    struct str worker_id;
    struct uuid incarnation; /* of the worker's present life; its row must be registered */
};

/* --- finishing ------------------------------------------------------------------------------ */

struct finish {
    struct uuid id;
    uint8_t token[JOB_TOKEN_LEN];
    enum run_outcome outcome;
    struct run_verdict verdict; /* from run_judge */
    struct str result;          /* JSON, with RUN_OK */
    struct str error;           /* text, otherwise */
    int64_t started_ago_ms;     /* before now; -1: never started */
    int64_t ended_ago_ms;
    int64_t cpu_us, memory_kb;
    bool applied;      /* out: false when the token was stale; then nothing changed */
    int64_t due_in_ms; /* out: for RETRYING, when it becomes due */
};

struct progress {
    struct uuid id;
    uint8_t token[JOB_TOKEN_LEN];
    struct str progress; /* JSON */
    bool applied;        /* out */
};

/* --- leases --------------------------------------------------------------------------------- */

struct worker_beat {
    struct worker_row row; /* id, incarnation, host, pid, roles, slots, busy, draining, version */
    int64_t lease_ms;
};

/* --- operator actions ----------------------------------------------------------------------- */

enum retry_outcome {
    RETRY_QUEUED = 1, /* the same job, due now */
    RETRY_CREATED,    /* it was finished: a new job that names it */
    RETRY_NOT_FOUND,
    RETRY_REFUSED /* running, queued or pending */
};

struct retry_edit {
    struct uuid id;
    struct uuid new_id;         /* for RETRY_CREATED */
    struct str payload;         /* ptr NULL: unchanged */
    int32_t max_retries;        /* -1: unchanged */
    bool dead_only;             /* replay: anything but a dead letter is RETRY_REFUSED */
    int64_t died_before_ms;     /* with dead_only: 0, or skip what died later (RETRY_REFUSED) */
    enum retry_outcome outcome; /* out */
    struct job job;             /* out: as it is now; with RETRY_REFUSED its state */
};

enum delete_outcome { DELETE_DONE = 1, DELETE_NOT_FOUND, DELETE_REFUSED };

struct delete_item {
    struct uuid id;
    bool dead_only;
    int64_t died_before_ms;
    enum delete_outcome outcome; /* out */
    enum job_state state;        /* out, with DELETE_REFUSED */
};

/* --- retention ------------------------------------------------------------------------------ */

struct retention {
    int64_t completed_ms, cancelled_ms, dead_ms; /* how long each is kept; 0: for ever */
};

/* --- a handler type that some worker serves or served ---------------------------------------- */

struct type_row {
    struct str type;
    struct str defaults; /* JSON: max_retries, timeout_ms, backoff, pool, handler, version, … */
    struct str config_hash;
};

struct store;

struct store_ops {
    const char *name; /* "sqlite" */

    void (*close)(struct store *s); /* frees `s`; no call may be under way */

    /* Creates all groups in one transaction. Sets every item's outcome and, for CREATE_DONE, the
     * job's state and times. */
    int (*create)(struct store *s, struct create_group *groups, size_t n, struct err *e);

    /* Moves up to max_jobs queued jobs to running, best rank first: attempt and claims + 1, a fresh
     * token, worker_id, started_at = now. *jobs (array in `arena`) gets the claimed jobs with all
     * their fields. Zero jobs is success. ERR_CONFLICT when the worker's lease is not its own any
     * more. */
    int (*claim_next)(struct store *s, const struct claim_request *r, struct arena *arena,
                      struct job **jobs, size_t *n, struct err *e);
    int (*claim_ids)(struct store *s, const struct claim_request *r, struct arena *arena,
                     struct job **jobs, size_t *n, struct err *e);

    /* Ends runs as their verdicts say, each on its token. Final states move the row to history.
     * Writes an attempt row for every outcome but RUN_OK and a RUN_GIVEN_BACK that never started.
     * A result that the store cannot hold does not fail the batch: that item is recorded as
     * RUN_BAD_RESULT by its caller, who validates first. */
    int (*finish)(struct store *s, struct finish *items, size_t n, struct err *e);

    int (*progress)(struct store *s, struct progress *items, size_t n, struct err *e);

    /* Registers a new life of worker `beat->row.id` and gives back the jobs that its earlier lives
     * still hold (RUN_LOST; *freed counts them). */
    int (*register_worker)(struct store *s, const struct worker_beat *beat, size_t *freed,
                           struct err *e);

    /* Renews the lease and stores the row's facts. ERR_CONFLICT when this life is over: reaped, or
     * replaced by a newer one. */
    int (*beat)(struct store *s, const struct worker_beat *beat, struct err *e);

    /* A clean goodbye: the row stays, marked stopped, its lease over. */
    int (*unregister_worker)(struct store *s, struct str id, struct uuid incarnation,
                             struct err *e);

    /* Gives back up to `max` jobs of workers whose lease ran out (RUN_LOST); *freed counts. A
     * worker row whose life ended more than a day ago is removed. */
    int (*reap)(struct store *s, size_t max, size_t *freed, struct err *e);

    /* Moves up to `max` due jobs (pending, retrying) to queued. *next_in_ms: until the next one is
     * due, 0 when more are due now, -1 when none waits. */
    int (*promote_due)(struct store *s, size_t max, size_t *promoted, int64_t *next_in_ms,
                       struct err *e);

    /* Removes up to `max` rows past their time: finished jobs, dead letters, their attempts, and
     * expired idempotency keys. *removed < max means that nothing more is due. */
    int (*retain)(struct store *s, const struct retention *r, size_t max, size_t *removed,
                  struct err *e);

    /* Runs jobs again. A retried dead letter or waiting retry is queued now, attempt 0. With `bulk`
     * not NULL its row is updated in the same transaction (cursor, counts, state). */
    int (*retry)(struct store *s, struct retry_edit *items, size_t n, struct bulk_row *bulk,
                 struct arena *arena, struct err *e);

    /* Deletes jobs that are not running, with attempts and idempotency keys. */
    int (*remove)(struct store *s, struct delete_item *items, size_t n, struct bulk_row *bulk,
                  struct err *e);

    /* A durable bulk operation: creates the row (state BULK_RUNNING, created_at set). */
    int (*bulk_start)(struct store *s, struct bulk_row *row, struct err *e);
    /* The oldest bulk operation that has not ended; *found false when there is none. */
    int (*bulk_next)(struct store *s, struct arena *arena, struct bulk_row *row, bool *found,
                     struct err *e);

    /* Upserts the types that this worker serves, last_seen = now. */
    int (*announce_types)(struct store *s, const struct type_row *rows, size_t n, struct err *e);

    struct store_read_ops read;
};

struct store {
    const struct store_ops *ops;
};

/* What a store is opened with. */
struct store_options {
    struct str url;          /* `sqlite:` or `sqlite:PATH` */
    const char *data_dir;    /* where `sqlite:` alone puts jobmill.db */
    int64_t key_window_ms;   /* how long an idempotency key counts */
    int64_t lock_wait_ms;    /* how long to wait for another process to let go of the file */
    int64_t (*now_ms)(void); /* the embedded store's clock; NULL: clock_wall_ms */
};

/* ERR_INVALID when no store of this build answers to the URL's scheme. Connects to nothing. */
int store_check_url(struct str url, struct err *e) MUST_CHECK;

/* Opens by scheme. ERR_INVALID on an unknown scheme, ERR_UNAVAILABLE when it cannot be reached or
 * is held by another process (which is named), ERR_MISMATCH when its schema is too new,
 * half-applied or older than the code and `migrate` is false. */
int store_open(const struct store_options *options, bool migrate, struct store **out,
               struct err *e) MUST_CHECK;
void store_close(struct store **s);

#endif
