/* SPDX-License-Identifier: MIT
 * Query parameters: filters, page size, cursor; and the link to the next page. */
#ifndef JOBMILL_HTTP_PARAMS_H
#define JOBMILL_HTTP_PARAMS_H

#include "http/filter.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX     1000

enum params_allowed {
    PARAMS_FILTER = 1, /* the filter's words */
    PARAMS_PAGE = 2,   /* limit (1 to PAGE_MAX) and cursor */
    PARAMS_BULK = 4    /* limit (any) and dry_run */
};

struct params {
    struct job_filter filter;
    bool has_filter;   /* at least one of its words */
    int64_t limit;     /* PAGE_DEFAULT, or 0 with PARAMS_BULK */
    struct uuid below; /* from the cursor; nil: from the start */
    bool dry_run;
};

/* Reads r->query. False when the reply is already made: 400 for escapes and cursors, 422 for the
 * rest, unknown parameters with the nearest known one. */
bool params_read(struct request *r, unsigned allowed, struct params *out) MUST_CHECK;

/* Reads the page that `p` asks for, with its links. False when the reply (503) is already made. */
bool params_list(struct request *r, const struct params *p, struct job_page *page) MUST_CHECK;

/* Sets Link and X-Next-Cursor: the same query, continued below `next`. */
void params_link_next(struct request *r, struct uuid next);

/* A cursor is opaque: 24 characters of base64url over a version byte, the id and a check byte. */
#define CURSOR_LEN 24
void cursor_write(struct uuid id, char out[static CURSOR_LEN + 1]);
bool cursor_read(struct str text, struct uuid *id);

/* The id in r->args[0]. False when the reply (400) is already made. */
bool params_id(struct request *r, struct uuid *id) MUST_CHECK;

#endif
