/* SPDX-License-Identifier: MIT
 * Merge patches: the examples of RFC 7396, and what must survive them. */
#include "json/merge.h"

#include "lib/unit.h"

static const struct {
    const char *target, *patch, *result;
} cases[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    {"null", "{}", "{}"},
    {"{\"n\":9223372036854775807,\"e\":[],\"u\":\"\\u00fc\"}", "{\"x\":-9223372036854775808}",
     "{\"n\":9223372036854775807,\"e\":[],\"u\":\"\xc3\xbc\",\"x\":-9223372036854775808}"},
};

static void test_examples(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT;
        struct err e = {0};

        assert_int_equal(json_merge(str_from(cases[i].target), str_from(cases[i].patch), &out, &e),
                         0);
        assert_str(buf_str(&out), cases[i].result);
        buf_free(&out);
    }
}

static void test_what_is_not_json(void **state)
{
    struct buf out = BUF_INIT;
    struct err e = {0};

    (void)state;
    assert_int_equal(json_merge(STR("{"), STR("{}"), &out, &e), ERR_INVALID);
    assert_says(e, "payload");
    assert_int_equal(json_merge(STR("{}"), STR("x"), &out, &e), ERR_INVALID);
    assert_says(e, "patch");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_what_is_not_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
