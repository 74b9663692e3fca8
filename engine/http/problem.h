/* SPDX-License-Identifier: MIT
 * Error answers: RFC 9457 problems, always valid JSON, from one table of codes (problems.def). */
#ifndef JOBMILL_HTTP_PROBLEM_H
#define JOBMILL_HTTP_PROBLEM_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define COMPLAINTS_MAX 100 /* listed in one answer */

enum problem_id {
#define PROBLEM(id, code, status, retryable, title) PROBLEM_##id,
#include "http/problems.def"
#undef PROBLEM
    PROBLEM_END
};

struct request;

/* What is wrong with one field. Texts live in the request's arena. */
struct complaint {
    enum problem_id id;
    const char *pointer; /* RFC 6901 into the body, or `?name` for a query parameter */
    const char *detail;
    struct complaint *next;
};

unsigned problem_status(enum problem_id id);
const char *problem_code(enum problem_id id);

/* Makes the request's reply this problem, replacing whatever was there; sets Retry-After with 429
 * and 503. */
void problem_reply(struct request *r, enum problem_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As problem_reply, but leaves the object open for members of its own until problem_end. */
void problem_begin(struct request *r, enum problem_id id, const char *detail);
void problem_end(struct request *r);

/* The problem as an object, for answers that hold several. */
void problem_put(struct buf *b, enum problem_id id, const char *detail);

/* What a failed call of the store or the engine means for the client. */
void problem_reply_err(struct request *r, int rc, const struct err *e);

/* Notes what is wrong with one field; problem_complaints answers with all of them. */
void complain(struct request *r, enum problem_id id, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* When something was complained about, makes that the reply and returns true. The code is that of
 * the complaints when all have the same, else validation_failed. With `open`, the object is left
 * open as by problem_begin. */
bool problem_complaints(struct request *r, bool open);

/* A whole HTTP response, head and body, for sockets that the HTTP library must not touch: `close`
 * is said in it. */
void problem_fixed(enum problem_id id, const char *detail, struct buf *out);

#endif
