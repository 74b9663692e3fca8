/* SPDX-License-Identifier: MIT
 * The plugin `compute`. */
#include "../../../plugins/compute/compute.c"

#include "fixture.h"

static void compute(const char *configured, const char *payload, int32_t outcome, const char *text)
{
    struct fake_job fake;

    fake_job_init(&fake, payload);
    fake.config[0][0] = "iterations";
    fake.config[0][1] = configured;
    assert_int_equal(fake_job_run(&fake, jobmill_plugin_v1()), outcome);
    assert_string_equal(outcome == JOBMILL_OK ? fake.result : fake.error, text);
    fake_job_fini(&fake);
}

static void test_known_counts(void **state)
{
    static const struct {
        const char *payload, *result;
    } cases[] = {
        {"{\"iterations\":1}", "{\"iterations\":1,\"value\":0,\"largest_prime\":0}"},
        {"{\"iterations\":2}", "{\"iterations\":2,\"value\":1,\"largest_prime\":2}"},
        {"{\"iterations\":100}", "{\"iterations\":100,\"value\":25,\"largest_prime\":97}"},
        {"{\"iterations\":65537}", "{\"iterations\":65537,\"value\":6543,\"largest_prime\":65537}"},
        {"{\"iterations\":10000000}",
         "{\"iterations\":10000000,\"value\":664579,\"largest_prime\":9999991}"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        compute("7", cases[i].payload, JOBMILL_OK, cases[i].result);
    compute("100000", "null", JOBMILL_OK,
            "{\"iterations\":100000,\"value\":9592,\"largest_prime\":99991}");
    compute("100", "{\"load_test\":true,\"index\":5}", JOBMILL_OK,
            "{\"iterations\":100,\"value\":25,\"largest_prime\":97}");
}

static void test_bad_payloads(void **state)
{
    (void)state;
    compute("7", "{\"iterations\":\"9\"}", JOBMILL_FAIL,
            "payload.iterations: found no integer, expected one");
    compute("7", "{\"iterations\":0}", JOBMILL_FAIL,
            "payload.iterations: found 0, expected 1 to 1000000000");
    compute("7", "{\"iterations\":1000000001}", JOBMILL_FAIL,
            "payload.iterations: found 1000000001, expected 1 to 1000000000");
    compute("-1", "null", JOBMILL_FAIL, "config.iterations: found -1, expected 1 to 1000000000");
    compute("7", "[]", JOBMILL_FAIL,
            "payload: found neither object nor null, expected one of them");
}

static void test_progress_and_cancel(void **state)
{
    struct fake_job fake;

    (void)state;
    fake_job_init(&fake, "{\"iterations\":200000}");
    fake.config[0][0] = "iterations";
    fake.config[0][1] = "1";
    fake.cancel_after = 2;
    assert_int_equal(fake_job_run(&fake, jobmill_plugin_v1()), JOBMILL_CANCELLED);
    assert_int_equal(fake.progress_calls, 2);
    assert_true(fake.percent > 65 && fake.percent < 66);
    assert_null(fake.result);
    fake_job_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_counts),
        cmocka_unit_test(test_bad_payloads),
        cmocka_unit_test(test_progress_and_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
