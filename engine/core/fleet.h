/* SPDX-License-Identifier: MIT
 * The fleet: the executors of one node, the runs they have, and the places that are free. One
 * thread owns processes, sockets and runs; everybody else posts to it or reads counters. */
#ifndef JOBMILL_CORE_FLEET_H
#define JOBMILL_CORE_FLEET_H

#include "base/err.h"
#include "conf/catalog.h"
#include "core/pulse.h"
#include "core/run.h"

#include <pthread.h>

struct finish_thread;
struct queue;
struct executor;

/* What is known of a route's runs on this node since it started. Any thread reads. */
struct route_stats {
    _Atomic int64_t runs, failures, total_us;
    _Atomic int64_t recent_us; /* moving mean of run times */
};

/* One pool of the catalog at work. */
struct fleet_pool {
    const struct catalog_pool *conf;
    struct executor *executors;         /* conf->processes of them */
    struct run *waiting, *waiting_last; /* claimed, but no executor could take them yet */
    _Atomic int32_t slots;              /* threads of executors that are ready */
    _Atomic int32_t taken;              /* claimed runs that are not recorded yet */
    _Atomic bool stuck;                 /* no slot becomes free soon: no run may wait inside */
};

struct fleet {
    const struct conf *conf;
    const struct catalog *catalog;
    struct finish_thread *finish;
    struct queue *queue; /* woken when slots come up */
    char *exec_path;
    int hold_fd; /* lock file descriptor that every executor inherits */
    struct fleet_pool *pools;
    struct route_stats *stats; /* one per route */
    struct mailbox inbox;      /* of struct run, from dispatch */
    struct run_table runs;
    int epoll_fd;
    struct buf scratch;
    int64_t watched_ns; /* CLOCK_MONOTONIC of the last look at the clock */

    _Atomic int64_t fence_ns;
    _Atomic bool draining, killing, stopping;
    _Atomic int32_t alive; /* executors with a process */

    pthread_mutex_t start_lock; /* protects the four below */
    pthread_cond_t start_news;
    size_t n_starting;
    bool start_over; /* the start has succeeded or failed; deaths are ordinary from now on */
    struct err start_error;

    pthread_mutex_t progress_lock; /* protects `reporting` and the runs' progress members */
    struct run *reporting;

    struct pulse pulse;
    pthread_t thread;
};

/* Starts every executor and waits until all are ready. ERR_INVALID with the reason when one
 * refuses, ERR_IO when one dies or takes longer than conf->start_timeout_ms. `catalog` outlives the
 * fleet; `finish` is started right after it. */
int fleet_start(struct fleet *f, const struct conf *conf, const struct catalog *catalog,
                int hold_fd, struct finish_thread *finish, struct queue *queue,
                struct err *e) MUST_CHECK;

const struct catalog *fleet_catalog(const struct fleet *f);

/* --- places: dispatch takes, finish gives back. Any thread. --- */
size_t fleet_slots_free(const struct fleet *f, uint32_t pool);
/* How many short runs may be claimed beyond what is taken (they wait inside the executors). */
size_t fleet_window_free(const struct fleet *f, uint32_t pool);
bool fleet_route_is_fast(const struct fleet *f, uint32_t route);
void fleet_places_take(struct fleet *f, uint32_t pool, size_t n);
void fleet_place_free(struct fleet *f, const struct run *run);

/* Hands a claimed run over. Any thread. */
void fleet_post(struct fleet *f, struct run *run);

int32_t fleet_slots(const struct fleet *f); /* of all pools */
int32_t fleet_busy(const struct fleet *f);
const struct route_stats *fleet_route_stats(const struct fleet *f, uint32_t route);

/* The latest progress of a job that runs here, as JSON in `arena`, or STR_NONE. Any thread. */
struct str fleet_progress(struct fleet *f, struct uuid id, struct arena *arena);

/* Until when (CLOCK_BOOTTIME) executors may run. Any thread. */
void fleet_set_fence(struct fleet *f, int64_t fence_ns);

/* Kills every executor, waits until they are gone and gives back every run, also those that no
 * executor had yet. They are started again unless draining. Returns at once when the fleet has
 * stopped. */
void fleet_kill_all(struct fleet *f);

/* Asks every executor to give back what has not started, finish and leave; kills what is left
 * after `deadline_ms`, or when `hurry` (may be NULL; asked every few ms) says so. Returns when no
 * executor lives. */
void fleet_drain(struct fleet *f, int64_t deadline_ms, bool (*hurry)(void));

/* Gives back what no executor took and ends the thread; after fleet_drain. */
void fleet_stop_placing(struct fleet *f);

/* Frees what is left, when nobody asks for progress or statistics any more. */
void fleet_fini(struct fleet *f);

#endif
