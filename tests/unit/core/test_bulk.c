/* SPDX-License-Identifier: MIT
 * Bulk operations over a real store: they end, count, keep to their filter and survive a restart
 * between two pages. */
#include "core/bulk.h"

#include "lib/store_kit.h"

#include <string.h>

static struct bulk_row start(struct kit *k, enum bulk_action action, const char *type,
                             const char *patch, int64_t limit)
{
    struct bulk_row row = {.id = uuid_new(),
                           .action = action,
                           .filter = {.type = str_from(type)},
                           .patch = str_from(patch),
                           .limit = limit};

    kit_ok(k->s->ops->bulk_start(k->s, &row, &e));
    return row;
}

static struct bulk_row get(struct kit *k, struct uuid id)
{
    struct bulk_row row;
    bool found = false;

    kit_ok(k->s->ops->read.bulk_get(k->s, id, &k->arena, &row, &found, &e));
    assert_true(found);
    return row;
}

/* Runs steps until nothing is left; returns how many. */
static int run(struct kit *k)
{
    bool more = true;
    int steps = 0;

    while (more) {
        kit_ok(bulk_step(k->s, &e, &more));
        assert_true(++steps < 100);
    }
    return steps;
}

static void make_dead(struct kit *k, const char *type, int n)
{
    while (n-- > 0)
        kit_job_in(k, type, JOB_DEAD_LETTER);
}

static void test_nothing_to_do(void **state)
{
    struct kit *k = *state;

    assert_int_equal(run(k), 1);
}

static void test_replay(void **state)
{
    struct kit *k = *state;
    struct bulk_row row;

    make_dead(k, "a", 5);
    make_dead(k, "b", 2);
    row = start(k, BULK_REPLAY, "a", NULL, 0);
    run(k);
    row = get(k, row.id);
    assert_int_equal(row.state, BULK_DONE);
    assert_int_equal(row.matched, 5);
    assert_int_equal(row.succeeded, 5);
    assert_int_equal(row.failed, 0);
    assert_true(row.completed_at > 0);
    assert_int_equal(kit_count(k, "a", JOB_QUEUED), 5);
    assert_int_equal(kit_count(k, "b", JOB_DEAD_LETTER), 2);
}

static void test_purge_with_a_limit(void **state)
{
    struct kit *k = *state;
    struct bulk_row row;

    make_dead(k, "a", 5);
    row = start(k, BULK_PURGE, "a", NULL, 3);
    run(k);
    assert_int_equal(get(k, row.id).succeeded, 3);
    assert_int_equal(kit_count(k, "a", JOB_DEAD_LETTER), 2);
}

static void test_pages_and_a_restart(void **state)
{
    struct kit *k = *state;
    struct bulk_row row;
    bool more;

    make_dead(k, "a", BULK_PAGE + 10);
    row = start(k, BULK_REPLAY, "a", NULL, 0);
    kit_ok(bulk_step(k->s, &e, &more));
    assert_true(more);
    assert_int_equal(get(k, row.id).matched, BULK_PAGE);
    kit_reopen(k);
    run(k);
    assert_int_equal(get(k, row.id).succeeded, BULK_PAGE + 10);
    assert_int_equal(kit_count(k, "a", JOB_DEAD_LETTER), 0);
}

static void test_what_dies_later_is_left_alone(void **state)
{
    struct kit *k = *state;
    struct bulk_row row;

    make_dead(k, "a", 1);
    row = start(k, BULK_REPLAY, "a", NULL, 0);
    kit_clock_add(1000);
    make_dead(k, "a", 2);
    run(k);
    assert_int_equal(get(k, row.id).matched, 1);
    assert_int_equal(kit_count(k, "a", JOB_DEAD_LETTER), 2);
}

static void test_patch(void **state)
{
    struct kit *k = *state;
    struct uuid id = kit_job_in(k, "a", JOB_DEAD_LETTER);

    start(k, BULK_REPLAY, "a", "{\"x\":{\"y\":1}}", 0);
    run(k);
    assert_non_null(strstr(kit_get(k, id).payload.ptr, "\"x\":{\"y\":1}"));
}

static void test_a_patched_payload_is_bounded(void **state)
{
    struct arena arena = ARENA_INIT;
    struct err e = {0};
    struct str out;

    (void)state;
    assert_true(bulk_patch(STR("{}"), STR("{\"a\":1}"), 7, &arena, &out, &e));
    assert_true(str_is(out, "{\"a\":1}"));
    assert_false(bulk_patch(STR("{}"), STR("{\"a\":1}"), 6, &arena, &out, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    arena_free(&arena);
}

static void test_operations_run_in_turn(void **state)
{
    struct kit *k = *state;
    struct bulk_row first, second;

    make_dead(k, "a", 1);
    make_dead(k, "b", 1);
    first = start(k, BULK_PURGE, "a", NULL, 0);
    kit_clock_add(1);
    second = start(k, BULK_PURGE, "b", NULL, 0);
    run(k);
    assert_int_equal(get(k, first.id).state, BULK_DONE);
    assert_int_equal(get(k, second.id).succeeded, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_to_do),
        TEST(test_replay),
        TEST(test_purge_with_a_limit),
        TEST(test_pages_and_a_restart),
        TEST(test_what_dies_later_is_left_alone),
        TEST(test_patch),
        cmocka_unit_test(test_a_patched_payload_is_bounded),
        TEST(test_operations_run_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
