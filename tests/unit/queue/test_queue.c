/* SPDX-License-Identifier: MIT
 * Opening queues by URL. What they do is tested by tests/store/test_queue.c. */
#include "queue/queue.h"

#include "lib/unit.h"

#include <string.h>

static void store_scheme(void **state)
{
    struct queue *q;
    struct err e;

    (void)state;
    assert_int_equal(queue_open(STR("store:"), &q, &e), 0);
    assert_string_equal(q->ops->name, "store");
    queue_close(&q);
    assert_null(q);
    queue_close(&q);
    queue_close(NULL);
}

static void other_schemes_are_refused(void **state)
{
    struct queue *q;
    struct err e;

    (void)state;
    assert_int_equal(queue_open(STR("redis://:secret@localhost"), &q, &e), ERR_INVALID);
    assert_null(q);
    assert_says(e, "redis: is not supported by this build, expected store:");
    assert_null(strstr(e.text, "secret"));
    assert_int_equal(queue_open(STR("store"), &q, &e), ERR_INVALID);
    assert_says(e, "no scheme");
    assert_int_equal(queue_open(STR("store:x"), &q, &e), ERR_INVALID);
    assert_int_equal(queue_open(STR_NONE, &q, &e), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_scheme),
        cmocka_unit_test(other_schemes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
