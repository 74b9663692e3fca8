/* SPDX-License-Identifier: MIT
 * Unit tests of the run table and of runs that share a batch. */
#include "core/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 1000

static void test_every_run_gets_a_number_of_its_own(void **state)
{
    struct run_table table = {0};
    struct run *runs = calloc(MANY, sizeof *runs);
    size_t i;

    (void)state;
    assert_non_null(runs);
    for (i = 0; i < MANY; i++) {
        assert_true(run_table_add(&table, &runs[i]));
        assert_int_not_equal(runs[i].seq, 0);
    }
    for (i = 0; i < MANY; i++)
        assert_ptr_equal(run_table_find(&table, runs[i].seq), &runs[i]);
    for (i = 0; i < MANY; i++)
        run_table_drop(&table, &runs[i]);
    assert_int_equal(table.n_free, table.cap);
    run_table_fini(&table);
    free(runs);
}

static void test_a_number_dies_with_its_run(void **state)
{
    struct run_table table = {0};
    struct run first = {0}, second = {0};
    uint64_t old;

    (void)state;
    assert_true(run_table_add(&table, &first));
    old = first.seq;
    run_table_drop(&table, &first);
    assert_null(run_table_find(&table, old));
    assert_true(run_table_add(&table, &second)); /* the same place, another number */
    assert_int_not_equal(second.seq, old);
    assert_null(run_table_find(&table, old));
    assert_ptr_equal(run_table_find(&table, second.seq), &second);
    run_table_drop(&table, &second);
    run_table_fini(&table);
}

static void test_numbers_that_an_executor_makes_up_find_nothing(void **state)
{
    static const uint64_t made_up[] = {0, 1, UINT64_MAX, UINT64_C(1) << 20, 0xFFFFF};
    struct run_table table = {0};
    struct run run = {0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof made_up / sizeof *made_up; i++)
        assert_null(run_table_find(&table, made_up[i]));
    assert_true(run_table_add(&table, &run));
    for (i = 0; i < sizeof made_up / sizeof *made_up; i++)
        if (made_up[i] != run.seq)
            assert_null(run_table_find(&table, made_up[i]));
    run_table_drop(&table, &run);
    run_table_fini(&table);
}

static void test_the_last_run_of_a_batch_frees_it(void **state)
{
    struct run_batch *batch = calloc(1, sizeof *batch);
    struct run *runs;
    size_t i;

    (void)state;
    assert_non_null(batch);
    runs = arena_array(&batch->arena, 3, sizeof *runs);
    assert_non_null(runs);
    atomic_init(&batch->left, 3);
    for (i = 0; i < 3; i++) {
        runs[i].batch = batch;
        buf_adds(&runs[i].error, "some text on the heap");
    }
    for (i = 0; i < 3; i++) /* a leak or a double free shows under the sanitizers */
        run_free(&runs[i]);
}

static void test_progress_is_json_whatever_its_message(void **state)
{
    struct run run = {.has_progress = true, .percent = 12.5};
    struct buf out = BUF_INIT;

    (void)state;
    run_put_progress(&run, &out);
    assert_string_equal(out.ptr, "{\"percent\":12.5,\"message\":null}");
    buf_reset(&out);
    strncpy(run.message, "a \"quoted\"\nline \xff", sizeof run.message - 1);
    run_put_progress(&run, &out);
    assert_string_equal(out.ptr, "{\"percent\":12.5,\"message\":\"a \\\"quoted\\\"\\nline "
                                 "\xEF\xBF\xBD\"}");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_run_gets_a_number_of_its_own),
        cmocka_unit_test(test_a_number_dies_with_its_run),
        cmocka_unit_test(test_numbers_that_an_executor_makes_up_find_nothing),
        cmocka_unit_test(test_the_last_run_of_a_batch_frees_it),
        cmocka_unit_test(test_progress_is_json_whatever_its_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
