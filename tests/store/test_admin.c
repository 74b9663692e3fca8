/* SPDX-License-Identifier: MIT
 * Conformance of operator actions: running again, deleting, bulk operations. */
#include "lib/store_kit.h"

#include <string.h>

static struct retry_edit retry(struct kit *k, struct uuid id)
{
    struct retry_edit r = {.id = id, .new_id = uuid_new(), .max_retries = -1};

    kit_ok(k->s->ops->retry(k->s, &r, 1, NULL, &k->arena, &e));
    return r;
}

static struct delete_item delete_job(struct kit *k, struct uuid id)
{
    struct delete_item d = {.id = id};

    kit_ok(k->s->ops->remove(k->s, &d, 1, NULL, &e));
    return d;
}

static void dead_letter_runs_again(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "t", JOB_DEAD_LETTER);
    struct retry_edit r;
    struct job job;
    size_t n;

    kit_clock_add(1234);
    r = retry(k, id);
    assert_int_equal(r.outcome, RETRY_QUEUED);
    assert_uuid_eq(r.job.id, id);
    assert_int_equal(r.job.state, JOB_QUEUED);
    assert_int_equal(r.job.attempt, 0);
    assert_int_equal(r.job.scheduled_at, kit_now());
    assert_int_equal(r.job.completed_at, 0);
    assert_int_equal(r.job.claims, 1); /* never lowered */
    kit_attempts(k, id, &n);
    assert_int_equal(n, 1); /* what happened stays */
    job = kit_claim_one(k, "t");
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.claims, 2);
    kit_finish(k, &job, RUN_OK);
    assert_int_equal(kit_state(k, id), JOB_COMPLETED);
}

static void crashes_and_losses_start_over(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_create(k, "t");
    struct job job;
    int i;

    for (i = 0; i < JOB_LOSSES_MAX; i++) {
        kit_claim_one(k, "t");
        kit_register(k, "w1", k->life = uuid_new());
    }
    assert_int_equal(kit_state(k, id), JOB_DEAD_LETTER);
    job = retry(k, id).job;
    assert_int_equal(job.losses, 0);
    assert_int_equal(job.crashes, 0);
}

static void waiting_retry_runs_now(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "t", JOB_RETRYING);
    struct retry_edit r = retry(k, id);

    assert_int_equal(r.outcome, RETRY_QUEUED);
    assert_int_equal(r.job.attempt, 0);
    assert_uuid_eq(kit_claim_one(k, "t").id, id);
}

static void finished_job_is_made_anew(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("t");
    struct retry_edit r;
    struct job job, old;

    item.job.priority = 4;
    item.job.tags = STR("[\"x\"]");
    item.job.idempotency_key = STR("key");
    kit_create_item(k, &item);
    job = kit_claim_one(k, "t");
    kit_finish(k, &job, RUN_OK);
    kit_clock_add(77);
    r = retry(k, item.job.id);
    assert_int_equal(r.outcome, RETRY_CREATED);
    assert_uuid_eq(r.job.id, r.new_id);
    job = kit_get(k, r.new_id);
    assert_int_equal(job.state, JOB_QUEUED);
    assert_uuid_eq(job.retry_of, item.job.id);
    assert_str(job.payload, "{\"n\":1}");
    assert_str(job.tags, "[\"x\"]");
    assert_int_equal(job.priority, 4);
    assert_int_equal(job.max_retries, 2);
    assert_int_equal(job.retry.base_ms, 1000);
    assert_int_equal(job.created_at, kit_now());
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.claims, 0);
    assert_null(job.idempotency_key.ptr);
    assert_null(job.result.ptr);
    old = kit_get(k, item.job.id);
    assert_int_equal(old.state, JOB_COMPLETED);
    assert_str(old.result, "{\"ok\":true}");
}

static void edits_apply(void **state)
{
    struct kit *k = *state;
    struct retry_edit r[2] = {
        {.id = kit_job_in(k, "t", JOB_DEAD_LETTER), .payload = STR("{\"n\":2}"), .max_retries = 0},
        {.id = kit_job_in(k, "t", JOB_COMPLETED),
         .new_id = uuid_new(),
         .payload = STR("[]"),
         .max_retries = 9},
    };

    kit_ok(k->s->ops->retry(k->s, r, 2, NULL, &k->arena, &e));
    assert_str(kit_get(k, r[0].id).payload, "{\"n\":2}");
    assert_int_equal(kit_get(k, r[0].id).max_retries, 0);
    assert_str(r[0].job.payload, "{\"n\":2}");
    assert_str(kit_get(k, r[1].new_id).payload, "[]");
    assert_int_equal(kit_get(k, r[1].new_id).max_retries, 9);
    assert_str(kit_get(k, r[1].id).payload, "{\"n\":1}");
}

