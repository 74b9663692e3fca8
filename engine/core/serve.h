/* SPDX-License-Identifier: MIT
 * `jobmill serve`: the engine's life from start to shutdown. */
#ifndef JOBMILL_CORE_SERVE_H
#define JOBMILL_CORE_SERVE_H

#include "core/engine.h"

/* What stands in front of the engine (the HTTP interface), wired in by the program so that core
 * does not know it. */
struct frontend {
    /* Accepts requests from when it returns 0. */
    int (*start)(struct engine *e, const struct conf *conf, void **state, struct err *err);
    void (*drain)(void *state); /* refuses new work, goes on answering */
    void (*stop)(void *state);  /* no call into the engine is under way afterwards */
};

/* Runs until SIGTERM or SIGINT (drain; a second one hurries). 0 after a clean shutdown, else a
 * code whose text says what stood in the way: ERR_INVALID, ERR_MISMATCH and ERR_NOT_FOUND are
 * configuration, ERR_UNAVAILABLE is a back end. */
int serve_run(const struct conf *conf, const struct frontend *frontend, struct err *e) MUST_CHECK;

#endif
