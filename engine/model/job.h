/* SPDX-License-Identifier: MIT
 * A job: its persistent data, its states and outcomes, its bounds. Pure: no clock, no I/O. */
#ifndef JOBMILL_MODEL_JOB_H
#define JOBMILL_MODEL_JOB_H

#include "base/err.h"
#include "base/str.h"
#include "base/uuid.h"
#include "model/retry.h"

/* Bounds that the API refuses to exceed (docs/fields.md has the whole table). */
#define JOB_NAME_MAX       128 /* type, queue, tag: bytes */
#define JOB_KEY_MAX        255 /* idempotency key: bytes */
#define JOB_TAGS_MAX       16
#define JOB_RETRIES_MAX    1000
#define JOB_PRIORITY_MAX   100 /* -100 … 100 */
#define JOB_TIMEOUT_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)
#define JOB_DELAY_MAX_MS   (INT64_C(10) * 365 * 24 * 3600 * 1000)
#define JOB_CRASHES_MAX    3 /* guilty crashes before the poison dead letter */
#define JOB_LOSSES_MAX     5 /* lost leases before the `lost` dead letter */
#define JOB_CLAIMS_MAX     10000
#define JOB_ERROR_MAX      4096 /* bytes of last_error kept */
#define JOB_RESULT_MAX     (1024 * 1024)
#define JOB_TOKEN_LEN      16

/* One unit of priority is worth this much waiting (static rank, ageing for free). */
#define JOB_PRIORITY_STEP_MS 60000

#define JOB_DEFAULT_QUEUE       "default"
#define JOB_DEFAULT_MAX_RETRIES 3

enum job_state {
#define STATE(id, code, name, meaning) JOB_##id = code,
#include "model/job_states.def"
    JOB_STATE_END
};

enum run_outcome {
#define OUTCOME(id, code, name, counts, meaning) RUN_##id = code,
#include "model/outcomes.def"
    RUN_OUTCOME_END
};

/* What the stores keep of a job: a change here is a migration. Strings are borrowed from whatever
 * arena the job was read into. Times are ms since 1970 by the store's clock, 0 = none. */
struct job {
    struct uuid id;
    struct str type, queue;
    struct str payload; /* JSON as it was submitted, never NULL ("null" when absent) */
    struct str tags;    /* JSON array of strings, STR_NONE when there are none */
    struct str idempotency_key;
    struct str result;     /* JSON */
    struct str progress;   /* JSON object {"percent","message"} */
    struct str last_error; /* text */
    struct str error_code; /* an outcome's name, or `poison`, `lost` */
    struct str worker_id;
    struct uuid workflow_id; /* nil: none */
    struct uuid retry_of;    /* the finished job that this one runs again; nil: none */
    int32_t step_index;      /* -1: none */
    enum job_state state;
    int32_t priority;
    int32_t attempt; /* runs that count, including the current one */
    int32_t max_retries;
    int32_t claims; /* every claim ever; the key of its attempts; never lowered */
    int32_t crashes, losses;
    int64_t timeout_ms; /* 0: none */
    struct retry_policy retry;
    int64_t created_at, updated_at, scheduled_at, started_at, completed_at;
    int64_t cpu_us, memory_kb; /* of the last attempt; 0: unknown */
    uint8_t token[JOB_TOKEN_LEN];
};

const char *job_state_name(enum job_state state);
bool job_state_parse(struct str name, enum job_state *out);
bool job_state_may(enum job_state from, enum job_state to);
bool job_state_is_final(enum job_state state); /* completed, cancelled */

const char *run_outcome_name(enum run_outcome outcome);
bool run_outcome_counts(enum run_outcome outcome);

/* Type and queue names: 1–128 bytes of A–Z a–z 0–9 . _ - : / ; tags the same plus = and space.
 * `what` names the field in the error. */
int job_check_name(struct str name, const char *what, struct err *e) MUST_CHECK;
int job_check_tag(struct str tag, struct err *e) MUST_CHECK;

/* Order within a lane: smaller runs first. */
int64_t job_rank(int64_t run_at_ms, int32_t priority);

/* What happens to a running job whose run ended like that (DETAILS: states and accounting). */
struct run_verdict {
    enum job_state next;
    int64_t delay_ms;                 /* RETRYING: until the next attempt */
    const char *error_code;           /* NULL for success */
    int32_t attempt, crashes, losses; /* the job's new counters */
};

/* `retry_delay_hint` is the handler's, in ms, -1 for none; `random` is 64 random bits for the
 * jitter. `job` is the job as claimed (attempt already counted). */
struct run_verdict run_judge(const struct job *job, enum run_outcome outcome,
                             int64_t retry_delay_hint, uint64_t random);

#endif
