/* SPDX-License-Identifier: MIT
 * Conformance of creating: fields, delays, idempotency keys, groups. */
#include "lib/store_kit.h"

#include <string.h>

static struct create keyed(const char *key, uint8_t hash)
{
    struct create item = kit_item("t");

    item.job.idempotency_key = str_from(key);
    memset(item.body_hash, hash, sizeof item.body_hash);
    return item;
}

static void create_group(struct kit *k, struct create *items, size_t n)
{
    struct create_group group = {items, n, &k->arena};

    kit_ok(k->s->ops->create(k->s, &group, 1, &e));
}

static void every_field_comes_back(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("mail.send");
    struct job job;

    item.job.queue = STR("urgent");
    item.job.payload = STR("{\"text\":\"gr\xC3\xBC\xC3\x9F \\u0001\",\"n\":9007199254740993}");
    item.job.tags = STR("[\"a\",\"b=c\"]");
    item.job.workflow_id = uuid_new();
    item.job.step_index = 0;
    item.job.priority = -7;
    item.job.timeout_ms = 90000;
    item.job.retry = (struct retry_policy){5, 50, 300, 40};
    item.job.retry_of = uuid_new();
    kit_create_item(k, &item);
    assert_int_equal(item.outcome, CREATE_DONE);
    assert_int_equal(item.job.state, JOB_QUEUED);
    assert_int_equal(item.job.created_at, kit_now());

    job = kit_get(k, item.job.id);
    assert_str(job.type, "mail.send");
    assert_str(job.queue, "urgent");
    assert_true(str_eq(job.payload, item.job.payload));
    assert_str(job.tags, "[\"a\",\"b=c\"]");
    assert_uuid_eq(job.workflow_id, item.job.workflow_id);
    assert_uuid_eq(job.retry_of, item.job.retry_of);
    assert_int_equal(job.step_index, 0);
    assert_int_equal(job.priority, -7);
    assert_int_equal(job.max_retries, 2);
    assert_int_equal(job.timeout_ms, 90000);
    assert_memory_equal(&job.retry, &item.job.retry, sizeof job.retry);
    assert_int_equal(job.scheduled_at, kit_now());
    assert_int_equal(job.updated_at, kit_now());
    assert_int_equal(job.started_at, 0);
    assert_int_equal(job.completed_at, 0);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.claims, 0);
    assert_null(job.idempotency_key.ptr);
    assert_null(job.result.ptr);
    assert_null(job.last_error.ptr);
    assert_null(job.worker_id.ptr);
}

static void absent_is_not_empty(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("t");
    struct job job;

    item.job.payload = STR_NONE;
    item.job.queue = STR_NONE;
    kit_create_item(k, &item);
    job = kit_get(k, item.job.id);
    assert_str(job.payload, "null");
    assert_str(job.queue, JOB_DEFAULT_QUEUE);
    assert_null(job.tags.ptr);
    assert_int_equal(job.step_index, -1);
    assert_true(uuid_is_nil(job.workflow_id));
}

static void large_payload_survives(void **state)
{
    struct kit *k = *state;
    size_t size = 3 * 1024 * 1024;
    char *payload = test_malloc(size);
    struct create item = kit_item("t");

    memset(payload, 'x', size);
    payload[0] = payload[size - 1] = '"';
    item.job.payload = (struct str){payload, size};
    kit_create_item(k, &item);
    assert_true(str_eq(kit_get(k, item.job.id).payload, item.job.payload));
    test_free(payload);
}

static void delayed_is_pending(void **state)
{
    struct kit *k = *state;
    struct create item = kit_item("t");
    size_t n;

    item.delay_ms = 5000;
    kit_create_item(k, &item);
    assert_int_equal(item.job.state, JOB_PENDING);
    assert_int_equal(item.job.scheduled_at, kit_now() + 5000);
    kit_claim(k, "t", 10, &n);
    assert_int_equal(n, 0);
}