/* Every state, by the table: into `queued` by hand from retrying and dead letter only. */
static void retry_of_every_state(void **state)
{
    static const enum retry_outcome expected[JOB_STATE_END] = {
        [JOB_PENDING] = RETRY_REFUSED,   [JOB_QUEUED] = RETRY_REFUSED,
        [JOB_RUNNING] = RETRY_REFUSED,   [JOB_RETRYING] = RETRY_QUEUED,
        [JOB_COMPLETED] = RETRY_CREATED, [JOB_DEAD_LETTER] = RETRY_QUEUED,
        [JOB_CANCELLED] = RETRY_CREATED,
    };
    struct kit *k = *state;
    const char *const types[JOB_STATE_END] = {"", "a", "b", "c", "d", "e", "f", "g"};
    struct retry_edit r;
    int s;

    for (s = 1; s < JOB_STATE_END; s++) {
        struct uuid id = kit_job_in(k, types[s], (enum job_state)s);

        r = retry(k, id);
        assert_int_equal(r.outcome, expected[s]);
        assert_int_equal(kit_state(k, id), r.outcome == RETRY_QUEUED ? JOB_QUEUED : s);
        if (r.outcome == RETRY_REFUSED)
            assert_int_equal(r.job.state, s);
    }
    assert_int_equal(retry(k, uuid_new()).outcome, RETRY_NOT_FOUND);
}

static void replay_takes_dead_letters_only(void **state)
{
    struct kit *k = *state;
    struct retry_edit r[6] = {{.id = kit_job_in(k, "t", JOB_DEAD_LETTER)},
                              {.id = kit_job_in(k, "t", JOB_RETRYING)},
                              {.id = kit_job_in(k, "t", JOB_COMPLETED)},
                              {.id = uuid_new()}};
    int64_t bound = kit_now();
    size_t i;

    kit_clock_add(1);
    r[4].id = kit_job_in(k, "t", JOB_DEAD_LETTER); /* died after the bound */
    r[5].id = r[0].id;                             /* twice */
    for (i = 0; i < 6; i++) {
        r[i].new_id = uuid_new();
        r[i].max_retries = -1;
        r[i].dead_only = true;
        r[i].died_before_ms = bound;
    }
    kit_ok(k->s->ops->retry(k->s, r, 6, NULL, &k->arena, &e));
    assert_int_equal(r[0].outcome, RETRY_QUEUED);
    assert_int_equal(r[1].outcome, RETRY_REFUSED);
    assert_int_equal(r[2].outcome, RETRY_REFUSED);
    assert_int_equal(r[3].outcome, RETRY_NOT_FOUND);
    assert_int_equal(r[4].outcome, RETRY_REFUSED);
    assert_int_equal(r[5].outcome, RETRY_REFUSED);
    assert_int_equal(kit_state(k, r[4].id), JOB_DEAD_LETTER);
}

/* Every state but running can be deleted, with what belongs to the job. */
static void delete_of_every_state(void **state)
{
    struct kit *k = *state;
    const char *const types[JOB_STATE_END] = {"", "a", "b", "c", "d", "e", "f", "g"};
    int s;

    for (s = 1; s < JOB_STATE_END; s++) {
        struct uuid id = kit_job_in(k, types[s], (enum job_state)s);
        struct delete_item d = delete_job(k, id);
        size_t n;

        if (s == JOB_RUNNING) {
            assert_int_equal(d.outcome, DELETE_REFUSED);
            assert_int_equal(d.state, JOB_RUNNING);
            assert_int_equal(kit_state(k, id), JOB_RUNNING);
            continue;
        }
        assert_int_equal(d.outcome, DELETE_DONE);
        assert_false(kit_exists(k, id));
        kit_attempts(k, id, &n);
        assert_int_equal(n, 0);
        assert_int_equal(delete_job(k, id).outcome, DELETE_NOT_FOUND);
    }
}

static void delete_frees_the_key(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("t"), again = kit_item("t");

    item.job.idempotency_key = again.job.idempotency_key = STR("key");
    kit_create_item(k, &item);
    delete_job(k, item.job.id);
    kit_create_item(k, &again);
    assert_int_equal(again.outcome, CREATE_DONE);
}

/* A key that has passed on to a later job is not that of the earlier one any more. */
static void delete_leaves_the_key_of_another(void **state)
{
    struct kit *k = *state;
    struct create items[3] = {kit_item("t"), kit_item("t"), kit_item("t")};
    int i;

    for (i = 0; i < 3; i++)
        items[i].job.idempotency_key = STR("key");
    kit_create_item(k, &items[0]);
    kit_clock_add(KIT_KEY_WINDOW_MS);
    kit_create_item(k, &items[1]);
    delete_job(k, items[0].job.id);
    kit_create_item(k, &items[2]);
    assert_int_equal(items[2].outcome, CREATE_REPLAYED);
    assert_uuid_eq(items[2].job.id, items[1].job.id);
}

static void purge_takes_dead_letters_only(void **state)
{
    struct kit *k = *state;
    struct delete_item d[4] = {{.id = kit_job_in(k, "t", JOB_DEAD_LETTER)},
                               {.id = kit_job_in(k, "t", JOB_COMPLETED)},
                               {.id = kit_job_in(k, "t", JOB_PENDING)}};
    int64_t bound = kit_now();
    size_t i;

    kit_clock_add(1);
    d[3].id = kit_job_in(k, "t", JOB_DEAD_LETTER);
    for (i = 0; i < 4; i++) {
        d[i].dead_only = true;
        d[i].died_before_ms = bound;
    }
    kit_ok(k->s->ops->remove(k->s, d, 4, NULL, &e));
    assert_int_equal(d[0].outcome, DELETE_DONE);
    assert_int_equal(d[1].outcome, DELETE_REFUSED);
    assert_int_equal(d[1].state, JOB_COMPLETED);
    assert_int_equal(d[2].outcome, DELETE_REFUSED);
    assert_int_equal(d[3].outcome, DELETE_REFUSED);
}

