/* SPDX-License-Identifier: MIT
 * The scheduler's duties. */
#include "core/duties.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/bulk.h"
#include "core/thread.h"

#define PROMOTE_BATCH       500
#define REAP_BATCH          500
#define RETAIN_BATCH        500
#define REAP_EVERY_MS       5000
#define RETAIN_EVERY_MS     60000
#define PROMOTE_AT_LEAST_MS 30000 /* polling floor: another node may have made something due */
#define TROUBLE_FIRST_MS    200
#define TROUBLE_MAX_MS      5000

static int64_t in_ms(int64_t ms)
{
    return clock_mono_ns() + ms * NS_PER_MS;
}

/* True when promotion runs earlier now than was planned. */
static bool bring_forward(struct duties *d, int64_t delay_ms)
{
    int64_t planned = atomic_load(&d->due_at_ns), at;

    if (delay_ms >= PROMOTE_AT_LEAST_MS) /* it may be centuries: not to be counted in ns */
        return false;
    at = in_ms(delay_ms < 0 ? 0 : delay_ms);
    while (at < planned)
        if (atomic_compare_exchange_weak(&d->due_at_ns, &planned, at))
            return true;
    return false;
}

void duties_due_in(struct duties *d, int64_t delay_ms)
{
    if (bring_forward(d, delay_ms))
        mailbox_nudge(&d->bell);
}

void duties_bulk_started(struct duties *d)
{
    atomic_store(&d->bulk_waits, true);
    mailbox_nudge(&d->bell);
}

static int promote(struct duties *d, struct err *e)
{
    size_t promoted = 0;
    int64_t next_in_ms = -1;
    int rc;

    /* before the store looks: what is announced from now on must not be overwritten */
    atomic_store(&d->due_at_ns, in_ms(PROMOTE_AT_LEAST_MS));
    rc = d->store->ops->promote_due(d->store, PROMOTE_BATCH, &promoted, &next_in_ms, e);
    if (rc != 0) {
        bring_forward(d, 0); /* without the bell, which would cut the back-off short */
        return err_prefix(e, "cannot queue due jobs");
    }
    if (next_in_ms >= 0)
        bring_forward(d, next_in_ms);
    if (promoted > 0)
        d->queue->ops->wake(d->queue);
    return 0;
}

static int reap(struct duties *d, struct err *e)
{
    size_t freed = 0;
    int rc = d->store->ops->reap(d->store, REAP_BATCH, &freed, e);

    if (rc != 0)
        return err_prefix(e, "cannot look for dead workers");
    d->reap_at_ns = freed == REAP_BATCH ? 0 : in_ms(REAP_EVERY_MS);
    if (freed > 0) {
        log_warn("gave back jobs of workers whose lease ran out jobs=%zu", freed);
        d->queue->ops->wake(d->queue);
    }
    return 0;
}

static int retain(struct duties *d, struct err *e)
{
    size_t removed = 0;
    int rc = d->store->ops->retain(d->store, &d->retention, RETAIN_BATCH, &removed, e);

    if (rc != 0)
        return err_prefix(e, "cannot remove old jobs");
    d->retain_at_ns = removed == RETAIN_BATCH ? 0 : in_ms(RETAIN_EVERY_MS);
    if (removed > 0)
        log_debug("removed rows past their retention rows=%zu", removed);
    return 0;
}

/* One page, so that a long bulk operation does not hold up the other duties. */
static int carry_bulk(struct duties *d, struct err *e)
{
    bool more = false;
    int rc;

    atomic_store(&d->bulk_waits, false);
    rc = bulk_step(d->store, e, &more);
    if (rc != 0 || more)
        atomic_store(&d->bulk_waits, true);
    if (rc != 0)
        return err_prefix(e, "cannot carry on with a bulk operation");
    d->queue->ops->wake(d->queue);
    return 0;
}

/* Runs one duty when it is due. A failing one keeps no other from its work (R12): the first error
 * is kept in `e`. */
static void run_one(struct duties *d, bool is_due, int (*duty)(struct duties *d, struct err *e),
                    struct err *e)
{
    struct err own = {0};

    if (is_due && duty(d, &own) != 0 && e->code == 0)
        *e = own;
}

static int run_what_is_due(struct duties *d, struct err *e)
{
    int64_t now = clock_mono_ns();

    run_one(d, atomic_load(&d->due_at_ns) <= now, promote, e);
    run_one(d, d->reap_at_ns <= now, reap, e);
    run_one(d, atomic_load(&d->bulk_waits), carry_bulk, e);
    run_one(d, d->retain_at_ns <= now, retain, e);
    return e->code;
}

static int64_t ms_until_next(struct duties *d)
{
    int64_t at = atomic_load(&d->due_at_ns), ms;

    if (atomic_load(&d->bulk_waits))
        return 0;
    if (d->reap_at_ns < at)
        at = d->reap_at_ns;
    if (d->retain_at_ns < at)
        at = d->retain_at_ns;
    ms = (at - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
    return ms < 0 ? 0 : ms;
}

/* How long to wait after a failure, which is said once per outage. */
static int64_t note_trouble(struct duties *d, const struct err *e)
{
    if (d->trouble.failures == 0)
        log_error("%s; trying again with back-off", e->text);
    return backoff_next_ms(&d->trouble);
}

static void *duties_run(void *context)
{
    struct duties *d = context;

    while (!mailbox_is_closed(&d->bell)) {
        struct err e = {0};
        int64_t wait_ms;

        pulse_busy(&d->pulse);
        if (run_what_is_due(d, &e) != 0) {
            wait_ms = note_trouble(d, &e);
        } else {
            if (backoff_end(&d->trouble))
                log_info("the scheduler's duties work again");
            wait_ms = ms_until_next(d);
        }
        pulse_idle(&d->pulse);
        mailbox_take(&d->bell, 1, wait_ms);
    }
    return NULL;
}

int duties_start(struct duties *d, struct store *store, struct queue *queue,
                 const struct retention *retention, struct err *e)
{
    int rc;

    d->store = store;
    d->queue = queue;
    d->retention = *retention;
    d->trouble = (struct backoff)BACKOFF(TROUBLE_FIRST_MS, TROUBLE_MAX_MS);
    d->pulse = (struct pulse){.name = "duties"};
    atomic_store(&d->bulk_waits, true); /* one may be left from an earlier life */
    d->retain_at_ns = in_ms(RETAIN_EVERY_MS / 6);
    rc = mailbox_init(&d->bell, 0, false, e);
    if (rc != 0)
        return rc;
    rc = thread_start(&d->thread, "duties", duties_run, d, e);
    if (rc != 0)
        mailbox_fini(&d->bell);
    return rc;
}

void duties_stop(struct duties *d)
{
    mailbox_close(&d->bell);
    pthread_join(d->thread, NULL);
}

void duties_fini(struct duties *d)
{
    mailbox_fini(&d->bell);
}
