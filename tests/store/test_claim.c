/* SPDX-License-Identifier: MIT
 * Conformance of claiming: order, lanes, bounds, what a claimed job carries, leases. */
#include "lib/store_kit.h"

#include <stdio.h>
#include <string.h>

static struct uuid create_as(struct kit *k, const char *type, const char *queue, int32_t priority)
{
    struct create item = kit_item(type);

    item.job.queue = str_from(queue);
    item.job.priority = priority;
    return kit_create_item(k, &item);
}

static struct job *claim_lanes(struct kit *k, const struct lane *lanes, size_t n_lanes, size_t max,
                               size_t *n)
{
    struct claim_request r = kit_request(k, lanes, n_lanes, max);
    struct job *jobs;

    kit_ok(k->s->ops->claim_next(k->s, &r, &k->arena, &jobs, n, &e));
    return jobs;
}

static void claimed_job_has_everything(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("t");
    static const uint8_t none[JOB_TOKEN_LEN];
    struct job job, stored;

    item.job.tags = STR("[\"a\"]");
    kit_create_item(k, &item);
    kit_clock_add(7);
    job = kit_claim_one(k, "t");
    assert_uuid_eq(job.id, item.job.id);
    assert_int_equal(job.state, JOB_RUNNING);
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.claims, 1);
    assert_int_equal(job.started_at, kit_now());
    assert_int_equal(job.created_at, KIT_START_MS);
    assert_str(job.worker_id, "w1");
    assert_str(job.payload, "{\"n\":1}");
    assert_str(job.tags, "[\"a\"]");
    assert_int_equal(job.retry.cap_ms, 60000);
    assert_memory_not_equal(job.token, none, JOB_TOKEN_LEN);
    stored = kit_get(k, job.id);
    assert_int_equal(stored.state, JOB_RUNNING);
    assert_int_equal(stored.attempt, 1);
    assert_memory_equal(stored.token, job.token, JOB_TOKEN_LEN);
}

static void tokens_differ(void **state)
{
    struct kit *k = *state;
    struct job *jobs;
    size_t n;

    kit_create(k, "t");
    kit_create(k, "t");
    jobs = kit_claim(k, "t", 2, &n);
    assert_int_equal(n, 2);
    assert_memory_not_equal(jobs[0].token, jobs[1].token, JOB_TOKEN_LEN);
}

static void nothing_to_claim(void **state)
{
    struct kit *k = *state;
    size_t n = 99;

    kit_claim(k, "t", 10, &n);
    assert_int_equal(n, 0);
    kit_create(k, "other");
    kit_claim(k, "t", 10, &n);
    assert_int_equal(n, 0);
    kit_create(k, "t");
    kit_claim(k, "t", 0, &n);
    assert_int_equal(n, 0);
    claim_lanes(k, NULL, 0, 10, &n);
    assert_int_equal(n, 0);
}

static void first_in_first_out(void **state)
{
    struct kit *k = *state;
    struct uuid ids[20];
    struct job *jobs;
    size_t n, i;

    for (i = 0; i < 20; i++)
        ids[i] = kit_create(k, "t");
    jobs = kit_claim(k, "t", 15, &n);
    assert_int_equal(n, 15);
    for (i = 0; i < n; i++)
        assert_uuid_eq(jobs[i].id, ids[i]);
    jobs = kit_claim(k, "t", 15, &n);
    assert_int_equal(n, 5);
    assert_uuid_eq(jobs[4].id, ids[19]);
}

static void priority_goes_first_and_ages(void **state)
{
    struct kit *k = *state;
    struct uuid low = create_as(k, "t", "default", -1), high, later;
    struct job *jobs;
    size_t n;

    high = create_as(k, "t", "default", 1);
    /* priority 1 is worth a minute: what came more than two minutes after `low` waits for it */
    kit_clock_add(2 * JOB_PRIORITY_STEP_MS + 1);
    kit_ok(k->s->ops->beat(k->s,
                           &(struct worker_beat){.row = {.id = STR("w1"), .incarnation = k->life},
                                                 .lease_ms = KIT_LEASE_MS},
                           &e));
    later = create_as(k, "t", "default", 1);
    jobs = kit_claim(k, "t", 10, &n);
    assert_int_equal(n, 3);
    assert_uuid_eq(jobs[0].id, high);
    assert_uuid_eq(jobs[1].id, low);
    assert_uuid_eq(jobs[2].id, later);
}

