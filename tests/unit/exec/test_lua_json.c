/* SPDX-License-Identifier: MIT
 * JSON through Lua: what goes in comes out, and what cannot is refused by name. */
#include "lua_fixture.h"

static void test_echo_keeps_everything(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "[]",
        "{}",
        "{\"a\":[],\"b\":{},\"c\":null,\"d\":[[],{}]}",
        "9223372036854775807",
        "-9223372036854775808",
        "[1,1.0,-0.0,0.1,1e+300,2.5e-300,12345678901234567]",
        "[null,null]",
        "\"\xF0\x9F\x8E\x89 \xC3\xBC \\u0001 \\\" \\\\ \xED\x9F\xBF\"",
        "{\"\":1,\"1\":2,\"\xC3\xA9\":3}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_result("return job.payload", texts[i], texts[i]);
}

static void test_depth_limit_is_shared(void **state)
{
    char deep[256];

    (void)state;
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    deep[128] = '\0';
    expect_result("return job.payload", deep, deep);
    expect_error("local t = {} for i = 1, 64 do t = {t} end return t", JOBMILL_RETRY,
                 "result[1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1]"
                 "[1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1]"
                 "[1][1][1][1][1][1][1][1][1][1][1][1]: found deeper nesting, expected at most 64 "
                 "levels");
}

static void test_results_from_tables(void **state)
{
    (void)state;
    expect_result("return nil", NULL, NULL);
    expect_result("return", NULL, NULL);
    expect_result("return json.null", NULL, "null");
    expect_result("return {}", NULL, "{}");
    expect_result("return json.array()", NULL, "[]");
    expect_result("return json.array{}", NULL, "[]");
    expect_result("return json.object(json.array{})", NULL, "{}");
    expect_result("return {z=1, a=2, m={3, 2.5, 'x', false}}", NULL,
                  "{\"a\":2,\"m\":[3,2.5,\"x\",false],\"z\":1}");
    expect_result("return {7 // 2, 7 / 2, 2^53, 1 << 62}", NULL,
                  "[3,3.5,9007199254740992.0,4611686018427387904]");
    expect_result("local t = {1} return {t, t}", NULL, "[[1],[1]]");
}

static void test_library(void **state)
{
    (void)state;
    expect_result("return json.encode({a = json.decode('[1,{\"b\":null}]')})", NULL,
                  "\"{\\\"a\\\":[1,{\\\"b\\\":null}]}\"");
    expect_result("return json.decode('{\"x\":null}').x == json.null", NULL, "true");
}

static void test_null_reads_as_nothing(void **state)
{
    (void)state;
    expect_result("return {job.payload.name or 'world', tostring(json.null)}", "null",
                  "[\"world\",\"null\"]");
}

static void test_refusals_name_the_place(void **state)
{
    static const char *const cases[][2] = {
        {"return print", "result: found a function, expected null, a boolean, a number, a string "
                         "or a table"},
        {"return {items={1,2,print}}", "result.items[3]: found a function, expected null, a "
                                       "boolean, a number, a string or a table"},
        {"return {a={b=job}}", "result.a.b: found a userdata, expected null, a boolean, a number, "
                               "a string or a table"},
        {"return {1,2,x=3}", "result: found a table with both items and names, expected one kind"},
        {"return {[1]=1,[3]=3}",
         "result[2]: found nothing, and items up to [3], expected items without a gap"},
        {"return {[0]=1}",
         "result: found a number below 1 or with a fraction as a key, expected names, or items "
         "from 1"},
        {"return {x={[true]=1}}",
         "result.x: found a boolean as a key, expected names, or items from 1"},
        {"return {0/0}", "result[1]: found NaN, expected a finite number"},
        {"return {x=math.huge}", "result.x: found an infinite number, expected a finite number"},
        {"local t = {} t.a = {t} return {t=t}",
         "result.t.a[1]: found a cycle back to result.t, expected a tree"},
        {"return {x='\\xff'}",
         "result.x: found a string that is not UTF-8 or holds NUL, expected text"},
        {"return {x='a\\0b'}",
         "result.x: found a string that is not UTF-8 or holds NUL, expected text"},
        {"return {x={['\\xff']=1}}",
         "result.x: found a name that is not UTF-8 or holds NUL, expected text"},
        {"return json.array{a=1}", "result: found a name in an array, expected only items"},
        {"return json.object{1}", "result: found an item in an object, expected only names"},
        {"return ('x'):rep(1024 * 1024)",
         "result: found more than 1048576 bytes of JSON, expected at most that"},
        {"local t = {} for i = 1, 1024 do t[i] = ('x'):rep(1024) end return t",
         "result: found more than 1048576 bytes of JSON, expected at most that"},
        {"return json.encode({a=print})", "hello.lua:1: value.a: found a function, expected null, "
                                          "a boolean, a number, a string or a "
                                          "table"},
        {"return json.array(setmetatable({}, {}))",
         "hello.lua:1: json.array: found a table with a metatable, expected one without"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_error(cases[i][0], JOBMILL_RETRY, cases[i][1]);
}

static void test_decode_errors(void **state)
{
    (void)state;
    expect_error("return json.decode('[1,')", JOBMILL_RETRY,
                 "hello.lua:1: line 1 column 4: found the end of the text, expected a value");
    expect_error("return json.decode(('1'):rep(5 << 20))", JOBMILL_RETRY,
                 "hello.lua:1: json.decode: found 5 MiB of text, expected at most 2");
    expect_result("return select('#', pcall(json.decode, '{'))", NULL, "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo_keeps_everything),
        cmocka_unit_test(test_depth_limit_is_shared),
        cmocka_unit_test(test_results_from_tables),
        cmocka_unit_test(test_library),
        cmocka_unit_test(test_null_reads_as_nothing),
        cmocka_unit_test(test_refusals_name_the_place),
        cmocka_unit_test(test_decode_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
