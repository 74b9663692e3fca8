/* SPDX-License-Identifier: MIT
 * Tests of the JSON scanner: each rule and message, and reading of the tokens. */
#include "json/scan.h"

#include "lib/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* Scans what must be good. */
static struct json_doc scan(struct str text)
{
    struct json_doc doc = {STR_NONE, NULL, 0};
    struct err e = {0};

    if (json_scan(&arena, text, &doc, &e) != 0)
        fail_msg("%.*s: %s", STR_ARG(text), e.text);
    return doc;
}

/* Scans what must be refused with exactly this message. */
static void refuse(struct str text, const char *message)
{
    struct json_doc doc;
    struct err e = {0};

    assert_int_equal(json_scan(&arena, text, &doc, &e), ERR_INVALID);
    assert_string_equal(e.text, message);
    assert_int_equal(json_scan(&arena, text, &doc, NULL), ERR_INVALID);
}

static void tokens_stand_in_order(void **state)
{
    struct json_doc doc = scan(STR(" {\"a\":[1,2.5,\"x\"],\"b\":{\"c\":null},\"d\":true} "));
    const struct json_tok *root = doc.toks, *a, *item;

    (void)state;
    assert_int_equal(doc.n, 12);
    assert_int_equal(root->kind, JSON_OBJECT);
    assert_int_equal(root->count, 3);
    assert_int_equal(root->end, doc.n);
    assert_str(json_raw(&doc, root), "{\"a\":[1,2.5,\"x\"],\"b\":{\"c\":null},\"d\":true}");
    a = json_member(&doc, root, "a");
    assert_int_equal(a->kind, JSON_ARRAY);
    assert_int_equal(a->count, 3);
    assert_str(json_raw(&doc, a), "[1,2.5,\"x\"]");
    item = a + 1;
    assert_int_equal(item->kind, JSON_INT);
    item = json_next(&doc, item);
    assert_int_equal(item->kind, JSON_REAL);
    item = json_next(&doc, item);
    assert_str(json_raw(&doc, item), "\"x\"");
    assert_str(json_text(&doc, item, &arena), "x");
    assert_int_equal(json_member(&doc, root, "d")->kind, JSON_TRUE);
    assert_null(json_member(&doc, root, "c"));
    assert_int_equal(json_member(&doc, json_member(&doc, root, "b"), "c")->kind, JSON_NULL);
}

