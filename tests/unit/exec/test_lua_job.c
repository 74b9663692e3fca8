/* SPDX-License-Identifier: MIT
 * The job object of scripts: what it tells, what it does, and how a run ends. */
#include "lua_fixture.h"

static void test_fields(void **state)
{
    struct fake_job fake;

    (void)state;
    fake_job_init(&fake, "{\"a\":1}");
    fake.meta.priority = -5;
    fake.meta.timeout_ms = 30000;
    assert_int_equal(run_body("return {id = job.id, type = job.type, queue = job.queue, n = "
                              "{job.attempt, job.max_retries, job.priority, job.claim, "
                              "job.created_at_ms, job.timeout_ms}, tags = job.tags, nils = "
                              "{job.workflow_id == nil, job.step_index == nil, "
                              "job.idempotency_key == nil}, raw = job.payload_json, same = "
                              "job.payload == job.payload, text = tostring(job)}",
                              &fake),
                     JOBMILL_OK);
    assert_string_equal(
        fake.result,
        "{\"id\":\"01890000-0000-7000-8000-000000000001\",\"n\":[1,3,-5,1,1700000000000,30000],"
        "\"nils\":[true,true,true],\"queue\":\"default\",\"raw\":\"{\\\"a\\\":1}\",\"same\":true,"
        "\"tags\":[\"a\",\"b\"],\"text\":\"job: 01890000-0000-7000-8000-000000000001\",\"type\":"
        "\"test\"}");
    fake_job_fini(&fake);
}

static void test_progress_and_log(void **state)
{
    struct fake_job fake;

    (void)state;
    fake_job_init(&fake, NULL);
    assert_int_equal(run_body("job:progress(50) job:progress(99.5, 'nearly') job:log('warn', 12) "
                              "print('a', nil, {} ~= nil)",
                              &fake),
                     JOBMILL_OK);
    assert_true(fake.percent == 99.5);
    assert_string_equal(fake.message, "nearly");
    assert_string_equal(fake.log, "warn: 12\ninfo: a\tnil\ttrue\n");
    fake_job_fini(&fake);
}

static void test_config_has_types(void **state)
{
    struct fake_job fake;
    struct lua_vm *vm;
    static const char *const values[][2] = {{"s", "text"}, {"i", "42"},   {"r", "0.5"},
                                            {"b", "true"}, {"d", "1500"}, {NULL, NULL}};

    (void)state;
    fake_job_init(&fake, NULL);
    memcpy(fake.config, values, sizeof values);
    vm = vm_with("return {config = {{key='s'}, {key='i', type='int'}, {key='r', type='real'},\n"
                 "{key='b', type='bool'}, {key='d', type='duration'}, {key='none', type='int'}},\n"
                 "handle = function(job) if job.attempt == 2 then return job:config('x') end\n"
                 "return {job:config('s'), job:config('i'), job:config('r'), job:config('b'),\n"
                 "job:config('d'), job:config('none')} end}",
                 &fake);
    assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_OK);
    assert_string_equal(fake.result, "[\"text\",42,0.5,true,1500]");
    fake.meta.attempt = 2;
    assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_RETRY);
    assert_string_equal(fake.error, "hello.lua:3: config: found `x`, expected a key of the "
                                    "script's config table");
    lua_vm_close(&vm);
    fake_job_fini(&fake);
}

static void test_cancel(void **state)
{
    struct fake_job fake;

    (void)state;
    fake_job_init(&fake, NULL);
    fake.cancel_after = 3;
    fake.remaining_ms = 77;
    assert_int_equal(run_body("local n = 0 while not job:cancelled() do n = n + 1 end "
                              "job:log('info', n) job:log('info', job:remaining_ms()) "
                              "return job:stop()",
                              &fake),
                     JOBMILL_CANCELLED);
    assert_string_equal(fake.log, "info: 3\ninfo: 77\n");
    fake_job_fini(&fake);
}

