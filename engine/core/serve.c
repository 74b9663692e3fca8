/* SPDX-License-Identifier: MIT
 * `jobmill serve`: the engine's life from start to shutdown. */
#include "core/serve.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "core/engine_priv.h"
#include "core/node.h"
#include "core/probe.h"
#include "json/write.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STORE_WAIT_MS 3000 /* for a predecessor that is just leaving */

static void block_signals(sigset_t *handled)
{
    sigemptyset(handled);
    sigaddset(handled, SIGTERM);
    sigaddset(handled, SIGINT);
    sigaddset(handled, SIGHUP);
    pthread_sigmask(SIG_BLOCK, handled, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* --- start ---------------------------------------------------------------------------------- */

static int open_back_ends(struct engine *e, struct err *err)
{
    struct store_options options = {
        .url = str_from(e->conf->store_url),
        .data_dir = e->conf->data_dir,
        .key_window_ms = e->conf->key_window_ms,
        .lock_wait_ms = STORE_WAIT_MS,
    };
    int rc = io_make_dirs(e->conf->data_dir, err);

    if (rc == 0)
        rc = store_open(&options, true, &e->store, err);
    if (rc == 0)
        rc = queue_open(str_from(e->conf->queue_url), &e->queue, err);
    if (rc == 0)
        rc = node_hold(e->conf->data_dir, e->conf->lease_ms, &e->hold_fd, err);
    return rc;
}

static void put_defaults(const struct route *r, struct buf *out)
{
    json_open(out, '{');
    json_name(out, "max_retries");
    json_put_int(out, r->max_retries);
    json_name(out, "timeout_ms");
    json_put_int(out, r->timeout_ms);
    json_name(out, "handler");
    json_put_str(out, r->artifact->name);
    json_name(out, "version");
    json_put_str(out, r->artifact->version);
    json_close(out, '}');
}

/* Tells the store which types this node serves. */
static int announce_types(struct engine *e, struct err *err)
{
    struct arena arena = ARENA_INIT;
    size_t n = e->catalog->n_routes, i;
    struct type_row *rows = arena_array(&arena, n, sizeof *rows);
    struct buf json = BUF_INIT;
    int rc = rows == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;

    for (i = 0; rc == 0 && i < n; i++) {
        const struct route *r = &e->catalog->routes[i];

        buf_reset(&json);
        put_defaults(r, &json);
        rows[i] = (struct type_row){r->type, arena_str(&arena, buf_str(&json)), r->config_hash};
        if (json.failed || rows[i].defaults.ptr == NULL)
            rc = err_set(err, ERR_NOMEM, "out of memory");
    }
    if (rc == 0)
        rc = e->store->ops->announce_types(e->store, rows, n, err);
    buf_free(&json);
    arena_free(&arena);
    return rc;
}

/* The threads, in the order in which they need each other. *started is the number of the last step
 * that succeeded: stop_threads and fini_threads undo up to there. */
static int start_threads(struct engine *e, int *started, struct err *err)
{
    struct retention keep = {e->conf->keep_completed_ms, e->conf->keep_cancelled_ms,
                             e->conf->keep_dead_ms};
    char node_id[JOB_NAME_MAX + 1];
    int rc = node_id_get(e->conf, node_id, err);

    *started = 0;
    if (rc == 0 && (rc = duties_start(&e->duties, e->store, e->queue, &keep, err)) == 0)
        *started = 1;
    if (rc == 0 && (rc = fleet_start(&e->fleet, e->conf, e->catalog, e->hold_fd, &e->finish,
                                     e->queue, err)) == 0)
        *started = 2;
    if (rc == 0 &&
        (rc = finish_start(&e->finish, e->store, e->queue, &e->duties, &e->fleet, err)) == 0)
        *started = 3;
    if (rc == 0 && (rc = heartbeat_start(&e->heartbeat, e->conf, node_id, e->store, e->queue,
                                         &e->fleet, err)) == 0)
        *started = 4;
    if (rc == 0)
        rc = announce_types(e, err);
    if (rc == 0 && (rc = submit_start(&e->submit, e->store, e->queue, &e->duties,
                                      (size_t)e->conf->max_pending, err)) == 0)
        *started = 5;
    if (rc == 0 &&
        (rc = dispatch_start(&e->dispatch, e->store, e->queue, &e->fleet, &e->heartbeat, err)) == 0)
        *started = 6;
    return rc;
}

/* --- shutdown ------------------------------------------------------------------------------- */

/* A second request to stop while the first is being followed. */
static bool hurry_asked(void)
{
    static const struct timespec at_once = {0, 0};
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    if (sigtimedwait(&stop, NULL, &at_once) <= 0)
        return false;
    log_warn("asked to stop again: killing what still runs");
    return true;
}

/* R8: stop claiming, go on beating while draining, kill at the deadline, confirm, then release. */
static void stop_threads(struct engine *e, int started)
{
    if (started >= 5)
        submit_stop(&e->submit);
    if (started >= 6)
        dispatch_stop(&e->dispatch);
    if (started >= 4)
        heartbeat_drain(&e->heartbeat);
    if (started >= 2) {
        fleet_drain(&e->fleet, started >= 4 ? e->conf->drain_ms : 0, hurry_asked);
        fleet_stop_placing(&e->fleet);
    }
    if (started >= 3) {
        atomic_store(&e->finish.give_up, true);
        finish_stop(&e->finish);
    }
    if (started >= 4)
        heartbeat_stop(&e->heartbeat);
    if (started >= 1)
        duties_stop(&e->duties);
}

/* What the interface may still ask until it has stopped. */
static void fini_threads(struct engine *e, int started)
{
    if (started >= 5)
        submit_fini(&e->submit);
    if (started >= 2)
        fleet_fini(&e->fleet);
    if (started >= 1)
        duties_fini(&e->duties);
}

static void close_back_ends(struct engine *e)
{
    catalog_free(&e->catalog);
    if (e->queue != NULL)
        queue_close(&e->queue);
    if (e->store != NULL)
        store_close(&e->store);
    io_close(&e->hold_fd);
}

/* --- in between ----------------------------------------------------------------------------- */

static void wait_for_stop(const sigset_t *handled)
{
    int sig;

    for (;;) {
        if (sigwait(handled, &sig) != 0)
            continue;
        if (sig != SIGHUP)
            break;
        log_warn("SIGHUP: this version reads its configuration only at the start; nothing changed");
    }
    log_info("asked to stop signal=%s; draining, a second signal hurries", strsignal(sig));
}

static int serve_until_stopped(struct engine *e, const struct frontend *frontend,
                               const sigset_t *handled, int64_t began_ns, struct err *err)
{
    void *front = NULL;
    int started, rc;

    rc = start_threads(e, &started, err);
    if (rc == 0)
        rc = frontend->start(e, e->conf, &front, err);
    if (rc == 0) {
        atomic_store(&e->health, ENGINE_READY);
        malloc_trim(0);
        log_info("ready version=%s types=%zu slots=%d took_ms=%lld", JOBMILL_VERSION,
                 e->catalog->n_routes, fleet_slots(&e->fleet),
                 (long long)((clock_mono_ns() - began_ns) / NS_PER_MS));
        wait_for_stop(handled);
        atomic_store(&e->health, ENGINE_DRAINING);
        frontend->drain(front);
    }
    stop_threads(e, started);
    if (front != NULL)
        frontend->stop(front);
    fini_threads(e, started);
    return rc;
}

int serve_run(const struct conf *conf, const struct frontend *frontend, struct err *e)
{
    int64_t began_ns = clock_mono_ns();
    struct engine *engine = calloc(1, sizeof *engine);
    sigset_t handled;
    int rc;

    if (engine == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    mallopt(M_ARENA_MAX, 4); /* many threads that allocate little: memory over speed */
    log_set_level(conf->log_level);
    block_signals(&handled);
    engine->conf = conf;
    engine->hold_fd = -1;
    rc = open_back_ends(engine, e);
    if (rc == 0)
        rc = probe_catalog(conf, true, &engine->catalog, e);
    if (rc == 0)
        rc = serve_until_stopped(engine, frontend, &handled, began_ns, e);
    close_back_ends(engine);
    free(engine);
    if (rc == 0)
        log_info("stopped");
    return rc;
}
