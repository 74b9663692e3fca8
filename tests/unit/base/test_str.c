/* SPDX-License-Identifier: MIT
 * Tests of borrowed strings and growing buffers. */
#include "base/str.h"

#include "lib/unit.h"

#include <stdlib.h>
#include <string.h>

static void compares(void **state)
{
    (void)state;
    assert_true(str_eq(STR("abc"), STR("abc")));
    assert_false(str_eq(STR("abc"), STR("abd")));
    assert_false(str_eq(STR("abc"), STR("ab")));
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_is(STR("a"), "a"));
    assert_true(str_is(STR_NONE, NULL));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
    assert_true(str_starts(STR("redis://x"), "redis:"));
    assert_false(str_starts(STR("re"), "redis:"));
    assert_true(str_starts(STR_NONE, ""));
    assert_null(str_from(NULL).ptr);
}

static void trims(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
    assert_str(str_trim(STR("a")), "a");
    assert_int_equal(str_trim(STR(" \t ")).len, 0);
    assert_int_equal(str_trim(STR_NONE).len, 0);
}

static void reads_integers(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
        {"--1", false, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 42;

        assert_int_equal(str_to_i64(str_from(cases[i].text), &value), cases[i].good);
        assert_true(value == (cases[i].good ? cases[i].value : 42));
    }
}

static void knows_utf8(void **state)
{
    static const char *const good[] = {"",
                                       "plain",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "\x7F",
                                       "\xE2\x82\xAC!"};
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\xAF",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2\x41",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xE2\x82",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFE",
                                      "\xFF",
                                      "\xF0\x90\x80",
                                      "ok\xE2\x28\xA1"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(str_is_utf8(str_from(good[i])));
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_is_utf8(str_from(bad[i])));
    assert_false(str_is_utf8(STR("a\0b")));
}

static void suggests_the_nearest(void **state)
{
    static const char *const words[] = {"timeout", "max_retries", "pool", "plugin"};
    char longest[100];

    (void)state;
    assert_string_equal(str_nearest(STR("timout"), words, 4), "timeout");
    assert_string_equal(str_nearest(STR("max_retry"), words, 4), "max_retries");
    assert_string_equal(str_nearest(STR("plugins"), words, 4), "plugin");
    assert_string_equal(str_nearest(STR("pool"), words, 4), "pool");
    assert_null(str_nearest(STR("something"), words, 4));
    assert_null(str_nearest(STR(""), words, 0));
    memset(longest, 'p', sizeof longest);
    assert_null(str_nearest((struct str){longest, sizeof longest}, words, 4));
}

static void buffers_grow(void **state)
{
    struct buf b = BUF_INIT;
    int i;

    (void)state;
    assert_str(buf_str(&b), "");
    buf_adds(&b, "a");
    buf_addc(&b, 'b');
    buf_addstr(&b, STR("cd"));
    buf_addstr(&b, STR_NONE);
    buf_addf(&b, "%d-%s", 7, "x");
    buf_add_i64(&b, INT64_MIN);
    buf_add_i64(&b, 0);
    buf_add_i64(&b, INT64_MAX);
    assert_str(buf_str(&b), "abcd7-x-922337203685477580809223372036854775807");
    assert_int_equal(b.ptr[b.len], '\0');
    buf_reset(&b);
    assert_str(buf_str(&b), "");
    for (i = 0; i < 10000; i++)
        buf_addf(&b, "%04d", i);
    assert_int_equal(b.len, 40000);
    assert_memory_equal(b.ptr + 39996, "9999", 5);
    assert_false(b.failed);
    buf_free(&b);
    assert_null(b.ptr);
    buf_free(&b);
}

static void buffer_failure_sticks(void **state)
{
    static const size_t absurd[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 2 - 1};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        struct buf b = BUF_INIT;

        buf_adds(&b, "kept");
        assert_null(buf_reserve(&b, absurd[i]));
        assert_true(b.failed);
        buf_adds(&b, "lost");
        buf_addf(&b, "%d", 1);
        assert_str(buf_str(&b), "kept");
        buf_reset(&b);
        buf_adds(&b, "again");
        assert_str(buf_str(&b), "again");
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(trims),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(suggests_the_nearest),
        cmocka_unit_test(buffers_grow),
        cmocka_unit_test(buffer_failure_sticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
