/* SPDX-License-Identifier: MIT
 * Values as people write them. */
#include "conf/value.h"

#include "lib/unit.h"

static void reads_durations(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t ms;
    } cases[] = {
        {"0", true, 0},
        {"0s", true, 0},
        {"1ms", true, 1},
        {"500ms", true, 500},
        {"30s", true, 30000},
        {"5m", true, 300000},
        {"2h", true, 7200000},
        {"7d", true, INT64_C(604800000)},
        {"106751991167d", true, INT64_C(106751991167) * 86400000},
        {"106751991168d", false, 0},
        {"99999999999999999999s", false, 0},
        {"30", false, 0},
        {"", false, 0},
        {"s", false, 0},
        {"-1s", false, 0},
        {"+1s", false, 0},
        {"1.5s", false, 0},
        {"1 s", false, 0},
        {"1S", false, 0},
        {"1s ", false, 0},
        {"1w", false, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -7;

        assert_int_equal(value_duration(str_from(cases[i].text), &ms), cases[i].good);
        assert_true(ms == (cases[i].good ? cases[i].ms : -7));
    }
}

static void reads_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"4096", 4096},
        {"64K", 65536},
        {"64KiB", 65536},
        {"1M", 1 << 20},
        {"1MiB", 1 << 20},
        {"2G", INT64_C(2) << 30},
        {"2GiB", INT64_C(2) << 30},
        {"8589934592GiB", -1},
        {"1KB", -1},
        {"1k", -1},
        {"1.5M", -1},
        {"M", -1},
        {"", -1},
        {"-1", -1},
        {"1 M", -1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t bytes = -1;

        assert_int_equal(value_size(str_from(cases[i].text), &bytes), cases[i].bytes >= 0);
        assert_true(bytes == cases[i].bytes);
    }
}

static void reads_percents_and_factors(void **state)
{
    int32_t value;

    (void)state;
    assert_true(value_percent(STR("50%"), &value) && value == 50);
    assert_true(value_percent(STR("0"), &value) && value == 0);
    assert_false(value_percent(STR("%"), &value));
    assert_false(value_percent(STR("-1%"), &value));
    assert_false(value_percent(STR("50%%"), &value));
    assert_false(value_percent(STR("99999999999"), &value));
    assert_true(value_factor(STR("2"), &value) && value == 200);
    assert_true(value_factor(STR("1.5"), &value) && value == 150);
    assert_true(value_factor(STR("1.05"), &value) && value == 105);
    assert_false(value_factor(STR("1.005"), &value));
    assert_false(value_factor(STR("1."), &value));
    assert_false(value_factor(STR(".5"), &value));
    assert_false(value_factor(STR("1.-5"), &value));
    assert_false(value_factor(STR("-1"), &value));
    assert_false(value_factor(STR("1e3"), &value));
    assert_false(value_factor(STR("99999999999999"), &value));
    assert_false(value_factor(STR(""), &value));
}

static void reads_bools_and_reals(void **state)
{
    double real;
    bool yes;

    (void)state;
    assert_true(value_bool(STR("yes"), &yes) && yes);
    assert_true(value_bool(STR("true"), &yes) && yes);
    assert_true(value_bool(STR("off"), &yes) && !yes);
    assert_true(value_bool(STR("0"), &yes) && !yes);
    assert_false(value_bool(STR("maybe"), &yes));
    assert_false(value_bool(STR(""), &yes));
    assert_true(value_real(STR("0.5"), &real) && real == 0.5);
    assert_true(value_real(STR("-1e3"), &real) && real == -1000);
    assert_false(value_real(STR("nan"), &real));
    assert_false(value_real(STR("inf"), &real));
    assert_false(value_real(STR("1e999"), &real));
    assert_false(value_real(STR("0x10"), &real));
    assert_false(value_real(STR("1,5"), &real));
    assert_false(value_real(STR(""), &real));
}

static void writes_what_it_reads(void **state)
{
    char text[VALUE_TEXT_MAX];
    int64_t back;
    struct unit_random random = unit_random_start("writes_what_it_reads");
    int i;

    (void)state;
    value_format_duration(90000, text);
    assert_string_equal(text, "90s");
    value_format_duration(3600000, text);
    assert_string_equal(text, "1h");
    value_format_size(1 << 20, text);
    assert_string_equal(text, "1MiB");
    value_format_size(0, text);
    assert_string_equal(text, "0");
    for (i = 0; i < 1000; i++) {
        int64_t value = (int64_t)(unit_random_next(&random) >> (1 + i % 60));

        value_format_duration(value, text);
        assert_true(value_duration(str_from(text), &back) && back == value);
        value_format_size(value, text);
        assert_true(value_size(str_from(text), &back) && back == value);
    }
}

static void takes_listen_addresses_apart(void **state)
{
    struct listen_address a;

    (void)state;
    assert_null(listen_parse(STR("127.0.0.1:8080"), &a));
    assert_str(a.host, "127.0.0.1");
    assert_int_equal(a.port, 8080);
    assert_true(a.is_loopback && !a.is_v6);
    assert_null(listen_parse(STR("[::1]:0"), &a));
    assert_str(a.host, "::1");
    assert_true(a.is_loopback && a.is_v6 && a.port == 0);
    assert_null(listen_parse(STR("unix:/run/x.sock"), &a));
    assert_str(a.path, "/run/x.sock");
    assert_true(a.is_loopback);
    assert_null(listen_parse(STR("localhost:1"), &a));
    assert_true(a.is_loopback);
    assert_null(listen_parse(STR("[::ffff:127.0.0.1]:1"), &a));
    assert_true(a.is_loopback);
}

static void knows_public_addresses(void **state)
{
    static const char *const addresses[] = {"0.0.0.0:80",           "[::]:80",
                                            "10.0.0.1:80",          "example.org:80",
                                            "[::ffff:10.0.0.1]:80", "127.0.0.1.example.org:80"};
    struct listen_address a;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        assert_null(listen_parse(str_from(addresses[i]), &a));
        assert_false(a.is_loopback);
    }
}

static void refuses_bad_addresses(void **state)
{
    static const char *const addresses[] = {
        "",      "8080",         "127.0.0.1",    "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
        ":80",   "::1:80",       "[::1]",        "[x]:80",     "[]:80",       "a b:80",
        "unix:", "127.0.0.1:-0", "127.0.0.1:-1", "[::1:80",    "host\n:80",   "h/x:80",
    };
    struct listen_address a;
    char longest[200] = "unix:";
    size_t i;

    (void)state;
    for (i = 0; i < sizeof addresses / sizeof *addresses; i++)
        assert_non_null(listen_parse(str_from(addresses[i]), &a));
    for (i = 5; i < 5 + 107; i++)
        longest[i] = 'x';
    assert_null(listen_parse(str_from(longest), &a));
    longest[i] = 'x';
    assert_non_null(listen_parse(str_from(longest), &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(reads_percents_and_factors),
        cmocka_unit_test(reads_bools_and_reals),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(takes_listen_addresses_apart),
        cmocka_unit_test(knows_public_addresses),
        cmocka_unit_test(refuses_bad_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
