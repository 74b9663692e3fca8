/* SPDX-License-Identifier: MIT
 * Conformance of ending runs: every verdict, stale tokens, attempts, progress. */
#include "lib/store_kit.h"

#include <string.h>

static void success_moves_to_history(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job, done;
    size_t n;

    job = kit_claim_one(k, "t");
    kit_clock_add(500);
    kit_finish(k, &job, RUN_OK);
    done = kit_get(k, id);
    assert_int_equal(done.state, JOB_COMPLETED);
    assert_str(done.result, "{\"ok\":true}");
    assert_str(done.payload, "{\"n\":1}");
    assert_str(done.worker_id, "w1");
    assert_int_equal(done.attempt, 1);
    assert_int_equal(done.completed_at, kit_now());
    assert_int_equal(done.updated_at, kit_now());
    assert_int_equal(done.started_at, kit_now() - 10);
    assert_int_equal(done.cpu_us, 1500);
    assert_int_equal(done.memory_kb, 2048);
    assert_null(done.error_code.ptr);
    assert_null(done.last_error.ptr);
    kit_attempts(k, id, &n);
    assert_int_equal(n, 0); /* no row for a success */
    assert_int_equal(kit_count(k, "t", JOB_COMPLETED), 1);
    assert_int_equal(kit_count(k, "t", JOB_RUNNING), 0);
}

static void error_waits_for_its_retry(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t");
    struct finish f = kit_finish(k, &job, RUN_ERROR);
    struct attempt_row *rows;
    size_t n;

    assert_int_equal(f.verdict.next, JOB_RETRYING);
    assert_int_equal(f.due_in_ms, 1000);
    job = kit_get(k, id);
    assert_int_equal(job.state, JOB_RETRYING);
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.scheduled_at, kit_now() + 1000);
    assert_str(job.last_error, "it broke");
    assert_str(job.error_code, "error");
    assert_int_equal(job.completed_at, 0);
    rows = kit_attempts(k, id, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].claim, 1);
    assert_int_equal(rows[0].attempt, 1);
    assert_int_equal(rows[0].outcome, RUN_ERROR);
    assert_str(rows[0].error, "it broke");
    assert_str(rows[0].worker_id, "w1");
    assert_int_equal(rows[0].retry_delay_ms, 1000);
    assert_int_equal(rows[0].ended_at, kit_now());
    assert_int_equal(rows[0].cpu_us, 1500);
    assert_int_equal(rows[0].memory_kb, 2048);
}

static void retries_until_dead(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t"); /* 2 retries: three runs */
    struct attempt_row *rows;
    struct job job;
    size_t n;
    int run;

    for (run = 1; run <= 3; run++) {
        job = kit_claim_one(k, "t");
        assert_int_equal(job.attempt, run);
        assert_int_equal(job.claims, run);
        kit_finish(k, &job, run == 2 ? RUN_TIMEOUT : RUN_ERROR);
        kit_clock_add(4000);
        assert_int_equal(kit_promote(k), run < 3);
    }
    job = kit_get(k, id);
    assert_int_equal(job.state, JOB_DEAD_LETTER);
    assert_int_equal(job.attempt, 3);
    assert_int_equal(job.completed_at, kit_now() - 4000);
    rows = kit_attempts(k, id, &n);
    assert_int_equal(n, 3);
    assert_int_equal(rows[1].outcome, RUN_TIMEOUT);
    assert_int_equal(rows[1].retry_delay_ms, 2000);
    assert_int_equal(rows[2].claim, 3);
    assert_int_equal(rows[2].retry_delay_ms, -1);
}

static void success_after_an_error(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t");
    size_t n;

    kit_finish(k, &job, RUN_ERROR);
    kit_clock_add(1000);
    kit_promote(k);
    job = kit_claim_one(k, "t");
    kit_finish(k, &job, RUN_OK);
    job = kit_get(k, id);
    assert_int_equal(job.state, JOB_COMPLETED);
    assert_int_equal(job.attempt, 2);
    assert_null(job.error_code.ptr);
    assert_str(job.last_error, "it broke"); /* what went wrong last still stands there */
    kit_attempts(k, id, &n);
    assert_int_equal(n, 1);
}

