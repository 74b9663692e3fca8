/* SPDX-License-Identifier: MIT
 * The fleet as other threads see it: free places, counters, progress. */
#include "core/fleet_priv.h"

#include <assert.h>

const struct catalog *fleet_catalog(const struct fleet *f)
{
    return f->catalog;
}

static size_t free_of(const struct fleet_pool *p, int32_t total)
{
    int32_t taken = atomic_load(&p->taken);

    return total > taken ? (size_t)(total - taken) : 0;
}

size_t fleet_slots_free(const struct fleet *f, uint32_t pool)
{
    return free_of(&f->pools[pool], atomic_load(&f->pools[pool].slots));
}

size_t fleet_window_free(const struct fleet *f, uint32_t pool)
{
    const struct fleet_pool *p = &f->pools[pool];
    int32_t window = atomic_load(&p->slots) * FLEET_WINDOW_SLOT;

    if (atomic_load(&p->stuck))
        return fleet_slots_free(f, pool);
    return free_of(p, window < FLEET_WINDOW_MAX ? window : FLEET_WINDOW_MAX);
}

bool fleet_route_is_fast(const struct fleet *f, uint32_t route)
{
    const struct route_stats *s = &f->stats[route];

    return atomic_load_explicit(&s->runs, memory_order_relaxed) >= FLEET_FAST_RUNS &&
           atomic_load_explicit(&s->recent_us, memory_order_relaxed) < FLEET_FAST_US;
}

void fleet_places_take(struct fleet *f, uint32_t pool, size_t n)
{
    atomic_fetch_add(&f->pools[pool].taken, (int32_t)n);
}

void fleet_place_free(struct fleet *f, const struct run *run)
{
    atomic_fetch_sub(&f->pools[f->catalog->routes[run->route].pool].taken, 1);
}

void fleet_post(struct fleet *f, struct run *run)
{
    bool accepted = mailbox_post(&f->inbox, &run->mail);

    assert(accepted); /* unbounded: places bound it; closed only after dispatch has stopped */
    (void)accepted;
}

static int32_t sum_pools(const struct fleet *f, bool taken)
{
    int32_t sum = 0;
    size_t i;

    for (i = 0; i < f->catalog->n_pools; i++)
        sum += taken ? atomic_load(&f->pools[i].taken) : atomic_load(&f->pools[i].slots);
    return sum;
}

int32_t fleet_slots(const struct fleet *f)
{
    return sum_pools(f, false);
}

int32_t fleet_busy(const struct fleet *f)
{
    int32_t taken = sum_pools(f, true), slots = sum_pools(f, false);

    return taken < slots ? taken : slots;
}

const struct route_stats *fleet_route_stats(const struct fleet *f, uint32_t route)
{
    return &f->stats[route];
}

struct str fleet_progress(struct fleet *f, struct uuid id, struct arena *arena)
{
    struct buf json = BUF_INIT;
    struct str out = STR_NONE;
    const struct run *run;

    pthread_mutex_lock(&f->progress_lock);
    for (run = f->reporting; run != NULL && uuid_cmp(run->job.id, id) != 0;)
        run = run->progress_next;
    if (run != NULL)
        run_put_progress(run, &json);
    pthread_mutex_unlock(&f->progress_lock);
    if (run != NULL && !json.failed)
        out = arena_str(arena, buf_str(&json));
    buf_free(&json);
    return out;
}
