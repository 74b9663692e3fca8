/* SPDX-License-Identifier: MIT
 * The pool that runs what may block: reads and writes of the store. */
#ifndef JOBMILL_HTTP_WORK_H
#define JOBMILL_HTTP_WORK_H

#include "http/request.h"

#define WORK_THREADS     3
#define WORK_PENDING_MAX 4096 /* requests waiting for a worker */

struct work {
    struct mailbox inbox;
    pthread_t threads[WORK_THREADS];
    size_t n;
};

int work_start(struct work *w, struct err *e) MUST_CHECK;
/* Nothing may be waiting or under way. */
void work_stop(struct work *w);

/* Runs r->work in the pool, then resumes the suspended request. False when too much waits. */
bool work_post(struct work *w, struct request *r) MUST_CHECK;

#endif