static void given_back_is_not_charged(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t");
    struct finish f = kit_ending(&job, RUN_GIVEN_BACK);
    struct attempt_row *rows;
    size_t n;

    f.started_ago_ms = -1; /* never started: not worth a row */
    kit_ok(k->s->ops->finish(k->s, &f, 1, &e));
    assert_true(f.applied);
    job = kit_get(k, id);
    assert_int_equal(job.state, JOB_QUEUED);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.claims, 1);
    assert_int_equal(job.scheduled_at, KIT_START_MS);
    assert_null(job.last_error.ptr);
    kit_attempts(k, id, &n);
    assert_int_equal(n, 0);

    job = kit_claim_one(k, "t");
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.claims, 2);
    kit_finish(k, &job, RUN_GIVEN_BACK); /* interrupted: noted, still not charged */
    rows = kit_attempts(k, id, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].claim, 2);
    assert_int_equal(rows[0].outcome, RUN_GIVEN_BACK);
    assert_int_equal(kit_get(k, id).attempt, 0);
}

static void poison_after_three_crashes(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("t");
    struct job job;
    int i;

    item.job.max_retries = 100;
    kit_create_item(k, &item);
    for (i = 1; i <= JOB_CRASHES_MAX; i++) {
        job = kit_claim_one(k, "t");
        kit_finish(k, &job, RUN_CRASH);
        assert_int_equal(kit_get(k, job.id).crashes, i);
        kit_clock_add(9000);
        kit_ok(
            k->s->ops->beat(k->s,
                            &(struct worker_beat){.row = {.id = STR("w1"), .incarnation = k->life},
                                                  .lease_ms = KIT_LEASE_MS},
                            &e));
        kit_promote(k);
    }
    job = kit_get(k, item.job.id);
    assert_int_equal(job.state, JOB_DEAD_LETTER);
    assert_str(job.error_code, "poison");
}

static void cancelled_run_is_final(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "t", JOB_CANCELLED);
    struct job job = kit_get(k, id);
    size_t n;

    assert_str(job.error_code, "cancelled");
    assert_int_equal(job.completed_at, kit_now());
    kit_attempts(k, id, &n);
    assert_int_equal(n, 1);
}

static void stale_tokens_change_nothing(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t"), before;
    struct finish wrong = kit_ending(&job, RUN_OK), late = kit_ending(&job, RUN_OK);
    size_t n;

    wrong.token[0] ^= 1;
    wrong.applied = true;
    before = kit_get(k, id);
    kit_ok(k->s->ops->finish(k->s, &wrong, 1, &e));
    assert_false(wrong.applied);
    assert_int_equal(kit_get(k, id).updated_at, before.updated_at);
    assert_int_equal(kit_state(k, id), JOB_RUNNING);

    kit_finish(k, &job, RUN_GIVEN_BACK);
    kit_ok(k->s->ops->finish(k->s, &late, 1, &e)); /* of the run before */
    assert_false(late.applied);
    job = kit_claim_one(k, "t");
    kit_ok(k->s->ops->finish(k->s, &late, 1, &e)); /* while another run is on */
    assert_false(late.applied);
    assert_int_equal(kit_state(k, id), JOB_RUNNING);
    kit_finish(k, &job, RUN_OK);
    late.outcome = RUN_ERROR;
    late.verdict.next = JOB_DEAD_LETTER;
    kit_ok(k->s->ops->finish(k->s, &late, 1, &e)); /* after it is over */
    assert_false(late.applied);
    assert_int_equal(kit_state(k, id), JOB_COMPLETED);
    kit_attempts(k, id, &n);
    assert_int_equal(n, 1);
}

static void a_batch_with_bad_items(void **state)
{
    struct kit *k = *state;
    struct finish f[5];
    struct job *jobs;
    size_t n, i;

    for (i = 0; i < 3; i++)
        kit_create(k, "t");
    jobs = kit_claim(k, "t", 3, &n);
    f[0] = kit_ending(&jobs[0], RUN_OK);
    f[1] = kit_ending(&jobs[0], RUN_ERROR); /* the same run twice: the first counts */
    f[2] = kit_ending(&jobs[1], RUN_OK);
    f[2].id = uuid_new(); /* unknown */
    f[3] = kit_ending(&jobs[1], RUN_OK);
    memcpy(f[3].token, jobs[2].token, JOB_TOKEN_LEN); /* somebody else's */
    f[4] = kit_ending(&jobs[2], RUN_ERROR);
    kit_ok(k->s->ops->finish(k->s, f, 5, &e));
    assert_true(f[0].applied);
    assert_false(f[1].applied);
    assert_false(f[2].applied);
    assert_false(f[3].applied);
    assert_true(f[4].applied);
    assert_int_equal(kit_state(k, jobs[0].id), JOB_COMPLETED);
    assert_int_equal(kit_state(k, jobs[1].id), JOB_RUNNING);
    assert_int_equal(kit_state(k, jobs[2].id), JOB_RETRYING);
}

