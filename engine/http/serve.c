/* SPDX-License-Identifier: MIT
 * The life of a request, from its first line to the last byte of its answer: the callbacks that
 * libmicrohttpd makes in its daemons' threads. */
#include "base/log.h"
#include "base/uuid.h"
#include "core/engine.h"
#include "http/http_priv.h"
#include "http/params.h"
#include "http/route.h"

#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECTION_MEMORY (10 * 1024) /* bounds the headers; cleared after each request */
#define BODY_RESERVE_MAX  (64 * 1024) /* taken on a client's word */
#define DISCARD_MAX       (16 * 1024 * 1024)

enum step {
    STEP_LINE, /* the request line is there */
    STEP_BODY, /* headers are there; the body comes */
    STEP_AWAY, /* suspended; the next call brings the answer */
    STEP_SENT
};

/* --- requests ------------------------------------------------------------------------------- */

static struct conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}

/* The request line came. What is returned is the request that the handler gets; NULL when out of
 * memory. `uri` is still as the client sent it. */
static void *on_line(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct request *r = calloc(1, sizeof *r);
    struct http *h = cls;

    if (r == NULL)
        return NULL;
    r->http = h;
    r->engine = h->engine;
    r->conf = h->conf;
    r->store = engine_store(h->engine);
    r->connection = connection;
    r->conn = conn_of(connection);
    r->step = STEP_LINE;
    conn_enter(r->conn, CONN_HEADERS); /* when the sweep was first, the next step finds out */
    r->uri = arena_str(&r->arena, str_from(uri));
    if (r->uri.ptr == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **req_cls,
                         enum MHD_RequestTerminationCode how)
{
    struct request *r = *req_cls;

    (void)cls;
    (void)connection;
    (void)how;
    if (r == NULL)
        return;
    conn_enter(r->conn, CONN_IDLE);
    buf_free(&r->body);
    buf_free(&r->reply.body);
    arena_free(&r->arena);
    free(r);
    *req_cls = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http *h = cls;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

        *socket_context = info == NULL ? NULL : guard_add(&h->guard, info->connect_fd);
    } else {
        guard_remove(&h->guard, *socket_context);
        *socket_context = NULL;
    }
}

/* Paths and queries are unescaped by route.c and params.c, which see what the library would cut. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

/* --- sending -------------------------------------------------------------------------------- */

static struct MHD_Response *make_response(struct request *r)
{
    struct buf *b = &r->reply.body;
    struct MHD_Response *response;

    if (r->reply.fixed.ptr != NULL || b->len == 0) {
        struct str fixed = r->reply.fixed.ptr != NULL ? r->reply.fixed : STR("");

        return MHD_create_response_from_buffer(fixed.len, (void *)(uintptr_t)fixed.ptr,
                                               MHD_RESPMEM_PERSISTENT);
    }
    response = MHD_create_response_from_buffer(b->len, b->ptr, MHD_RESPMEM_MUST_FREE);
    if (response != NULL)
        *b = BUF_INIT; /* the response owns it now */
    return response;
}

/* Queues the reply. MHD_NO (which closes the connection) when it cannot be made. */
static enum MHD_Result send_reply(struct request *r)
{
    struct MHD_Response *response;
    enum MHD_Result queued;
    size_t i;

    if (!conn_enter(r->conn, CONN_SENDING))
        return MHD_NO;
    if (r->reply.body.failed)
        problem_reply(r, PROBLEM_INTERNAL, "out of memory");
    response = make_response(r);
    if (response == NULL)
        return MHD_NO;
    if (r->reply.content_type != NULL && r->reply.status != MHD_HTTP_NO_CONTENT)
        MHD_add_response_header(response, "Content-Type", r->reply.content_type);
    MHD_add_response_header(response, "X-Request-Id", r->request_id);
    for (i = 0; i < r->reply.n_headers; i++)
        MHD_add_response_header(response, r->reply.headers[i].name, r->reply.headers[i].value);
    if (r->reply.close)
        MHD_add_response_header(response, "Connection", "close");
    queued = MHD_queue_response(r->connection, r->reply.status, response);
    MHD_destroy_response(response);
    r->step = STEP_SENT;
    return queued;
}

/* --- going away and coming back -------------------------------------------------------------- */

void request_resume(struct request *r)
{
    struct http *h = r->http;

    MHD_resume_connection(r->connection);
    atomic_fetch_sub(&h->away, 1); /* last: http_stop waits for it */
}

bool request_is_refused_by_drain(struct request *r)
{
    if (!atomic_load(&r->http->draining))
        return false;
    problem_reply(r, PROBLEM_DRAINING, "the engine is shutting down and takes no new jobs");
    r->reply.close = true;
    return true;
}

