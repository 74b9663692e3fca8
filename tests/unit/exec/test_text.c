/* SPDX-License-Identifier: MIT
 * Tests of text from handlers. */
#include "exec/text.h"

#include "lib/unit.h"

#include <stdlib.h>
#include <string.h>

static void check(struct str in, size_t max, const char *expected)
{
    struct buf out = BUF_INIT;

    text_clean(&out, in, max);
    assert_str(buf_str(&out), expected);
    buf_free(&out);
}

static void good_text_stays(void **state)
{
    (void)state;
    check(STR("hello"), 100, "hello");
    check(STR("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), 100, "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
    check(STR(""), 100, "");
    check(STR_NONE, 100, "");
}

static void cuts_between_characters(void **state)
{
    (void)state;
    check(STR("abcdef"), 3, "abc");
    check(STR("ab\xC3\xBC"), 3, "ab");
    check(STR("\xF0\x9F\x98\x80\xF0\x9F\x98\x80"), 7, "\xF0\x9F\x98\x80");
    check(STR("\xF0\x9F\x98\x80"), 3, "");
}

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    check(STR("a\xFF"
              "b"),
          100,
          "a\xEF\xBF\xBD"
          "b");
    check(STR("cut \xC3"), 100, "cut \xEF\xBF\xBD");
    check(STR("\xED\xA0\x80"), 100, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    check((struct str){"a\0b", 3}, 100,
          "a\xEF\xBF\xBD"
          "b");
    check(STR("ab\xFF"), 4, "ab"); /* a replacement is longer than what it replaces */
}

static void random_bytes_become_utf8(void **state)
{
    struct unit_random r = unit_random_start("text");
    struct buf out = BUF_INIT;
    int round;

    (void)state;
    for (round = 0; round < 20000; round++) {
        size_t len = unit_random_below(&r, 40), max = unit_random_below(&r, 50), i;
        char *exact = malloc(len + 1); /* exactly sized but for one: sanitizers see beyond */

        assert_non_null(exact);
        for (i = 0; i < len; i++)
            exact[i + 1] = (char)(unit_random_next(&r) | (i % 2 ? 0x80 : 0));
        text_clean(&out, (struct str){exact + 1, len}, max);
        assert_true(out.len <= max);
        assert_true(str_is_utf8(buf_str(&out)));
        free(exact);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text_stays),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(random_bytes_become_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
