/* SPDX-License-Identifier: MIT
 * The HTTP server: starting, draining, stopping. */
#include "http/http.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "http/http_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define FDS_CAP      65536
#define FDS_RESERVED 256 /* for the store, executors, files */
#define FDS_LEAST    64

/* Raises the soft limit of descriptors and returns how many connections fit. */
static size_t fit_connections(int32_t wanted)
{
    struct rlimit limit;
    rlim_t fds = 1024;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        rlim_t most = limit.rlim_max < FDS_CAP ? limit.rlim_max : FDS_CAP;

        if (limit.rlim_cur < most) {
            limit.rlim_cur = most;
            setrlimit(RLIMIT_NOFILE, &limit);
        }
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
            fds = limit.rlim_cur;
    }
    fds = fds > FDS_RESERVED + FDS_LEAST ? fds - FDS_RESERVED : FDS_LEAST;
    return wanted > 0 && (rlim_t)wanted < fds ? (size_t)wanted : (size_t)fds;
}

static int open_listeners(struct http *h, struct err *e)
{
    int rc = listen_open(h->conf->listen, &h->listeners, e);

    if (rc == 0 && h->listeners.is_public && *h->conf->tokens_file == '\0')
        return err_set(
            e, ERR_INVALID,
            "api.listen is %s, which other machines can reach: expected api.tokens_file, "
            "or a loopback address",
            h->conf->listen);
    return rc;
}

/* Says where it listens, for programs that asked for port 0. */
static int write_address(const struct http *h, struct err *e)
{
    char path[4096];
    struct buf text = BUF_INIT;
    int rc;

    snprintf(path, sizeof path, "%s/run", h->conf->data_dir);
    rc = io_make_dirs(path, e);
    if (rc != 0)
        return rc;
    snprintf(path, sizeof path, "%s/run/api.addr", h->conf->data_dir);
    buf_addf(&text, "%s\n", h->listeners.address);
    rc = text.failed ? err_set(e, ERR_NOMEM, "out of memory")
                     : io_write_file(path, buf_str(&text), 0644, e);
    buf_free(&text);
    return rc;
}

static int start_daemons(struct http *h, struct err *e)
{
    size_t wanted = h->conf->api_threads > 0 ? (size_t)h->conf->api_threads : 1;

    if (wanted > HTTP_DAEMONS_MAX)
        wanted = HTTP_DAEMONS_MAX;
    while (h->n_daemons < wanted) {
        h->daemons[h->n_daemons] = http__daemon_start(h);
        if (h->daemons[h->n_daemons] == NULL)
            return err_errno(e, ERR_IO, "libmicrohttpd cannot start");
        h->n_daemons++;
    }
    return 0;
}

static int start_parts(struct http *h, struct err *e)
{
    int rc = guard_init(&h->guard, h->conf, e);

    if (rc == 0)
        rc = auth_open(h->conf->tokens_file, &h->auth, e);
    if (rc == 0)
        rc = open_listeners(h, e);
    if (rc == 0)
        rc = work_start(&h->work, e);
    if (rc == 0)
        rc = start_daemons(h, e);
    if (rc == 0)
        rc = http__accept_start(h, e);
    if (rc == 0)
        rc = write_address(h, e);
    return rc;
}

int http_start(struct engine *engine, const struct conf *conf, struct http **out, struct err *e)
{
    struct http *h = calloc(1, sizeof *h);
    int rc;

    if (h == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    h->engine = engine;
    h->conf = conf;
    h->wake_fd = -1;
    h->id_salt = (uint32_t)random_u64();
    h->connections_max = fit_connections(conf->max_connections);
    problem_fixed(PROBLEM_CONNECTIONS, "too many connections are open", &h->full_answer);
    rc = start_parts(h, e);
    if (rc != 0) {
        http_stop(&h);
        return rc;
    }
    log_info("listening address=%s connections_max=%zu", h->listeners.address, h->connections_max);
    *out = h;
    return 0;
}

void http_drain(struct http *h)
{
    atomic_store(&h->draining, true);
}

/* The engine and the pool answer everything that is away; only then may the daemons stop. */
static void wait_for_the_away(struct http *h)
{
    while (atomic_load(&h->away) > 0)
        clock_sleep_ms(1);
}

void http_stop(struct http **h_in)
{
    struct http *h = *h_in;
    size_t i;

    if (h == NULL)
        return;
    atomic_store(&h->draining, true);
    atomic_store(&h->stopping, true);
    http__accept_stop(h);
    listen_close(&h->listeners);
    wait_for_the_away(h);
    for (i = 0; i < h->n_daemons; i++)
        http__daemon_stop(h->daemons[i]);
    if (h->work.n > 0)
        work_stop(&h->work);
    auth_close(&h->auth);
    guard_fini(&h->guard);
    buf_free(&h->full_answer);
    io_close(&h->wake_fd);
    free(h);
    *h_in = NULL;
}
