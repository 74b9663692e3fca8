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
    char scratch[128];
    va_list args;

    if (e == NULL)
        return code;
    e->code = code;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    used = strlen(e->text);
    /* GNU's strerror_r: returns the text, which need not be in `scratch` */
    snprintf(e->text + used, sizeof e->text - used, ": %s",
             strerror_r(saved, scratch, sizeof scratch));
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
