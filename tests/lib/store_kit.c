/* SPDX-License-Identifier: MIT
 * What the conformance suite of the stores stands on. */
#include "lib/store_kit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t now_ms;

static int64_t test_clock(void)
{
    return atomic_load(&now_ms);
}

void kit_clock_set(int64_t ms)
{
    atomic_store(&now_ms, ms);
}

void kit_clock_add(int64_t ms)
{
    atomic_fetch_add(&now_ms, ms);
}

int64_t kit_now(void)
{
    return test_clock();
}

/* How a kind of store is opened on a folder of its own. */
struct opener {
    const char *name;
    int (*open)(const char *dir, struct store **out, struct err *e);
};

static int open_sqlite(const char *dir, struct store **out, struct err *e)
{
    const struct store_options options = {
        .url = STR("sqlite:"),
        .data_dir = dir,
        .key_window_ms = KIT_KEY_WINDOW_MS,
        .now_ms = test_clock,
    };

    return store_open(&options, true, out, e);
}

static const struct opener openers[] = {{"sqlite", open_sqlite}};

int kit_try_open(const char *dir, struct store **out, struct err *e)
{
    const char *kind = getenv("JOBMILL_TEST_STORE");
    size_t i;

    for (i = 0; i < sizeof openers / sizeof *openers; i++)
        if (strcmp(kind == NULL ? "sqlite" : kind, openers[i].name) == 0)
            return openers[i].open(dir, out, e);
    return err_set(e, ERR_INVALID, "JOBMILL_TEST_STORE: found \"%s\", expected sqlite", kind);
}

void kit_open(struct kit *k)
{
    memset(k, 0, sizeof *k);
    unit_folder_make(k->dir, sizeof k->dir);
    kit_clock_set(KIT_START_MS);
    kit_ok(kit_try_open(k->dir, &k->s, &e));
    k->life = uuid_new();
    assert_int_equal(kit_register(k, "w1", k->life), 0);
}

void kit_reopen(struct kit *k)
{
    store_close(&k->s);
    kit_ok(kit_try_open(k->dir, &k->s, &e));
}

void kit_close(struct kit *k)
{
    store_close(&k->s);
    arena_free(&k->arena);
    unit_folder_remove(k->dir);
}

int kit_setup(void **state)
{
    struct kit *k = malloc(sizeof *k);

    assert_non_null(k);
    kit_open(k);
    *state = k;
    return 0;
}

int kit_teardown(void **state)
{
    struct kit *k = *state;

    kit_check_counts(k);
    kit_close(k);
    free(k);
    return 0;
}

struct create kit_item(const char *type)
{
    return (struct create){
        .job = {.id = uuid_new(),
                .type = str_from(type),
                .queue = STR("default"),
                .payload = STR("{\"n\":1}"),
                .max_retries = 2,
                .retry = {1000, 60000, 200, 0},
                .step_index = -1},
    };
}

struct uuid kit_create_item(struct kit *k, struct create *item)
{
    struct create_group group = {item, 1, &k->arena};

    kit_ok(k->s->ops->create(k->s, &group, 1, &e));
    return item->job.id;
}

struct uuid kit_create(struct kit *k, const char *type)
{
    return kit_create_in(k, type, 0);
}

struct uuid kit_create_in(struct kit *k, const char *type, int64_t delay_ms)
{
    struct create item = kit_item(type);

    item.delay_ms = delay_ms;
    kit_create_item(k, &item);
    assert_int_equal(item.outcome, CREATE_DONE);
    return item.job.id;
}

struct claim_request kit_request(struct kit *k, const struct lane *lanes, size_t n, size_t max)
{
    return (struct claim_request){
        .lanes = lanes,
        .n_lanes = n,
        .max_jobs = max,
        .max_bytes = 1 << 20,
        .worker_id = STR("w1"),
        .incarnation = k->life,
    };
}

struct job *kit_claim(struct kit *k, const char *type, size_t max, size_t *n)
{
    const struct lane lane = {str_from(type), STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, max);
    struct job *jobs;

    kit_ok(k->s->ops->claim_next(k->s, &r, &k->arena, &jobs, n, &e));
    return jobs;
}

struct job kit_claim_one(struct kit *k, const char *type)
{
    size_t n;
    struct job *jobs = kit_claim(k, type, 1, &n);

    assert_int_equal(n, 1);
    return jobs[0];
}

struct finish kit_ending(const struct job *job, enum run_outcome outcome)
{
    struct finish f = {
        .id = job->id,
        .outcome = outcome,
        .verdict = run_judge(job, outcome, -1, 0),
        .result = outcome == RUN_OK ? STR("{\"ok\":true}") : STR_NONE,
        .error = outcome == RUN_OK ? STR_NONE : STR("it broke"),
        .started_ago_ms = 10,
        .cpu_us = 1500,
        .memory_kb = 2048,
    };

