/* SPDX-License-Identifier: MIT
 * Opening a queue by the scheme of its URL. */
#include "queue/queue.h"

#include "queue/poll_priv.h"

#include <string.h>

int queue_check_url(struct str url, struct err *e)
{
    const char *colon = url.len > 0 ? memchr(url.ptr, ':', url.len) : NULL;

    if (str_is(url, "store:"))
        return 0;
    if (colon == NULL)
        return err_set(e, ERR_INVALID, "queue url: found no scheme, expected store:");
    if (str_starts(url, "store:"))
        return err_set(e, ERR_INVALID, "queue url: found something after store:, expected store:");
    return err_set(e, ERR_INVALID,
                   "queue url: scheme %.*s: is not supported by this build, expected store:",
                   (int)(colon - url.ptr), url.ptr);
}

int queue_open(struct str url, struct queue **out, struct err *e)
{
    int rc = queue_check_url(url, e);

    *out = NULL;
    return rc == 0 ? queue__poll_open(out, e) : rc;
}

void queue_close(struct queue **q)
{
    if (q == NULL || *q == NULL)
        return;
    (*q)->ops->close(*q);
    *q = NULL;
}
