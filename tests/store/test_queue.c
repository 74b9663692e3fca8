/* SPDX-License-Identifier: MIT
 * Conformance of the queues: no wake-up is lost, waits end, hints may be false but never needed.
 * The kind is chosen by JOBMILL_TEST_QUEUE (default: store:). */
#include "base/clock.h"
#include "lib/unit.h"
#include "queue/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define SLOW_MS 3000 /* a wait this long was not woken */

static int set_up(void **state)
{
    const char *url = getenv("JOBMILL_TEST_QUEUE");
    struct queue *q;
    struct err e = {0};

    if (queue_open(str_from(url == NULL ? "store:" : url), &q, &e) != 0)
        fail_msg("%s", e.text);
    *state = q;
    return 0;
}

static int tear_down(void **state)
{
    struct queue *q = *state;

    queue_close(&q);
    assert_null(q);
    return 0;
}

/* How long a wait took, in ms. */
static int64_t wait_ms(struct queue *q, int64_t timeout_ms, struct hints *hints)
{
    int64_t start = clock_mono_ns();
    struct err e = {0};

    if (q->ops->wait(q, timeout_ms, hints, &e) != 0)
        fail_msg("%s", e.text);
    assert_true(hints->ask_store || hints->n > 0);
    return (clock_mono_ns() - start) / NS_PER_MS;
}

static struct ready ready_job(void)
{
    return (struct ready){uuid_new(), STR("t"), STR("default"), 1};
}

static void wait_times_out(void **state)
{
    struct queue *q = *state;
    struct hints hints;
    int64_t took = wait_ms(q, 50, &hints);

    assert_true(took >= 49 && took < SLOW_MS);
    assert_true(hints.ask_store);
    assert_true(wait_ms(q, 0, &hints) < SLOW_MS);
    assert_true(hints.ask_store);
}

static void wake_before_the_wait_is_not_lost(void **state)
{
    struct queue *q = *state;
    struct hints hints;

    q->ops->wake(q);
    assert_true(wait_ms(q, SLOW_MS * 2, &hints) < SLOW_MS);
    assert_true(hints.ask_store);
    assert_true(wait_ms(q, 50, &hints) >= 49); /* and not remembered twice */
}

static void push_before_the_wait_is_not_lost(void **state)
{
    struct queue *q = *state;
    struct ready jobs[2] = {ready_job(), ready_job()};
    struct hints hints;

    q->ops->push(q, jobs, 2);
    q->ops->push(q, jobs, 1);
    assert_true(wait_ms(q, SLOW_MS * 2, &hints) < SLOW_MS);
}

static void pushing_nothing_is_harmless(void **state)
{
    struct queue *q = *state;

    q->ops->push(q, NULL, 0);
    q->ops->dead(q, NULL, 0);
}

static void *wake_later(void *context)
{
    struct queue *q = context;
    struct timespec pause = {0, 50 * NS_PER_MS};

    nanosleep(&pause, NULL);
    q->ops->wake(q);
    return NULL;
}

static void *push_later(void *context)
{
    struct queue *q = context;
    struct ready job = ready_job();
    struct timespec pause = {0, 50 * NS_PER_MS};

    nanosleep(&pause, NULL);
    q->ops->push(q, &job, 1);
    return NULL;
}

static void waiters_are_woken(void **state)
{
    void *(*const wakers[])(void *) = {wake_later, push_later};
    struct queue *q = *state;
    struct hints hints;
    size_t i;

    for (i = 0; i < 2; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, wakers[i], q), 0);
        assert_true(wait_ms(q, i == 0 ? -1 : SLOW_MS * 2, &hints) < SLOW_MS);
        pthread_join(thread, NULL);
    }
}

static void *push_many(void *context)
{
    struct queue *q = context;
    struct ready job = ready_job();
    int i;

    for (i = 0; i < 2000; i++)
        q->ops->push(q, &job, 1);
    q->ops->wake(q);
    return NULL;
}

/* However pushes and waits interleave, something pushed after a wait began ends the next one. */
static void many_pushers_one_waiter(void **state)
{
    struct queue *q = *state;
    struct hints hints;
    pthread_t threads[3];
    int i;

    for (i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push_many, q), 0);
    assert_true(wait_ms(q, SLOW_MS * 2, &hints) < SLOW_MS);
    for (i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    q->ops->wake(q);
    assert_true(wait_ms(q, SLOW_MS * 2, &hints) < SLOW_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wait_times_out),
        TEST(wake_before_the_wait_is_not_lost),
        TEST(push_before_the_wait_is_not_lost),
        TEST(pushing_nothing_is_harmless),
        TEST(waiters_are_woken),
        TEST(many_pushers_one_waiter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
