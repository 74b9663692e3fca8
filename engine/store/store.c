/* SPDX-License-Identifier: MIT
 * Opening a store by the scheme of its URL. */
#include "store/store.h"

#include "store/migrate.h"
#include "store/sqlite_priv.h"

#include <string.h>

/* The part that may be shown: a URL can carry a password. */
static struct str scheme_of(struct str url)
{
    const char *colon = url.len > 0 ? memchr(url.ptr, ':', url.len) : NULL;

    return colon == NULL ? url : (struct str){url.ptr, (size_t)(colon - url.ptr)};
}

int store_check_url(struct str url, struct err *e)
{
    struct str scheme = scheme_of(url);

    if (url.len > scheme.len && str_is(scheme, "sqlite"))
        return 0;
    if (url.len > scheme.len)
        return err_set(e, ERR_INVALID,
                       "store url: scheme %.*s: is not supported by this build, expected sqlite: "
                       "or sqlite:PATH",
                       STR_ARG(scheme));
    return err_set(e, ERR_INVALID, "store url: found no scheme, expected sqlite: or sqlite:PATH");
}

int store_open(const struct store_options *options, bool migrate, struct store **out, struct err *e)
{
    int rc = store_check_url(options->url, e);

    *out = NULL;
    return rc == 0 ? store__sqlite_open(options, migrate, out, e) : rc;
}

void store_close(struct store **s)
{
    if (s == NULL || *s == NULL)
        return;
    (*s)->ops->close(*s);
    *s = NULL;
}

int store_migrate(const struct store_options *options, bool apply, store_migration_fn *each,
                  void *context, struct err *e)
{
    int rc = store_check_url(options->url, e);

    return rc == 0 ? store__sqlite_migrate(options, apply, each, context, e) : rc;
}