/* Every pair of states that finish can be asked for, against the one table. */
static void transitions_are_those_of_the_table(void **state)
{
    struct kit *k = *state;
    int from, to;

    for (from = 1; from < JOB_STATE_END; from++)
        for (to = 1; to < JOB_STATE_END; to++) {
            struct uuid id = kit_job_in(k, "t", (enum job_state)from);
            struct job job = kit_get(k, id);
            struct finish f = kit_ending(&job, to == JOB_COMPLETED ? RUN_OK : RUN_ERROR);
            bool may = from == JOB_RUNNING && job_state_may(JOB_RUNNING, (enum job_state)to);
            struct delete_item gone = {.id = id};
            struct job again;

            f.verdict.next = (enum job_state)to;
            kit_ok(k->s->ops->finish(k->s, &f, 1, &e));
            assert_int_equal(f.applied, may);
            assert_int_equal(kit_state(k, id), may ? to : from);
            if (kit_state(k, id) == JOB_RUNNING) {
                again = kit_get(k, id);
                kit_finish(k, &again, RUN_OK);
            }
            kit_ok(k->s->ops->remove(k->s, &gone, 1, NULL, &e));
            assert_int_equal(gone.outcome, DELETE_DONE);
        }
}

static void long_errors_are_cut_between_characters(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t");
    struct finish f = kit_ending(&job, RUN_ERROR);
    static char text[JOB_ERROR_MAX * 2];
    struct attempt_row *rows;
    size_t i, n;

    text[0] = 'x';
    for (i = 1; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    f.error = (struct str){text, sizeof text - 1};
    kit_ok(k->s->ops->finish(k->s, &f, 1, &e));
    job = kit_get(k, id);
    assert_int_equal(job.last_error.len, JOB_ERROR_MAX - 1);
    assert_true(str_is_utf8(job.last_error));
    rows = kit_attempts(k, id, &n);
    assert_int_equal(rows[0].error.len, JOB_ERROR_MAX - 1);
}

static void times_of_a_run_are_in_order(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t");
    struct finish f = kit_ending(&job, RUN_ERROR);
    struct attempt_row *rows;
    size_t n;

    f.started_ago_ms = 1000000; /* before the job was made: a clock that jumped */
    f.ended_ago_ms = 2000000;
    kit_ok(k->s->ops->finish(k->s, &f, 1, &e));
    rows = kit_attempts(k, id, &n);
    assert_int_equal(rows[0].started_at, KIT_START_MS);
    assert_int_equal(rows[0].ended_at, KIT_START_MS);
}

static void progress_needs_the_token(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job = kit_claim_one(k, "t");
    struct progress p[2] = {{.id = id, .progress = STR("{\"percent\":50}")},
                            {.id = id, .progress = STR("{\"percent\":99}")}};

    memcpy(p[0].token, job.token, JOB_TOKEN_LEN);
    kit_ok(k->s->ops->progress(k->s, p, 2, &e));
    assert_true(p[0].applied);
    assert_false(p[1].applied);
    assert_str(kit_get(k, id).progress, "{\"percent\":50}");
    kit_finish(k, &job, RUN_GIVEN_BACK);
    kit_ok(k->s->ops->progress(k->s, p, 1, &e));
    assert_false(p[0].applied);
    job = kit_claim_one(k, "t");
    assert_null(kit_get(k, id).progress.ptr); /* a new run begins at nothing */
    memcpy(p[0].token, job.token, JOB_TOKEN_LEN);
    kit_ok(k->s->ops->progress(k->s, p, 1, &e));
    kit_finish(k, &job, RUN_OK);
    assert_str(kit_get(k, id).progress, "{\"percent\":50}");
}

static void empty_batches(void **state)
{
    struct kit *k = *state;

    kit_ok(k->s->ops->finish(k->s, NULL, 0, &e));
    kit_ok(k->s->ops->progress(k->s, NULL, 0, &e));
    kit_ok(k->s->ops->create(k->s, NULL, 0, &e));
    kit_ok(k->s->ops->remove(k->s, NULL, 0, NULL, &e));
    kit_ok(k->s->ops->retry(k->s, NULL, 0, NULL, &k->arena, &e));
    kit_ok(k->s->ops->announce_types(k->s, NULL, 0, &e));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(success_moves_to_history),
        TEST(error_waits_for_its_retry),
        TEST(retries_until_dead),
        TEST(success_after_an_error),
        TEST(given_back_is_not_charged),
        TEST(poison_after_three_crashes),
        TEST(cancelled_run_is_final),
        TEST(stale_tokens_change_nothing),
        TEST(a_batch_with_bad_items),
        TEST(transitions_are_those_of_the_table),
        TEST(long_errors_are_cut_between_characters),
        TEST(times_of_a_run_are_in_order),
        TEST(progress_needs_the_token),
        TEST(empty_batches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