static void absolute_times(void **state)
{
    struct kit *k = *state;
    struct create later = kit_item("t"), past = kit_item("t"), now = kit_item("t");

    later.delay_ms = past.delay_ms = now.delay_ms = -1;
    later.run_at_ms = kit_now() + 1;
    now.run_at_ms = kit_now();
    past.run_at_ms = 12345;
    kit_create_item(k, &later);
    kit_create_item(k, &past);
    kit_create_item(k, &now);
    assert_int_equal(later.job.state, JOB_PENDING);
    assert_int_equal(later.job.scheduled_at, kit_now() + 1);
    assert_int_equal(now.job.state, JOB_QUEUED);
    assert_int_equal(past.job.state, JOB_QUEUED);
    assert_int_equal(past.job.scheduled_at, kit_now()); /* the past means now */
}

static void same_key_same_body_replays(void **state)
{
    struct kit *k = *state;
    struct create first = keyed("k1", 1), again = keyed("k1", 1);

    kit_create_item(k, &first);
    kit_clock_add(KIT_KEY_WINDOW_MS - 1);
    kit_create_item(k, &again);
    assert_int_equal(first.outcome, CREATE_DONE);
    assert_int_equal(again.outcome, CREATE_REPLAYED);
    assert_uuid_eq(again.job.id, first.job.id);
    assert_int_equal(again.job.created_at, KIT_START_MS);
    assert_str(again.job.idempotency_key, "k1");
    assert_int_equal(kit_count(k, "t", JOB_QUEUED), 1);
}

static void same_key_other_body_is_a_mismatch(void **state)
{
    struct kit *k = *state;
    struct create first = keyed("k1", 1), other = keyed("k1", 2);
    struct uuid id = other.job.id;

    kit_create_item(k, &first);
    kit_create_item(k, &other);
    assert_int_equal(other.outcome, CREATE_MISMATCH);
    assert_false(kit_exists(k, id));
}

static void key_outlives_the_move_to_history(void **state)
{
    struct kit *k = *state;
    struct create first = keyed("k1", 1), again = keyed("k1", 1);
    struct job job;

    kit_create_item(k, &first);
    job = kit_claim_one(k, "t");
    kit_finish(k, &job, RUN_OK);
    kit_create_item(k, &again);
    assert_int_equal(again.outcome, CREATE_REPLAYED);
    assert_uuid_eq(again.job.id, first.job.id);
    assert_int_equal(again.job.state, JOB_COMPLETED);
    assert_str(again.job.result, "{\"ok\":true}");
}

static void expired_key_is_free(void **state)
{
    struct kit *k = *state;
    struct create first = keyed("k1", 1), other = keyed("k1", 2), again = keyed("k1", 2);

    kit_create_item(k, &first);
    kit_clock_add(KIT_KEY_WINDOW_MS);
    kit_create_item(k, &other);
    assert_int_equal(other.outcome, CREATE_DONE);
    kit_create_item(k, &again);
    assert_int_equal(again.outcome, CREATE_REPLAYED);
    assert_uuid_eq(again.job.id, other.job.id);
}

static void same_key_within_one_call(void **state)
{
    struct kit *k = *state;
    struct create items[3] = {keyed("k1", 1), keyed("k1", 1), keyed("k1", 2)};
    struct create_group groups[3] = {
        {&items[0], 1, &k->arena}, {&items[1], 1, &k->arena}, {&items[2], 1, &k->arena}};

    kit_ok(k->s->ops->create(k->s, groups, 3, &e));
    assert_int_equal(items[0].outcome, CREATE_DONE);
    assert_int_equal(items[1].outcome, CREATE_REPLAYED);
    assert_uuid_eq(items[1].job.id, items[0].job.id);
    assert_int_equal(items[2].outcome, CREATE_MISMATCH);
}

static void group_with_repetition(void **state)
{
    struct kit *k = *state;
    struct create items[4] = {kit_item("t"), keyed("k1", 1), keyed("k2", 1), keyed("k1", 1)};

    create_group(k, items, 4);
    assert_int_equal(items[0].outcome, CREATE_DONE);
    assert_int_equal(items[1].outcome, CREATE_DONE);
    assert_int_equal(items[2].outcome, CREATE_DONE);
    assert_int_equal(items[3].outcome, CREATE_REPLAYED);
    assert_uuid_eq(items[3].job.id, items[1].job.id);
    assert_int_equal(kit_count(k, "t", JOB_QUEUED), 3);
}

