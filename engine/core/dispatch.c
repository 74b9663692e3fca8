/* SPDX-License-Identifier: MIT
 * Claiming: turns free places in the fleet into claimed jobs. */
#include "core/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/thread.h"

#include <stdlib.h>

#define CLAIM_MAX        512
#define CLAIM_BYTES_MAX  (16 * 1024 * 1024)
#define POLL_MS          30000 /* the floor under lost wake-ups */
#define TROUBLE_FIRST_MS 100
#define TROUBLE_MAX_MS   5000

/* The lanes of one pool; only those whose runs are short when `fast_only`. */
static size_t fill_lanes(struct dispatch *d, uint32_t pool, bool fast_only)
{
    const struct catalog *catalog = fleet_catalog(d->fleet);
    const struct catalog_pool *p = &catalog->pools[pool];
    size_t n = 0, i;

    for (i = 0; i < p->n_routes; i++)
        if (!fast_only || fleet_route_is_fast(d->fleet, p->routes[i]))
            d->lanes[n++] =
                (struct lane){.type = catalog->routes[p->routes[i]].type, .queue = STR_NONE};
    return n;
}

/* Makes runs of claimed jobs; they share the arena from now on. NULL when out of memory. */
static struct run *make_runs(struct dispatch *d, struct arena *arena, const struct job *jobs,
                             size_t n)
{
    const struct catalog *catalog = fleet_catalog(d->fleet);
    struct run_batch *batch = malloc(sizeof *batch);
    struct run *runs = arena_array(arena, n, sizeof *runs);
    size_t i;

    if (batch == NULL || runs == NULL) {
        free(batch);
        return NULL;
    }
    batch->arena = *arena;
    atomic_init(&batch->left, n);
    *arena = ARENA_INIT;
    for (i = 0; i < n; i++) {
        runs[i].batch = batch;
        runs[i].job = jobs[i];
        runs[i].route = (uint32_t)(catalog_find(catalog, jobs[i].type) - catalog->routes);
        runs[i].retry_delay_ms = -1;
    }
    return runs;
}

/* Keeps trying: a claimed job runs in the store's eyes for as long as this worker renews its lease,
 * so it must not be forgotten. NULL when that ends too, because the engine stops. */
static struct run *make_runs_persistently(struct dispatch *d, struct arena *arena,
                                          const struct job *jobs, size_t n)
{
    struct backoff trouble = BACKOFF(TROUBLE_FIRST_MS, TROUBLE_MAX_MS);
    struct run *runs;

    while ((runs = make_runs(d, arena, jobs, n)) == NULL && !atomic_load(&d->stopping)) {
        if (trouble.failures == 0)
            log_error("out of memory for %zu claimed jobs; trying again with back-off", n);
        clock_sleep_ms(backoff_next_ms(&trouble));
    }
    return runs;
}

/* Claims up to `max` jobs of the first `n_lanes` lanes for a pool. */
static int claim(struct dispatch *d, uint32_t pool, size_t n_lanes, size_t max, size_t *claimed,
                 struct err *e)
{
    struct claim_request request = {
        .lanes = d->lanes,
        .n_lanes = n_lanes,
        .max_jobs = max < CLAIM_MAX ? max : CLAIM_MAX,
        .max_bytes = CLAIM_BYTES_MAX,
        .worker_id = heartbeat_worker_id(d->heartbeat),
        .incarnation = heartbeat_incarnation(d->heartbeat),
    };
    struct arena arena = ARENA_INIT;
    struct job *jobs = NULL;
    struct run *runs;
    size_t i;
    int rc = d->store->ops->claim_next(d->store, &request, &arena, &jobs, claimed, e);

    if (rc != 0 || *claimed == 0) {
        arena_free(&arena);
        return rc;
    }
    runs = make_runs_persistently(d, &arena, jobs, *claimed);
    if (runs == NULL) {
        arena_free(&arena);
        return err_set(e, ERR_NOMEM, "out of memory for %zu claimed jobs", *claimed);
    }
    fleet_places_take(d->fleet, pool, *claimed);
    for (i = 0; i < *claimed; i++)
        fleet_post(d->fleet, &runs[i]);
    return 0;
}

