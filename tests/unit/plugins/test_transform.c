/* SPDX-License-Identifier: MIT
 * The plugin `transform`. */
#include "../../../plugins/transform/transform.c"

#include "fixture.h"

static void test_operations(void **state)
{
    static const char *const cases[][2] = {
        {"{\"source\":\"db\"}", "{\"output\":{\"source\":\"DB\"},\"operations\":1}"},
        {"null", "{\"output\":null,\"operations\":1}"},
        {"{\"input\":[],\"operations\":[]}", "{\"output\":[],\"operations\":0}"},
        {"{\"input\":null,\"operations\":[\"upper\"]}", "{\"output\":null,\"operations\":1}"},
        {"{\"input\":[9223372036854775807,-9223372036854775808,1.0,null,[],{},"
         "\"\xC3\xA9\xF0\x9F\x8E"
         "\x89z\"]}",
         "{\"output\":[9223372036854775807,-9223372036854775808,1.0,null,[],{},\"\xC3\xA9\xF0\x9F"
         "\x8E\x89Z\"],\"operations\":1}"},
        {"{\"input\":{\"Key\":\"ABC\"},\"operations\":[\"lower\"]}",
         "{\"output\":{\"Key\":\"abc\"},\"operations\":1}"},
        {"{\"input\":[{\"a\":1,\"b\":2},{\"b\":3}],\"operations\":[{\"op\":\"pick\",\"fields\":"
         "[\"a\"]}]}",
         "{\"output\":[{\"a\":1},{}],\"operations\":1}"},
        {"{\"input\":{\"a\":1,\"b\":2},\"operations\":[{\"op\":\"rename\",\"from\":\"a\",\"to\":"
         "\"c\"}]}",
         "{\"output\":{\"c\":1,\"b\":2},\"operations\":1}"},
        {"{\"input\":[3,1.5,2],\"operations\":[\"sort\"]}",
         "{\"output\":[1.5,2,3],\"operations\":1}"},
        {"{\"input\":[\"b\",\"a\"],\"operations\":[\"sort\",\"upper\"]}",
         "{\"output\":[\"A\",\"B\"],\"operations\":2}"},
        {"{\"input\":[1,2,3],\"operations\":[\"sum\"]}", "{\"output\":6,\"operations\":1}"},
        {"{\"input\":[1,0.5],\"operations\":[\"sum\"]}", "{\"output\":1.5,\"operations\":1}"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_run(cases[i][0], JOBMILL_OK, cases[i][1]);
    expect_reference_payloads(JOBMILL_OK);
}

static void test_refusals(void **state)
{
    static const char *const cases[][2] = {
        {"{\"operations\":5}", "payload.operations: found an integer, expected an array"},
        {"{\"operations\":[5]}",
         "payload.operations[0]: found an integer, expected a name or {\"op\": name}"},
        {"{\"operations\":[{}]}",
         "payload.operations[0]: found nothing, expected a name or {\"op\": name}"},
        {"{\"operations\":[\"uper\"]}",
         "payload.operations[0]: found `uper`, expected upper, lower, pick, rename, sort or sum"},
        {"{\"input\":[1,\"a\"],\"operations\":[\"sort\"]}",
         "payload.operations[0] (sort): item 1: found a string, expected only numbers or only "
         "strings"},
        {"{\"input\":{},\"operations\":[\"sort\"]}",
         "payload.operations[0] (sort): found an object, expected an array"},
        {"{\"input\":[9223372036854775807,1],\"operations\":[\"sum\"]}",
         "payload.operations[0] (sum): item 1: the sum does not fit in 64 bits"},
        {"{\"input\":5,\"operations\":[\"upper\",{\"op\":\"pick\",\"fields\":[\"a\"]}]}",
         "payload.operations[1] (pick): found an integer, expected an object or an array of "
         "objects"},
        {"{\"input\":[{},5],\"operations\":[{\"op\":\"pick\",\"fields\":[\"a\"]}]}",
         "payload.operations[0] (pick): item 1: found an integer, expected an object"},
        {"{\"operations\":[\"pick\"]}",
         "payload.operations[0] (pick): fields: found nothing, expected an array of strings"},
        {"{\"operations\":[{\"op\":\"pick\",\"fields\":[1]}]}",
         "payload.operations[0] (pick): fields[0]: found an integer, expected a string"},
        {"{\"operations\":[\"rename\"]}",
         "payload.operations[0] (rename): from: found nothing, expected a string"},
        {"{\"input\":{\"a\":1,\"b\":2},\"operations\":[{\"op\":\"rename\",\"from\":\"a\",\"to\":"
         "\"b\"}]}",
         "payload.operations[0] (rename): to: found a member `b` already, expected none"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_run(cases[i][0], JOBMILL_FAIL, cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
