/* SPDX-License-Identifier: MIT
 * The fleet in parts: fleet.c places runs and loops, fleet_events.c takes what executors send and
 * how they die, fleet_watch.c looks at the clock, fleet_places.c is what other threads call. */
#ifndef JOBMILL_CORE_FLEET_PRIV_H
#define JOBMILL_CORE_FLEET_PRIV_H

#include "core/executor.h"
#include "core/fleet.h"

#define FLEET_TICK_MS      50    /* while runs are out */
#define FLEET_WATCH_GAP_MS 5     /* at most this often */
#define FLEET_STUCK_MS     50    /* a run this old does not free its slot soon */
#define FLEET_FAST_US      2000  /* runs shorter than this may wait inside executors */
#define FLEET_FAST_RUNS    4     /* known from at least this many runs */
#define FLEET_WINDOW_MAX   512   /* runs of one pool out at once */
#define FLEET_WINDOW_SLOT  64    /* per slot */
#define FLEET_GRACE_MS     5000  /* between asking a run to stop and killing its process */
#define FLEET_RESPAWN_MS   100   /* the first wait after an executor died young, and */
#define FLEET_RESPAWN_MAX  10000 /* the longest */

/* Calls `fn` for every executor of every pool. */
void fleet__each(struct fleet *f, void (*fn)(struct fleet *f, struct executor *x));

/* Ends a run on this side: unlinks it everywhere and hands it to finish. */
void fleet__settle(struct fleet *f, struct run *run, enum run_outcome outcome);

/* An executor's descriptor has something. */
void fleet__job_event(struct fleet *f, struct executor *x);
void fleet__control_event(struct fleet *f, struct executor *x);
void fleet__output_event(struct fleet *f, struct executor *x, bool is_err);
void fleet__death_event(struct fleet *f, struct executor *x);

/* Reports the outcome of one executor's start to fleet_start; `e` NULL: it is ready. */
void fleet__start_news(struct fleet *f, const struct err *e);

/* Timeouts, recalls, starts that take too long, processes to start again. Returns how many ms may
 * pass before the next look, -1 for any number. */
int fleet__watch(struct fleet *f);

#endif
