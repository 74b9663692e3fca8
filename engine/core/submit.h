/* SPDX-License-Identifier: MIT
 * Group commit: the thread that writes new jobs. What is posted while one transaction commits is
 * the next transaction (law 9). */
#ifndef JOBMILL_CORE_SUBMIT_H
#define JOBMILL_CORE_SUBMIT_H

#include "core/engine.h"
#include "core/pulse.h"
#include "queue/queue.h"

struct duties;

struct submit {
    struct store *store;
    struct queue *queue;
    struct duties *duties; /* told when a new job is due later */
    struct mailbox inbox;
    struct pulse pulse;
    pthread_t thread;
};

int submit_start(struct submit *s, struct store *store, struct queue *queue, struct duties *duties,
                 size_t max_pending, struct err *e) MUST_CHECK;

/* See engine_submit. Any thread. */
int submit_post(struct submit *s, struct submission *one, struct err *e) MUST_CHECK;

/* Accepts no more, commits what is waiting, ends the thread. submit_post refuses from now on. */
void submit_stop(struct submit *s);
void submit_fini(struct submit *s); /* after submit_stop, when nobody can post any more */

#endif
