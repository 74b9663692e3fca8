/* SPDX-License-Identifier: MIT
 * Conformance of workers: lives, beats, leases, giving back what dead workers held. */
#include "lib/store_kit.h"

#include <string.h>

static int beat(struct kit *k, const char *id, struct uuid life)
{
    struct worker_beat b = kit_beat(id, life);
    struct err e;

    return k->s->ops->beat(k->s, &b, &e);
}

static size_t reap(struct kit *k, size_t max)
{
    size_t freed;

    kit_ok(k->s->ops->reap(k->s, max, &freed, &e));
    return freed;
}

static struct worker_row *workers(struct kit *k, size_t *n)
{
    struct worker_row *rows;

    kit_ok(k->s->ops->read.workers(k->s, &k->arena, &rows, n, &e));
    return rows;
}

static void registered_worker_is_listed(void **state)
{
    struct kit *k = *state;
    struct worker_row *rows;
    struct uuid life = uuid_new();
    size_t n;

    kit_clock_add(100);
    kit_register(k, "w0", life);
    kit_clock_add(50);
    assert_int_equal(beat(k, "w0", life), 0);
    rows = workers(k, &n);
    assert_int_equal(n, 2);
    assert_str(rows[0].id, "w0");
    assert_str(rows[1].id, "w1");
    assert_uuid_eq(rows[0].incarnation, life);
    assert_str(rows[0].host, "here");
    assert_str(rows[0].roles, "worker");
    assert_str(rows[0].version, "1.2.3");
    assert_int_equal(rows[0].pid, 42);
    assert_int_equal(rows[0].slots, 8);
    assert_int_equal(rows[0].busy, 3);
    assert_int_equal(rows[0].state, WORKER_ALIVE);
    assert_int_equal(rows[0].started_at, KIT_START_MS + 100);
    assert_int_equal(rows[0].beat_at, KIT_START_MS + 150);
    assert_int_equal(rows[0].lease_until, KIT_START_MS + 150 + KIT_LEASE_MS);
}

static void states_of_a_worker(void **state)
{
    struct kit *k = *state;
    struct worker_beat b = kit_beat("w1", k->life);
    size_t n;

    b.row.draining = true;
    kit_ok(k->s->ops->beat(k->s, &b, &e));
    assert_int_equal(workers(k, &n)[0].state, WORKER_DRAINING);
    kit_clock_add(KIT_LEASE_MS + 1);
    assert_int_equal(workers(k, &n)[0].state, WORKER_LOST);
    reap(k, 10);
    assert_int_equal(workers(k, &n)[0].state, WORKER_LOST);
    k->life = uuid_new();
    kit_register(k, "w1", k->life);
    assert_int_equal(workers(k, &n)[0].state, WORKER_ALIVE);
    kit_ok(k->s->ops->unregister_worker(k->s, STR("w1"), k->life, &e));
    assert_int_equal(workers(k, &n)[0].state, WORKER_STOPPED);
    assert_int_equal(n, 1);
}

static void beats_keep_the_lease(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "t", JOB_RUNNING);
    int i;

    for (i = 0; i < 5; i++) {
        kit_clock_add(KIT_LEASE_MS);
        assert_int_equal(reap(k, 10), 0);
        assert_int_equal(beat(k, "w1", k->life), 0);
    }
    assert_int_equal(kit_state(k, id), JOB_RUNNING);
}

static void late_beat_before_the_reaper(void **state)
{
    struct kit *k = *state;

    kit_job_in(k, "t", JOB_RUNNING);
    kit_clock_add(KIT_LEASE_MS * 3);
    assert_int_equal(beat(k, "w1", k->life), 0); /* nobody took anything: the life goes on */
    assert_int_equal(reap(k, 10), 0);
}

static void expired_lease_gives_jobs_back(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t"), lost;
    struct finish late = kit_ending(&job, RUN_OK);
    struct attempt_row *rows;
    size_t n;

    kit_clock_add(KIT_LEASE_MS + 1);
    assert_int_equal(reap(k, 10), 1);
    lost = kit_get(k, id);
    assert_int_equal(lost.state, JOB_QUEUED);
    assert_int_equal(lost.attempt, 0);
    assert_int_equal(lost.losses, 1);
    assert_int_equal(lost.claims, 1);
    assert_str(lost.error_code, "lost");
    assert_non_null(strstr(lost.last_error.ptr, "w1"));
    rows = kit_attempts(k, id, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].outcome, RUN_LOST);
    assert_int_equal(rows[0].started_at, KIT_START_MS);
    assert_int_equal(beat(k, "w1", k->life), ERR_CONFLICT);
    kit_ok(k->s->ops->finish(k->s, &late, 1, &e));
    assert_false(late.applied);
    assert_int_equal(reap(k, 10), 0);
}