static void test_errors_mean_retry(void **state)
{
    static const char *const cases[][2] = {
        {"error('boom')", "hello.lua:1: boom"},
        {"error('boom', 0)", "boom"},
        {"error('', 0)", "raised an empty message"},
        {"error(42, 0)", "42"},
        {"error()", "raised nil as an error, expected a message"},
        {"error(false)", "raised a boolean as an error, expected a message"},
        {"error(print)", "raised a function as an error, expected a message"},
        {"error(job)", "raised a userdata as an error, expected a message"},
        {"error({})", "raised a table whose `message` is a nil, expected a string"},
        {"error({message = {}})", "raised a table whose `message` is a table, expected a string"},
        {"error({message = 'm', retry = 'no'})",
         "error table: retry: found a string, expected a boolean; m"},
        {"error({message = 'm', delay_ms = 1.5})",
         "error table: delay_ms: found a number, expected an integer from 0; m"},
        {"error(setmetatable({}, {__tostring = function() return 'shown' end}))", "shown"},
        {"error(setmetatable({}, {__tostring = function() error('again') end}))",
         "raised an error object that cannot be shown: its __tostring failed"},
        {"error(setmetatable({}, {__tostring = function() return {} end}))",
         "raised an error object that cannot be shown: its __tostring failed"},
        {"return job.payoad", "hello.lua:1: a job has no `payoad`, expected `payload`?"},
        {"job.id = 'x'", "hello.lua:1: a job cannot be changed: found an assignment to `id`"},
        {"job.progress(5)",
         "hello.lua:1: bad argument #1 to 'progress' (job expected, got number)"},
        {"job:progress(0/0)",
         "hello.lua:1: bad argument #1 to 'progress' (a number from 0 to 100 expected)"},
        {"job:log('loud', 'x')", "hello.lua:1: bad argument #1 to 'log' (invalid option 'loud')"},
        {"job:retry('x', {delay = 5})", "hello.lua:1: bad argument #2 to 'retry' (found another "
                                        "field, expected only `delay_ms`)"},
        {"job:fail()", "hello.lua:1: bad argument #1 to 'fail' (string expected, got no value)"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_error(cases[i][0], JOBMILL_RETRY, cases[i][1]);
}

static void test_runaway_recursion_is_an_error(void **state)
{
    struct fake_job fake;

    (void)state;
    fake_job_init(&fake, NULL);
    assert_int_equal(run_body("local function f() return 1 + f() end f()", &fake), JOBMILL_RETRY);
    assert_string_equal(fake.error, "out of memory: the script's machine may use 16 MiB");
    assert_int_equal(run_body("local s = ('('):rep(300) .. 'x' load('return ' .. s)()", &fake),
                     JOBMILL_RETRY);
    assert_int_equal(
        run_body("local function f(n) return coroutine.wrap(f)(n + 1) end f(1)", &fake),
        JOBMILL_RETRY);
    assert_non_null(strstr(fake.error, "C stack overflow"));
    fake_job_fini(&fake);
}

static void test_deciding_ends_the_run(void **state)
{
    (void)state;
    expect_error("return job:fail('bad payload')", JOBMILL_FAIL, "bad payload");
    expect_error("job:fail('bad payload') print('not reached')", JOBMILL_FAIL, "bad payload");
    expect_error("pcall(job.fail, job, 'swallowed') return 5", JOBMILL_FAIL, "swallowed");
    expect_error("pcall(job.fail, job, 'first') job:retry('second')", JOBMILL_FAIL, "first");
    expect_error("coroutine.wrap(function() job:fail('inner') end)()", JOBMILL_FAIL, "inner");
    expect_error("return job:retry('later')", JOBMILL_RETRY, "later");
    expect_error("error({message = 'no use', retry = false})", JOBMILL_FAIL, "no use");
}

static void test_delays(void **state)
{
    struct fake_job fake;

    (void)state;
    fake_job_init(&fake, NULL);
    assert_int_equal(run_body("return job:retry('x', {delay_ms = 1500})", &fake), JOBMILL_RETRY);
    assert_int_equal(fake.retry_after_ms, 1500);
    assert_int_equal(run_body("error({message = 'x', delay_ms = 7})", &fake), JOBMILL_RETRY);
    assert_int_equal(fake.retry_after_ms, 7);
    fake_job_fini(&fake);
}

static void test_kept_jobs_are_inert(void **state)
{
    struct fake_job fake;
    struct lua_vm *vm;
    int i;

    (void)state;
    fake_job_init(&fake, NULL);
    vm = vm_with("local kept, context\n"
                 "return {init = function(c) context = c end, handle = function(job)\n"
                 "  if job.attempt == 1 then kept = job error('x') end\n"
                 "  if job.attempt == 2 then collectgarbage() return kept.id end\n"
                 "  if job.attempt == 3 then return context:config('x') end\n"
                 "  return {tostring(kept), tostring(context)} end}",
                 &fake);
    assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_RETRY);
    for (i = 2; i <= 3; i++) {
        fake.meta.attempt = i;
        assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_RETRY);
        assert_non_null(strstr(fake.error, "this job has ended"));
    }
    fake.meta.attempt = 4;
    assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_OK);
    assert_string_equal(fake.result, "[\"job: ended\",\"job: ended\"]");
    lua_vm_close(&vm);
    fake_job_fini(&fake);
}

static void test_dropped_job_stays_safe_during_its_run(void **state)
{
    (void)state;
    expect_result("job = nil collectgarbage() collectgarbage() return 1", NULL, "1");
}

static void test_refused_result_is_an_error(void **state)
{
    struct fake_job fake;

    (void)state;
    fake_job_init(&fake, NULL);
    fake.refuse_result = 1;
    assert_int_equal(run_body("return {1}", &fake), JOBMILL_RETRY);
    assert_string_equal(fake.error, "result: the engine refused 3 bytes of JSON");
    fake_job_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_progress_and_log),
        cmocka_unit_test(test_config_has_types),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_errors_mean_retry),
        cmocka_unit_test(test_runaway_recursion_is_an_error),
        cmocka_unit_test(test_deciding_ends_the_run),
        cmocka_unit_test(test_delays),
        cmocka_unit_test(test_kept_jobs_are_inert),
        cmocka_unit_test(test_dropped_job_stays_safe_during_its_run),
        cmocka_unit_test(test_refused_result_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
