/* SPDX-License-Identifier: MIT
 * The engine as its HTTP interface sees it. */
#include "core/engine_priv.h"

#include "base/clock.h"

#include <stdlib.h>

#define STALL_MS 15000 /* three heartbeats: a loop that is busy that long is stuck */

const struct conf *engine_conf(struct engine *e)
{
    return e->conf;
}

struct store *engine_store(struct engine *e)
{
    return e->store;
}

bool engine_type_defaults(struct engine *e, struct str type, struct type_defaults *out)
{
    const struct route *route = catalog_find(e->catalog, type);

    if (route == NULL)
        return false;
    *out = (struct type_defaults){route->max_retries, route->timeout_ms, route->retry};
    return true;
}

static struct handler_info info_of_route(const struct engine *e, const struct route *r,
                                         uint32_t index)
{
    const struct route_stats *s = fleet_route_stats(&e->fleet, index);
    int64_t runs = atomic_load(&s->runs);
    struct handler_info info = {
        .type = r->type,
        .kind = r->artifact->kind == HANDLER_LUA ? STR("lua") : STR("plugin"),
        .name = r->artifact->name,
        .version = r->artifact->version,
        .handler = r->handler_name,
        .file = r->artifact->path,
        .hash = r->artifact->hash,
        .pool = e->catalog->pools[r->pool].name,
        .single_threaded = e->catalog->pools[r->pool].threads == 1,
        .served_here = true,
        .max_retries = r->max_retries,
        .timeout_ms = r->timeout_ms,
        .retry = r->retry,
        .runs = runs,
        .failures = atomic_load(&s->failures),
        .mean_us = runs > 0 ? atomic_load(&s->total_us) / runs : 0,
        .last_seen = clock_wall_ms(),
    };
    return info;
}

/* Types that other nodes serve, or that were served once. */
static size_t add_seen(const struct engine *e, const struct seen_type *seen, size_t n_seen,
                       struct handler_info *rows, size_t n)
{
    size_t i;

    for (i = 0; i < n_seen; i++)
        if (catalog_find(e->catalog, seen[i].type) == NULL)
            rows[n++] = (struct handler_info){.type = seen[i].type, .last_seen = seen[i].last_seen};
    return n;
}

static int cmp_infos(const void *a, const void *b)
{
    const struct handler_info *x = a, *y = b;

    return str_cmp(x->type, y->type);
}

int engine_handlers(struct engine *e, struct arena *arena, struct handler_info **rows, size_t *n,
                    struct err *err)
{
    struct seen_type *seen;
    size_t n_seen, i;
    int rc = e->store->ops->read.types(e->store, arena, &seen, &n_seen, err);

    if (rc != 0)
        return rc;
    *rows = arena_array(arena, e->catalog->n_routes + n_seen, sizeof **rows);
    if (*rows == NULL)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (i = 0; i < e->catalog->n_routes; i++)
        (*rows)[i] = info_of_route(e, &e->catalog->routes[i], (uint32_t)i);
    *n = add_seen(e, seen, n_seen, *rows, e->catalog->n_routes);
    qsort(*rows, *n, sizeof **rows, cmp_infos);
    return 0;
}

int engine_submit(struct engine *e, struct submission *s, struct err *err)
{
    return submit_post(&e->submit, s, err);
}

void engine_jobs_ready(struct engine *e)
{
    e->queue->ops->wake(e->queue);
}

void engine_bulk_started(struct engine *e)
{
    duties_bulk_started(&e->duties);
}

struct str engine_live_progress(struct engine *e, struct uuid id, struct arena *arena)
{
    return fleet_progress(&e->fleet, id, arena);
}

enum engine_health engine_health(struct engine *e, struct buf *why)
{
    struct pulse *pulses[] = {&e->submit.pulse, &e->dispatch.pulse, &e->finish.pulse,
                              &e->fleet.pulse,  &e->duties.pulse,   &e->heartbeat.pulse};
    enum engine_health health = (enum engine_health)atomic_load(&e->health);
    size_t i;

    if (health == ENGINE_READY && !heartbeat_may_claim(&e->heartbeat)) {
        buf_adds(why, "the worker's lease could not be renewed\n");
        health = ENGINE_STALLED;
    }
    for (i = 0; i < sizeof pulses / sizeof *pulses; i++) {
        int64_t ms = pulse_busy_ms(pulses[i]);

        if (ms < STALL_MS)
            continue;
        buf_addf(why, "%s has made no progress for %lld ms\n", pulses[i]->name, (long long)ms);
        health = ENGINE_STALLED;
    }
    return health;
}
