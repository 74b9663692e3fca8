/* SPDX-License-Identifier: MIT
 * Lua machines: what a script may be, what it may reach, and how its memory is bounded. */
#include "lua_fixture.h"

static void expect_refused(const char *source, const char *error)
{
    struct artifact_report report;
    struct arena arena = ARENA_INIT;
    struct script_file file;
    struct err e = {0};

    script_write(&file, "hello.lua", str_from(source));
    assert_int_equal(lua_vm_report(file.path, &arena, &report, &e), ERR_INVALID);
    assert_string_equal(e.text, error);
    script_remove(&file);
    arena_free(&arena);
}

static void test_bad_scripts_are_named(void **state)
{
    static const char *const cases[][2] = {
        {"", "hello.lua: returned nil, expected a table with a function `handle`"},
        {"return 5", "hello.lua: returned a number, expected a table with a function `handle`"},
        {"return {}", "hello.lua: returned a table without `handle`, expected a function `handle`"},
        {"return {handle = 1}", "hello.lua: handle: found a number, expected a function"},
        {"return {handel = print}",
         "hello.lua: found the unknown field `handel`, expected `handle`?"},
        {"return {print}", "hello.lua: found a number as a key, expected field names"},
        {"return {handle = print, init = 'x'}",
         "hello.lua: init: found a string, expected a function"},
        {"return {handle = print, types = 'x'}",
         "hello.lua: types: found a string, expected an array of strings"},
        {"return {handle = print, types = {}}",
         "hello.lua: types: found 0 items, expected 1 to 256 strings"},
        {"return {handle = print, types = {'a', 5}}",
         "hello.lua: types[2]: found a number, expected a string"},
        {"return {handle = print, types = {'a', 'a'}}", "hello.lua: types[2]: found `a` twice"},
        {"return {handle = print, config = {{key = 'a', type = 'inte'}}}",
         "hello.lua: config[1].type: found `inte`, expected string, int, real, bool or duration"},
        {"return {handle = print, config = {{key = 'a', type = 'int', default = 'x'}}}",
         "hello.lua: config[1].default: found `x`, expected a value of type int"},
        {"return {handle = print, config = {{key = 'a b'}}}",
         "hello.lua: config[1].key: found `a b`, expected 1 to 64 of A-Z a-z 0-9 _"},
        {"return {handle = print, config = {{key = 'a'}, {key = 'a'}}}",
         "hello.lua: config[2].key: found `a` twice"},
        {"return {handle = print, config = {{key = 'a', defualt = 1}}}",
         "hello.lua: config[1]: found the unknown field `defualt`, expected `default`?"},
        {"\n\nx = = 1", "hello.lua:3: unexpected symbol near '='"},
        {"\n#!x", "hello.lua:2: unexpected symbol near '#'"},
        {"\nerror('boom')", "hello.lua:2: boom"},
        {"error({message = 'boom'})", "hello.lua: boom"},
        {"error()", "hello.lua: raised nil as an error, expected a message"},
        {"local x = nil + 1", "hello.lua:1: attempt to perform arithmetic on a nil value"},
        {"\x1bLua", "hello.lua: is compiled Lua, expected source text"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(cases[i][0], cases[i][1]);
}

static void test_report(void **state)
{
    static const char source[] =
        "\xEF\xBB\xBF#!/usr/bin/lua\n"
        "print('to stderr')\n"
        "return {name = 'greeter', version = '1.2', types = {'hello', 'hallo'},\n"
        "  init = function() error('a probe does not call it') end,\n"
        "  config = {{key = 'times', type = 'int', default = 3, required = true, text = 'how "
        "often'},\n"
        "            {key = 'loud', type = 'bool', default = false}, {key = 'who'}},\n"
        "  handle = function() end}\n";
    struct artifact_report report;
    struct arena arena = ARENA_INIT;
    struct script_file file;
    struct err e = {0};
    const struct report_key *keys;

    (void)state;
    script_write(&file, "hello.lua", str_from(source));
    assert_int_equal(lua_vm_report(file.path, &arena, &report, &e), 0);
    assert_string_equal(report.kind.ptr, "lua");
    assert_string_equal(report.name.ptr, "greeter");
    assert_string_equal(report.version.ptr, "1.2");
    assert_int_equal(report.n_handlers, 2);
    assert_string_equal(report.handlers[1].job_type.ptr, "hallo");
    assert_int_equal(report.handlers[1].n_keys, 3);
    keys = report.handlers[0].keys;
    assert_string_equal(keys[0].key.ptr, "times");
    assert_string_equal(keys[0].default_value.ptr, "3");
    assert_string_equal(keys[0].text.ptr, "how often");
    assert_int_equal(keys[0].type, JOBMILL_CONFIG_INT);
    assert_true(keys[0].required);
    assert_string_equal(keys[1].default_value.ptr, "false");
    assert_null(keys[2].default_value.ptr);
    script_remove(&file);
    script_write(&file, "my-job.lua", STR("return {handle = print}"));
    assert_int_equal(lua_vm_report(file.path, &arena, &report, &e), 0);
    assert_true(str_is(report.handlers[0].job_type, "my-job"));
    script_remove(&file);
    assert_int_equal(lua_vm_report(file.path, &arena, &report, &e), ERR_NOT_FOUND);
    arena_free(&arena);
}

static void test_pinned_copies_speak_of_the_script(void **state)
{
    struct fake_job fake;
    struct script_file file;
    struct lua_vm *vm;
    struct err e;
    int script;

    (void)state;
    fake_job_init(&fake, NULL);
    script_write(&file, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.lua",
                 STR("return {name = 'greeter', handle = function()\n error('boom') end}"));
    assert_int_equal(lua_vm_open(VM_TEST_BYTES, &vm, &e), 0);
    assert_int_equal(lua_vm_load(vm, file.path, &fake.job, &script, &e), 0);
    assert_int_equal(lua_vm_run(vm, script, &fake.job), JOBMILL_RETRY);
    assert_string_equal(fake.error, "greeter.lua:2: boom");
    lua_vm_close(&vm);
    script_remove(&file);
}

static void test_sandbox(void **state)
{
    (void)state;
    expect_result("local t = json.array() for _, n in ipairs{'io', 'package', 'debug', 'require', "
                  "'dofile', 'loadfile'} do if _G[n] then t[#t + 1] = n end end return t",
                  NULL, "[]");
    expect_result("local t = {} for n in pairs(os) do t[#t + 1] = n end table.sort(t) return t",
                  NULL, "[\"clock\",\"date\",\"difftime\",\"time\"]");
    expect_result("return {string.dump == nil, ('').dump == nil, getmetatable('')}", NULL,
                  "[true,true,\"string\"]");
    expect_result("return {select(2, load('\\x1bLua'))}", NULL,
                  "[\"attempt to load a binary chunk (mode is 't')\"]");
    expect_result("return {load('return 1 + 1')(), load('return x', 'c', 't', {x = 5})(), "
                  "load(coroutine.wrap(function() coroutine.yield('return ') "
                  "coroutine.yield('7') end))()}",
                  NULL, "[2,5,7]");
    expect_error("setmetatable({}, {__gc = print})", JOBMILL_RETRY,
                 "hello.lua:1: setmetatable: found __gc, expected none (scripts have no "
                 "finalizers)");
    expect_error("collectgarbage('stop')", JOBMILL_RETRY,
                 "hello.lua:1: bad argument #1 to 'collectgarbage' (invalid option 'stop')");
    expect_result("collectgarbage() return {collectgarbage('count') > 0, getmetatable(_G), "
                  "getmetatable(job), getmetatable(job.tags)}",
                  NULL, "[true,\"globals\",\"job\",\"json.array\"]");
}

/* Runs the script's jobs one after the other and compares their results. */
static void expect_runs(const char *source, const char *const *results)
{
    struct fake_job fake;
    struct lua_vm *vm;

    fake_job_init(&fake, NULL);
    vm = vm_with(source, &fake);
    for (; *results != NULL; results++) {
        if (lua_vm_run(vm, 0, &fake.job) != JOBMILL_OK)
            fail_msg("%s", fake.error);
        assert_string_equal(fake.result, *results);
    }
    lua_vm_close(&vm);
    fake_job_fini(&fake);
}

static void test_globals_last_for_one_run(void **state)
{
    (void)state;
    expect_runs(
        "shared = 'from load'\n"
        "local function helper() count = (count or 0) + 1 end\n"
        "return {handle = function(job)\n"
        "  helper(); helper(); load('count = count + 1')(); _G.other = (other or 0) + 1\n"
        "  rawset(_G, 'third', (third or 0) + 1)\n"
        "  shared = shared .. '!'\n"
        "  return {count, other, third, shared, _G._G == _G} end}",
        (const char *const[]){"[3,1,1,\"from load!\",true]", "[3,1,1,\"from load!\",true]", NULL});
    expect_runs("local kept = 0\n"
                "return {init = function() base = 10 end, handle = function(job)\n"
                "  kept = kept + 1 return {kept, base} end}",
                (const char *const[]){"[1,10]", "[2,10]", NULL});
}

static void test_scripts_do_not_share_libraries(void **state)
{
    struct fake_job fake;
    struct script_file file;
    struct lua_vm *vm;
    struct err e;
    int other;

    (void)state;
    fake_job_init(&fake, NULL);
    vm = vm_with("string.upper = nil table.mine = 1 json.encode = nil g = 1\n"
                 "return {handle = function() return {string.upper == nil, ('a'):upper()} end}",
                 &fake);
    script_write(&file, "other.lua",
                 STR("return {handle = function() return {string.upper('b'), table.mine == nil, "
                     "json.encode(1), g == nil} end}"));
    assert_int_equal(lua_vm_load(vm, file.path, &fake.job, &other, &e), 0);
    assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_OK);
    assert_string_equal(fake.result, "[true,\"A\"]");
    assert_int_equal(lua_vm_run(vm, other, &fake.job), JOBMILL_OK);
    assert_string_equal(fake.result, "[\"B\",true,\"1\",true]");
    lua_vm_close(&vm);
    script_remove(&file);
    fake_job_fini(&fake);
}

static void test_memory_is_bounded(void **state)
{
    static const char *const hogs[] = {
        "local t = {} while true do t[#t + 1] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "return ('x'):rep(1 << 30)",
        "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
    };
    struct fake_job fake;
    struct lua_vm *vm;
    size_t i;

    (void)state;
    fake_job_init(&fake, "{\"n\":[1,2]}");
    vm = vm_with("local hogs = {}\n"
                 "return {handle = function(job) if job.attempt == 9 then return job.payload end\n"
                 "  return load(job:config('body'))() end, config = {{key = 'body'}}}",
                 &fake);
    for (i = 0; i < sizeof hogs / sizeof hogs[0]; i++) {
        fake.meta.attempt = 1;
        fake.config[0][0] = "body";
        fake.config[0][1] = hogs[i];
        assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_RETRY);
        assert_string_equal(fake.error, "out of memory: the script's machine may use 16 MiB");
        fake.meta.attempt = 9;
        assert_int_equal(lua_vm_run(vm, 0, &fake.job), JOBMILL_OK);
        assert_string_equal(fake.result, "{\"n\":[1,2]}");
    }
    lua_vm_close(&vm);
    fake_job_fini(&fake);
}