static void any_value_is_a_document(void **state)
{
    static const struct {
        const char *text;
        enum json_kind kind;
    } cases[] = {
        {"null", JSON_NULL}, {"true", JSON_TRUE},   {" false ", JSON_FALSE}, {"-0", JSON_INT},
        {"1e3", JSON_REAL},  {"\"\"", JSON_STRING}, {"[ ]", JSON_ARRAY},     {"{\n}", JSON_OBJECT},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(scan(str_from(cases[i].text)).toks[0].kind, cases[i].kind);
}

static void says_where_and_what(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "line 1 column 1: found the end of the text, expected a value"},
        {"  \n ", "line 2 column 2: found the end of the text, expected a value"},
        {"{\"a\":1,\n \"b\" 2}", "line 2 column 6: found '2', expected ':'"},
        {"[1,\n2,\n\n  oops]", "line 4 column 3: found 'o', expected a value"},
        {"{\"a\":1 \"b\":2}", "line 1 column 8: found '\"', expected ',' or '}'"},
        {"[1 2]", "line 1 column 4: found '2', expected ',' or ']'"},
        {"[1,]", "line 1 column 4: found ']', expected a value"},
        {"{\"a\":1,}", "line 1 column 8: found '}', expected a member name in quotes"},
        {"{a:1}", "line 1 column 2: found 'a', expected a member name in quotes"},
        {"{1:1}", "line 1 column 2: found '1', expected a member name in quotes"},
        {"{\"a\"", "line 1 column 5: found the end of the text, expected ':'"},
        {"{\"a\":", "line 1 column 6: found the end of the text, expected a value"},
        {"[1", "line 1 column 3: found the end of the text, expected ',' or ']'"},
        {"{} {}", "line 1 column 4: found '{', expected the end of the text"},
        {"1 2", "line 1 column 3: found '2', expected the end of the text"},
        {"]", "line 1 column 1: found ']', expected a value"},
        {"[1}", "line 1 column 3: found '}', expected ',' or ']'"},
        {"nul", "line 1 column 1: found 'n', expected a value"},
        {"nullx", "line 1 column 5: found 'x', expected the end of the text"},
        {"True", "line 1 column 1: found 'T', expected a value"},
        {"NaN", "line 1 column 1: found 'N', expected a value"},
        {"Infinity", "line 1 column 1: found 'I', expected a value"},
        {"'a'", "line 1 column 1: found ''', expected a value"},
        {"// x\n1", "line 1 column 1: found '/', expected a value"},
        {"\xEF\xBB\xBF{}", "line 1 column 1: found byte 0xef, expected a value"},
        {"\v1", "line 1 column 1: found byte 0x0b, expected a value"},
        {"+1", "line 1 column 1: found '+', expected a value"},
        {".5", "line 1 column 1: found '.', expected a value"},
        {"-", "line 1 column 2: found the end of the text, expected a digit"},
        {"-a", "line 1 column 2: found 'a', expected a digit"},
        {"1.",
         "line 1 column 3: found the end of the text, expected a digit after the decimal point"},
        {"1.e1", "line 1 column 3: found 'e', expected a digit after the decimal point"},
        {"1e", "line 1 column 3: found the end of the text, expected a digit in the exponent"},
        {"1e+", "line 1 column 4: found the end of the text, expected a digit in the exponent"},
        {"[01]",
         "line 1 column 2: found a number with a leading zero, expected a number without one"},
        {"-00",
         "line 1 column 1: found a number with a leading zero, expected a number without one"},
        {"0x10", "line 1 column 2: found 'x', expected the end of the text"},
        {"\"abc", "line 1 column 1: found a string that does not end, expected a closing quote"},
        {"\"abc\\\"",
         "line 1 column 1: found a string that does not end, expected a closing quote"},
        {"\"a\nb\"", "line 1 column 3: found byte 0x0a, expected an escape instead of a control "
                     "character"},
        {"\"a\tb\"", "line 1 column 3: found byte 0x09, expected an escape instead of a control "
                     "character"},
        {"\"\\x\"", "line 1 column 3: found 'x', expected one of \" \\ / b f n r t u after a "
                    "backslash"},
        {"\"\\U0041\"", "line 1 column 3: found 'U', expected one of \" \\ / b f n r t u after a "
                        "backslash"},
        {"\"\\", "line 1 column 3: found the end of the text, expected one of \" \\ / b f n r t u "
                 "after a backslash"},
        {"\"\\u12\"",
         "line 1 column 4: found a broken \\u escape, expected four hexadecimal digits"},
        {"\"\\u12G4\"",
         "line 1 column 4: found a broken \\u escape, expected four hexadecimal digits"},
        {"\"\\u", "line 1 column 4: found a broken \\u escape, expected four hexadecimal digits"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(str_from(cases[i].text), cases[i].message);
}

/* The rules that go beyond RFC 8259: what a handler would suffer from is refused at the edge. */
static void is_stricter_than_the_rfc(void **state)
{
    (void)state;
    refuse(STR("\"a\\u0000b\""), "line 1 column 3: found \\u0000, expected text without NUL");
    refuse(STR("\"a\0b\""), "line 1 column 3: found byte 0x00, expected an escape instead of a "
                            "control character");
    refuse(STR("1\0"), "line 1 column 2: found byte 0x00, expected the end of the text");
    refuse(STR("\"\\"
               "\0\""),
           "line 1 column 3: found byte 0x00, expected one of \" \\ / b f n r t u after a "
           "backslash");
    refuse(STR("9223372036854775808"), "line 1 column 1: found a number out of range, expected an "
                                       "integer that fits in 64 bits");
    refuse(STR("[-9223372036854775809]"), "line 1 column 2: found a number out of range, expected "
                                          "an integer that fits in 64 bits");
    refuse(STR("1e309"),
           "line 1 column 1: found a number out of range, expected a real that fits in a double");
    refuse(STR("-1e999999999"),
           "line 1 column 1: found a number out of range, expected a real that fits in a double");
    refuse(STR("{\"a\":1,\"b\":2,\"a\":3}"),
           "line 1 column 14: found a second \"a\", expected each member name once");
    refuse(STR("{\"x\":{\"a\":1,\n\"\\u0061\":3}}"),
           "line 2 column 1: found a second \"a\", expected each member name once");
    refuse(STR("{\"\":1,\"\":2}"),
           "line 1 column 7: found a second \"\", expected each member name once");
    refuse(STR("\"\\ud800\""),
           "line 1 column 2: found a lone high surrogate, expected a low surrogate after it");
    refuse(STR("\"\\ud800x\\udc00\""),
           "line 1 column 2: found a lone high surrogate, expected a low surrogate after it");
    refuse(STR("\"\\ud800\\ud800\""),
           "line 1 column 2: found a lone high surrogate, expected a low surrogate after it");
    refuse(STR("\"\\uDBFF\\u0041\""),
           "line 1 column 2: found a lone high surrogate, expected a low surrogate after it");
    refuse(STR("\"a\\udc00\""),
           "line 1 column 3: found a lone low surrogate, expected a high surrogate before it");
    refuse(STR("\"\\ud800\\u12\""),
           "line 1 column 10: found a broken \\u escape, expected four hexadecimal digits");
    refuse(STR("[\"\xC0\xAF\"]"),
           "line 1 column 2: found a string that is not UTF-8, expected valid UTF-8");
    refuse(STR("\"\xED\xA0\x80\""),
           "line 1 column 1: found a string that is not UTF-8, expected valid UTF-8");
    refuse(STR("{\"\xFF\":1}"),
           "line 1 column 2: found a string that is not UTF-8, expected valid UTF-8");
}

static void long_reals_are_bounded(void **state)
{
    char text[600];

    (void)state;
    memset(text, '1', sizeof text);
    text[1] = '.';
    assert_int_equal(scan((struct str){text, 511}).toks[0].kind, JSON_REAL);
    refuse((struct str){text, 512},
           "line 1 column 1: found a number out of range, expected a real that fits in a double");
}

/* `depth` brackets of one kind around nothing. */
static struct str nested(char *text, size_t depth, const char *open, const char *close)
{
    struct buf b = {text, 0, 8192, false};
    size_t i;

    for (i = 0; i < depth; i++)
        buf_adds(&b, open);
    for (i = 0; i < depth; i++)
        buf_adds(&b, close);
    return buf_str(&b);
}

static void depth_is_bounded(void **state)
{
    char *text = malloc(8192);
    struct str million = {malloc(1000000), 1000000};

    (void)state;
    assert_non_null(text);
    assert_non_null(million.ptr);
    assert_int_equal(scan(nested(text, JSON_DEPTH_MAX, "[", "]")).n, JSON_DEPTH_MAX);
    refuse(nested(text, JSON_DEPTH_MAX + 1, "[", "]"),
           "line 1 column 65: found deeper nesting, expected at most 64 levels");
    refuse(nested(text, JSON_DEPTH_MAX + 1, "{\"a\":", "}"),
           "line 1 column 321: found deeper nesting, expected at most 64 levels");
    memset((char *)(uintptr_t)million.ptr, '[', million.len);
    refuse(million, "line 1 column 65: found deeper nesting, expected at most 64 levels");
    free((char *)(uintptr_t)million.ptr);
    free(text);
}

/* `n` members, of which number `twin` has the name of number `of` (or none when twin == of). */
static void put_members(struct buf *b, int n, int twin, int of)
{
    int i;

    buf_reset(b);
    buf_addc(b, '{');
    for (i = 0; i < n; i++)
        buf_addf(b, "%s\"key%d\":%d", i == 0 ? "" : ",\n", i == twin ? of : i, i);
    buf_addc(b, '}');
}

/* Small objects compare names pairwise, large ones sort them: both around the limit and far off. */
static void late_duplicates_are_found(void **state)
{
    static const int sizes[] = {2, 11, 12, 13, 14, 100, 20000};
    struct buf b = BUF_INIT;
    char message[200];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int n = sizes[i], of = n / 2 - 1;

        put_members(&b, n, n - 1, n - 1);
        assert_int_equal(scan(buf_str(&b)).toks[0].count, n);
        put_members(&b, n, n - 1, of);
        snprintf(message, sizeof message,
                 "line %d column %d: found a second \"key%d\", expected each member name once", n,
                 n == 1 ? 2 : 1, of);
        refuse(buf_str(&b), message);
    }
    buf_free(&b);
}