static void new_life_frees_the_old_ones(void **state)
{
    struct kit *k = *state;
    struct uuid mine = kit_create(k, "t"), theirs, old = k->life, other = uuid_new();
    const struct lane lane = {STR("t"), STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, 1);
    struct job *jobs;
    size_t n;

    kit_claim_one(k, "t");
    theirs = kit_create(k, "t");
    kit_register(k, "w2", other);
    r.worker_id = STR("w2");
    r.incarnation = other;
    kit_ok(k->s->ops->claim_next(k->s, &r, &k->arena, &jobs, &n, &e));
    assert_int_equal(n, 1);

    k->life = uuid_new();
    assert_int_equal(kit_register(k, "w1", k->life), 1);
    assert_int_equal(kit_state(k, mine), JOB_QUEUED);
    assert_int_equal(kit_state(k, theirs), JOB_RUNNING);
    assert_int_equal(beat(k, "w1", old), ERR_CONFLICT);
    assert_int_equal(beat(k, "w1", k->life), 0);
    assert_int_equal(kit_register(k, "w1", k->life), 0);
}

static void lost_five_times_is_dead(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job;
    int i;

    for (i = 1; i <= JOB_LOSSES_MAX; i++) {
        kit_claim_one(k, "t");
        k->life = uuid_new();
        assert_int_equal(kit_register(k, "w1", k->life), 1);
    }
    job = kit_get(k, id);
    assert_int_equal(job.state, JOB_DEAD_LETTER);
    assert_str(job.error_code, "lost");
    assert_int_equal(job.losses, JOB_LOSSES_MAX);
    assert_int_equal(job.completed_at, kit_now());
}

static void reaping_is_bounded(void **state)
{
    struct kit *k = *state;
    size_t n, i;

    for (i = 0; i < 7; i++)
        kit_create(k, "t");
    kit_claim(k, "t", 7, &n);
    kit_clock_add(KIT_LEASE_MS + 1);
    assert_int_equal(reap(k, 5), 5);
    assert_int_equal(reap(k, 5), 2);
    assert_int_equal(reap(k, 5), 0);
    assert_int_equal(kit_count(k, "t", JOB_QUEUED), 7);
}

static void jobs_left_by_a_stopped_worker(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "t", JOB_RUNNING);

    kit_ok(k->s->ops->unregister_worker(k->s, STR("w1"), k->life, &e));
    assert_int_equal(reap(k, 10), 1);
    assert_int_equal(kit_state(k, id), JOB_QUEUED);
}

static void unregistering_needs_the_life(void **state)
{
    struct kit *k = *state;
    struct err e;
    size_t n;

    assert_int_equal(k->s->ops->unregister_worker(k->s, STR("w1"), uuid_new(), &e), ERR_CONFLICT);
    assert_int_equal(workers(k, &n)[0].state, WORKER_ALIVE);
}

static void dead_workers_are_forgotten_after_a_day(void **state)
{
    struct kit *k = *state;
    size_t n;

    kit_ok(k->s->ops->unregister_worker(k->s, STR("w1"), k->life, &e));
    kit_clock_add(24 * 3600 * INT64_C(1000));
    reap(k, 10);
    workers(k, &n);
    assert_int_equal(n, 1);
    kit_clock_add(1);
    reap(k, 10);
    workers(k, &n);
    assert_int_equal(n, 0);
}

static void types_are_announced(void **state)
{
    struct kit *k = *state;
    struct type_row rows[2] = {{STR("b"), STR("{\"max_retries\":1}"), STR("h1")},
                               {STR("a"), STR("{}"), STR("h2")}};
    struct seen_type *seen;
    size_t n;

    kit_ok(k->s->ops->announce_types(k->s, rows, 2, &e));
    kit_clock_add(10);
    rows[0].config_hash = STR("h3");
    kit_ok(k->s->ops->announce_types(k->s, rows, 1, &e));
    kit_ok(k->s->ops->read.types(k->s, &k->arena, &seen, &n, &e));
    assert_int_equal(n, 2);
    assert_str(seen[0].type, "a");
    assert_int_equal(seen[0].last_seen, KIT_START_MS);
    assert_str(seen[1].type, "b");
    assert_str(seen[1].defaults, "{\"max_retries\":1}");
    assert_str(seen[1].config_hash, "h3");
    assert_int_equal(seen[1].last_seen, KIT_START_MS + 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registered_worker_is_listed),
        TEST(states_of_a_worker),
        TEST(beats_keep_the_lease),
        TEST(late_beat_before_the_reaper),
        TEST(expired_lease_gives_jobs_back),
        TEST(new_life_frees_the_old_ones),
        TEST(lost_five_times_is_dead),
        TEST(reaping_is_bounded),
        TEST(jobs_left_by_a_stopped_worker),
        TEST(unregistering_needs_the_life),
        TEST(dead_workers_are_forgotten_after_a_day),
        TEST(types_are_announced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