/* Every limit from nothing up: opening, loading and running fail in good order or work. */
static void test_every_memory_limit(void **state)
{
    struct fake_job fake;
    struct script_file file;
    size_t bytes, worked = 0;

    (void)state;
    fake_job_init(&fake, "{\"a\":[1,2,{\"b\":\"\\u00fc\"}]}");
    script_write(&file, "hello.lua",
                 STR("return {types = {'a', 'b'}, config = {{key = 'k', default = 'x'}},\n"
                     "init = function(c) c:log('info', tostring(c)) end,\n"
                     "handle = function(job) job:log('info', job.id) local p = job.payload\n"
                     "p.c = {} for i = 1, 50 do p.c[i] = {i = tostring(i)} end return p end}"));
    for (bytes = 0; bytes < 128 * 1024; bytes += 97) {
        struct lua_vm *vm = NULL;
        struct err e = {0};
        int script = 0, rc = lua_vm_open(bytes, &vm, &e);

        fake.log[0] = '\0';
        if (rc == 0)
            rc = lua_vm_load(vm, file.path, &fake.job, &script, &e);
        if (rc == 0) {
            worked += lua_vm_run(vm, script, &fake.job) == JOBMILL_OK;
            (void)lua_vm_run(vm, script, &fake.job);
        } else {
            assert_int_equal(rc, ERR_NOMEM);
        }
        lua_vm_close(&vm);
    }
    assert_true(worked > 0);
    script_remove(&file);
    fake_job_fini(&fake);
}

