/* SPDX-License-Identifier: MIT
 * A request without a server, for the tests of what reads requests and makes replies. */
#ifndef JOBMILL_TESTS_HTTP_KIT_H
#define JOBMILL_TESTS_HTTP_KIT_H

#include "http/fields.h"
#include "lib/unit.h"

#include <string.h>

static struct conf kit_conf = {.max_body_bytes = 1024};

/* For `uri`, with a body when it is not NULL. */
static inline struct request kit_request(const char *uri, const char *body)
{
    struct request r = {.uri = str_from(uri), .conf = &kit_conf};

    if (body != NULL)
        buf_adds(&r.body, body);
    return r;
}

static inline void kit_request_free(struct request *r)
{
    arena_free(&r->arena);
    buf_free(&r->body);
    buf_free(&r->reply.body);
}

/* The reply must be JSON; returns whether `part` is in it. */
static inline bool kit_reply_has(struct request *r, const char *part)
{
    struct arena arena = ARENA_INIT;
    struct json_doc doc;
    struct err e = {0};

    if (json_scan(&arena, buf_str(&r->reply.body), &doc, &e) != 0)
        fail_msg("the reply is not JSON: %s: %s", e.text, r->reply.body.ptr);
    arena_free(&arena);
    return strstr(r->reply.body.ptr, part) != NULL;
}

#endif
