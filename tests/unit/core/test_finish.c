/* SPDX-License-Identifier: MIT
 * Unit tests of recording how runs ended, on a store that is made up. */
#include "core/finish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define RUNS 20

struct fake {
    struct store base; /* first: what finish sees */
    struct store_ops ops;
    int away; /* how many calls fail before the store is back */
    bool refuses_all;
    size_t recorded[RUN_OUTCOME_END];
    struct finish_thread finish;
    struct fleet fleet;
    struct duties duties;
    struct queue *queue;
};

static struct catalog_pool pool_conf = {.processes = 1, .threads = 1};
static struct route route = {.pool = 0};
static struct catalog catalog = {
    .routes = &route, .n_routes = 1, .pools = &pool_conf, .n_pools = 1};
static struct fleet_pool pool;

/* Refuses a batch with a result `"bad"` in it, as a store does that cannot hold the text. */
static int fake_finish(struct store *s, struct finish *items, size_t n, struct err *e)
{
    struct fake *f = (struct fake *)s;
    size_t i;

    if (f->away > 0) {
        f->away--;
        return err_set(e, ERR_UNAVAILABLE, "the store is away");
    }
    for (i = 0; i < n; i++)
        if (f->refuses_all || str_is(items[i].result, "\"bad\""))
            return err_set(e, ERR_INVALID, "a text that cannot be held");
    for (i = 0; i < n; i++) {
        items[i].applied = true;
        f->recorded[items[i].outcome]++;
    }
    return 0;
}

static void start(struct fake *f)
{
    struct err e = {0};

    f->ops.finish = fake_finish;
    f->base.ops = &f->ops;
    pool = (struct fleet_pool){.conf = &pool_conf, .taken = RUNS};
    f->fleet = (struct fleet){.catalog = &catalog, .pools = &pool};
    assert_int_equal(queue_open(STR("store:"), &f->queue, &e), 0);
    assert_int_equal(finish_start(&f->finish, &f->base, f->queue, &f->duties, &f->fleet, &e), 0);
}

static void stop(struct fake *f)
{
    finish_stop(&f->finish);
    queue_close(&f->queue);
    assert_int_equal(atomic_load(&pool.taken), 0); /* every place is free again */
}

/* RUNS successful runs, of which the one numbered `bad` has the result that is refused. */
static void post_runs(struct fake *f, int bad)
{
    struct run_batch *batch = calloc(1, sizeof *batch);
    struct run *runs;
    int i;

    assert_non_null(batch);
    runs = arena_array(&batch->arena, RUNS, sizeof *runs);
    assert_non_null(runs);
    atomic_init(&batch->left, RUNS);
    for (i = 0; i < RUNS; i++) {
        runs[i].batch = batch;
        runs[i].job = (struct job){.attempt = 1, .max_retries = 0, .claims = 1};
        runs[i].outcome = RUN_OK;
        buf_adds(&runs[i].result, i == bad ? "\"bad\"" : "1");
        finish_post(&f->finish, &runs[i]);
    }
}

static void test_one_bad_row_does_not_fail_its_batch(void **state)
{
    struct fake f = {.away = 0};

    (void)state;
    start(&f);
    post_runs(&f, 13);
    stop(&f);
    assert_int_equal(f.recorded[RUN_OK], RUNS - 1);
    assert_int_equal(f.recorded[RUN_BAD_RESULT], 1);
}

static void test_a_store_that_refuses_everything_does_not_hold_the_thread(void **state)
{
    struct fake f = {.refuses_all = true};

    (void)state;
    start(&f);
    post_runs(&f, -1);
    stop(&f);
    assert_int_equal(f.recorded[RUN_OK] + f.recorded[RUN_BAD_RESULT], 0);
}

static void test_an_outage_is_waited_out(void **state)
{
    struct fake f = {.away = 2};

    (void)state;
    start(&f);
    post_runs(&f, -1);
    stop(&f);
    assert_int_equal(f.recorded[RUN_OK], RUNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bad_row_does_not_fail_its_batch),
        cmocka_unit_test(test_a_store_that_refuses_everything_does_not_hold_the_thread),
        cmocka_unit_test(test_an_outage_is_waited_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
