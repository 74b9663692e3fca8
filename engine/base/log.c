/* SPDX-License-Identifier: MIT
 * The log: one line per event on stderr. */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static const char *const level_names[] = {
#define X(id, name) name,
    LOG_LEVELS(X)
#undef X
};

static _Atomic int least_level = LOG_INFO;

void log_set_level(enum log_level least)
{
    atomic_store(&least_level, (int)least);
}

bool log_level_parse(struct str name, enum log_level *out)
{
    size_t i;

    for (i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (str_is(name, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

/* A log line must stay one line whatever a job printed. */
static void mask_control(char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = text[i] == '\n' || text[i] == '\t' ? ' ' : '?';
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    char stamp[TIME_TEXT_LEN + 1];
    va_list args;
    int saved = errno, head, body;
    size_t len;
    ssize_t ignored;

    if (!log_enabled(level))
        return;
    time_format(clock_wall_ms(), stamp);
    head = snprintf(line, sizeof line, "%s %-5s ", stamp, level_names[level]);
    va_start(args, fmt);
    body = vsnprintf(line + head, sizeof line - (size_t)head, fmt, args);
    va_end(args);
    if (body < 0)
        return;
    len = (size_t)head + (size_t)body;
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    mask_control(line + head, len - (size_t)head);
    line[len++] = '\n';
    ignored = write(STDERR_FILENO, line, len);
    (void)ignored; /* nowhere left to complain */
    errno = saved;
}
