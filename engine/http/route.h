/* SPDX-License-Identifier: MIT
 * Routing: which handler answers a method and path. */
#ifndef JOBMILL_HTTP_ROUTE_H
#define JOBMILL_HTTP_ROUTE_H

#include "http/request.h"

#define BULK_BODY_FACTOR 16

enum route_flag {
    ROUTE_OPEN = 1,
    ROUTE_STORE = 2,
    ROUTE_JSON = 4,
    ROUTE_BULK = 8,
    ROUTE_QUERY = 16
};

struct route {
    const char *method, *pattern;
    /* Leaves a reply, or `work` or `submitted` set in the request. */
    void (*handle)(struct request *r);
    unsigned flags;
};

#define ROUTE(method, pattern, handler, flags) void handler(struct request *r);
#include "http/routes.def"
#undef ROUTE

/* Splits r->uri, finds the route and fills path, query, route, args. False when the reply is
 * already made: 400 (escapes), 404, 405 with Allow, 414. */
bool route_find(struct request *r, const char *method) MUST_CHECK;

/* Undoes %XX (and `+` as a blank when `is_query`) into the arena. False on a bad escape, on NUL and
 * on what is not UTF-8; *why then says so. */
bool uri_unescape(struct arena *arena, struct str in, bool is_query, struct str *out,
                  const char **why) MUST_CHECK;

#endif
