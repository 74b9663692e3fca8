/* SPDX-License-Identifier: MIT
 * Runs: claimed jobs on their way through the engine. */
#include "core/run.h"

#include "json/write.h"

#include <assert.h>
#include <stdlib.h>

#define PLACE_BITS 20 /* seq = counter << PLACE_BITS | place */
#define PLACES_MAX (UINT32_C(1) << PLACE_BITS)

void run_free(struct run *run)
{
    struct run_batch *batch = run->batch;

    buf_free(&run->result);
    buf_free(&run->error);
    if (atomic_fetch_sub(&batch->left, 1) == 1) {
        arena_free(&batch->arena);
        free(batch);
    }
}

void run_put_progress(const struct run *run, struct buf *out)
{
    json_open(out, '{');
    json_name(out, "percent");
    json_put_real(out, run->percent);
    json_name(out, "message");
    json_put_str(out, run->message[0] == '\0' ? STR_NONE : str_from(run->message));
    json_close(out, '}');
}

void run_table_fini(struct run_table *t)
{
    free(t->at);
    free(t->free_places);
    *t = (struct run_table){0};
}

static bool grow(struct run_table *t)
{
    uint32_t cap = t->cap == 0 ? 256 : t->cap * 2, i;
    struct run **at;
    uint32_t *places;

    if (cap > PLACES_MAX)
        return false;
    at = realloc(t->at, cap * sizeof *at);
    if (at == NULL)
        return false;
    t->at = at;
    places = realloc(t->free_places, cap * sizeof *places);
    if (places == NULL)
        return false;
    t->free_places = places;
    for (i = cap; i-- > t->cap;) {
        t->at[i] = NULL;
        t->free_places[t->n_free++] = i;
    }
    t->cap = cap;
    return true;
}

bool run_table_add(struct run_table *t, struct run *run)
{
    uint32_t place;

    if (t->n_free == 0 && !grow(t))
        return false;
    place = t->free_places[--t->n_free];
    t->at[place] = run;
    run->seq = ++t->counter << PLACE_BITS | place;
    return true;
}

struct run *run_table_find(const struct run_table *t, uint64_t seq)
{
    uint32_t place = (uint32_t)(seq & (PLACES_MAX - 1));

    if (place >= t->cap || t->at[place] == NULL || t->at[place]->seq != seq)
        return NULL;
    return t->at[place];
}

void run_table_drop(struct run_table *t, struct run *run)
{
    uint32_t place = (uint32_t)(run->seq & (PLACES_MAX - 1));

    assert(t->at[place] == run);
    t->at[place] = NULL;
    t->free_places[t->n_free++] = place;
    run->seq = 0;
}
