/* SPDX-License-Identifier: MIT
 * One .ini text, line by line: inih splits keys from values, this reader guards what reaches it. */
#ifndef JOBMILL_CONF_INI_PRIV_H
#define JOBMILL_CONF_INI_PRIV_H

#include "base/err.h"
#include "base/str.h"

#define INI_LINE_MAX 199 /* bytes; inih cuts longer ones */
#define INI_FILE_MAX (1024 * 1024)

/* Called in the order of the text. `line` counts from 1. A negative code ends the reading. Strings
 * are borrowed for the call. Errors say no place; the reader puts "file:line: " in front. */
struct ini_events {
    int (*section)(void *context, struct str name, int line, struct err *e);
    int (*pair)(void *context, struct str key, struct str value, int line, struct err *e);
};

/* Refuses with "file:line: …": NUL, invalid UTF-8, long lines, indented lines, lines that are
 * neither comment, [section] nor key = value, and keys before the first section. */
int conf__ini_read(const char *file, struct str text, const struct ini_events *events,
                   void *context, struct err *e) MUST_CHECK;

#endif
