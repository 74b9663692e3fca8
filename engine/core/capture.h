/* SPDX-License-Identifier: MIT
 * Captured output: what an executor prints, cut into lines for the engine's log. */
#ifndef JOBMILL_CORE_CAPTURE_H
#define JOBMILL_CORE_CAPTURE_H

#include "base/str.h"

#define CAPTURE_LINE_MAX 1024 /* longer lines are cut and marked */

struct capture {
    char line[CAPTURE_LINE_MAX];
    size_t len;
    bool cut; /* the rest of an overlong line is being skipped */
};

/* Called once per complete line, without its newline. */
typedef void (*capture_fn)(void *context, struct str line);

/* Reads what `fd` (non-blocking) has, at most a few pages, and hands its lines out. False at the
 * end of the stream or on an error; a last unfinished line is handed out then. */
bool capture_read(struct capture *c, int fd, capture_fn line, void *context);

#endif
