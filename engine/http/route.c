/* SPDX-License-Identifier: MIT
 * Routing: which handler answers a method and path. */
#include "http/route.h"

#include <string.h>

enum {
    OPEN = ROUTE_OPEN,
    STORE = ROUTE_STORE,
    JSON = ROUTE_JSON,
    BULK = ROUTE_BULK,
    QUERY = ROUTE_QUERY
};

static const struct route routes[] = {
#define ROUTE(method, pattern, handler, flags) {method, pattern, handler, flags},
#include "http/routes.def"
#undef ROUTE
};

#define N_ROUTES  (sizeof routes / sizeof *routes)
#define ALLOW_MAX 64

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes in[*i] and what belongs to it; -1 on a bad escape. */
static int unescape_one(struct str in, size_t *i, bool is_query)
{
    char c = in.ptr[(*i)++];
    int high, low;

    if (c == '+' && is_query)
        return ' ';
    if (c != '%')
        return (unsigned char)c;
    if (in.len - *i < 2)
        return -1;
    high = hex_value(in.ptr[*i]);
    low = hex_value(in.ptr[*i + 1]);
    *i += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool uri_unescape(struct arena *arena, struct str in, bool is_query, struct str *out,
                  const char **why)
{
    char *text = arena_alloc(arena, in.len + 1);
    size_t i = 0, n = 0;

    if (text == NULL) {
        *why = "out of memory";
        return false;
    }
    while (i < in.len) {
        int c = unescape_one(in, &i, is_query);

        if (c <= 0) {
            *why = c < 0 ? "has a % without two hex digits, expected %XX" : "has a NUL (%00)";
            return false;
        }
        text[n++] = (char)c;
    }
    *out = (struct str){text, n};
    *why = "is not UTF-8";
    return str_is_utf8(*out);
}

/* The segment of `path` that begins at *at (which stands on its slash); moves *at behind it. */
static struct str next_segment(struct str path, size_t *at)
{
    size_t from = *at + 1, end = from;

    while (end < path.len && path.ptr[end] != '/')
        end++;
    *at = end;
    return (struct str){path.ptr + from, end - from};
}

/* Compares segment by segment; a pattern's `:name` matches any that is not empty. */
static bool pattern_matches(const char *pattern, struct str path, struct str *args)
{
    struct str wanted = str_from(pattern);
    size_t i = 0, j = 0, n = 0;

    while (i < wanted.len && j < path.len) {
        struct str want = next_segment(wanted, &i), have = next_segment(path, &j);

        if (want.len > 0 && want.ptr[0] == ':' && have.len > 0 && n < REQUEST_ARGS_MAX)
            args[n++] = have;
        else if (!str_eq(want, have))
            return false;
    }
    return i >= wanted.len && j >= path.len;
}

static bool has_escapes(struct str s)
{
    return memchr(s.ptr, '%', s.len) != NULL;
}

/* Unescapes the arguments. An escaped slash stays inside its segment. */
static bool unescape_args(struct request *r)
{
    const char *why;
    size_t i;

    for (i = 0; i < REQUEST_ARGS_MAX && r->args[i].ptr != NULL; i++) {
        if (uri_unescape(&r->arena, r->args[i], false, &r->args[i], &why))
            continue;
        problem_reply(r, PROBLEM_BAD_PATH, "the path's segment %zu %s", i + 1, why);
        return false;
    }
    return true;
}

static void refuse_method(struct request *r, const char *method, size_t first)
{
    struct buf allow = BUF_INIT;
    const char *value;
    size_t i;

    for (i = first; i < N_ROUTES; i++) {
        if (strcmp(routes[i].pattern, routes[first].pattern) != 0)
            continue;
        buf_addf(&allow, "%s%s", allow.len > 0 ? ", " : "", routes[i].method);
        if (strcmp(routes[i].method, "GET") == 0)
            buf_adds(&allow, ", HEAD");
    }
    value = arena_str(&r->arena, buf_str(&allow)).ptr;
    buf_free(&allow);
    problem_reply(r, PROBLEM_METHOD, "%.20s is not allowed here, expected %s", method,
                  value == NULL ? "another" : value);
    reply_header(r, "Allow", value);
}

/* The route for `method` among those with the same pattern as routes[first]. */
static const struct route *by_method(size_t first, const char *method)
{
    size_t i;

    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (i = first; i < N_ROUTES; i++)
        if (strcmp(routes[i].method, method) == 0 &&
            strcmp(routes[i].pattern, routes[first].pattern) == 0)
            return &routes[i];
    return NULL;
}

static bool split_uri(struct request *r)
{
    const char *mark = memchr(r->uri.ptr, '?', r->uri.len);
    struct str decoded;
    const char *why;

    r->path = r->uri;
    if (mark != NULL) {
        r->path.len = (size_t)(mark - r->uri.ptr);
        r->query = (struct str){mark + 1, r->uri.len - r->path.len - 1};
    }
    if (r->path.len == 0 || r->path.ptr[0] != '/') {
        problem_reply(r, PROBLEM_BAD_PATH, "the request target is not a path, expected /…");
        return false;
    }
    /* checked as a whole, so that no route sees a bad escape */
    if (has_escapes(r->path) && !uri_unescape(&r->arena, r->path, false, &decoded, &why)) {
        problem_reply(r, PROBLEM_BAD_PATH, "the path %s", why);
        return false;
    }
    return true;
}

bool route_find(struct request *r, const char *method)
{
    size_t i;

    if (r->uri.len > REQUEST_URI_MAX) {
        problem_reply(r, PROBLEM_URI_TOO_LONG, "path and query have %zu bytes, expected at most %d",
                      r->uri.len, REQUEST_URI_MAX);
        return false;
    }
    if (!split_uri(r))
        return false;
    for (i = 0; i < N_ROUTES; i++) {
        memset(r->args, 0, sizeof r->args);
        if (!pattern_matches(routes[i].pattern, r->path, r->args))
            continue;
        if (!unescape_args(r))
            return false;
        r->route = by_method(i, method);
        if (r->route != NULL)
            return true;
        refuse_method(r, method, i);
        return false;
    }
    problem_reply(r, PROBLEM_NO_ROUTE, "there is no endpoint %.*s; GET /openapi.json lists them",
                  (int)(r->path.len < 200 ? r->path.len : 200), r->path.ptr);
    return false;
}
