/* SPDX-License-Identifier: MIT
 * Error answers: RFC 9457 problems. */
#include "http/problem.h"

#include "base/log.h"
#include "http/request.h"
#include "json/write.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define DETAIL_MAX 1024

static const struct {
    const char *code;
    unsigned status;
    bool retryable;
    const char *title;
} problems[PROBLEM_END] = {
#define PROBLEM(id, code, status, retryable, title) \
    [PROBLEM_##id] = {code, status, retryable, title},
#include "http/problems.def"
#undef PROBLEM
};

unsigned problem_status(enum problem_id id)
{
    assert(id < PROBLEM_END);
    return problems[id].status;
}

const char *problem_code(enum problem_id id)
{
    assert(id < PROBLEM_END);
    return problems[id].code;
}

static void put_member(struct buf *b, const char *name, const char *value)
{
    json_name(b, name);
    json_put_str(b, str_from(value));
}

/* `{` and the members that every problem has; `instance` may be absent. */
static void put_open(struct buf *b, enum problem_id id, const char *detail, struct str instance)
{
    char type[64];

    snprintf(type, sizeof type, "urn:jobmill:problem:%s", problems[id].code);
    json_open(b, '{');
    put_member(b, "type", type);
    put_member(b, "title", problems[id].title);
    json_name(b, "status");
    json_put_int(b, problems[id].status);
    put_member(b, "detail", detail);
    if (instance.ptr != NULL) {
        json_name(b, "instance");
        json_put_str(b, instance);
    }
    put_member(b, "code", problems[id].code);
    put_member(b, "error", detail);
    json_name(b, "retryable");
    json_put_bool(b, problems[id].retryable);
}

void problem_put(struct buf *b, enum problem_id id, const char *detail)
{
    put_open(b, id, detail, STR_NONE);
    json_close(b, '}');
}

void problem_begin(struct request *r, enum problem_id id, const char *detail)
{
    reply_reset(r);
    r->reply.status = problems[id].status;
    r->reply.content_type = "application/problem+json";
    if (r->reply.status == 429 || r->reply.status == 503)
        reply_header(r, "Retry-After", "1");
    put_open(&r->reply.body, id, detail, r->path);
}

void problem_end(struct request *r)
{
    json_close(&r->reply.body, '}');
}

void problem_reply(struct request *r, enum problem_id id, const char *fmt, ...)
{
    char detail[DETAIL_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    problem_begin(r, id, detail);
    problem_end(r);
}

void problem_reply_err(struct request *r, int rc, const struct err *e)
{
    if (rc == ERR_UNAVAILABLE) {
        problem_reply(r, PROBLEM_UNAVAILABLE, "%s", e->text);
    } else if (rc == ERR_LIMIT) {
        problem_reply(r, PROBLEM_OVERLOADED, "%s", e->text);
    } else {
        log_error("request %s failed: %s", r->request_id, e->text);
        problem_reply(r, PROBLEM_INTERNAL, "%s", e->text);
    }
}

void complain(struct request *r, enum problem_id id, const char *pointer, const char *fmt, ...)
{
    char detail[DETAIL_MAX];
    struct complaint *c;
    va_list args;

    if (r->n_complaints++ >= COMPLAINTS_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    c = arena_alloc(&r->arena, sizeof *c);
    if (c == NULL)
        return;
    c->id = id;
    c->pointer = arena_str(&r->arena, str_from(pointer)).ptr;
    c->detail = arena_str(&r->arena, str_from(detail)).ptr;
    if (r->last_complaint == NULL)
        r->complaints = c;
    else
        r->last_complaint->next = c;
    r->last_complaint = c;
}

/* The first complaint, said as a whole sentence. */
static void first_as_text(const struct request *r, char *out, size_t size)
{
    const struct complaint *c = r->complaints;
    const char *where = c->pointer == NULL || *c->pointer == '\0' ? "the body" : c->pointer;

    if (r->n_complaints == 1)
        snprintf(out, size, "%s: %s", where, c->detail);
    else
        snprintf(out, size, "%s: %s (and %zu more)", where, c->detail, r->n_complaints - 1);
}

bool problem_complaints(struct request *r, bool open)
{
    char detail[DETAIL_MAX] = "out of memory";
    enum problem_id id = PROBLEM_INVALID;
    const struct complaint *c;
    struct buf *b = &r->reply.body;

    if (r->n_complaints == 0)
        return false;
    if (r->complaints != NULL) {
        first_as_text(r, detail, sizeof detail);
        id = r->complaints->id;
    }
    for (c = r->complaints; c != NULL; c = c->next)
        if (c->id != id)
            id = PROBLEM_INVALID;
    problem_begin(r, id, detail);
    json_name(b, "errors");
    json_open(b, '[');
    for (c = r->complaints; c != NULL; c = c->next) {
        json_open(b, '{');
        put_member(b, "pointer", c->pointer);
        put_member(b, "detail", c->detail);
        json_close(b, '}');
    }
    json_close(b, ']');
    if (!open)
        problem_end(r);
    return true;
}

static const char *reason_of(unsigned status)
{
    return status == 408 ? "Request Timeout" : status == 503 ? "Service Unavailable" : "Error";
}

void problem_fixed(enum problem_id id, const char *detail, struct buf *out)
{
    struct buf body = BUF_INIT;

    problem_put(&body, id, detail);
    buf_addf(out,
             "HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
             "Retry-After: 1\r\nConnection: close\r\n\r\n",
             problems[id].status, reason_of(problems[id].status), body.len);
    buf_addstr(out, buf_str(&body));
    out->failed = out->failed || body.failed;
    buf_free(&body);
}
