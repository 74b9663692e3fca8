/* SPDX-License-Identifier: MIT
 * Tests of the clocks and of RFC 3339 text. */
#include "base/clock.h"

#include "lib/unit.h"

static void formats(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951827696789, "2000-02-29T12:34:56.789Z"},
        {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    char text[TIME_TEXT_LEN + 1];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        time_format(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void parses(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.5Z", 500},
        {"2000-02-29T12:34:56.789Z", 951827696789},
        {"2000-02-29t12:34:56.789999z", 951827696789},
        {"2000-02-29 12:34:56.78Z", 951827696780},
        {"2000-02-29T14:34:56.789+02:00", 951827696789},
        {"2000-02-29T07:04:56.789-05:30", 951827696789},
        {"1970-01-01T00:00:00+01:00", -3600000},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
    };
    int64_t ms;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(time_parse(str_from(cases[i].text), &ms));
        assert_true(ms == cases[i].ms);
    }
}

static void refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "now",
        "2000-02-29",
        "2000-02-29T12:34Z",
        "2000-02-29T12:34:56",
        "2000-02-29T12:34:56.Z",
        "2000-02-29T12:34:56Zx",
        "2000-02-29T12:34:56+0200",
        "2000-02-29T12:34:56+2",
        "2000-02-29T12:34:56+24:00",
        "2000-02-29T12:34:56+02:60",
        "2000-02-29T24:00:00Z",
        "2000-02-29T12:60:00Z",
        "2000-02-29T12:34:61Z",
        "2001-02-29T12:34:56Z",
        "1900-02-29T12:34:56Z",
        "2100-02-29T00:00:00Z",
        "2000-00-10T12:34:56Z",
        "2000-13-10T12:34:56Z",
        "2000-04-31T12:34:56Z",
        "2000-01-00T12:34:56Z",
        "2000-1-01T12:34:56Z",
        "1969-12-31T23:59:59Z",
        "-200-01-01T00:00:00Z",
        "2000-02-29T12:34:56,5Z",
        " 2000-02-29T12:34:56Z",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms = 7;

        if (time_parse(str_from(bad[i]), &ms))
            fail_msg("accepted %s", bad[i]);
    }
    assert_false(time_parse(STR_NONE, &(int64_t){0}));
}

/* Every day from 1970 to 2400, and random moments, survive the trip through text. */
static void round_trips(void **state)
{
    struct unit_random r = unit_random_start("clock");
    char text[TIME_TEXT_LEN + 1];
    int64_t day, ms, back;

    (void)state;
    for (day = 0; day < 157055; day++) {
        ms = day * 86400000 + (int64_t)unit_random_below(&r, 86400000);
        time_format(ms, text);
        assert_true(time_parse(str_from(text), &back));
        assert_true(back == ms);
    }
}

static void clocks_go_forward(void **state)
{
    int64_t mono = clock_mono_ns(), boot = clock_boot_ns();
    int i;

    (void)state;
    assert_true(clock_wall_ms() > INT64_C(1700000000000));
    for (i = 0; i < 1000; i++) {
        int64_t m = clock_mono_ns(), b = clock_boot_ns();

        assert_true(m >= mono && b >= boot);
        mono = m;
        boot = b;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),           cmocka_unit_test(parses),
        cmocka_unit_test(refuses),           cmocka_unit_test(round_trips),
        cmocka_unit_test(clocks_go_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
