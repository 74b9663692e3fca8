/* SPDX-License-Identifier: MIT
 * What protects the server from its clients (R33): the table of connections with their deadlines,
 * and the refusal of requests whose length two readers could see differently. */
#ifndef JOBMILL_HTTP_GUARD_H
#define JOBMILL_HTTP_GUARD_H

#include "http/request.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a connection is doing; each phase but BUSY ends by a deadline. */
enum conn_phase {
    CONN_NEW,     /* nothing understood yet: header timeout */
    CONN_IDLE,    /* between two requests: idle timeout */
    CONN_HEADERS, /* a request line came: header timeout */
    CONN_BODY,    /* its headers came: request timeout */
    CONN_BUSY,    /* the request is being worked on */
    CONN_SENDING, /* the answer is being taken: request timeout */
    CONN_EXPIRED  /* the sweep has ended it; nothing may be sent any more */
};

struct conn {
    struct conn *prev, *next;
    struct guard *guard;
    int fd;
    _Atomic int64_t state; /* deadline (CLOCK_MONOTONIC ns) << 3 | phase, in one word so that the
                              sweep cannot end a connection that has just moved on */
};

struct guard {
    pthread_mutex_t lock; /* protects the list, and every fd in it from being closed */
    struct conn *first;
    _Atomic size_t open; /* counted up by the acceptor, down by guard_remove */
    int64_t header_ns, request_ns, idle_ns;
    struct buf timeout_answer; /* the whole 408 response */
};

int guard_init(struct guard *g, const struct conf *conf, struct err *e) MUST_CHECK;
void guard_fini(struct guard *g); /* every connection must be gone */

/* A connection came or went. NULL when out of memory: it then has no deadlines. */
struct conn *guard_add(struct guard *g, int fd);
void guard_remove(struct guard *g, struct conn *c);

/* Moves to `phase` and starts its deadline. False when the sweep was first: then not a byte may be
 * sent. `c` may be NULL. */
bool conn_enter(struct conn *c, enum conn_phase phase);

/* Ends every connection whose deadline is over; one that was in the middle of a request gets a 408
 * first. */
void guard_sweep(struct guard *g);

/* Reads the headers of r->connection into r->headers. False when the reply is already made: the
 * request's framing is ambiguous or a header name is malformed; the connection is then closed. */
bool guard_read_headers(struct request *r, const char *version) MUST_CHECK;

#endif
