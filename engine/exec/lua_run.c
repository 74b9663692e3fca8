/* SPDX-License-Identifier: MIT
 * One run of a job: globals of its own, the call, the result, and what an error means. */
#include "exec/lua_priv.h"
#include "model/job.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024 * 1024)

/* What an error object asks for besides its text, which goes to lua_vm.out. */
struct fault {
    bool permanent;
    int64_t delay_ms; /* -1: none */
};

_Noreturn void lua__raise(lua_State *L, const char *fmt, ...)
{
    va_list args;

    luaL_where(L, 1);
    va_start(args, fmt);
    lua_pushvfstring(L, fmt, args);
    va_end(args);
    lua_concat(L, 2);
    lua_error(L);
    abort();
}

_Noreturn void lua__run_end(lua_State *L, struct lua_run *run, int32_t outcome, struct str text)
{
    if (run->outcome == RUN_OPEN) {
        run->outcome = outcome;
        jobmill_error(run->job, lua__sdk_str(text));
    }
    lua_pushlstring(L, text.ptr, text.len);
    lua_error(L);
    abort();
}

/* Appends the text, with the script's label instead of the name of a pinned copy. */
static void put_text(struct lua_vm *vm, struct str text)
{
    const struct lua_script *script = vm->script;
    size_t n = strlen(script->chunk);

    if (script->label != script->chunk && text.len > n && text.ptr[n] == ':' &&
        str_starts(text, script->chunk)) {
        buf_adds(&vm->out, script->label);
        text = (struct str){text.ptr + n, text.len - n};
    }
    buf_addstr(&vm->out, text);
}

/* A field of the error table at index 1, raw; its type. */
static int raw_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    return lua_rawget(L, 1);
}

static void describe_table(lua_State *L, struct lua_vm *vm, struct fault *fault)
{
    struct str text;
    int type = raw_field(L, "retry");

    if (type == LUA_TBOOLEAN)
        fault->permanent = !lua_toboolean(L, -1);
    else if (type != LUA_TNIL)
        buf_addf(&vm->out, "error table: retry: found a %s, expected a boolean; ",
                 lua_typename(L, type));
    type = raw_field(L, "delay_ms");
    if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0)
        fault->delay_ms = lua_tointeger(L, -1);
    else if (type != LUA_TNIL)
        buf_addf(&vm->out, "error table: delay_ms: found a %s, expected an integer from 0; ",
                 lua_typename(L, type));
    type = raw_field(L, "message");
    if (type == LUA_TNIL && luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
        luaL_tolstring(L, 1, NULL);
    text.ptr = lua_tolstring(L, -1, &text.len);
    if (text.ptr != NULL)
        put_text(vm, text);
    else
        buf_addf(&vm->out, "raised a table whose `message` is a %s, expected a string",
                 lua_typename(L, type));
}

/* (error object, struct fault *) */
static int describe_protected(lua_State *L)
{
    struct lua_vm *vm = lua__vm(L);
    struct str text;

    luaL_checkstack(L, 8, NULL);
    switch (lua_type(L, 1)) {
    case LUA_TSTRING:
    case LUA_TNUMBER:
        text.ptr = lua_tolstring(L, 1, &text.len);
        put_text(vm, text);
        break;
    case LUA_TTABLE:
        describe_table(L, vm, lua_touserdata(L, 2));
        break;
    case LUA_TNIL:
        buf_adds(&vm->out, "raised nil as an error, expected a message");
        break;
    default:
        buf_addf(&vm->out, "raised a %s as an error, expected a message", luaL_typename(L, 1));
    }
    return 0;
}

/* Pops the error object and leaves its text in vm->out. Nothing here may raise. */
static void describe_error(struct lua_vm *vm, int status, struct fault *fault)
{
    lua_State *L = vm->L;

    *fault = (struct fault){.delay_ms = -1};
    buf_reset(&vm->out);
    if (status == LUA_ERRMEM) {
        buf_addf(&vm->out, "out of memory: the script's machine may use %zu MiB",
                 vm->limit_bytes / MIB);
    } else {
        lua_pushcfunction(L, describe_protected);
        lua_insert(L, -2);
        lua_pushlightuserdata(L, fault);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK)
            buf_adds(&vm->out, "raised an error object that cannot be shown: its __tostring "
                               "failed");
    }
    if (vm->out.len == 0)
        buf_adds(&vm->out, "raised an empty message");
    lua_settop(L, 0);
    if (status == LUA_ERRMEM)
        lua_gc(L, LUA_GCCOLLECT);
}

struct str lua__run_error_text(struct lua_vm *vm, int status)
{
    struct fault fault;

    describe_error(vm, status, &fault);
    return buf_str(&vm->out);
}

static int32_t judge_error(struct lua_vm *vm, jobmill_job *job, int status)
{
    struct fault fault;

    describe_error(vm, status, &fault);
    jobmill_error(job, lua__sdk_str(buf_str(&vm->out)));
    if (fault.permanent)
        return JOBMILL_FAIL;
    if (fault.delay_ms >= 0)
        jobmill_retry_after(job, fault.delay_ms);
    return JOBMILL_RETRY;
}

/* All functions of a script share its chunk's one upvalue, _ENV. A run puts a fresh table there
 * that reads through to the script's globals, so what a run assigns is gone after it. */
static void push_job_globals(lua_State *L, int script)
{
    lua_createtable(L, 0, 2);
    lua_rawgeti(L, script, SCRIPT_JOB_META);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
}

/* (struct lua_run *) */
static int run_protected(lua_State *L)
{
    struct lua_run *run = lua_touserdata(L, 1);
    struct str result;

    luaL_checkstack(L, 10, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, run->script->ref);
    lua__api_push(L, run);
    lua_rawgeti(L, 2, SCRIPT_CHUNK);
    push_job_globals(L, 2);
    lua_setupvalue(L, 4, 1);
    lua_rawgeti(L, 2, SCRIPT_HANDLE);
    lua_pushvalue(L, 3);
    lua_call(L, 1, 1);
    if (run->outcome != RUN_OPEN || lua_isnil(L, -1))
        return 0;
    result = lua__json_encode(L, -1, "result", JOB_RESULT_MAX);
    if (jobmill_result(run->job, lua__sdk_str(result)) != 0)
        lua__raise(L, "result: the engine refused %d bytes of JSON", (int)result.len);
    return 0;
}

/* Lets go of the run's globals. */
static void restore_globals(lua_State *L, const struct lua_script *script)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->ref);
    lua_rawgeti(L, -1, SCRIPT_CHUNK);
    lua_rawgeti(L, -2, SCRIPT_GLOBALS);
    lua_setupvalue(L, -2, 1);
    lua_pop(L, 2);
}

int32_t lua_vm_run(struct lua_vm *vm, int script, jobmill_job *job)
{
    struct lua_run run = {.job = job, .script = &vm->scripts[script], .outcome = RUN_OPEN};
    int status;

    vm->run = &run;
    vm->script = run.script;
    lua_pushcfunction(vm->L, run_protected);
    lua_pushlightuserdata(vm->L, &run);
    status = lua_pcall(vm->L, 1, 0, 0);
    lua__api_release(vm->L, &run);
    restore_globals(vm->L, run.script);
    if (run.outcome == RUN_OPEN)
        run.outcome = status == LUA_OK ? JOBMILL_OK : judge_error(vm, job, status);
    lua_settop(vm->L, 0);
    arena_free(&vm->scratch);
    if (vm->out.cap > VM_OUT_KEPT_MAX)
        buf_free(&vm->out);
    vm->run = NULL;
    vm->script = NULL;
    return run.outcome;
}