static void group_stands_or_falls_together(void **state)
{
    struct kit *k = *state;
    struct create before[2] = {keyed("old", 1), keyed("same", 1)};
    struct create items[5] = {kit_item("t"), keyed("same", 1), keyed("new", 1), keyed("old", 2),
                              keyed("new", 1)};
    struct create beside = kit_item("t");
    struct create_group groups[2] = {{items, 5, &k->arena}, {&beside, 1, &k->arena}};
    struct uuid ids[5];
    int i;

    create_group(k, before, 2);
    for (i = 0; i < 5; i++)
        ids[i] = items[i].job.id;
    kit_ok(k->s->ops->create(k->s, groups, 2, &e));
    assert_int_equal(items[0].outcome, CREATE_NOT_DONE);
    assert_int_equal(items[1].outcome, CREATE_REPLAYED);
    assert_uuid_eq(items[1].job.id, before[1].job.id);
    assert_int_equal(items[2].outcome, CREATE_NOT_DONE);
    assert_int_equal(items[3].outcome, CREATE_MISMATCH);
    assert_int_equal(items[4].outcome, CREATE_NOT_DONE);
    for (i = 0; i < 5; i++)
        assert_false(kit_exists(k, ids[i]));
    assert_int_equal(beside.outcome, CREATE_DONE); /* another group is another matter */
    assert_int_equal(kit_count(k, "t", JOB_QUEUED), 3);
}

static void group_with_conflict_inside(void **state)
{
    struct kit *k = *state;
    struct create items[3] = {keyed("k", 1), kit_item("t"), keyed("k", 2)};
    struct create again = keyed("k", 3);

    create_group(k, items, 3);
    assert_int_equal(items[0].outcome, CREATE_NOT_DONE);
    assert_int_equal(items[1].outcome, CREATE_NOT_DONE);
    assert_int_equal(items[2].outcome, CREATE_MISMATCH);
    kit_create_item(k, &again); /* the key was not taken */
    assert_int_equal(again.outcome, CREATE_DONE);
}

static void same_id_again_is_the_same_job(void **state)
{
    struct kit *k = *state;
    struct create first = kit_item("t"), again = first;

    kit_create_item(k, &first);
    kit_clock_add(1000);
    kit_create_item(k, &again);
    assert_int_equal(again.outcome, CREATE_REPLAYED);
    assert_int_equal(again.job.created_at, KIT_START_MS);
    assert_int_equal(kit_count(k, "t", JOB_QUEUED), 1);
}

static void nonsense_is_refused_whole(void **state)
{
    struct kit *k = *state;
    struct create items[2] = {kit_item("t"), kit_item(NULL)};
    struct create_group group = {items, 2, &k->arena};
    struct err e = {0};

    assert_int_equal(k->s->ops->create(k->s, &group, 1, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "type"));
    assert_false(kit_exists(k, items[0].job.id));
}

static void clock_never_runs_backwards(void **state)
{
    struct kit *k = *state;
    struct create first = kit_item("t"), second = kit_item("t");

    kit_create_item(k, &first);
    kit_clock_add(-60000);
    kit_create_item(k, &second);
    assert_true(second.job.created_at >= first.job.created_at);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_comes_back),
        TEST(absent_is_not_empty),
        TEST(large_payload_survives),
        TEST(delayed_is_pending),
        TEST(absolute_times),
        TEST(same_key_same_body_replays),
        TEST(same_key_other_body_is_a_mismatch),
        TEST(key_outlives_the_move_to_history),
        TEST(expired_key_is_free),
        TEST(same_key_within_one_call),
        TEST(group_with_repetition),
        TEST(group_stands_or_falls_together),
        TEST(group_with_conflict_inside),
        TEST(same_id_again_is_the_same_job),
        TEST(nonsense_is_refused_whole),
        TEST(clock_never_runs_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
