/* SPDX-License-Identifier: MIT
 * Tests of the back-off. */
#include "model/retry.h"

#include "lib/unit.h"

#include <string.h>

static void doubles_up_to_the_cap(void **state)
{
    static const int64_t expected[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct retry_policy p = RETRY_POLICY_DEFAULT;
    int32_t n;

    (void)state;
    p.jitter_pct = 0;
    for (n = 1; n <= 8; n++) {
        assert_true(retry_delay_ms(&p, n, 0) == expected[n - 1]);
        assert_true(retry_delay_ms(&p, n, UINT64_MAX) == expected[n - 1]);
    }
    assert_true(retry_delay_ms(&p, INT32_MAX, 0) == 60000);
}

static void default_policy_is_documented(void **state)
{
    const struct retry_policy p = RETRY_POLICY_DEFAULT;

    (void)state;
    assert_true(p.base_ms == 1000 && p.cap_ms == 60000);
    assert_true(p.factor_pct == 200 && p.jitter_pct == 100);
}

static void factors(void **state)
{
    struct retry_policy constant = {5000, 60000, 100, 0}, slow = {1, 60000, 101, 0};
    struct retry_policy tenfold = {1, 1000000, 1000, 0}, half = {1000, 60000, 150, 0};
    int32_t n;

    (void)state;
    assert_true(retry_delay_ms(&constant, 1, 0) == 5000);
    assert_true(retry_delay_ms(&constant, INT32_MAX, 0) == 5000);
    assert_true(retry_delay_ms(&tenfold, 7, 0) == 1000000);
    assert_true(retry_delay_ms(&half, 2, 0) == 1500);
    assert_true(retry_delay_ms(&half, 3, 0) == 2250);
    for (n = 1; n < 200; n++) /* small delays grow too, despite whole milliseconds */
        assert_true(retry_delay_ms(&slow, n + 1, 0) > retry_delay_ms(&slow, n, 0));
}

/* No policy and no attempt overflows or goes beyond the bounds. */
static void extremes_stay_in_bounds(void **state)
{
    static const int64_t amounts[] = {0, 1, 1000, RETRY_DELAY_MAX_MS, INT64_MAX / 2, INT64_MAX};
    static const int32_t attempts[] = {1, 2, 63, 64, 65, 1000, INT32_MAX};
    static const int32_t factors_pct[] = {100, 101, 200, 1000};
    struct unit_random r = unit_random_start("retry");
    size_t base, cap, attempt, factor;

    (void)state;
    for (base = 0; base < 6; base++)
        for (cap = 0; cap < 6; cap++)
            for (attempt = 0; attempt < 7; attempt++)
                for (factor = 0; factor < 4; factor++) {
                    struct retry_policy p = {amounts[base], amounts[cap], factors_pct[factor],
                                             (int32_t)unit_random_below(&r, 101)};
                    int64_t delay = retry_delay_ms(&p, attempts[attempt], unit_random_next(&r));

                    assert_true(delay >= 0 && delay <= p.cap_ms && delay <= RETRY_DELAY_MAX_MS);
                }
}

/* Full jitter reaches both ends and is spread evenly; partial jitter keeps its floor. */
static void jitter_is_full_range(void **state)
{
    struct retry_policy full = {1000, 60000, 200, 100}, quarter = {1000, 60000, 200, 25};
    struct unit_random r = unit_random_start("jitter");
    int buckets[10] = {0}, i;

    (void)state;
    assert_true(retry_delay_ms(&full, 1, 0) == 0);
    assert_true(retry_delay_ms(&full, 1, 1000) == 1000);
    assert_true(retry_delay_ms(&quarter, 1, 0) == 750);
    assert_true(retry_delay_ms(&quarter, 1, 250) == 1000);
    for (i = 0; i < 100000; i++) {
        int64_t delay = retry_delay_ms(&full, 2, unit_random_next(&r));

        assert_true(delay >= 0 && delay <= 2000);
        buckets[delay == 2000 ? 9 : delay / 200]++;
        delay = retry_delay_ms(&quarter, 2, unit_random_next(&r));
        assert_true(delay >= 1500 && delay <= 2000);
    }
    for (i = 0; i < 10; i++)
        assert_in_range(buckets[i], 9000, 11000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_the_cap),
        cmocka_unit_test(default_policy_is_documented),
        cmocka_unit_test(factors),
        cmocka_unit_test(extremes_stay_in_bounds),
        cmocka_unit_test(jitter_is_full_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
