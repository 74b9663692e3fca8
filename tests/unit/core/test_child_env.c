/* SPDX-License-Identifier: MIT
 * Unit tests of the environment that executors and probes get. */
#include "core/child_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char zone[] = "TZ=Europe/Berlin", secret[] = "DATABASE_URL=postgresql://u:secret@db",
            preload[] = "LD_PRELOAD=/tmp/x.so", other[] = "TZDIR=/tmp";

static void test_without_any_there_are_a_path_and_a_language(void **state)
{
    char *environment[CHILD_ENV_MAX];

    (void)state;
    child_env_fill(NULL, environment);
    assert_string_equal(environment[0], "PATH=/usr/local/bin:/usr/bin:/bin");
    assert_string_equal(environment[1], "LANG=C.UTF-8");
    assert_null(environment[2]);
}

static void test_credentials_stay_behind(void **state)
{
    char *const from[] = {secret, preload, zone, other, NULL};
    char *environment[CHILD_ENV_MAX];

    (void)state;
    child_env_fill(from, environment);
    assert_string_equal(environment[2], zone);
    assert_null(environment[3]);
}

static void test_a_variable_named_many_times_does_not_overflow(void **state)
{
    char *const from[] = {zone, zone, zone, zone, zone, zone, zone, zone, zone, NULL};
    char *environment[CHILD_ENV_MAX];

    (void)state;
    child_env_fill(from, environment);
    assert_ptr_equal(environment[CHILD_ENV_MAX - 2], zone);
    assert_null(environment[CHILD_ENV_MAX - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_any_there_are_a_path_and_a_language),
        cmocka_unit_test(test_credentials_stay_behind),
        cmocka_unit_test(test_a_variable_named_many_times_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
