/* SPDX-License-Identifier: MIT
 * Wire messages: their fields, encoding and validating decoding. What comes from an executor is
 * untrusted: decoding checks every length, and strings point into the message. */
#ifndef JOBMILL_IPC_WIRE_H
#define JOBMILL_IPC_WIRE_H

#include "base/err.h"
#include "base/str.h"
#include "model/job.h"

#define WIRE_VERSION 1

enum wire_kind {
#define MESSAGE(id, code, socket, direction, meaning) WIRE_##id = code,
#include "ipc/wire.def"
};

/* `seq` names a run between one engine and its executors; leases' tokens never leave the engine. */
struct wire_job {
    uint64_t seq;
    uint32_t handler; /* index into the executor's configuration */
    int32_t attempt, max_retries, priority, step_index, claim;
    int64_t timeout_ms, created_at_ms;
    struct str id, type, queue, payload, tags, idempotency_key, workflow_id;
};

struct wire_done {
    uint64_t seq;
    enum run_outcome outcome;
    int64_t retry_delay_ms;       /* -1: no hint */
    int64_t started_ns, ended_ns; /* CLOCK_BOOTTIME; started_ns 0: never started */
    int64_t cpu_us, memory_kb;
    struct str result, error;
};

struct wire_progress {
    uint64_t seq;
    double percent;
    struct str message;
};

struct wire_log {
    uint64_t seq;  /* 0: no job */
    int32_t level; /* JOBMILL_LOG_… */
    struct str text;
};

/* READY (version, text = a summary), REFUSED (text = the reason), CANCEL (seq), RECALL, DRAIN. */
struct wire_control {
    uint32_t version;
    uint64_t seq;
    struct str text;
};

struct wire_msg {
    enum wire_kind kind;
    union {
        struct wire_job job;
        struct wire_done done;
        struct wire_progress progress;
        struct wire_log log;
        struct wire_control control;
    };
};

/* Appends the encoded message to `out` (which may be `failed` afterwards). */
void wire_encode(const struct wire_msg *msg, struct buf *out);

/* Checks and decodes one message; strings point into `bytes`. ERR_INVALID names what is wrong. */
int wire_decode(struct str bytes, struct wire_msg *out, struct err *e) MUST_CHECK;

const char *wire_kind_name(enum wire_kind kind);

#endif
