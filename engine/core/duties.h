/* SPDX-License-Identifier: MIT
 * The scheduler's duties: due jobs become queued, jobs of dead workers are given back, old rows are
 * removed, bulk operations are carried out. One thread; several nodes may do the same at once,
 * every step is conditional (R15). */
#ifndef JOBMILL_CORE_DUTIES_H
#define JOBMILL_CORE_DUTIES_H

#include "base/mailbox.h"
#include "core/backoff.h"
#include "core/pulse.h"
#include "queue/queue.h"
#include "store/store.h"

#include <stdatomic.h>

struct duties {
    struct store *store;
    struct queue *queue;
    struct retention retention;
    struct mailbox bell;       /* only nudged */
    _Atomic int64_t due_at_ns; /* CLOCK_MONOTONIC: when promotion must run next */
    _Atomic bool bulk_waits;
    int64_t reap_at_ns, retain_at_ns; /* the thread's own */
    struct backoff trouble;
    struct pulse pulse;
    pthread_t thread;
};

int duties_start(struct duties *d, struct store *store, struct queue *queue,
                 const struct retention *retention, struct err *e) MUST_CHECK;

/* A job becomes due in `delay_ms`. Any thread, cheap. */
void duties_due_in(struct duties *d, int64_t delay_ms);

/* A bulk operation was started. Any thread. */
void duties_bulk_started(struct duties *d);

void duties_stop(struct duties *d); /* ends the thread; the two above may still be called */
void duties_fini(struct duties *d); /* after duties_stop, when nobody calls them any more */

#endif
