/* SPDX-License-Identifier: MIT
 * The JSON scanner against jansson: a fixed corpus, then random mutations of it. */
#include "lib/json_oracle.h"
#include "lib/unit.h"

#include <stdlib.h>
#include <string.h>

#define MUTATIONS 30000
#define TEXT_MAX  4096

static const char *const good[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "1e5",
    "1E-5",
    "123456789012345678",
    "\"\"",
    "\"a\\u0041\\n\"",
    "[]",
    "{}",
    "[[[[[]]]]]",
    "[1,2.5,-3e2,null,true,false,\"x\",[],{}]",
    "{\"type\":\"email\",\"payload\":{\"to\":\"a@b.c\",\"n\":[1,2,3]},\"priority\":5}",
    "{\"channel\":\"slack\",\"load_test\":true,\"iterations\":100000,\"failure_rate\":0.25}",
    " \t\r\n{ \"a\" : [ 1 , { \"b\" : { } } , [ ] ] , \"c\" : \"d\" } \n",
    "\"\\ud83d\\ude00 \xF0\x9F\x98\x80 \xE2\x82\xAC \xC3\xA9\"",
    /* more names than are compared pairwise */
    ("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11,"
     "\"l\":12,\"m\":13,\"n\":14}"),
    "[9223372036854775807,-9223372036854775808,1.7976931348623157e308,4.9e-324,1e-999]",
    "{\"\":{\"\":{\"\":{\"\":[[{\"deep\":\"\\\\\\\"/\\/\"}]]}}}}",
};

static const char *const bad[] = {
    "",
    " ",
    "nul",
    "True",
    "+1",
    "01",
    "-01",
    "1.",
    ".1",
    "1e",
    "1e+",
    "--1",
    "0x1",
    "1 2",
    "[",
    "]",
    "{",
    "}",
    "[1,",
    "[1,]",
    "[,1]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{\"a\":1 2}",
    "\"",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"\n\"",
    "\"\x80\"",
    "\"\xC0\xAF\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xE2\x82\"",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "[1]]",
    "{}{}",
    "\"\\u0000\"",
    "{\"\\u0000\":1}",
    "9223372036854775808",
    "-9223372036854775809",
    "1e309",
    "-1e309",
    "'a'",
    "/**/1",
    "NaN",
    "Infinity",
    "\xEF\xBB\xBF{}",
    "\v1",
    "\f1",
    "[1;2]",
    "{\"a\"=1}",
    "1,2",
    "[}",
    "{]",
    "\"a\" \"b\"",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void show(struct str text, const struct buf *why)
{
    size_t i;

    print_error("text of %zu bytes: ", text.len);
    for (i = 0; i < text.len; i++)
        print_error((unsigned char)text.ptr[i] >= 0x20 && (unsigned char)text.ptr[i] < 0x7F
                        ? "%c"
                        : "\\x%02x",
                    (unsigned char)text.ptr[i]);
    print_error("\n%s\n", why->ptr == NULL ? "" : why->ptr);
}

static enum oracle_verdict judge(struct str text)
{
    struct buf why = BUF_INIT;
    enum oracle_verdict verdict = json_oracle(text, &why);

    if (verdict == ORACLE_DIFFER)
        show(text, &why);
    buf_free(&why);
    assert_int_not_equal(verdict, ORACLE_DIFFER);
    return verdict;
}

static void corpus_agrees(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++)
        assert_int_equal(judge(str_from(good[i])), ORACLE_BOTH_ACCEPT);
    for (i = 0; i < COUNT(bad); i++)
        assert_int_equal(judge(str_from(bad[i])), ORACLE_BOTH_REFUSE);
    assert_int_equal(judge(STR("[\"\0\"]")), ORACLE_BOTH_REFUSE);
    assert_int_equal(judge(STR("1\0")), ORACLE_BOTH_REFUSE);
}

/* The only rules that jansson does not share. */
static void stricter_rules_are_known(void **state)
{
    struct buf deep = BUF_INIT, real = BUF_INIT;
    int i;

    (void)state;
    for (i = 0; i < 65; i++)
        buf_addc(&deep, '[');
    for (i = 0; i < 65; i++)
        buf_addc(&deep, ']');
    assert_int_equal(judge(buf_str(&deep)), ORACLE_STRICTER);
    buf_addf(&real, "1.%0600d", 1);
    assert_int_equal(judge(buf_str(&real)), ORACLE_STRICTER);
    buf_free(&deep);
    buf_free(&real);
}

struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

static void splice(struct text *t, size_t at, size_t cut, const char *with, size_t len)
{
    if (cut > t->len - at)
        cut = t->len - at;
    if (t->len - cut + len > TEXT_MAX)
        return;
    memmove(t->bytes + at + len, t->bytes + at + cut, t->len - at - cut);
    memcpy(t->bytes + at, with, len);
    t->len = t->len - cut + len;
}

/* One small change: a byte, a token, a cut, a repeated piece, or a piece of another text. */
static void mutate(struct text *t, struct unit_random *r)
{
    static const char *const tokens[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"",
                                         "\\",
                                         "\\u",
                                         "\\ud83d",
                                         "\\ude00",
                                         "\\u0000",
                                         "null",
                                         "true",
                                         "-",
                                         "0",
                                         "1",
                                         "e",
                                         "E+",
                                         ".",
                                         "9223372036854775807",
                                         "\"a\":1,",
                                         "\"\"",
                                         " ",
                                         "\n",
                                         "\xC3\xA9",
                                         "\xED\xA0\x80",
                                         "\xF0\x9F",
                                         "[[[[[[[[[[[[[[[[",
                                         "]]]]]]]]]]]]]]]]",
                                         "\"a\":",
                                         "{}"};
    size_t at = unit_random_below(r, t->len + 1);
    struct str other = str_from(good[unit_random_below(r, COUNT(good))]);
    const char *token = tokens[unit_random_below(r, COUNT(tokens))];
    char byte = (char)unit_random_next(r), piece[64];
    size_t n = unit_random_below(r, sizeof piece), from = unit_random_below(r, other.len);

    switch (unit_random_below(r, 6)) {
    case 0:
        splice(t, at, 1, &byte, 1);
        break;
    case 1:
        splice(t, at, unit_random_below(r, 2), token, strlen(token));
        break;
    case 2:
        splice(t, at, unit_random_below(r, 8), "", 0);
        break;
    case 3:
        n = n < t->len - at ? n : t->len - at;
        memcpy(piece, t->bytes + at, n);
        splice(t, unit_random_below(r, t->len + 1), 0, piece, n);
        break;
    case 4:
        splice(t, at, 0, other.ptr, other.len);
        break;
    default:
        splice(t, at, n, other.ptr + from, n < other.len - from ? n : other.len - from);
    }
}

static void mutations_agree(void **state)
{
    struct unit_random r = unit_random_start("json mutations");
    size_t seen[4] = {0};
    int i;

    (void)state;
    for (i = 0; i < MUTATIONS; i++) {
        struct str start = str_from(i % 8 == 0 ? bad[unit_random_below(&r, COUNT(bad))]
                                               : good[unit_random_below(&r, COUNT(good))]);
        size_t steps = 1 + unit_random_below(&r, 4), step;
        struct text t = {.len = start.len};
        char *exact;

        memcpy(t.bytes, start.ptr, start.len);
        for (step = 0; step < steps; step++)
            mutate(&t, &r);
        exact = malloc(t.len + 1); /* so that the sanitizer sees a read past the end */
        assert_non_null(exact);
        memcpy(exact + 1, t.bytes, t.len);
        seen[judge((struct str){exact + 1, t.len})]++;
        free(exact);
    }
    print_message("%d mutations: both accept %zu, both refuse %zu, stricter %zu\n", MUTATIONS,
                  seen[ORACLE_BOTH_ACCEPT], seen[ORACLE_BOTH_REFUSE], seen[ORACLE_STRICTER]);
    /* a mutator that makes only rubbish, or nothing new, tests nothing */
    assert_true(seen[ORACLE_BOTH_ACCEPT] > MUTATIONS / 20);
    assert_true(seen[ORACLE_BOTH_REFUSE] > MUTATIONS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_agrees),
        cmocka_unit_test(stricter_rules_are_known),
        cmocka_unit_test(mutations_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