static void lanes_are_merged_by_rank(void **state)
{
    struct kit *k = *state;
    const struct lane lanes[] = {
        {STR("b"), STR_NONE}, {STR("a"), STR("q1")}, {STR("none"), STR_NONE}};
    struct uuid ids[4], other;
    struct job *jobs;
    size_t n, i;

    ids[0] = create_as(k, "b", "default", 5);
    kit_clock_add(1);
    ids[1] = create_as(k, "a", "q1", 5);
    other = create_as(k, "a", "q2", 50);
    kit_clock_add(1);
    ids[2] = create_as(k, "b", "elsewhere", 5);
    kit_clock_add(1);
    ids[3] = create_as(k, "b", "default", 0);
    jobs = claim_lanes(k, lanes, 3, 3, &n);
    assert_int_equal(n, 3);
    for (i = 0; i < n; i++)
        assert_uuid_eq(jobs[i].id, ids[i]);
    jobs = claim_lanes(k, lanes, 3, 10, &n);
    assert_int_equal(n, 1);
    assert_uuid_eq(jobs[0].id, ids[3]);
    assert_int_equal(kit_state(k, other), JOB_QUEUED);
}

static void best_of_many_lanes(void **state)
{
    enum { LANES = 300 };
    struct kit *k = *state;
    struct lane *lanes = arena_array(&k->arena, LANES, sizeof *lanes);
    struct job *jobs;
    size_t n, i;

    for (i = 0; i < LANES; i++) {
        const char *type = arena_printf(&k->arena, "type%03zu", LANES - i);

        lanes[i] = (struct lane){str_from(type), STR_NONE};
        kit_clock_add(1);
        create_as(k, type, "default", 0);
        create_as(k, type, "default", 0);
    }
    jobs = claim_lanes(k, lanes, LANES, 50, &n);
    assert_int_equal(n, 50);
    for (i = 0; i < n; i++)
        assert_true(str_eq(jobs[i].type, lanes[i / 2].type));
}

static void rank_stays_with_a_job_given_back(void **state)
{
    struct kit *k = *state;
    struct uuid first = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t");

    kit_clock_add(1000);
    kit_create(k, "t");
    kit_finish(k, &job, RUN_GIVEN_BACK);
    job = kit_claim_one(k, "t");
    assert_uuid_eq(job.id, first);
}

static void bytes_are_bounded(void **state)
{
    struct kit *k = *state;
    const struct lane lane = {STR("t"), STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, 10);
    struct job *jobs;
    size_t n, i;

    for (i = 0; i < 4; i++)
        kit_create(k, "t"); /* 7 bytes each */
    r.max_bytes = 14;
    kit_ok(k->s->ops->claim_next(k->s, &r, &k->arena, &jobs, &n, &e));
    assert_int_equal(n, 2);
    r.max_bytes = 1; /* the first is taken whatever its size */
    kit_ok(k->s->ops->claim_next(k->s, &r, &k->arena, &jobs, &n, &e));
    assert_int_equal(n, 1);
}

