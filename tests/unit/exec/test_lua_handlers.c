/* SPDX-License-Identifier: MIT
 * The shipped Lua handlers, run from the source tree. */
#include "lua_fixture.h"

/* One run of lua-handlers/<file>; `config` holds one key and its value, or is NULL. */
static void expect_run(const char *file, const char *const *config, const char *payload,
                       int32_t outcome, const char *text)
{
    struct fake_job fake;
    struct lua_vm *vm;
    struct err e = {0};
    char path[128];
    int script;

    fake_job_init(&fake, payload);
    if (config != NULL)
        memcpy(fake.config[0], config, sizeof fake.config[0]);
    snprintf(path, sizeof path, "lua-handlers/%s", file);
    assert_int_equal(lua_vm_open(VM_TEST_BYTES, &vm, &e), 0);
    if (lua_vm_load(vm, path, &fake.job, &script, &e) != 0)
        fail_msg("%s", e.text);
    if (lua_vm_run(vm, script, &fake.job) != outcome)
        fail_msg("%s %s: %s", file, payload, fake.error);
    if (text == NULL)
        assert_true(fake.result == NULL);
    else
        assert_string_equal(outcome == JOBMILL_OK ? fake.result : fake.error, text);
    lua_vm_close(&vm);
    fake_job_fini(&fake);
}

static void test_hello(void **state)
{
    static const char *const greeting[] = {"greeting", "Hi"};

    (void)state;
    expect_run("hello.lua", greeting, "null", JOBMILL_OK, "{\"message\":\"Hi, world!\"}");
    expect_run("hello.lua", greeting, "{\"name\":\"Ad\xC3\xA9\"}", JOBMILL_OK,
               "{\"message\":\"Hi, Ad\xC3\xA9!\"}");
    expect_run("hello.lua", greeting, "{\"name\":[]}", JOBMILL_FAIL,
               "payload.name: found a table, expected a string");
}

static void test_noop(void **state)
{
    (void)state;
    expect_run("lua_noop.lua", NULL, "{\"a\":1}", JOBMILL_OK, NULL);
}

static void test_compute(void **state)
{
    static const char *const hundred[] = {"iterations", "100"};

    (void)state;
    expect_run("lua_compute.lua", hundred, "null", JOBMILL_OK,
               "{\"iterations\":100,\"largest_prime\":97,\"value\":25}");
    expect_run("lua_compute.lua", hundred, "{\"iterations\":100000}", JOBMILL_OK,
               "{\"iterations\":100000,\"largest_prime\":99991,\"value\":9592}");
    expect_run("lua_compute.lua", hundred, "{\"iterations\":1}", JOBMILL_OK,
               "{\"iterations\":1,\"largest_prime\":0,\"value\":0}");
    expect_run("lua_compute.lua", hundred, "{\"iterations\":\"9\"}", JOBMILL_FAIL,
               "payload.iterations: found 9, expected an integer from 1 to 10000000");
}

static void test_flaky(void **state)
{
    static const char *const never[] = {"failure_rate", "0.0"};

    (void)state;
    expect_run("lua_flaky.lua", never, "null", JOBMILL_OK, "{\"attempt\":1,\"failure_rate\":0.0}");
    expect_run("lua_flaky.lua", never, "{\"failure_rate\":1.0}", JOBMILL_RETRY,
               "failed on purpose: attempt 1, failure_rate 1");
    expect_run("lua_flaky.lua", never, "{\"failure_rate\":1,\"permanent\":true}", JOBMILL_FAIL,
               "failed on purpose: attempt 1, failure_rate 1, permanent");
    expect_run("lua_flaky.lua", never, "{\"failure_rate\":\"1\"}", JOBMILL_FAIL,
               "payload.failure_rate: found 1, expected 0.0 to 1.0");
}

static void test_transform(void **state)
{
    static const char *const cases[][2] = {
        {"{\"source\":\"db\"}", "{\"operations\":1,\"output\":{\"source\":\"DB\"}}"},
        {"null", "{\"operations\":1,\"output\":null}"},
        {"{\"input\":[],\"operations\":[]}", "{\"operations\":0,\"output\":[]}"},
        {"{\"input\":[9223372036854775807,1.0,null,[],{},\"\xC3\xA9z\"]}",
         "{\"operations\":1,\"output\":[9223372036854775807,1.0,null,[],{},\"\xC3\xA9Z\"]}"},
        {"{\"input\":{\"a\":1,\"b\":2},\"operations\":[{\"op\":\"pick\",\"fields\":[\"b\"]}]}",
         "{\"operations\":1,\"output\":{\"b\":2}}"},
        {"{\"input\":{\"a\":1},\"operations\":[{\"op\":\"rename\",\"from\":\"a\",\"to\":\"c\"}]}",
         "{\"operations\":1,\"output\":{\"c\":1}}"},
        {"{\"input\":[3,1.5,2],\"operations\":[\"sort\",\"sum\"]}",
         "{\"operations\":2,\"output\":6.5}"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_run("lua_transform.lua", NULL, cases[i][0], JOBMILL_OK, cases[i][1]);
    expect_run("lua_transform.lua", NULL, "{\"operations\":[\"uper\"]}", JOBMILL_FAIL,
               "payload.operations[0]: found `uper`, expected upper, lower, pick, rename, sort or "
               "sum");
    expect_run("lua_transform.lua", NULL, "{\"input\":{},\"operations\":[\"sort\"]}", JOBMILL_FAIL,
               "payload.operations[0] (sort): found a table, expected an array");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),     cmocka_unit_test(test_noop),
        cmocka_unit_test(test_compute),   cmocka_unit_test(test_flaky),
        cmocka_unit_test(test_transform),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
