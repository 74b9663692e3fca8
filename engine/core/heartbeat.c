/* SPDX-License-Identifier: MIT
 * The lease: one row per worker life. */
#include "core/heartbeat.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/thread.h"

#include <stdio.h>
#include <unistd.h>

/* Executors stop this much before the lease ends, for the time a kill takes. */
#define FENCE_MARGIN_MS 1000

struct str heartbeat_worker_id(const struct heartbeat *h)
{
    return str_from(h->node_id);
}

struct uuid heartbeat_incarnation(struct heartbeat *h)
{
    struct uuid id;

    pthread_mutex_lock(&h->lock);
    id = h->incarnation;
    pthread_mutex_unlock(&h->lock);
    return id;
}

bool heartbeat_may_claim(struct heartbeat *h)
{
    return clock_boot_ns() < atomic_load(&h->fence_ns);
}

static struct worker_beat beat_of(struct heartbeat *h)
{
    return (struct worker_beat){
        .row = {.id = str_from(h->node_id),
                .host = str_from(h->host),
                .roles = STR("api,worker,scheduler"),
                .version = STR(JOBMILL_VERSION),
                .incarnation = heartbeat_incarnation(h),
                .pid = getpid(),
                .slots = fleet_slots(h->fleet),
                .busy = fleet_busy(h->fleet),
                .draining = atomic_load(&h->draining)},
        .lease_ms = h->conf->lease_ms,
    };
}

/* R5: the lease counts from when its renewal was sent, not from when it was answered. */
static void move_fence(struct heartbeat *h, int64_t sent_ns)
{
    int64_t fence = sent_ns + (h->conf->lease_ms - FENCE_MARGIN_MS) * NS_PER_MS;

    atomic_store(&h->fence_ns, fence);
    fleet_set_fence(h->fleet, fence);
}

static int register_life(struct heartbeat *h, struct err *e)
{
    int64_t sent_ns = clock_boot_ns();
    struct worker_beat beat;
    size_t freed = 0;
    int rc;

    pthread_mutex_lock(&h->lock);
    h->incarnation = uuid_new();
    pthread_mutex_unlock(&h->lock);
    beat = beat_of(h);
    rc = h->store->ops->register_worker(h->store, &beat, &freed, e);
    if (rc != 0)
        return err_prefix(e, "cannot register worker %s", h->node_id);
    if (freed > 0) {
        log_warn("gave back jobs that an earlier life of this worker held jobs=%zu", freed);
        h->queue->ops->wake(h->queue);
    }
    move_fence(h, sent_ns);
    return 0;
}

/* Another life took over, or the reaper was here: nothing of ours may go on. */
static int start_over(struct heartbeat *h, struct err *e)
{
    log_error("this worker's lease is lost: stopping its executors and starting over worker=%s",
              h->node_id);
    atomic_store(&h->fence_ns, 0);
    fleet_kill_all(h->fleet);
    return register_life(h, e);
}

static void beat_once(struct heartbeat *h)
{
    int64_t sent_ns = clock_boot_ns();
    struct worker_beat beat = beat_of(h);
    struct err e = {0};
    int rc = h->store->ops->beat(h->store, &beat, &e);

    if (rc == 0)
        move_fence(h, sent_ns);
    else if (rc == ERR_CONFLICT)
        rc = start_over(h, &e);
    if (rc != 0 && h->troubles++ == 0)
        log_error("cannot renew the lease: %s; trying again", e.text);
    if (rc == 0 && h->troubles > 0) {
        log_info("the lease is renewed again");
        h->troubles = 0;
        h->queue->ops->wake(h->queue);
    }
}

static void *heartbeat_run(void *context)
{
    struct heartbeat *h = context;

    while (!mailbox_is_closed(&h->bell)) {
        int64_t wait_ms = h->troubles > 0 ? h->conf->beat_ms / 5 : h->conf->beat_ms;

        mailbox_take(&h->bell, 1, wait_ms);
        if (mailbox_is_closed(&h->bell))
            break;
        pulse_busy(&h->pulse);
        beat_once(h);
        pulse_idle(&h->pulse);
    }
    return NULL;
}

int heartbeat_start(struct heartbeat *h, const struct conf *conf, const char *node_id,
                    struct store *store, struct queue *queue, struct fleet *fleet, struct err *e)
{
    int rc;

    h->store = store;
    h->queue = queue;
    h->fleet = fleet;
    h->conf = conf;
    h->pulse = (struct pulse){.name = "heartbeat"};
    snprintf(h->node_id, sizeof h->node_id, "%s", node_id);
    if (gethostname(h->host, sizeof h->host - 1) != 0)
        snprintf(h->host, sizeof h->host, "unknown");
    pthread_mutex_init(&h->lock, NULL);
    rc = mailbox_init(&h->bell, 0, false, e);
    if (rc != 0)
        return rc;
    rc = register_life(h, e);
    if (rc == 0)
        rc = thread_start(&h->thread, "heartbeat", heartbeat_run, h, e);
    if (rc != 0)
        mailbox_fini(&h->bell);
    return rc;
}

void heartbeat_drain(struct heartbeat *h)
{
    atomic_store(&h->draining, true);
    mailbox_nudge(&h->bell);
}

void heartbeat_stop(struct heartbeat *h)
{
    struct err e = {0};

    mailbox_close(&h->bell);
    pthread_join(h->thread, NULL);
    mailbox_fini(&h->bell);
    if (h->store->ops->unregister_worker(h->store, str_from(h->node_id), h->incarnation, &e) != 0)
        log_warn("cannot sign this worker off: %s", e.text);
    pthread_mutex_destroy(&h->lock);
}