static void claim_by_ids(void **state)
{
    struct kit *k = *state;
    const struct lane lanes[] = {{STR("a"), STR("default")}, {STR("b"), STR_NONE}};
    struct uuid ids[6];
    struct claim_request r = kit_request(k, lanes, 2, 10);
    struct job *jobs;
    size_t n;

    ids[0] = create_as(k, "b", "x", 0);
    ids[1] = create_as(k, "a", "default", 1);
    ids[2] = create_as(k, "a", "x", 0);    /* not in a lane */
    ids[3] = kit_create_in(k, "b", 10000); /* not due */
    ids[4] = uuid_new();                   /* unknown */
    ids[5] = ids[0];                       /* again */
    create_as(k, "b", "x", 50);            /* not asked for */
    r.ids = ids;
    r.n_ids = 6;
    kit_ok(k->s->ops->claim_ids(k->s, &r, &k->arena, &jobs, &n, &e));
    assert_int_equal(n, 2);
    assert_uuid_eq(jobs[0].id, ids[1]);
    assert_uuid_eq(jobs[1].id, ids[0]);
    assert_int_equal(kit_state(k, ids[2]), JOB_QUEUED);
    assert_int_equal(kit_state(k, ids[3]), JOB_PENDING);
    kit_ok(k->s->ops->claim_ids(k->s, &r, &k->arena, &jobs, &n, &e));
    assert_int_equal(n, 0);
}

static void claim_by_ids_is_bounded(void **state)
{
    struct kit *k = *state;
    const struct lane lane = {STR("t"), STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, 2);
    struct uuid ids[3];
    struct job *jobs;
    size_t n, i;

    for (i = 0; i < 3; i++)
        ids[2 - i] = kit_create(k, "t");
    r.ids = ids;
    r.n_ids = 3;
    kit_ok(k->s->ops->claim_ids(k->s, &r, &k->arena, &jobs, &n, &e));
    assert_int_equal(n, 2);
    assert_uuid_eq(jobs[0].id, ids[2]);
    assert_uuid_eq(jobs[1].id, ids[1]);
}

static void only_queued_jobs_are_claimed(void **state)
{
    struct kit *k = *state;
    const struct lane lane = {STR("t"), STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, 10);
    struct job *jobs;
    int s;
    size_t n;

    for (s = 1; s < JOB_STATE_END; s++) {
        struct uuid id = kit_job_in(k, "t", (enum job_state)s);
        bool may = job_state_may((enum job_state)s, JOB_RUNNING);

        r.ids = &id;
        r.n_ids = 1;
        kit_ok(k->s->ops->claim_ids(k->s, &r, &k->arena, &jobs, &n, &e));
        assert_int_equal(n, may);
        assert_int_equal(kit_state(k, id), may ? JOB_RUNNING : s);
    }
}

static void expect_no_claim(struct kit *k, const char *worker, struct uuid life)
{
    const struct lane lane = {STR("t"), STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, 10);
    struct err e = {0};
    struct job *jobs;
    size_t n = 5;

    r.worker_id = str_from(worker);
    r.incarnation = life;
    assert_int_equal(k->s->ops->claim_next(k->s, &r, &k->arena, &jobs, &n, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, worker));
    assert_int_equal(n, 0);
}

static void claims_need_a_lease(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t"), old = k->life;
    size_t freed;

    expect_no_claim(k, "stranger", k->life);
    expect_no_claim(k, "w1", uuid_new());
    k->life = uuid_new();
    kit_register(k, "w1", k->life);
    expect_no_claim(k, "w1", old);
    kit_clock_add(KIT_LEASE_MS + 1);
    expect_no_claim(k, "w1", k->life); /* over, though nobody has reaped it yet */
    kit_ok(k->s->ops->reap(k->s, 10, &freed, &e));
    expect_no_claim(k, "w1", k->life);
    k->life = uuid_new();
    kit_register(k, "w1", k->life);
    kit_ok(k->s->ops->unregister_worker(k->s, STR("w1"), k->life, &e));
    expect_no_claim(k, "w1", k->life);
    assert_int_equal(kit_state(k, id), JOB_QUEUED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(claimed_job_has_everything),
        TEST(tokens_differ),
        TEST(nothing_to_claim),
        TEST(first_in_first_out),
        TEST(priority_goes_first_and_ages),
        TEST(lanes_are_merged_by_rank),
        TEST(best_of_many_lanes),
        TEST(rank_stays_with_a_job_given_back),
        TEST(bytes_are_bounded),
        TEST(claim_by_ids),
        TEST(claim_by_ids_is_bounded),
        TEST(only_queued_jobs_are_claimed),
        TEST(claims_need_a_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
