/* SPDX-License-Identifier: MIT
 * Listening sockets: host:port, [v6]:port, unix:PATH. */
#ifndef JOBMILL_HTTP_LISTEN_H
#define JOBMILL_HTTP_LISTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#define LISTEN_MAX 4 /* addresses that one host name may stand for */

struct listeners {
    int fds[LISTEN_MAX];
    size_t n;
    bool is_public;    /* reachable from other machines */
    char address[300]; /* what clients connect to: "127.0.0.1:8080", "unix:/run/x" */
    char unix_path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* to be removed; may be empty */
};

/* ERR_INVALID when `address` is malformed or names no host, ERR_UNAVAILABLE when it is in use. */
int listen_open(const char *address, struct listeners *out, struct err *e) MUST_CHECK;
void listen_close(struct listeners *l);

#endif
