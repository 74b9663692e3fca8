/* SPDX-License-Identifier: MIT
 * Cancelling: bringing a request to stop to the run that it is meant for, and to no other. */
#ifndef JOBMILL_EXEC_CANCEL_H
#define JOBMILL_EXEC_CANCEL_H

#include "base/err.h"
#include "ipc/slots.h"

#include <pthread.h>
#include <stdbool.h>

/* One slot's side. The descriptor that handlers poll is an epoll set of an event (somebody asked)
 * and a timer (the timeout passed), so that neither needs a thread that waits for it. */
struct cancel_slot {
    pthread_mutex_t lock; /* held to begin, end or cancel a run: a request never hits the next */
    struct slot *shared;
    int event_fd, timer_fd, poll_fd;
    bool signalled; /* under lock: event_fd is readable */
    bool armed;     /* the slot's thread alone: timer_fd is set */
};

int cancel_slot_init(struct cancel_slot *c, struct slot *shared, struct err *e) MUST_CHECK;
void cancel_slot_fini(struct cancel_slot *c);

/* The slot's thread: publishes the run, and takes it back. */
void cancel_begin(struct cancel_slot *c, uint64_t seq, int64_t started_ns);
void cancel_end(struct cancel_slot *c);

/* The slot's thread: the descriptor to poll; `deadline_ns` (CLOCK_BOOTTIME, 0: none) makes it
 * readable too. */
int cancel_poll_fd(struct cancel_slot *c, int64_t deadline_ns);

/* Any thread: asks the slot's run to stop if it is `seq` (0: whichever). True when it was. */
bool cancel_request(struct cancel_slot *c, uint64_t seq);

/* True when the slot's run was asked to stop. */
static inline bool cancel_asked(const struct slot *shared)
{
    return atomic_load_explicit(&shared->cancel, memory_order_relaxed) != 0;
}

#define CANCEL_EARLY_MAX 64

/* Requests for runs that no slot has begun yet; the oldest is forgotten first. */
struct cancel_early {
    _Atomic uint32_t count; /* so that a run pays one load when there is none */
    pthread_mutex_t lock;   /* protects what follows */
    uint64_t seqs[CANCEL_EARLY_MAX];
    uint32_t next;
};

void cancel_early_init(struct cancel_early *early);
void cancel_early_add(struct cancel_early *early, uint64_t seq);
/* True when `seq` was there; it is not afterwards. */
bool cancel_early_take(struct cancel_early *early, uint64_t seq);

#endif