/* From the submit thread. */
static void on_submitted(struct submission *s, int rc, const struct err *e)
{
    struct request *r =
        (struct request *)(void *)((char *)s - offsetof(struct request, submission));

    r->submit_rc = rc;
    if (rc != 0)
        r->submit_error = arena_str(&r->arena, str_from(e->text)).ptr;
    request_resume(r);
}

/* Suspended before it is handed over, because the answer may come at once. */
static enum MHD_Result go_away(struct request *r)
{
    struct http *h = r->http;
    struct err e = {0};
    int rc = 0;

    atomic_fetch_add(&h->away, 1);
    if (atomic_load(&h->stopping)) {
        atomic_fetch_sub(&h->away, 1);
        problem_reply(r, PROBLEM_DRAINING, "the engine is shutting down");
        r->reply.close = true;
        return send_reply(r);
    }
    r->step = STEP_AWAY;
    MHD_suspend_connection(r->connection);
    if (r->work != NULL) {
        if (!work_post(&h->work, r))
            rc = err_set(&e, ERR_LIMIT, "too many requests wait for the store");
    } else {
        r->submission.done = on_submitted;
        rc = engine_submit(r->engine, &r->submission, &e);
    }
    if (rc != 0) {
        r->submitted = NULL;
        problem_reply_err(r, rc, &e);
        request_resume(r);
    }
    return MHD_YES;
}

/* The whole request is there, or its work in the pool is done. */
static enum MHD_Result carry_on(struct request *r)
{
    if (r->reply.status == 0 && (r->work != NULL || r->submitted != NULL))
        return go_away(r);
    if (r->reply.status == 0)
        problem_reply(r, PROBLEM_INTERNAL, "no answer was made");
    return send_reply(r);
}

static enum MHD_Result come_back(struct request *r)
{
    void (*submitted)(struct request *, int, const char *) = r->submitted;

    if (r->reply.status == 0 && submitted != NULL && r->work == NULL) {
        r->submitted = NULL;
        submitted(r, r->submit_rc, r->submit_error);
    }
    return carry_on(r);
}

/* --- arriving ------------------------------------------------------------------------------- */

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-:/+=@", c) != NULL);
}

static void put_hex(char *to, uint32_t value)
{
    int i;

    for (i = 7; i >= 0; i--, value >>= 4)
        to[i] = "0123456789abcdef"[value & 15];
}

/* The client's X-Request-Id when it is harmless, else one of ours. */
static void choose_request_id(struct request *r)
{
    struct str given = r->headers.request_id;
    struct http *h = r->http;
    size_t i;

    for (i = 0; i < given.len && is_id_char(given.ptr[i]); i++)
        ;
    if (i > 0 && i == given.len && i <= REQUEST_ID_MAX) {
        memcpy(r->request_id, given.ptr, i);
        return;
    }
    put_hex(r->request_id, h->id_salt);
    r->request_id[8] = '-';
    put_hex(r->request_id + 9, (uint32_t)atomic_fetch_add(&h->id_count, 1));
}

static bool is_json_type(struct str type)
{
    const char *end = type.ptr == NULL ? NULL : memchr(type.ptr, ';', type.len);

    if (end != NULL)
        type.len = (size_t)(end - type.ptr);
    type = str_trim(type);
    return type.len == 0 ||
           (type.len == 16 && strncasecmp(type.ptr, "application/json", 16) == 0) ||
           (type.len > 5 && strncasecmp(type.ptr + type.len - 5, "+json", 5) == 0);
}

static int64_t body_max(const struct request *r)
{
    bool is_bulk = r->route != NULL && (r->route->flags & ROUTE_BULK);

    return r->conf->max_body_bytes * (is_bulk ? BULK_BODY_FACTOR : 1);
}

/* Everything that can be refused before the body; true when the request may go on. */
static bool admit(struct request *r, const char *method, int64_t length)
{
    if (!route_find(r, method))
        return false;
    if (!(r->route->flags & ROUTE_OPEN) && !auth_accepts(r->http->auth, r->headers.authorization)) {
        problem_reply(r, PROBLEM_UNAUTHORIZED, "%s",
                      r->headers.authorization.ptr == NULL
                          ? "no Authorization header, expected Bearer TOKEN"
                          : "the Authorization header names no known token");
        reply_header(r, "WWW-Authenticate", "Bearer realm=\"jobmill\"");
        return false;
    }
    if (length > body_max(r)) {
        problem_reply(r, PROBLEM_TOO_LARGE, "the body has %lld bytes, expected at most %lld",
                      (long long)length, (long long)body_max(r));
        return false;
    }
    if ((r->route->flags & ROUTE_JSON) && !is_json_type(r->headers.content_type)) {
        problem_reply(r, PROBLEM_MEDIA_TYPE,
                      "the Content-Type is \"%.*s\", expected application/json",
                      (int)(r->headers.content_type.len < 100 ? r->headers.content_type.len : 100),
                      r->headers.content_type.ptr);
        return false;
    }
    return true;
}

