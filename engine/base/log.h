/* SPDX-License-Identifier: MIT
 * The log: one line per event on stderr, `time level message key=value …`. Any thread. */
#ifndef JOBMILL_BASE_LOG_H
#define JOBMILL_BASE_LOG_H

#include "base/str.h"

/* name, rank; the names are the values of engine.log_level */
#define LOG_LEVELS(X) X(DEBUG, "debug") X(INFO, "info") X(WARN, "warn") X(ERROR, "error")

enum log_level {
#define X(id, name) LOG_##id,
    LOG_LEVELS(X)
#undef X
};

void log_set_level(enum log_level least);
bool log_level_parse(struct str name, enum log_level *out);
bool log_enabled(enum log_level level);

/* Writes one line (control characters become blanks or '?', lines are cut at 4 KiB) with one
 * write(2). Leaves errno alone. */
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

#endif