static void test_failed_init_refuses_the_script(void **state)
{
    struct fake_job fake;
    struct script_file file;
    struct lua_vm *vm;
    struct err e;
    int script;

    (void)state;
    fake_job_init(&fake, NULL);
    fake.config[0][0] = "times";
    fake.config[0][1] = "4";
    assert_int_equal(lua_vm_open(VM_TEST_BYTES, &vm, &e), 0);
    script_write(&file, "hello.lua",
                 STR("return {config = {{key = 'times', type = 'int'}},\n"
                     "init = function(c) print('seen') error('times: found ' .. c:config('times') "
                     "+ 1) end,\n"
                     "handle = print}"));
    assert_int_equal(lua_vm_load(vm, file.path, &fake.job, &script, &e), ERR_INVALID);
    assert_string_equal(e.text, "hello.lua:2: times: found 5");
    assert_string_equal(fake.log, "info: seen\n");
    script_remove(&file);
    script_write(&file, "hello.lua",
                 STR("return {init = function(c) return c.payload end, handle = print}"));
    assert_int_equal(lua_vm_load(vm, file.path, &fake.job, &script, &e), ERR_INVALID);
    assert_string_equal(e.text,
                        "hello.lua:1: payload is not there in init, expected config or log");
    script_remove(&file);
    lua_vm_close(&vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_scripts_are_named),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_pinned_copies_speak_of_the_script),
        cmocka_unit_test(test_sandbox),
        cmocka_unit_test(test_globals_last_for_one_run),
        cmocka_unit_test(test_scripts_do_not_share_libraries),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_every_memory_limit),
        cmocka_unit_test(test_failed_init_refuses_the_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