    memcpy(f.token, job->token, sizeof f.token);
    return f;
}

struct finish kit_finish(struct kit *k, const struct job *job, enum run_outcome outcome)
{
    struct finish f = kit_ending(job, outcome);

    kit_ok(k->s->ops->finish(k->s, &f, 1, &e));
    assert_true(f.applied);
    return f;
}

struct uuid kit_job_in(struct kit *k, const char *type, enum job_state state)
{
    static const enum run_outcome endings[JOB_STATE_END] = {
        [JOB_RETRYING] = RUN_ERROR,
        [JOB_COMPLETED] = RUN_OK,
        [JOB_DEAD_LETTER] = RUN_PERMANENT,
        [JOB_CANCELLED] = RUN_CANCELLED,
    };
    struct uuid id = kit_create_in(k, type, state == JOB_PENDING ? 1000000 : 0);
    struct job job;

    if (state != JOB_PENDING && state != JOB_QUEUED) {
        job = kit_claim_one(k, type);
        assert_uuid_eq(job.id, id);
        if (state != JOB_RUNNING)
            kit_finish(k, &job, endings[state]);
    }
    assert_int_equal(kit_state(k, id), state);
    return id;
}

bool kit_exists(struct kit *k, struct uuid id)
{
    struct job job;
    bool found;

    kit_ok(k->s->ops->read.get(k->s, id, &k->arena, &job, &found, &e));
    return found;
}

struct job kit_get(struct kit *k, struct uuid id)
{
    struct job job;
    bool found;

    kit_ok(k->s->ops->read.get(k->s, id, &k->arena, &job, &found, &e));
    assert_true(found);
    return job;
}

enum job_state kit_state(struct kit *k, struct uuid id)
{
    return kit_get(k, id).state;
}

struct attempt_row *kit_attempts(struct kit *k, struct uuid id, size_t *n)
{
    struct attempt_row *rows;

    kit_ok(k->s->ops->read.attempts(k->s, id, &k->arena, &rows, n, &e));
    return rows;
}

struct worker_beat kit_beat(const char *id, struct uuid life)
{
    return (struct worker_beat){
        .row = {.id = str_from(id),
                .incarnation = life,
                .host = STR("here"),
                .roles = STR("worker"),
                .version = STR("1.2.3"),
                .pid = 42,
                .slots = 8,
                .busy = 3},
        .lease_ms = KIT_LEASE_MS,
    };
}

size_t kit_register(struct kit *k, const char *id, struct uuid life)
{
    struct worker_beat beat = kit_beat(id, life);
    size_t freed;

    kit_ok(k->s->ops->register_worker(k->s, &beat, &freed, &e));
    return freed;
}

size_t kit_promote(struct kit *k)
{
    int64_t next;
    size_t n;

    kit_ok(k->s->ops->promote_due(k->s, 1000, &n, &next, &e));
    return n;
}

int64_t kit_count(struct kit *k, const char *type, enum job_state state)
{
    struct stats stats;
    int64_t sum = 0;
    size_t i;

    kit_ok(k->s->ops->read.stats(k->s, &k->arena, &stats, &e));
    for (i = 0; i < stats.n; i++)
        if (stats.counts[i].state == state && (type == NULL || str_is(stats.counts[i].type, type)))
            sum += stats.counts[i].n;
    return sum;
}

static int64_t walk(struct kit *k, struct str queue, struct str type, enum job_state state)
{
    const struct job_filter filter = {.states = UINT32_C(1) << state, .type = type, .queue = queue};
    struct job_page page = {.more = true};
    int64_t sum = 0;

    while (page.more) {
        kit_ok(k->s->ops->read.list(k->s, &filter, page.next, 500, &k->arena, &page, &e));
        sum += (int64_t)page.n;
    }
    return sum;
}

void kit_check_counts(struct kit *k)
{
    struct stats stats;
    int64_t counted = 0, unfinished = 0;
    size_t i;
    int state;

    kit_ok(k->s->ops->read.stats(k->s, &k->arena, &stats, &e));
    for (i = 0; i < stats.n; i++) {
        const struct count_row *row = &stats.counts[i];
        int64_t there = walk(k, row->queue, row->type, row->state);

        if (job_state_is_final(row->state)) {
            assert_true(row->n >= there);
            continue;
        }
        assert_int_equal(row->n, there);
        counted += there;
    }
    for (state = 1; state < JOB_STATE_END; state++)
        if (!job_state_is_final((enum job_state)state))
            unfinished += walk(k, STR_NONE, STR_NONE, (enum job_state)state);
    assert_int_equal(counted, unfinished);
}
