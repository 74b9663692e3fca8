/* SPDX-License-Identifier: MIT
 * Making a reply: status, headers, body. */
#include "http/request.h"

#include <assert.h>

void reply_reset(struct request *r)
{
    buf_reset(&r->reply.body);
    r->reply.status = 0;
    r->reply.n_headers = 0;
    r->reply.fixed = STR_NONE;
}

void reply_header(struct request *r, const char *name, const char *value)
{
    assert(r->reply.n_headers < REPLY_HEADERS_MAX);
    if (value != NULL) /* NULL: out of memory; the answer does without */
        r->reply.headers[r->reply.n_headers++] = (struct reply_header){name, value};
}

void reply_json(struct request *r, unsigned status)
{
    r->reply.status = status;
    r->reply.content_type = "application/json";
}
