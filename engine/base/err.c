/* SPDX-License-Identifier: MIT
 * Error values: building their texts. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list args;

    if (e == NULL)
        return code;
    e->code = code;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return code;
}

int err_errno(struct err *e, int code, const char *fmt, ...)
{
    int saved = errno;
    size_t used;
    char reason[128];
    va_list args;

    if (e == NULL)
        return code;
    e->code = code;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    used = strlen(e->text);
    if (strerror_r(saved, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", saved);
    snprintf(e->text + used, sizeof e->text - used, ": %s", reason);
    return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
    char old[ERR_TEXT_MAX];
    size_t used;
    va_list args;

    memcpy(old, e->text, sizeof old);
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", old);
    return e->code;
}
