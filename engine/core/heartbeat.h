/* SPDX-License-Identifier: MIT
 * The lease: one row per worker life, renewed every few seconds. While it is good the executors'
 * fence moves ahead; when it cannot be renewed they stop before anyone else may run their jobs. */
#ifndef JOBMILL_CORE_HEARTBEAT_H
#define JOBMILL_CORE_HEARTBEAT_H

#include "base/mailbox.h"
#include "conf/conf.h"
#include "core/fleet.h"
#include "core/pulse.h"
#include "queue/queue.h"
#include "store/store.h"

struct heartbeat {
    struct store *store;
    struct queue *queue;
    struct fleet *fleet;
    const struct conf *conf;
    char node_id[JOB_NAME_MAX + 1];
    char host[256];
    pthread_mutex_t lock; /* protects incarnation */
    struct uuid incarnation;
    _Atomic int64_t fence_ns; /* CLOCK_BOOTTIME until which this life may run jobs */
    _Atomic bool draining;
    int32_t troubles;
    struct mailbox bell; /* only nudged */
    struct pulse pulse;
    pthread_t thread;
};

/* Registers this worker's new life (freeing what its earlier lives still held) and starts beating.
 */
int heartbeat_start(struct heartbeat *h, const struct conf *conf, const char *node_id,
                    struct store *store, struct queue *queue, struct fleet *fleet,
                    struct err *e) MUST_CHECK;

/* Shows `draining` with the next beat. Any thread. */
void heartbeat_drain(struct heartbeat *h);
void heartbeat_stop(struct heartbeat *h); /* says goodbye to the store */

struct str heartbeat_worker_id(const struct heartbeat *h);
struct uuid heartbeat_incarnation(struct heartbeat *h);
bool heartbeat_may_claim(struct heartbeat *h); /* false when the fence has been passed */

#endif
