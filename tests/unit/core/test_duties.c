/* SPDX-License-Identifier: MIT
 * Unit tests of the scheduler's duties on a store that is made up. */
#include "core/duties.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fake {
    struct store base; /* first: what duties see */
    struct store_ops ops;
    _Atomic int promotions;
    int promote_rc;
    int64_t next_in_ms;
    struct duties duties;
    struct queue *queue;
};

static int fake_promote(struct store *s, size_t max, size_t *promoted, int64_t *next_in_ms,
                        struct err *e)
{
    struct fake *f = (struct fake *)s;

    (void)max;
    atomic_fetch_add(&f->promotions, 1);
    *promoted = 0;
    *next_in_ms = f->next_in_ms;
    return f->promote_rc == 0 ? 0 : err_set(e, f->promote_rc, "the store is away");
}

static int fake_reap(struct store *s, size_t max, size_t *freed, struct err *e)
{
    (void)s;
    (void)max;
    (void)e;
    *freed = 0;
    return 0;
}

static int fake_bulk_next(struct store *s, struct arena *arena, struct bulk_row *row, bool *found,
                          struct err *e)
{
    (void)s;
    (void)arena;
    (void)row;
    (void)e;
    *found = false;
    return 0;
}

static void start(struct fake *f)
{
    static const struct retention forever = {0, 0, 0};

    f->ops.promote_due = fake_promote;
    f->ops.reap = fake_reap;
    f->ops.bulk_next = fake_bulk_next;
    f->base.ops = &f->ops;
    assert_int_equal(queue_open(STR("store:"), &f->queue, NULL), 0);
    assert_int_equal(duties_start(&f->duties, &f->base, f->queue, &forever, NULL), 0);
}

static void stop(struct fake *f)
{
    duties_stop(&f->duties);
    duties_fini(&f->duties);
    queue_close(&f->queue);
}

static void test_what_is_announced_is_promoted_then(void **state)
{
    struct fake f = {.next_in_ms = -1};

    (void)state;
    start(&f);
    clock_sleep_ms(50);
    assert_int_equal(atomic_load(&f.promotions), 1); /* at the start */
    duties_due_in(&f.duties, 50);
    duties_due_in(&f.duties, 20000);
    clock_sleep_ms(150);
    assert_int_equal(atomic_load(&f.promotions), 2);
    stop(&f);
}

/* The failure used to ring the thread's own bell: it called the store without a pause. */
static void test_a_store_that_is_away_is_asked_with_back_off(void **state)
{
    struct fake f = {.promote_rc = ERR_UNAVAILABLE, .next_in_ms = -1};

    (void)state;
    start(&f);
    clock_sleep_ms(400);
    assert_in_range(atomic_load(&f.promotions), 2, 5);
    stop(&f);
}

/* A job due in the year 9999 used to overflow into the past: the thread never slept again. */
static void test_a_job_due_in_centuries_does_not_spin(void **state)
{
    struct fake f = {.next_in_ms = INT64_C(251000000000000)};

    (void)state;
    start(&f);
    clock_sleep_ms(50);
    duties_due_in(&f.duties, f.next_in_ms);
    duties_due_in(&f.duties, INT64_MAX);
    clock_sleep_ms(150);
    assert_int_equal(atomic_load(&f.promotions), 1);
    stop(&f);
}

/* The interface stops after the threads: what it announces meanwhile must find a whole bell. */
static void test_announcements_after_the_stop_are_harmless(void **state)
{
    struct fake f = {.next_in_ms = -1};

    (void)state;
    start(&f);
    duties_stop(&f.duties);
    duties_due_in(&f.duties, 0);
    duties_bulk_started(&f.duties);
    duties_fini(&f.duties);
    queue_close(&f.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_announced_is_promoted_then),
        cmocka_unit_test(test_a_store_that_is_away_is_asked_with_back_off),
        cmocka_unit_test(test_a_job_due_in_centuries_does_not_spin),
        cmocka_unit_test(test_announcements_after_the_stop_are_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
