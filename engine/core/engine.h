/* SPDX-License-Identifier: MIT
 * The engine as its HTTP interface sees it: what may be asked of it and handed to it. */
#ifndef JOBMILL_CORE_ENGINE_H
#define JOBMILL_CORE_ENGINE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "conf/conf.h"
#include "store/store.h"

struct engine;

/* A group of creates on its way to the store. Group commit: what is posted while one transaction
 * commits goes into the next one. */
struct submission {
    struct mail mail;
    struct create_group group; /* stays the poster's; outcomes are filled in */
    /* Called once from the submit thread after the commit (rc 0) or its failure (rc < 0 and `e`).
     * Must not block. */
    void (*done)(struct submission *s, int rc, const struct err *e);
};

/* What a new job of a type gets when its submission does not say. */
struct type_defaults {
    int32_t max_retries;
    int64_t timeout_ms;
    struct retry_policy retry;
};

/* A row of GET /api/v1/handlers. Strings live in the arena. */
struct handler_info {
    struct str type, kind, name, version, handler, file, hash, pool;
    bool single_threaded, served_here; /* not served here: seen on another node */
    int32_t max_retries;
    int64_t timeout_ms;
    struct retry_policy retry;
    int64_t runs, failures, mean_us; /* on this node since its start */
    int64_t last_seen;               /* ms */
};

const struct conf *engine_conf(struct engine *e);
struct store *engine_store(struct engine *e);

/* False when no handler here or elsewhere is known for the type. Any thread. */
bool engine_type_defaults(struct engine *e, struct str type, struct type_defaults *out);
/* All known types, sorted, in `arena`. */
int engine_handlers(struct engine *e, struct arena *arena, struct handler_info **rows, size_t *n,
                    struct err *err);

/* Hands a submission over. ERR_UNAVAILABLE while draining, ERR_LIMIT when too much is waiting: then
 * `done` is not called. Any thread. */
int engine_submit(struct engine *e, struct submission *s, struct err *err) MUST_CHECK;

/* After a store call that queued jobs (retry, replay): wakes the workers. Any thread. */
void engine_jobs_ready(struct engine *e);

/* After bulk_start: wakes the thread that carries bulk operations out. */
void engine_bulk_started(struct engine *e);

/* The latest progress of a job that runs on this node (JSON), or STR_NONE. */
struct str engine_live_progress(struct engine *e, struct uuid id, struct arena *arena);

enum engine_health { ENGINE_STARTING, ENGINE_READY, ENGINE_DRAINING, ENGINE_STALLED };

/* For /ready: state, and one line per loop that made no progress for three of its periods (R34). */
enum engine_health engine_health(struct engine *e, struct buf *why);

#endif
