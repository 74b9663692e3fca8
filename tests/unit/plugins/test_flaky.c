/* SPDX-License-Identifier: MIT
 * The plugin `flaky`. */
#include "../../../plugins/flaky/flaky.c"

#include "fixture.h"

static int32_t flaky(struct fake_job *fake, const char *payload)
{
    fake_job_init(fake, payload);
    fake->config[0][0] = "failure_rate";
    fake->config[0][1] = "0";
    return fake_job_run(fake, jobmill_plugin_v1());
}

static void expect(const char *payload, int32_t outcome, const char *text)
{
    struct fake_job fake;

    assert_int_equal(flaky(&fake, payload), outcome);
    assert_string_equal(outcome == JOBMILL_OK ? fake.result : fake.error, text);
    fake_job_fini(&fake);
}

static void test_certain_outcomes(void **state)
{
    (void)state;
    expect("null", JOBMILL_OK, "{\"attempt\":1,\"failure_rate\":0}");
    expect("{\"failure_rate\":0.0}", JOBMILL_OK, "{\"attempt\":1,\"failure_rate\":0}");
    expect("{\"failure_rate\":1}", JOBMILL_RETRY, "failed on purpose: attempt 1, failure_rate 1");
    expect("{\"failure_rate\":1.0,\"permanent\":true}", JOBMILL_FAIL,
           "failed on purpose: attempt 1, failure_rate 1, permanent");
    expect("{\"load_test\":true,\"index\":5}", JOBMILL_OK, "{\"attempt\":1,\"failure_rate\":0}");
}

static void test_refusals(void **state)
{
    (void)state;
    expect("{\"failure_rate\":\"x\"}", JOBMILL_FAIL,
           "payload.failure_rate: found no number, expected 0.0 to 1.0");
    expect("{\"failure_rate\":1.5}", JOBMILL_FAIL,
           "payload.failure_rate: found 1.5, expected 0.0 to 1.0");
    expect("{\"permanent\":1}", JOBMILL_FAIL,
           "payload.permanent: found no boolean, expected true or false");
    expect("[]", JOBMILL_FAIL, "payload: found neither object nor null, expected one of them");
}

/* 4000 runs at 0.3: 1200 expected, standard deviation 29; beyond six of them is a defect. */
static void test_the_rate_is_kept(void **state)
{
    struct fake_job fake;
    int failed = 0, i;

    (void)state;
    for (i = 0; i < 4000; i++) {
        failed += flaky(&fake, "{\"failure_rate\":0.3}") == JOBMILL_RETRY;
        fake_job_fini(&fake);
    }
    assert_in_range(failed, 1200 - 174, 1200 + 174);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certain_outcomes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_the_rate_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
