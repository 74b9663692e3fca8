/* SPDX-License-Identifier: MIT
 * Error values: a code that decides what happens next and a text that a person can act on. */
#ifndef JOBMILL_BASE_ERR_H
#define JOBMILL_BASE_ERR_H

#include <stddef.h>

#define ERR_TEXT_MAX 768

enum err_code {
    ERR_INVALID = -1,     /* the caller's input is wrong: 400/422, exit 78 for configuration */
    ERR_NOT_FOUND = -2,   /* no such object */
    ERR_CONFLICT = -3,    /* the object's state forbids it, or a race was lost */
    ERR_UNAVAILABLE = -4, /* a back end cannot be reached or cannot take more: 503, exit 69 */
    ERR_IO = -5,          /* file system, process or socket trouble */
    ERR_NOMEM = -6,       /* out of memory */
    ERR_LIMIT = -7,       /* a bound was reached: 413/429 */
    ERR_MISMATCH = -8     /* versions, checksums or hashes differ */
};

struct err {
    int code; /* enum err_code; 0 while nothing went wrong */
    char text[ERR_TEXT_MAX];
};

/* Fills `e` (which may be NULL) and returns `code`, so that callers write
 * `return err_set(e, ERR_INVALID, "…")`. Long texts are cut at ERR_TEXT_MAX. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(errno) appended. */
int err_errno(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of what `e` (not NULL) already says; returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