static void long_names_are_cut_in_messages(void **state)
{
    struct buf b = BUF_INIT;
    struct json_doc doc;
    struct err e = {0};
    int i;

    (void)state;
    for (i = 0; i < 2; i++)
        buf_addf(&b, "%s\"%0500d\":0", i == 0 ? "{" : ",", 0);
    buf_addc(&b, '}');
    assert_int_equal(json_scan(&arena, buf_str(&b), &doc, &e), ERR_INVALID);
    assert_true(strlen(e.text) < 200);
    buf_free(&b);
}

static void decodes_text(void **state)
{
    static const struct {
        const char *text, *decoded;
    } cases[] = {
        {"\"\"", ""},
        {"\"plain \xE2\x82\xAC\"", "plain \xE2\x82\xAC"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\"", "A\xC3\xA9\xE2\x82\xAC"},
        {"\"\\ud83d\\ude00!\"", "\xF0\x9F\x98\x80!"},
        {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
        {"\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
         "\x01\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"},
        {"\"\\\\u0041\"", "\\u0041"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_doc doc = scan(str_from(cases[i].text));

        assert_str(json_text(&doc, doc.toks, &arena), cases[i].decoded);
    }
}

static void finds_members_by_decoded_name(void **state)
{
    struct json_doc doc = scan(STR(
        "{\"\\u0074ype\":1,\"\\ud83d\\ude00\":2,\"a\\tb\":3,\"typ\":4,\"\":5,\"typ\\u0065s\":6}"));
    static const struct {
        const char *name;
        int64_t value;
    } cases[] = {{"type", 1}, {"\xF0\x9F\x98\x80", 2}, {"a\tb", 3}, {"typ", 4}, {"", 5},
                 {"types", 6}};
    int64_t value;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json_tok *tok = json_member(&doc, doc.toks, cases[i].name);

        assert_non_null(tok);
        assert_true(json_int(&doc, tok, &value));
        assert_true(value == cases[i].value);
    }
    assert_null(json_member(&doc, doc.toks, "ty"));
    assert_null(json_member(&doc, doc.toks, "typess"));
    assert_null(json_member(&doc, doc.toks, "\xF0\x9F\x98"));
}

static void reads_numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_int;
        int64_t integer;
        double real;
    } cases[] = {
        {"9223372036854775807", true, INT64_MAX, 9223372036854775807.0},
        {"-9223372036854775808", true, INT64_MIN, -9223372036854775808.0},
        {"-0", true, 0, 0.0},
        {"3.0", true, 3, 3.0},
        {"-25e-1", false, 0, -2.5},
        {"1.5E3", true, 1500, 1500.0},
        {"1e2", true, 100, 100.0},
        {"9007199254740992.0", true, INT64_C(9007199254740992), 9007199254740992.0},
        {"9007199254740994.0", false, 0, 9007199254740994.0},
        {"1e300", false, 0, 1e300},
        {"0.1", false, 0, 0.1},
        {"1e-400", true, 0, 0.0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_doc doc = scan(str_from(cases[i].text));
        int64_t integer = 0;
        double real = -1;

        assert_int_equal(json_int(&doc, doc.toks, &integer), cases[i].is_int);
        assert_true(integer == cases[i].integer);
        assert_true(json_double(&doc, doc.toks, &real));
        assert_true(real == cases[i].real);
    }
}

static void only_numbers_are_numbers(void **state)
{
    struct json_doc doc = scan(STR("[\"1\",true,null,[1],{}]"));
    const struct json_tok *tok = doc.toks + 1;
    int64_t integer;
    double real;
    uint32_t i;

    (void)state;
    for (i = 0; i < doc.toks->count; i++, tok = json_next(&doc, tok)) {
        assert_false(json_int(&doc, tok, &integer));
        assert_false(json_double(&doc, tok, &real));
    }
    assert_string_equal(json_kind_name(JSON_OBJECT), "an object");
    assert_string_equal(json_kind_name(JSON_NULL), "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_stand_in_order),
        cmocka_unit_test(any_value_is_a_document),
        cmocka_unit_test(says_where_and_what),
        cmocka_unit_test(is_stricter_than_the_rfc),
        cmocka_unit_test(long_reals_are_bounded),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(late_duplicates_are_found),
        cmocka_unit_test(long_names_are_cut_in_messages),
        cmocka_unit_test(decodes_text),
        cmocka_unit_test(finds_members_by_decoded_name),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(only_numbers_are_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, tear_down);
}
