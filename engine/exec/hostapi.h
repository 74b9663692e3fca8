/* SPDX-License-Identifier: MIT
 * The host's side of the SDK: the function table that handlers call, and the data of one call. */
#ifndef JOBMILL_EXEC_HOSTAPI_H
#define JOBMILL_EXEC_HOSTAPI_H

#include "base/arena.h"
#include "exec/cancel.h"
#include "ipc/wire.h"

#include <jobmill.h>

#define CALL_ALLOC_MAX          (256 * 1024 * 1024) /* of jobmill_alloc, per call */
#define CALL_LOG_MAX            4096                /* bytes of a log line */
#define CALL_LOG_BURST          100                 /* lines of a slot at once … */
#define CALL_LOG_PER_S          50                  /* … and then this many a second */
#define CALL_MESSAGE_MAX        256                 /* bytes of a progress message */
#define CALL_PROGRESS_EVERY_NS  (100 * INT64_C(1000000))
#define CALL_RETRY_AFTER_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)

/* A configuration value of a handler. */
struct call_pair {
    struct str key, value;
};

/* Lines that may still be logged, refilled by time. */
struct call_bucket {
    int64_t refilled_ns;
    uint32_t tokens;
    uint32_t dropped; /* not yet reported */
};

/* One call of a handler: a run of a job, or the context of init and fini. What a handler gets is a
 * pointer to `job`. Reused from run to run; belongs to the thread that makes the call. */
struct call {
    jobmill_job job; /* first */
    /* The handler's configuration, and where messages go. */
    const struct call_pair *config;
    size_t n_config;
    int fd;
    struct buf scratch; /* for sending */
    struct arena arena; /* what jobmill_alloc hands out */

    /* Of a run; NULL in init and fini. */
    const struct wire_job *msg;
    struct cancel_slot *cancel;
    int64_t started_ns, deadline_ns; /* CLOCK_BOOTTIME; 0: no timeout */
    bool meta_filled;
    jobmill_meta meta;

    /* What the handler said. */
    struct buf result, error;
    bool has_result, result_refused;
    struct err refusal;     /* why the last result was refused */
    int64_t retry_after_ms; /* -1: no hint */
    double percent;
    struct buf message;
    bool progress_pending;
    int64_t progress_sent_ns;
    struct call_bucket bucket; /* lives on between runs */
    struct buf line;           /* for log */
};

/* An empty call that sends to `fd`. */
void call_init(struct call *c, int fd);
void call_fini(struct call *c);

/* Forgets the last run and begins this one. `msg` must stay until call_end. */
void call_begin(struct call *c, const struct wire_job *msg, struct cancel_slot *cancel,
                int64_t started_ns);
/* Sends the progress and the count of dropped lines that are still due. */
void call_flush(struct call *c);
/* Gives back what the handler allocated. */
void call_end(struct call *c);

/* True when the run's timeout has passed. */
bool call_timed_out(const struct call *c, int64_t now_ns);

/* What the run's DONE says, from what the handler returned and what it said on the way. Strings
 * point into the call. */
void call_judge(struct call *c, int32_t returned, int64_t now_ns, struct wire_done *out);

#endif
