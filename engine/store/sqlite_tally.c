/* SPDX-License-Identifier: MIT
 * Counts by lane and state: gathered during a transaction, written once at its end. */
#include "store/sqlite_priv.h"

#include <string.h>

static uint32_t hash_bytes(uint32_t hash, struct str s)
{
    size_t i;

    for (i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 16777619u;
    return hash;
}

static bool is_cell(const struct tally_cell *cell, struct str queue, struct str type)
{
    return str_eq(cell->type, type) && str_eq(cell->queue, queue);
}

static struct tally_cell *find_cell(struct tally *t, struct str queue, struct str type)
{
    struct tally_cell **bucket, *cell;

    if (t->last != NULL && is_cell(t->last, queue, type))
        return t->last;
    bucket = &t->buckets[hash_bytes(hash_bytes(2166136261u, queue), type) % TALLY_BUCKETS];
    for (cell = *bucket; cell != NULL; cell = cell->next)
        if (is_cell(cell, queue, type))
            return t->last = cell;
    cell = arena_alloc(&t->arena, sizeof *cell);
    if (cell == NULL)
        return NULL;
    cell->queue = arena_str(&t->arena, queue);
    cell->type = arena_str(&t->arena, type);
    if (cell->queue.ptr == NULL || cell->type.ptr == NULL)
        return NULL;
    cell->next = *bucket;
    *bucket = cell;
    return t->last = cell;
}

void store__tally(struct sqlite_store *s, struct str queue, struct str type, enum job_state state,
                  int64_t delta)
{
    struct tally_cell *cell = find_cell(&s->tally, queue, type);

    if (cell == NULL)
        s->tally.failed = true;
    else
        cell->delta[state] += delta;
}

void store__tally_move(struct sqlite_store *s, const struct job *job, enum job_state from,
                       enum job_state to)
{
    store__tally(s, job->queue, job->type, from, -1);
    store__tally(s, job->queue, job->type, to, 1);
}

static int apply_cell(struct sqlite_store *s, const struct tally_cell *cell, struct err *e)
{
    int state, rc = 0;

    for (state = 1; rc == 0 && state < JOB_STATE_END; state++) {
        sqlite3_stmt *stmt;

        if (cell->delta[state] == 0)
            continue;
        stmt = store__stmt(&s->writer, STMT_COUNT_ADD, e);
        if (stmt == NULL)
            return e->code;
        store__bind_str(stmt, 1, cell->queue);
        store__bind_str(stmt, 2, cell->type);
        sqlite3_bind_int(stmt, 3, state);
        sqlite3_bind_int64(stmt, 4, cell->delta[state]);
        rc = store__run(stmt, e);
    }
    return rc;
}

int store__tally_apply(struct sqlite_store *s, struct err *e)
{
    struct tally *t = &s->tally;
    const struct tally_cell *cell;
    size_t i;
    int rc = 0;

    if (t->failed)
        return err_set(e, ERR_NOMEM, "out of memory for the counts of a transaction");
    if (t->last == NULL)
        return 0;
    for (i = 0; i < TALLY_BUCKETS; i++)
        for (cell = t->buckets[i]; rc == 0 && cell != NULL; cell = cell->next)
            rc = apply_cell(s, cell, e);
    return rc;
}

void store__tally_clear(struct tally *t)
{
    if (t->last == NULL && !t->failed)
        return;
    arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}