static struct bulk_row bulk(struct kit *k)
{
    struct bulk_row row = {
        .id = uuid_new(),
        .action = BULK_REPLAY,
        .filter = {.states = 1u << JOB_DEAD_LETTER,
                   .type = STR("t"),
                   .tag = STR("x"),
                   .error_code = STR("permanent"),
                   .created_after_ms = 5,
                   .died_before_ms = kit_now()},
        .patch = STR("{\"a\":null}"),
        .limit = 100,
    };

    kit_ok(k->s->ops->bulk_start(k->s, &row, &e));
    return row;
}

static void bulk_row_comes_back(void **state)
{
    struct kit *k = *state;
    struct bulk_row row = bulk(k), got;
    bool found;

    assert_int_equal(row.state, BULK_RUNNING);
    assert_int_equal(row.created_at, kit_now());
    kit_ok(k->s->ops->read.bulk_get(k->s, row.id, &k->arena, &got, &found, &e));
    assert_true(found);
    assert_int_equal(got.action, BULK_REPLAY);
    assert_int_equal(got.filter.states, 1u << JOB_DEAD_LETTER);
    assert_str(got.filter.type, "t");
    assert_null(got.filter.queue.ptr);
    assert_str(got.filter.tag, "x");
    assert_str(got.filter.error_code, "permanent");
    assert_int_equal(got.filter.created_after_ms, 5);
    assert_int_equal(got.filter.died_before_ms, kit_now());
    assert_str(got.patch, "{\"a\":null}");
    assert_int_equal(got.limit, 100);
    assert_true(uuid_is_nil(got.cursor));
    kit_ok(k->s->ops->read.bulk_get(k->s, uuid_new(), &k->arena, &got, &found, &e));
    assert_false(found);
}

static void oldest_bulk_is_next(void **state)
{
    struct kit *k = *state;
    struct bulk_row first, second, got;
    bool found;

    kit_ok(k->s->ops->bulk_next(k->s, &k->arena, &got, &found, &e));
    assert_false(found);
    first = bulk(k);
    kit_clock_add(1);
    second = bulk(k);
    kit_ok(k->s->ops->bulk_next(k->s, &k->arena, &got, &found, &e));
    assert_true(found);
    assert_uuid_eq(got.id, first.id);
    first.state = BULK_DONE;
    kit_ok(k->s->ops->retry(k->s, NULL, 0, &first, &k->arena, &e));
    assert_int_equal(first.completed_at, kit_now());
    kit_ok(k->s->ops->bulk_next(k->s, &k->arena, &got, &found, &e));
    assert_uuid_eq(got.id, second.id);
}

static void bulk_progress_and_jobs_are_one(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "t", JOB_DEAD_LETTER);
    struct bulk_row row = bulk(k), got;
    struct retry_edit r = {.id = id, .max_retries = -1, .dead_only = true};
    struct delete_item d = {.id = id};
    struct err refused;
    bool found;

    row.cursor = id;
    row.matched = 3;
    row.succeeded = 2;
    row.failed = 1;
    row.error = STR("one failed");
    kit_clock_add(5);
    kit_ok(k->s->ops->retry(k->s, &r, 1, &row, &k->arena, &e));
    assert_int_equal(r.outcome, RETRY_QUEUED);
    kit_ok(k->s->ops->read.bulk_get(k->s, row.id, &k->arena, &got, &found, &e));
    assert_uuid_eq(got.cursor, id);
    assert_int_equal(got.matched, 3);
    assert_int_equal(got.succeeded, 2);
    assert_int_equal(got.failed, 1);
    assert_str(got.error, "one failed");
    assert_int_equal(got.updated_at, kit_now());
    assert_int_equal(got.completed_at, 0);

    row.state = BULK_DONE;
    kit_ok(k->s->ops->remove(k->s, NULL, 0, &row, &e));
    /* it has ended: nothing may happen in its name any more */
    assert_int_equal(k->s->ops->remove(k->s, &d, 1, &row, &refused), ERR_CONFLICT);
    assert_true(kit_exists(k, id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dead_letter_runs_again),
        TEST(crashes_and_losses_start_over),
        TEST(waiting_retry_runs_now),
        TEST(finished_job_is_made_anew),
        TEST(edits_apply),
        TEST(retry_of_every_state),
        TEST(replay_takes_dead_letters_only),
        TEST(delete_of_every_state),
        TEST(delete_frees_the_key),
        TEST(delete_leaves_the_key_of_another),
        TEST(purge_takes_dead_letters_only),
        TEST(bulk_row_comes_back),
        TEST(oldest_bulk_is_next),
        TEST(bulk_progress_and_jobs_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
