/* SPDX-License-Identifier: MIT
 * The fleet: looking at the clock. Timeouts, recalls, slow starts, processes to start again. */
#include "core/fleet_priv.h"

#include "base/clock.h"
#include "base/log.h"

/* Ask first; kill after the grace, and only this process. */
static void enforce_timeout(struct executor *x, struct run *run, uint32_t slot, int64_t started_ns,
                            int64_t now)
{
    char id[UUID_TEXT_LEN + 1];
    struct err e;

    if (run->job.timeout_ms <= 0 || now < started_ns + run->job.timeout_ms * NS_PER_MS)
        return;
    if (run->cancel_ns == 0) {
        run->cancel_ns = now;
        atomic_store(&x->slots->slots[slot].cancel, 1);
        if (executor_control(x, WIRE_CANCEL, run->seq, &e) != 0)
            log_warn("cannot ask a run to stop pid=%d: %s", (int)x->pid, e.text);
        return;
    }
    if (now < run->cancel_ns + FLEET_GRACE_MS * NS_PER_MS || x->victim != 0)
        return;
    uuid_format(run->job.id, id);
    log_error("run does not stop after its timeout, killing its process job=%s type=%.*s "
              "timeout_ms=%lld pid=%d",
              id, STR_ARG(run->job.type), (long long)run->job.timeout_ms, (int)x->pid);
    x->victim = run->seq;
    executor_kill(x);
}

/* Looks at every slot; true when all are busy with runs that have been going on for a while. */
static bool watch_slots(struct fleet *f, struct executor *x, int64_t now)
{
    int32_t n = x->pool->conf->threads, i;
    bool stuck = true;

    for (i = 0; i < n && i < SLOTS_MAX; i++) {
        uint64_t seq = atomic_load(&x->slots->slots[i].seq);
        int64_t started_ns = atomic_load(&x->slots->slots[i].started_ns);
        struct run *run = seq != 0 ? run_table_find(&f->runs, seq) : NULL;

        if (run == NULL || run->executor != x || started_ns > now - FLEET_STUCK_MS * NS_PER_MS) {
            stuck = false;
            continue;
        }
        if (started_ns < run->sent_ns) /* not to be trusted, but bounded by what we know */
            started_ns = run->sent_ns;
        enforce_timeout(x, run, (uint32_t)i, started_ns, now);
    }
    return stuck;
}

/* Runs that wait behind long ones are better off elsewhere. */
static void recall_if_stuck(struct executor *x, bool stuck)
{
    struct err e;

    x->stuck = stuck;
    if (!stuck) {
        x->recalled = false;
        return;
    }
    if (x->recalled || x->n_runs <= x->pool->conf->threads)
        return;
    x->recalled = executor_control(x, WIRE_RECALL, 0, &e) == 0;
}

/* After the fence an executor would leave at once: none is started until it moves ahead again. */
static bool is_past_fence(const struct fleet *f, int64_t now)
{
    int64_t fence_ns = atomic_load(&f->fence_ns);

    return fence_ns != 0 && now >= fence_ns;
}

static bool may_spawn(const struct fleet *f, const struct executor *x, int64_t now)
{
    return !atomic_load(&f->draining) && !atomic_load(&f->killing) && now >= x->respawn_ns &&
           !is_past_fence(f, now);
}

static void watch_one(struct fleet *f, struct executor *x)
{
    int64_t now = clock_boot_ns();
    struct err e;

    if (x->slots != NULL)
        atomic_store(&x->slots->fence_ns, atomic_load(&f->fence_ns));
    switch (x->state) {
    case EXECUTOR_NONE:
        if (may_spawn(f, x, now) && executor_spawn(x, &e) != 0) {
            log_error("%s", e.text);
            x->respawn_ns = now + NS_PER_S;
            fleet__start_news(f, &e);
        }
        return;
    case EXECUTOR_STARTING:
        if (now > x->started_ns + f->conf->start_timeout_ms * NS_PER_MS && !x->killed) {
            log_error("executor is not ready after %lld ms, killing it pid=%d",
                      (long long)f->conf->start_timeout_ms, (int)x->pid);
            executor_kill(x);
            x->killed = false; /* its place is filled again with back-off */
        }
        return;
    case EXECUTOR_READY:
    case EXECUTOR_LEAVING:
        if (x->n_runs > 0)
            recall_if_stuck(x, watch_slots(f, x, now));
        else
            x->stuck = x->recalled = false;
    }
}

/* A pool is stuck when each of its ready executors is. */
static void watch_pool(struct fleet_pool *p)
{
    bool stuck = true;
    int32_t i;

    for (i = 0; i < p->conf->processes; i++)
        if (p->executors[i].state == EXECUTOR_READY && !p->executors[i].stuck)
            stuck = false;
    atomic_store(&p->stuck, stuck);
}

/* How long the loop may sleep because of this executor; -1: as long as it likes. */
static int patience(const struct fleet *f, const struct executor *x)
{
    int64_t now = clock_boot_ns(), ms;

    if (x->state == EXECUTOR_STARTING || x->n_runs > 0)
        return FLEET_TICK_MS;
    if (x->state != EXECUTOR_NONE || atomic_load(&f->draining) || is_past_fence(f, now))
        return -1; /* fleet_set_fence ends the wait */
    ms = (x->respawn_ns - now) / NS_PER_MS + 1;
    return ms < 1 ? 1 : (int)ms;
}

/* The shorter of two waits, of which -1 is the longest. */
static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int watch_pools(struct fleet *f)
{
    int wait_ms = -1;
    size_t i;
    int32_t k;

    fleet__each(f, watch_one);
    for (i = 0; i < f->catalog->n_pools; i++) {
        struct fleet_pool *p = &f->pools[i];

        watch_pool(p);
        for (k = 0; k < p->conf->processes; k++)
            wait_ms = sooner(wait_ms, patience(f, &p->executors[k]));
        if (p->waiting != NULL) /* whatever kept them from an executor may be over by then */
            wait_ms = sooner(wait_ms, FLEET_TICK_MS);
    }
    return wait_ms;
}

int fleet__watch(struct fleet *f)
{
    int64_t now = clock_mono_ns();

    /* under load the loop turns thousands of times a second */
    if (now < f->watched_ns + FLEET_WATCH_GAP_MS * NS_PER_MS)
        return FLEET_WATCH_GAP_MS;
    f->watched_ns = now;
    return watch_pools(f);
}
