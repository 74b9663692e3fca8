/* SPDX-License-Identifier: MIT
 * What people read: made safe, measured, aligned. */
#include "cli/table.h"

#include "lib/unit.h"

#include <locale.h>
#include <string.h>

static void makes_text_safe(void **state)
{
    static const struct {
        const char *text, *safe;
    } cases[] = {
        {"plain", "plain"},
        {"two\nlines\tand", "two\\nlines\\tand"},
        {"\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m"},
        {"bell\a\b\r\x7F", "bell\\x07\\x08\\x0d\\x7f"},
        {"\xC2\x9B"
         "31m",
         "\\x9b31m"}, /* C1 in UTF-8 */
        {"\x9B"
         "31m",
         "\\x9b31m"},   /* and as a bare byte */
        {"\xE2\x80\xAE" /* NOLINT(misc-misleading-bidirectional): the point of this line */
         "evil",
         "\\u202eevil"}, /* reverses what follows */
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"cut \xE2\x82", "cut \\xe2\\x82"},
        {"\xED\xA0\x80", "\\xed\\xa0\\x80"},
        {"\xC0\xAF", "\\xc0\\xaf"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT;

        text_add_safe(&out, str_from(cases[i].text));
        assert_str(buf_str(&out), cases[i].safe);
        buf_free(&out);
    }
}

/* Whatever the bytes, the result is UTF-8 without control characters. */
static void safe_text_is_safe(void **state)
{
    struct unit_random random = unit_random_start("safe_text_is_safe");
    int round;

    (void)state;
    for (round = 0; round < 5000; round++) {
        char bytes[24];
        size_t n = unit_random_below(&random, sizeof bytes), i;
        struct buf out = BUF_INIT;

        for (i = 0; i < n; i++)
            bytes[i] = (char)unit_random_next(&random);
        text_add_safe(&out, (struct str){bytes, n});
        assert_true(str_is_utf8(buf_str(&out)));
        for (i = 0; i < out.len; i++)
            assert_true((unsigned char)out.ptr[i] >= 0x20 && out.ptr[i] != 0x7F);
        buf_free(&out);
    }
}

static void says_how_long_ago(void **state)
{
    static const struct {
        int64_t then, now;
        const char *text;
    } cases[] = {
        {0, 999, "now"},         {999, 0, "now"},      {0, 1000, "1s ago"},
        {0, 59999, "59s ago"},   {0, 60000, "1m ago"}, {0, 7200000, "2h ago"},
        {0, 86400000, "1d ago"}, {120000, 0, "in 2m"},
    };
    char out[TEXT_RELATIVE_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_relative(cases[i].then, cases[i].now, out);
        assert_string_equal(out, cases[i].text);
    }
}

/* The table as text. */
static void print_table(const struct table *t, char *out, size_t size)
{
    FILE *f = fmemopen(out, size, "w");

    assert_non_null(f);
    table_print(t, f, false);
    fclose(f);
}

static void aligns_columns(void **state)
{
    static const char *const heads[] = {"NAME", "N", "LAST"};
    char text[1024];
    struct table t;

    (void)state;
    table_init(&t, heads, 3);
    table_add(&t, STR("\xE4\xB8\xAD\xE6\x96\x87\xC3\xA9")); /* 2 + 2 + 1 columns */
    table_addf(&t, "%d", 5);
    table_add(&t, STR("x"));
    table_add(&t, STR("longer"));
    table_add(&t, STR_NONE);
    table_add(&t, STR(""));
    print_table(&t, text, sizeof text);
    assert_string_equal(text, "NAME    N  LAST\n"
                              "\xE4\xB8\xAD\xE6\x96\x87\xC3\xA9   5  x\n"
                              "longer  -  -\n");
    table_fini(&t);
}

static void cuts_long_cells(void **state)
{
    static const char *const heads[] = {"X"};
    char long_text[3 * TABLE_CELL_MAX + 1] = "", text[1024];
    struct table t;
    size_t i;

    (void)state;
    for (i = 0; i < TABLE_CELL_MAX + 1; i++)
        memcpy(long_text + 3 * i - (i > TABLE_CELL_MAX - 1 ? 3 : 0), "\xE2\x82\xAC", 4);
    table_init(&t, heads, 1);
    table_add(&t, str_from(long_text)); /* exactly as wide as allowed */
    memset(long_text, 'y', sizeof long_text - 1);
    table_add(&t, str_from(long_text));
    print_table(&t, text, sizeof text);
    assert_true(str_is_utf8(str_from(text)));
    assert_int_equal(text_width(str_from(strstr(text, "yyy"))), TABLE_CELL_MAX + 1); /* newline */
    assert_non_null(strstr(text, "y\xE2\x80\xA6\n"));
    assert_null(strstr(text, "\xE2\x82\xAC\xE2\x80\xA6"));
    table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_text_safe),   cmocka_unit_test(safe_text_is_safe),
        cmocka_unit_test(says_how_long_ago), cmocka_unit_test(aligns_columns),
        cmocka_unit_test(cuts_long_cells),
    };

    uselocale(newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
