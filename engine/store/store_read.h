/* SPDX-License-Identifier: MIT
 * The reading half of the store: rows and queries. */
#ifndef JOBMILL_STORE_STORE_READ_H
#define JOBMILL_STORE_STORE_READ_H

#include "base/arena.h"
#include "base/err.h"
#include "model/job.h"

/* At most this many rows are looked at for one page; a page may be short, only *more tells. */
#define STORE_SCAN_MAX 10000

/* A page ends behind the job that takes its texts past this, however many were asked for. */
#define STORE_PAGE_BYTES_MAX (16 * 1024 * 1024)

struct job_filter {
    uint32_t states;                                    /* bit (1 << state); 0: all */
    struct str type, queue, tag, worker_id, error_code; /* ptr NULL: any */
    struct uuid workflow_id;                            /* nil: any */
    int64_t created_after_ms, created_before_ms;        /* exclusive bounds; 0: none */
    int64_t died_before_ms; /* dead letters: completed_at <= this; 0: none */
};

struct job_page {
    struct job *jobs; /* newest id first */
    size_t n;
    bool more;
    struct uuid next; /* continue below this id, when `more` */
};

struct attempt_row {
    int32_t claim, attempt;
    enum run_outcome outcome;
    struct str error, worker_id;
    int64_t started_at, ended_at;              /* ms; started_at 0: never started */
    int64_t cpu_us, memory_kb, retry_delay_ms; /* retry_delay_ms -1: none */
};

enum worker_state { WORKER_ALIVE = 1, WORKER_DRAINING, WORKER_LOST, WORKER_STOPPED };

struct worker_row {
    struct str id, host, roles, version;
    struct uuid incarnation;
    int64_t pid;
    int32_t slots, busy;
    bool draining;
    enum worker_state state;                  /* out */
    int64_t started_at, beat_at, lease_until; /* out */
};

struct count_row {
    struct str queue, type;
    enum job_state state;
    int64_t n; /* final states: since the store was made */
};

struct stats {
    struct count_row *counts;
    size_t n;
    int64_t backlog, running; /* backlog: queued and due */
    int64_t oldest_age_ms;    /* of the oldest queued job's due time; -1: none */
    int64_t now_ms;           /* the store's clock */
};

enum bulk_action { BULK_REPLAY = 1, BULK_PURGE };
enum bulk_state { BULK_RUNNING = 1, BULK_DONE, BULK_FAILED };

/* A bulk action by filter: durable, bounded, resumable. */
struct bulk_row {
    struct uuid id;
    enum bulk_action action;
    enum bulk_state state;
    struct job_filter filter;
    struct str patch;   /* JSON merge patch for payloads; ptr NULL: none */
    int64_t limit;      /* at most this many; 0: no limit */
    struct uuid cursor; /* everything from here upwards is done; nil: nothing yet */
    int64_t matched, succeeded, failed;
    struct str error;
    int64_t created_at, updated_at, completed_at;
};

struct seen_type {
    struct str type, defaults, config_hash;
    int64_t last_seen;
};

struct store;

struct store_read_ops {
    /* A job by id, hot or history; *found tells. */
    int (*get)(struct store *s, struct uuid id, struct arena *arena, struct job *out, bool *found,
               struct err *e);

    /* Up to `limit` jobs with ids below `below` (nil: from the newest), merged over hot and
     * history, at most STORE_SCAN_MAX rows looked at and not much over STORE_PAGE_BYTES_MAX read.
     */
    int (*list)(struct store *s, const struct job_filter *filter, struct uuid below, size_t limit,
                struct arena *arena, struct job_page *out, struct err *e);

    /* All kept attempts of a job, oldest first. */
    int (*attempts)(struct store *s, struct uuid id, struct arena *arena, struct attempt_row **rows,
                    size_t *n, struct err *e);

    /* From the counter table; never counts rows. */
    int (*stats)(struct store *s, struct arena *arena, struct stats *out, struct err *e);

    int (*workers)(struct store *s, struct arena *arena, struct worker_row **rows, size_t *n,
                   struct err *e);
    int (*types)(struct store *s, struct arena *arena, struct seen_type **rows, size_t *n,
                 struct err *e);
    int (*bulk_get)(struct store *s, struct uuid id, struct arena *arena, struct bulk_row *out,
                    bool *found, struct err *e);

    /* Answers within a moment whether the store can be used. */
    int (*ping)(struct store *s, struct err *e);
};

#endif