/* The headers are there. A refusal waits for the body (and throws it away), because a client that
 * is still sending would not read it; only what cannot be trusted or is too much is cut off. */
static enum MHD_Result begin(struct request *r, const char *method, const char *version)
{
    int64_t length = 0;
    bool framed;

    if (!conn_enter(r->conn, CONN_BODY))
        return MHD_NO;
    r->step = STEP_BODY;
    framed = guard_read_headers(r, version);
    choose_request_id(r);
    if (!framed)
        return send_reply(r);
    if (r->headers.content_length.ptr != NULL && !str_to_i64(r->headers.content_length, &length))
        return MHD_NO; /* guard_read_headers has let digits through only */
    if (!admit(r, method, length)) {
        if (r->headers.expect.ptr == NULL && length <= DISCARD_MAX)
            return MHD_YES;
        r->reply.close = true;
        return send_reply(r);
    }
    if (length > 0)
        buf_reserve(&r->body, (size_t)(length < BODY_RESERVE_MAX ? length : BODY_RESERVE_MAX));
    return MHD_YES;
}

static enum MHD_Result take_body(struct request *r, const char *data, size_t len)
{
    if (r->reply.status == 0 && r->body.len + len > (uint64_t)body_max(r)) {
        problem_reply(r, PROBLEM_TOO_LARGE,
                      "the body has more than %lld bytes, expected at most that",
                      (long long)body_max(r));
        buf_free(&r->body);
    }
    if (r->reply.status == 0) {
        buf_add(&r->body, data, len);
        return MHD_YES;
    }
    r->discarded_bytes += len;
    return r->discarded_bytes > DISCARD_MAX ? MHD_NO : MHD_YES;
}

/* A query where none is understood would be a wish that is silently not granted. */
static bool query_is_understood(struct request *r)
{
    struct params none;

    return r->query.len == 0 || (r->route->flags & (ROUTE_OPEN | ROUTE_QUERY)) ||
           params_read(r, 0, &none);
}

static enum MHD_Result body_is_there(struct request *r)
{
    if (!conn_enter(r->conn, CONN_BUSY))
        return MHD_NO;
    if (r->reply.status != 0 || !query_is_understood(r))
        return send_reply(r);
    if (r->body.failed)
        problem_reply(r, PROBLEM_INTERNAL, "out of memory");
    else if (r->route->flags & ROUTE_STORE)
        r->work = r->route->handle;
    else
        r->route->handle(r);
    return carry_on(r);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **req_cls)
{
    struct request *r = *req_cls;
    size_t len = *data_len;

    (void)cls;
    (void)connection;
    (void)url;
    if (r == NULL)
        return MHD_NO;
    if (r->step == STEP_LINE)
        return begin(r, method, version);
    if (r->step == STEP_BODY && len > 0) {
        *data_len = 0;
        return take_body(r, data, len);
    }
    if (r->step == STEP_BODY)
        return body_is_there(r);
    return r->step == STEP_AWAY ? come_back(r) : MHD_YES;
}

/* --- daemons -------------------------------------------------------------------------------- */

#if MHD_VERSION >= 0x00097701
#define OPTION_STRICT MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define OPTION_STRICT MHD_OPTION_STRICT_FOR_CLIENT
#endif

struct MHD_Daemon *http__daemon_start(struct http *h)
{
    struct MHD_Daemon *daemon;
    sigset_t all, before;

    sigfillset(&all); /* the daemon's thread inherits the mask: signals belong to main */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
            MHD_USE_ITC,
        0, NULL, NULL, on_request, h, MHD_OPTION_URI_LOG_CALLBACK, on_line, h,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, h, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)h->connections_max + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, OPTION_STRICT, 1, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

void http__daemon_stop(struct MHD_Daemon *daemon)
{
    MHD_stop_daemon(daemon);
}

bool http__daemon_give(struct MHD_Daemon *daemon, int fd)
{
    /* the library asks for an address; where a client comes from is not used */
    static const struct sockaddr nobody = {.sa_family = AF_INET};

    return MHD_add_connection(daemon, fd, &nobody, sizeof nobody) == MHD_YES;
}
