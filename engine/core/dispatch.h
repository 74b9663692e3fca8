/* SPDX-License-Identifier: MIT
 * Claiming: turns free places in the fleet into claimed jobs. */
#ifndef JOBMILL_CORE_DISPATCH_H
#define JOBMILL_CORE_DISPATCH_H

#include "core/backoff.h"
#include "core/fleet.h"
#include "core/heartbeat.h"
#include "core/pulse.h"
#include "queue/queue.h"

struct dispatch {
    struct store *store;
    struct queue *queue;
    struct fleet *fleet;
    struct heartbeat *heartbeat; /* says whose life claims, and whether it may */
    struct lane *lanes;          /* scratch: as many as the catalog has routes */
    _Atomic bool stopping;
    struct backoff trouble; /* failed claims */
    struct pulse pulse;
    pthread_t thread;
};

int dispatch_start(struct dispatch *d, struct store *store, struct queue *queue,
                   struct fleet *fleet, struct heartbeat *heartbeat, struct err *e) MUST_CHECK;

/* Claims no more; returns when no claim is under way. */
void dispatch_stop(struct dispatch *d);

#endif
