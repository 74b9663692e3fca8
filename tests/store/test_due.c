/* SPDX-License-Identifier: MIT
 * Conformance of what time brings: promotion of due jobs, retention. */
#include "lib/store_kit.h"

#define HOUR_MS INT64_C(3600000)

static size_t promote(struct kit *k, size_t max, int64_t *next_in_ms)
{
    size_t n;

    kit_ok(k->s->ops->promote_due(k->s, max, &n, next_in_ms, &e));
    return n;
}

static size_t retain(struct kit *k, struct retention r, size_t max)
{
    size_t removed;

    kit_ok(k->s->ops->retain(k->s, &r, max, &removed, &e));
    return removed;
}

static void due_jobs_become_queued(void **state)
{
    struct kit *k = *state;
    struct uuid first = kit_create_in(k, "t", 1000), second = kit_create_in(k, "t", 2000);
    int64_t next;

    assert_int_equal(promote(k, 10, &next), 0);
    assert_int_equal(next, 1000);
    kit_clock_add(999);
    assert_int_equal(promote(k, 10, &next), 0);
    assert_int_equal(next, 1);
    kit_clock_add(1);
    assert_int_equal(promote(k, 10, &next), 1);
    assert_int_equal(next, 1000);
    assert_int_equal(kit_state(k, first), JOB_QUEUED);
    assert_int_equal(kit_get(k, first).scheduled_at, KIT_START_MS + 1000);
    assert_int_equal(kit_state(k, second), JOB_PENDING);
    kit_clock_add(5000);
    assert_int_equal(promote(k, 10, &next), 1);
    assert_int_equal(next, -1);
}

static void promotion_is_bounded(void **state)
{
    struct kit *k = *state;
    int64_t next;
    size_t i;

    for (i = 0; i < 5; i++)
        kit_create_in(k, "t", 100);
    kit_clock_add(100);
    assert_int_equal(promote(k, 3, &next), 3);
    assert_int_equal(next, 0);
    assert_int_equal(promote(k, 3, &next), 2);
    assert_int_equal(next, -1);
}

static void retries_are_due_too(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "t", JOB_RETRYING);
    int64_t next;

    assert_int_equal(promote(k, 10, &next), 0);
    assert_int_equal(next, 1000);
    kit_clock_add(1000);
    assert_int_equal(promote(k, 10, &next), 1);
    assert_int_equal(kit_state(k, id), JOB_QUEUED);
    assert_int_equal(kit_get(k, id).attempt, 1);
}

/* A job ranks by when it became due, not by when it was made or promoted. */
static void rank_is_the_time_it_was_due(void **state)
{
    struct kit *k = *state;
    struct uuid late = kit_create_in(k, "t", 1000), middle, early;
    struct job *jobs;
    size_t n;

    early = kit_create_in(k, "t", 200);
    kit_clock_add(500);
    middle = kit_create(k, "t");
    kit_clock_add(1000);
    assert_int_equal(kit_promote(k), 2);
    jobs = kit_claim(k, "t", 10, &n);
    assert_int_equal(n, 3);
    assert_uuid_eq(jobs[0].id, early);
    assert_uuid_eq(jobs[1].id, middle);
    assert_uuid_eq(jobs[2].id, late);
}

/* Promotion touches nothing but pending and retrying jobs. */
static void only_waiting_jobs_are_promoted(void **state)
{
    struct kit *k = *state;
    struct uuid ids[JOB_STATE_END];
    int s;

    for (s = 1; s < JOB_STATE_END; s++) /* jobs in `queued` first would be claimed instead */
        if (s != JOB_QUEUED)
            ids[s] = kit_job_in(k, "t", (enum job_state)s);
    ids[JOB_QUEUED] = kit_job_in(k, "t", JOB_QUEUED);
    kit_clock_add(2000000);
    assert_int_equal(kit_promote(k), 2);
    for (s = 1; s < JOB_STATE_END; s++)
        assert_int_equal(kit_state(k, ids[s]),
                         s == JOB_PENDING || s == JOB_RETRYING ? JOB_QUEUED : s);
}

