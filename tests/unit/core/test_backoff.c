/* SPDX-License-Identifier: MIT
 * Unit tests of the loops' back-off. */
#include "core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FIRST_MS 100
#define CAP_MS   5000

static void test_waits_double_up_to_the_cap_and_are_never_short(void **state)
{
    int64_t full_ms = FIRST_MS;
    struct backoff b = BACKOFF(FIRST_MS, CAP_MS);
    int i;

    (void)state;
    for (i = 0; i < 40; i++) {
        int64_t ms = backoff_next_ms(&b);

        assert_true(ms >= full_ms / 2 && ms <= full_ms);
        full_ms = full_ms * 2 < CAP_MS ? full_ms * 2 : CAP_MS;
    }
}

static void test_waits_differ(void **state)
{
    int64_t first = 0;
    int i, same = 0;

    (void)state;
    for (i = 0; i < 50; i++) {
        struct backoff b = BACKOFF(CAP_MS, CAP_MS);
        int64_t ms = backoff_next_ms(&b);

        same += ms == first;
        first = ms;
    }
    assert_true(same < 10);
}

static void test_an_outage_ends_once(void **state)
{
    struct backoff b = BACKOFF(FIRST_MS, CAP_MS);

    (void)state;
    assert_false(backoff_end(&b));
    backoff_next_ms(&b);
    backoff_next_ms(&b);
    assert_true(backoff_end(&b));
    assert_false(backoff_end(&b));
    assert_true(backoff_next_ms(&b) <= FIRST_MS);
}

static void test_an_outage_of_years_does_not_overflow(void **state)
{
    struct backoff b = BACKOFF(FIRST_MS, CAP_MS);

    (void)state;
    b.failures = INT32_MAX - 1;
    assert_in_range(backoff_next_ms(&b), CAP_MS / 2, CAP_MS);
    assert_in_range(backoff_next_ms(&b), CAP_MS / 2, CAP_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double_up_to_the_cap_and_are_never_short),
        cmocka_unit_test(test_waits_differ),
        cmocka_unit_test(test_an_outage_ends_once),
        cmocka_unit_test(test_an_outage_of_years_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
