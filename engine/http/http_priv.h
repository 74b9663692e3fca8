/* SPDX-License-Identifier: MIT
 * The server's parts, shared by http.c (which owns them), accept.c (new connections) and serve.c
 * (requests). */
#ifndef JOBMILL_HTTP_HTTP_PRIV_H
#define JOBMILL_HTTP_HTTP_PRIV_H

#include "http/auth.h"
#include "http/guard.h"
#include "http/http.h"
#include "http/listen.h"
#include "http/work.h"

#define HTTP_DAEMONS_MAX 16

struct MHD_Daemon;

struct http {
    struct engine *engine;
    const struct conf *conf;
    struct listeners listeners;
    struct guard guard;
    struct auth *auth;
    struct work work;
    struct MHD_Daemon *daemons[HTTP_DAEMONS_MAX];
    size_t n_daemons;

    pthread_t acceptor;
    bool accepting; /* the thread is there */
    int wake_fd;    /* ends the acceptor's wait */
    size_t connections_max;
    struct buf full_answer; /* the whole 503 response at the limit */

    _Atomic bool draining, stopping;
    _Atomic size_t away; /* suspended requests */
    uint32_t id_salt;    /* of generated request ids */
    _Atomic uint32_t id_count;
};

/* serve.c: starts one daemon that serves what http__deal gives it; NULL on failure. */
struct MHD_Daemon *http__daemon_start(struct http *h);
void http__daemon_stop(struct MHD_Daemon *daemon);
/* Gives a connected socket to a daemon, which closes it; false when it could not take it. */
bool http__daemon_give(struct MHD_Daemon *daemon, int fd);

/* accept.c: the acceptor's thread. */
int http__accept_start(struct http *h, struct err *e) MUST_CHECK;
void http__accept_stop(struct http *h);

#endif
