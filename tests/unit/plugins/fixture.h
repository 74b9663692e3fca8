/* SPDX-License-Identifier: MIT
 * What the tests of plugins share. Each test file includes one plugin's source, so that its entry
 * point is in the test program. */
#ifndef JOBMILL_TESTS_PLUGIN_FIXTURE_H
#define JOBMILL_TESTS_PLUGIN_FIXTURE_H

#include "../../lib/fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* One run with the payload: the result, or the error, must be `text` (NULL: any). */
static inline void expect_run(const char *payload, int32_t outcome, const char *text)
{
    struct fake_job fake;
    const char *said;

    fake_job_init(&fake, payload);
    assert_int_equal(fake_job_run(&fake, jobmill_plugin_v1()), outcome);
    said = outcome == JOBMILL_OK ? fake.result : fake.error;
    assert_non_null(said);
    if (text != NULL)
        assert_string_equal(said, text);
    fake_job_fini(&fake);
}

/* Payloads of the reference project's clients must be accepted. */
static inline void expect_reference_payloads(int32_t outcome)
{
    static const char *const payloads[] = {"null", "{}", "{\"channel\":\"slack\"}",
                                           "{\"source\":\"db\"}",
                                           "{\"load_test\":true,\"index\":5}"};
    size_t i;

    for (i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        expect_run(payloads[i], outcome, NULL);
}

#endif
