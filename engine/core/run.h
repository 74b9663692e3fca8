/* SPDX-License-Identifier: MIT
 * Runs: claimed jobs on their way through the engine (dispatch → fleet → finish), and the table
 * that finds one by the number its executor knows. */
#ifndef JOBMILL_CORE_RUN_H
#define JOBMILL_CORE_RUN_H

#include "base/arena.h"
#include "base/mailbox.h"
#include "model/job.h"

#include <stdatomic.h>

#define RUN_MESSAGE_MAX 256 /* bytes of a progress message kept */

struct executor;

/* The runs of one claim share an arena, which goes with the last of them. */
struct run_batch {
    struct arena arena;
    _Atomic size_t left;
};

struct run {
    struct mail mail; /* whoever holds the run last posted it; one thread at a time owns it */
    struct run_batch *batch;
    struct job job; /* as claimed */
    uint32_t route; /* index in the catalog */
    uint64_t seq;   /* its number towards the executor; 0: none yet */

    /* While the fleet has it. */
    struct executor *executor;
    struct run *prev, *next; /* its executor's runs, or its pool's waiting ones */
    int64_t sent_ns;         /* CLOCK_BOOTTIME */
    int64_t cancel_ns;       /* when it was asked to stop; 0: not */

    /* How it ended. */
    enum run_outcome outcome;
    int64_t retry_delay_ms;
    int64_t started_ns, ended_ns; /* CLOCK_BOOTTIME; started_ns 0: never started */
    int64_t cpu_us, memory_kb;
    struct buf result, error;

    /* The latest progress; the fleet's progress_lock protects it. */
    bool has_progress;
    double percent;
    char message[RUN_MESSAGE_MAX];
    struct run *progress_prev, *progress_next;
};

/* Gives the run back; frees its batch with the last one. */
void run_free(struct run *run);

/* Appends its progress as JSON: {"percent":…,"message":…}. */
void run_put_progress(const struct run *run, struct buf *out);

/* The runs that executors have, by seq. One thread. */
struct run_table {
    struct run **at;
    uint32_t *free_places;
    uint32_t cap, n_free;
    uint64_t counter;
};

void run_table_fini(struct run_table *t);
/* Gives the run a seq; false when out of memory. */
bool run_table_add(struct run_table *t, struct run *run);
struct run *run_table_find(const struct run_table *t, uint64_t seq); /* NULL: unknown or over */
void run_table_drop(struct run_table *t, struct run *run);

#endif
