/* SPDX-License-Identifier: MIT
 * One request on its way through the module, and the reply that is made for it. */
#ifndef JOBMILL_HTTP_REQUEST_H
#define JOBMILL_HTTP_REQUEST_H

#include "base/arena.h"
#include "core/engine.h"
#include "http/problem.h"

#define REQUEST_ARGS_MAX  2
#define REQUEST_ID_MAX    128
#define REQUEST_URI_MAX   4096 /* path and query */
#define REPLY_HEADERS_MAX 8

struct MHD_Connection;
struct conn;
struct http;
struct route;

struct reply_header {
    const char *name, *value;
};

struct reply {
    unsigned status; /* 0: not decided yet */
    struct buf body;
    struct str fixed; /* instead of body: bytes that live as long as the program */
    const char *content_type;
    struct reply_header headers[REPLY_HEADERS_MAX];
    size_t n_headers;
    bool close; /* the connection must not carry another request */
};

/* The headers that matter, borrowed from the connection; ptr NULL when absent. */
struct request_headers {
    struct str content_length, transfer_encoding, content_type, authorization, idempotency_key,
        request_id, expect;
};

/* Owned by the HTTP thread of its connection, except between suspension and resumption, when it
 * belongs to a worker of the pool or to the engine's submit thread. */
struct request {
    struct mail mail; /* first: in the pool's mailbox */
    struct submission submission;

    struct http *http;
    struct engine *engine;
    const struct conf *conf;
    struct store *store;
    struct MHD_Connection *connection;
    struct conn *conn;

    struct arena arena;
    struct str uri, path, query;       /* as sent; query without `?`, ptr NULL when there is none */
    struct str args[REQUEST_ARGS_MAX]; /* what the pattern's :names matched, unescaped */
    const struct route *route;
    struct request_headers headers;
    char request_id[REQUEST_ID_MAX + 1];
    struct buf body;
    uint64_t discarded_bytes; /* of a body that nobody wants */
    int step;                 /* serve.c's */

    struct complaint *complaints, *last_complaint;
    size_t n_complaints;
    struct reply reply;

    /* What is left to do when a handler returns without a reply: `work` runs in the pool;
     * `submitted` runs in the HTTP thread when the engine is done with `submission`. */
    void (*work)(struct request *r);
    void (*submitted)(struct request *r, int rc, const char *error);
    int submit_rc;
    const char *submit_error;
};

/* Hands a suspended request back to its HTTP thread. It may be gone when this returns. */
void request_resume(struct request *r);
bool request_is_refused_by_drain(struct request *r); /* replies 503 while draining */

void reply_reset(struct request *r); /* forgets status, headers and body */
/* `value` must live as long as the request: its arena, or a literal. */
void reply_header(struct request *r, const char *name, const char *value);
/* The body that has been written becomes the answer. */
void reply_json(struct request *r, unsigned status);

#endif