/* Slots first, from all lanes; then the window of waiting jobs, from fast lanes only. */
static int serve_pool(struct dispatch *d, uint32_t pool, bool *more, struct err *e)
{
    size_t slots = fleet_slots_free(d->fleet, pool);
    size_t window = fleet_window_free(d->fleet, pool);
    size_t n_all = fill_lanes(d, pool, false);
    size_t n_fast = fill_lanes(d, pool, true);
    size_t claimed = 0;
    int rc = 0;

    if (n_fast < n_all && slots > 0) {
        fill_lanes(d, pool, false);
        rc = claim(d, pool, n_all, slots, &claimed, e);
        window = window > claimed ? window - claimed : 0;
        *more |= claimed > 0;
        fill_lanes(d, pool, true);
    }
    if (rc == 0 && n_fast > 0 && window > 0) {
        rc = claim(d, pool, n_fast, window, &claimed, e);
        *more |= claimed > 0;
    }
    return rc;
}

static int serve_pools(struct dispatch *d, bool *more, struct err *e)
{
    const struct catalog *catalog = fleet_catalog(d->fleet);
    uint32_t pool;

    for (pool = 0; pool < catalog->n_pools; pool++) {
        int rc = serve_pool(d, pool, more, e);

        if (rc != 0)
            return rc;
    }
    return 0;
}

/* How long to wait after a failure, which is said once per outage. */
static int64_t note_trouble(struct dispatch *d, const struct err *e)
{
    if (d->trouble.failures == 0)
        log_error("cannot claim jobs: %s; trying again with back-off", e->text);
    return backoff_next_ms(&d->trouble);
}

static int64_t claim_round(struct dispatch *d)
{
    struct err e = {0};
    bool more = false;

    if (!heartbeat_may_claim(d->heartbeat))
        return POLL_MS;
    if (serve_pools(d, &more, &e) != 0)
        return note_trouble(d, &e);
    if (backoff_end(&d->trouble))
        log_info("claims work again");
    return more ? 0 : POLL_MS;
}

static void *dispatch_run(void *context)
{
    struct dispatch *d = context;
    int64_t wait_ms = 0;

    while (!atomic_load(&d->stopping)) {
        struct hints hints;
        struct err e;

        if (d->queue->ops->wait(d->queue, wait_ms, &hints, &e) != 0)
            log_debug("queue: %s", e.text); /* the answer is `ask the store` all the same */
        pulse_busy(&d->pulse);
        wait_ms = claim_round(d);
        pulse_idle(&d->pulse);
    }
    return NULL;
}

int dispatch_start(struct dispatch *d, struct store *store, struct queue *queue,
                   struct fleet *fleet, struct heartbeat *heartbeat, struct err *e)
{
    size_t n = fleet_catalog(fleet)->n_routes;
    int rc;

    d->store = store;
    d->queue = queue;
    d->fleet = fleet;
    d->heartbeat = heartbeat;
    d->trouble = (struct backoff)BACKOFF(TROUBLE_FIRST_MS, TROUBLE_MAX_MS);
    d->pulse = (struct pulse){.name = "dispatch"};
    d->lanes = calloc(n > 0 ? n : 1, sizeof *d->lanes);
    if (d->lanes == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for %zu lanes", n);
    rc = thread_start(&d->thread, "dispatch", dispatch_run, d, e);
    if (rc != 0) {
        free(d->lanes);
        d->lanes = NULL;
    }
    return rc;
}

void dispatch_stop(struct dispatch *d)
{
    if (d->lanes == NULL)
        return;
    atomic_store(&d->stopping, true);
    d->queue->ops->wake(d->queue);
    pthread_join(d->thread, NULL);
    free(d->lanes);
    d->lanes = NULL;
}
