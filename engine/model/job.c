/* SPDX-License-Identifier: MIT
 * A job: names and rules of its states and outcomes. */
#include "model/job.h"

#include <string.h>

static const char *const state_names[JOB_STATE_END] = {
#define STATE(id, code, name, meaning) [code] = name,
#include "model/job_states.def"
};

static const bool state_moves[JOB_STATE_END][JOB_STATE_END] = {
#define MOVE(from, to) [JOB_##from][JOB_##to] = true,
#include "model/job_states.def"
};

static const struct {
    const char *name;
    bool counts;
} outcomes[RUN_OUTCOME_END] = {
#define OUTCOME(id, code, name, counts, meaning) [code] = {name, counts},
#include "model/outcomes.def"
};

const char *job_state_name(enum job_state state)
{
    return state > 0 && state < JOB_STATE_END ? state_names[state] : "unknown";
}

bool job_state_parse(struct str name, enum job_state *out)
{
    int i;

    for (i = 1; i < JOB_STATE_END; i++) {
        if (str_is(name, state_names[i])) {
            *out = (enum job_state)i;
            return true;
        }
    }
    return false;
}

bool job_state_may(enum job_state from, enum job_state to)
{
    return from > 0 && from < JOB_STATE_END && to > 0 && to < JOB_STATE_END &&
           state_moves[from][to];
}

bool job_state_is_final(enum job_state state)
{
    return state == JOB_COMPLETED || state == JOB_CANCELLED;
}

const char *run_outcome_name(enum run_outcome outcome)
{
    return outcome > 0 && outcome < RUN_OUTCOME_END ? outcomes[outcome].name : "unknown";
}

bool run_outcome_counts(enum run_outcome outcome)
{
    return outcome > 0 && outcome < RUN_OUTCOME_END && outcomes[outcome].counts;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-:/", c) != NULL);
}

static int check_name(struct str name, const char *what, const char *also, struct err *e)
{
    size_t i;

    if (name.len == 0 || name.len > JOB_NAME_MAX)
        return err_set(e, ERR_INVALID, "%s has %zu bytes, expected 1 to %d", what, name.len,
                       JOB_NAME_MAX);
    for (i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (is_name_char(c) || (c != '\0' && strchr(also, c) != NULL))
            continue;
        return err_set(e, ERR_INVALID,
                       "%s has byte 0x%02x at offset %zu, expected A-Z a-z 0-9 . _ - : /%s", what,
                       (unsigned char)c, i, *also != '\0' ? " = or space" : "");
    }
    return 0;
}

int job_check_name(struct str name, const char *what, struct err *e)
{
    return check_name(name, what, "", e);
}

int job_check_tag(struct str tag, struct err *e)
{
    return check_name(tag, "tag", "= ", e);
}

int64_t job_rank(int64_t run_at_ms, int32_t priority)
{
    return run_at_ms - (int64_t)priority * JOB_PRIORITY_STEP_MS;
}

/* A failed run that counts: again, or dead when the runs are used up. */
static void judge_failure(const struct job *job, int64_t retry_delay_hint, uint64_t random,
                          struct run_verdict *v)
{
    if (v->attempt > job->max_retries) {
        v->next = JOB_DEAD_LETTER;
        return;
    }
    v->next = JOB_RETRYING;
    v->delay_ms =
        retry_delay_hint >= 0 ? retry_delay_hint : retry_delay_ms(&job->retry, v->attempt, random);
    if (v->delay_ms > RETRY_DELAY_MAX_MS)
        v->delay_ms = RETRY_DELAY_MAX_MS;
}

struct run_verdict run_judge(const struct job *job, enum run_outcome outcome,
                             int64_t retry_delay_hint, uint64_t random)
{
    struct run_verdict v = {
        .next = JOB_QUEUED,
        .error_code = run_outcome_name(outcome),
        .attempt = job->attempt - (run_outcome_counts(outcome) ? 0 : 1),
        .crashes = job->crashes + (outcome == RUN_CRASH),
        .losses = job->losses + (outcome == RUN_LOST),
    };

    if (outcome == RUN_OK) {
        v.next = JOB_COMPLETED;
        v.error_code = NULL;
    } else if (outcome == RUN_CANCELLED) {
        v.next = JOB_CANCELLED;
    } else if (outcome == RUN_PERMANENT) {
        v.next = JOB_DEAD_LETTER;
    } else if (outcome == RUN_CRASH && v.crashes >= JOB_CRASHES_MAX) {
        v.next = JOB_DEAD_LETTER;
        v.error_code = "poison";
    } else if ((outcome == RUN_LOST && v.losses >= JOB_LOSSES_MAX) ||
               job->claims >= JOB_CLAIMS_MAX) {
        v.next = JOB_DEAD_LETTER;
        v.error_code = "lost";
    } else if (run_outcome_counts(outcome)) {
        judge_failure(job, retry_delay_hint, random, &v);
    }
    return v;
}