static void each_state_has_its_own_retention(void **state)
{
    struct kit *k = *state;
    struct uuid done = kit_job_in(k, "t", JOB_COMPLETED);
    struct uuid cancelled = kit_job_in(k, "t", JOB_CANCELLED);
    struct uuid dead = kit_job_in(k, "t", JOB_DEAD_LETTER);
    struct uuid queued = kit_create(k, "t");
    const struct retention r = {HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS};
    size_t n;

    kit_clock_add(HOUR_MS - 1);
    assert_int_equal(retain(k, r, 10), 0);
    kit_clock_add(1);
    assert_int_equal(retain(k, r, 10), 1);
    assert_false(kit_exists(k, done));
    assert_true(kit_exists(k, cancelled));
    kit_clock_add(HOUR_MS);
    assert_int_equal(retain(k, r, 10), 1);
    assert_false(kit_exists(k, cancelled));
    kit_attempts(k, dead, &n);
    assert_int_equal(n, 1);
    kit_clock_add(HOUR_MS);
    assert_int_equal(retain(k, r, 10), 1);
    assert_false(kit_exists(k, dead));
    kit_attempts(k, dead, &n);
    assert_int_equal(n, 0);
    kit_clock_add(1000 * HOUR_MS);
    assert_int_equal(retain(k, r, 10), 0);
    assert_true(kit_exists(k, queued));
    assert_int_equal(kit_count(k, "t", JOB_COMPLETED), 1); /* ever */
    assert_int_equal(kit_count(k, "t", JOB_DEAD_LETTER), 0);
}

static void zero_keeps_for_ever(void **state)
{
    struct kit *k = *state;

    kit_job_in(k, "t", JOB_COMPLETED);
    kit_job_in(k, "t", JOB_CANCELLED);
    kit_job_in(k, "t", JOB_DEAD_LETTER);
    kit_clock_add(100000 * HOUR_MS);
    assert_int_equal(retain(k, (struct retention){0}, 10), 0);
}

static void retention_is_bounded(void **state)
{
    struct kit *k = *state;
    const struct retention r = {1, 1, 1};
    int i;

    for (i = 0; i < 3; i++) {
        kit_job_in(k, "t", JOB_COMPLETED);
        kit_job_in(k, "t", JOB_DEAD_LETTER);
    }
    kit_clock_add(1);
    assert_int_equal(retain(k, r, 4), 4);
    assert_int_equal(retain(k, r, 4), 2);
    assert_int_equal(retain(k, r, 4), 0);
}

static void expired_keys_are_removed(void **state)
{
    struct kit *k = *state;
    struct create a = kit_item("t"), b = kit_item("t");

    a.job.idempotency_key = STR("a");
    b.job.idempotency_key = STR("b");
    kit_create_item(k, &a);
    kit_clock_add(KIT_KEY_WINDOW_MS / 2);
    kit_create_item(k, &b);
    kit_clock_add(KIT_KEY_WINDOW_MS / 2);
    assert_int_equal(retain(k, (struct retention){0}, 10), 1);
    assert_int_equal(retain(k, (struct retention){0}, 10), 0);
    assert_int_equal(kit_state(k, a.job.id), JOB_QUEUED);
}

/* A key never names a job that is gone: it goes with it. */
static void retention_frees_the_key(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("t"), again = kit_item("t");
    struct job job;

    item.job.idempotency_key = again.job.idempotency_key = STR("a");
    kit_create_item(k, &item);
    job = kit_claim_one(k, "t");
    kit_finish(k, &job, RUN_OK);
    kit_clock_add(10);
    assert_int_equal(retain(k, (struct retention){.completed_ms = 10}, 10), 1);
    kit_create_item(k, &again);
    assert_int_equal(again.outcome, CREATE_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(due_jobs_become_queued),
        TEST(promotion_is_bounded),
        TEST(retries_are_due_too),
        TEST(rank_is_the_time_it_was_due),
        TEST(only_waiting_jobs_are_promoted),
        TEST(each_state_has_its_own_retention),
        TEST(zero_keeps_for_ever),
        TEST(retention_is_bounded),
        TEST(expired_keys_are_removed),
        TEST(retention_frees_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
