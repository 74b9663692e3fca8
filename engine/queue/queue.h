/* SPDX-License-Identifier: MIT
 * The queue: wakes workers and hints at what is ready (law 1: never the only copy). */
#ifndef JOBMILL_QUEUE_QUEUE_H
#define JOBMILL_QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/uuid.h"

#include <stdbool.h>

struct queue;

/* A job that has become ready. */
struct ready {
    struct uuid id;
    struct str type, queue;
    int64_t rank;
};

/* What a wait brought. */
struct hints {
    bool ask_store;         /* something may be ready: claim_next */
    const struct uuid *ids; /* claim_ids; borrowed until the next wait */
    size_t n;
};

/* Every member is required. push and wake may be called from any thread, wait from one. */
struct queue_ops {
    const char *name; /* "store" */
    void (*close)(struct queue *q);

    /* After the commit: these jobs are queued. Losing a hint is allowed, failing a caller because
     * of one is not: errors are logged by the queue, once per outage. */
    void (*push)(struct queue *q, const struct ready *jobs, size_t n);

    /* Something may have become ready that nobody can name (promotion, reaping, free slots). */
    void (*wake)(struct queue *q);

    /* Waits up to `timeout_ms` (-1: for ever) for a push or wake since the last wait; on timeout
     * and on trouble the answer is `ask_store`. At most 5 s for a networked queue (R25). */
    int (*wait)(struct queue *q, int64_t timeout_ms, struct hints *out, struct err *e);

    /* A job was dead-lettered: for queues that mirror the list. */
    void (*dead)(struct queue *q, const struct uuid *ids, size_t n);
};

struct queue {
    const struct queue_ops *ops;
};

/* ERR_INVALID when no queue of this build answers to the URL. Connects to nothing. */
int queue_check_url(struct str url, struct err *e) MUST_CHECK;

/* Opens by scheme: `store:`. ERR_INVALID on an unknown one. */
int queue_open(struct str url, struct queue **out, struct err *e) MUST_CHECK;
void queue_close(struct queue **q);

#endif
