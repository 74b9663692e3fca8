/* SPDX-License-Identifier: MIT
 * Recording how runs ended: result, retry, dead letter, or given back, each on its lease token. */
#ifndef JOBMILL_CORE_FINISH_H
#define JOBMILL_CORE_FINISH_H

#include "core/duties.h"
#include "core/fleet.h"
#include "core/pulse.h"
#include "core/run.h"

struct finish_thread {
    struct store *store;
    struct queue *queue;
    struct duties *duties;
    struct fleet *fleet;  /* whose places become free again */
    struct mailbox inbox; /* of struct run; bounded by what may be in flight */
    struct pulse pulse;
    _Atomic uint64_t stale; /* results that came too late and changed nothing */
    _Atomic bool give_up;   /* stop waiting for a store that does not come back */
    pthread_t thread;
};

int finish_start(struct finish_thread *f, struct store *store, struct queue *queue,
                 struct duties *duties, struct fleet *fleet, struct err *e) MUST_CHECK;

/* Takes the run over. Any thread. */
void finish_post(struct finish_thread *f, struct run *run);

/* Records what is there, ends the thread. With the store away it tries until `give_up`. */
void finish_stop(struct finish_thread *f);

#endif
