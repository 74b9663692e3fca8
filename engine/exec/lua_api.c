/* SPDX-License-Identifier: MIT
 * The job object of scripts: a client of the host table, like any plugin. It points to its run and
 * is inert once that is over, so a script may keep it without harm. */
#include "exec/lua_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define JOB_CLASS "job"
/* User values of a job object: what was decoded once. */
enum { CACHE_PAYLOAD = 1, CACHE_TAGS, CACHE_COUNT = CACHE_TAGS };

/* The run of the job object at index 1; raises when it is over. */
static struct lua_run *check_run(lua_State *L)
{
    struct lua_ref *ref = luaL_checkudata(L, 1, JOB_CLASS);

    if (ref->run == NULL)
        lua__raise(L, "this job has ended: its object cannot be used in another run");
    return ref->run;
}

static struct lua_run *check_job(lua_State *L, const char *name)
{
    struct lua_run *run = check_run(L);

    if (run->in_init)
        lua__raise(L, "%s is not there in init, expected config or log", name);
    return run;
}

static void push_text(lua_State *L, jobmill_str text)
{
    if (text.ptr == NULL)
        lua_pushnil(L);
    else
        lua_pushlstring(L, text.ptr, text.len);
}

/* ---- fields ------------------------------------------------------------------------------- */

/* Pushes the decoded JSON that user value `slot` keeps, decoding it the first time. */
static void push_cached(lua_State *L, int slot, jobmill_str json)
{
    if (lua_getiuservalue(L, 1, slot) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua__json_decode(L, (struct str){json.ptr, json.len});
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, slot);
}

static void field_payload(lua_State *L, jobmill_job *job)
{
    push_cached(L, CACHE_PAYLOAD, jobmill_payload(job));
}

static void field_payload_json(lua_State *L, jobmill_job *job)
{
    push_text(L, jobmill_payload(job));
}

static void field_tags(lua_State *L, jobmill_job *job)
{
    jobmill_str tags = jobmill_get_meta(job)->tags;

    push_cached(L, CACHE_TAGS, tags.len == 0 ? jobmill_text("[]") : tags);
}

#define TEXT_FIELD(name)                                     \
    static void field_##name(lua_State *L, jobmill_job *job) \
    {                                                        \
        push_text(L, jobmill_get_meta(job)->name);           \
    }
#define INT_FIELD(name)                                      \
    static void field_##name(lua_State *L, jobmill_job *job) \
    {                                                        \
        lua_pushinteger(L, jobmill_get_meta(job)->name);     \
    }
TEXT_FIELD(id)
TEXT_FIELD(type)
TEXT_FIELD(queue)
TEXT_FIELD(idempotency_key)
TEXT_FIELD(workflow_id)
INT_FIELD(attempt)
INT_FIELD(max_retries)
INT_FIELD(priority)
INT_FIELD(claim)
INT_FIELD(created_at_ms)
INT_FIELD(timeout_ms)

static void field_step_index(lua_State *L, jobmill_job *job)
{
    if (jobmill_get_meta(job)->step_index < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, jobmill_get_meta(job)->step_index);
}

#define FIELD(name)         \
    {                       \
#name, field_##name \
    }
static const struct field {
    const char *name;
    void (*push)(lua_State *L, jobmill_job *job);
} fields[] = {FIELD(id),         FIELD(type),        FIELD(queue),
              FIELD(attempt),    FIELD(max_retries), FIELD(priority),
              FIELD(claim),      FIELD(tags),        FIELD(idempotency_key),
              FIELD(step_index), FIELD(workflow_id), FIELD(created_at_ms),
              FIELD(timeout_ms), FIELD(payload),     FIELD(payload_json)};
#define N_FIELDS (sizeof fields / sizeof fields[0])

/* ---- methods ------------------------------------------------------------------------------ */

static int method_progress(lua_State *L)
{
    struct lua_run *run = check_job(L, "progress");
    double percent = luaL_checknumber(L, 2);
    jobmill_str message = {NULL, 0};

    luaL_argcheck(L, isfinite(percent), 2, "a number from 0 to 100 expected");
    if (!lua_isnoneornil(L, 3))
        message.ptr = luaL_checklstring(L, 3, &message.len);
    jobmill_progress(run->job, percent, message);
    return 0;
}

static int method_log(lua_State *L)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    struct lua_run *run = check_run(L);
    int32_t level = luaL_checkoption(L, 2, NULL, levels);
    jobmill_str text;

    luaL_checkany(L, 3);
    text.ptr = luaL_tolstring(L, 3, &text.len);
    jobmill_log(run->job, level, text);
    return 0;
}

static const struct report_key *find_key(const struct lua_script *script, const char *name)
{
    const struct report_handler *handler = &script->report.handlers[0];
    size_t i;

    for (i = 0; i < handler->n_keys; i++)
        if (str_is(handler->keys[i].key, name))
            return &handler->keys[i];
    return NULL;
}

/* Pushes a configuration value as the type that the script declared; the host has checked it. */
static void push_config(lua_State *L, const struct report_key *key, jobmill_str value)
{
    int64_t integer;

    switch (value.ptr == NULL ? JOBMILL_CONFIG_STRING : key->type) {
    case JOBMILL_CONFIG_INT:
    case JOBMILL_CONFIG_DURATION:
        if (!str_to_i64((struct str){value.ptr, value.len}, &integer))
            lua__raise(L, "config.%s: found a value that is no integer", key->key.ptr);
        lua_pushinteger(L, integer);
        break;
    case JOBMILL_CONFIG_REAL:
        push_text(L, value);
        lua_pushnumber(L, strtod(lua_tostring(L, -1), NULL));
        break;
    case JOBMILL_CONFIG_BOOL:
        lua_pushboolean(L, str_is((struct str){value.ptr, value.len}, "true"));
        break;
    default:
        push_text(L, value);
    }
}

static int method_config(lua_State *L)
{
    struct lua_run *run = check_run(L);
    const char *name = luaL_checkstring(L, 2);
    const struct report_key *key = find_key(run->script, name);

    if (key == NULL)
        lua__raise(L, "config: found `%s`, expected a key of the script's config table", name);
    push_config(L, key, jobmill_config(run->job, name));
    return 1;
}

static int method_cancelled(lua_State *L)
{
    lua_pushboolean(L, jobmill_cancelled(check_job(L, "cancelled")->job));
    return 1;
}

static int method_remaining_ms(lua_State *L)
{
    lua_pushinteger(L, jobmill_remaining_ms(check_job(L, "remaining_ms")->job));
    return 1;
}

static struct str check_message(lua_State *L)
{
    struct str text;

    text.ptr = luaL_checklstring(L, 2, &text.len);
    return text;
}

static int method_fail(lua_State *L)
{
    struct lua_run *run = check_job(L, "fail");

    lua__run_end(L, run, JOBMILL_FAIL, check_message(L));
}

/* The delay of {delay_ms = n}, -1 without. */
static int64_t check_delay(lua_State *L, int index)
{
    int64_t delay_ms = -1;

    if (lua_isnoneornil(L, index))
        return -1;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "delay_ms") != 0)
            luaL_argerror(L, index, "found another field, expected only `delay_ms`");
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0)
            luaL_argerror(L, index, "`delay_ms` must be an integer from 0");
        delay_ms = lua_tointeger(L, -1);
    }
    return delay_ms;
}

static int method_retry(lua_State *L)
{
    struct lua_run *run = check_job(L, "retry");
    struct str text = check_message(L);
    int64_t delay_ms = check_delay(L, 3);

    if (delay_ms >= 0 && run->outcome == RUN_OPEN)
        jobmill_retry_after(run->job, delay_ms);
    lua__run_end(L, run, JOBMILL_RETRY, text);
}

static int method_stop(lua_State *L)
{
    lua__run_end(L, check_job(L, "stop"), JOBMILL_CANCELLED, STR("stopped as asked"));
}

static const luaL_Reg methods[] = {{"progress", method_progress},
                                   {"log", method_log},
                                   {"config", method_config},
                                   {"cancelled", method_cancelled},
                                   {"remaining_ms", method_remaining_ms},
                                   {"retry", method_retry},
                                   {"fail", method_fail},
                                   {"stop", method_stop},
                                   {NULL, NULL}};
#define N_METHODS (sizeof methods / sizeof methods[0] - 1)

/* ---- the object ---------------------------------------------------------------------------- */

static _Noreturn void fail_unknown(lua_State *L)
{
    const char *names[N_FIELDS + N_METHODS], *near;
    const char *found = luaL_tolstring(L, 2, NULL);
    size_t i;

    for (i = 0; i < N_FIELDS; i++)
        names[i] = fields[i].name;
    for (i = 0; i < N_METHODS; i++)
        names[N_FIELDS + i] = methods[i].name;
    near = str_nearest(str_from(found), names, N_FIELDS + N_METHODS);
    if (near != NULL)
        lua__raise(L, "a job has no `%s`, expected `%s`?", found, near);
    lua__raise(L, "a job has no `%s`", found);
}

/* Upvalue 1: a table from names to methods and to indexes into fields. */
static int job_index(lua_State *L)
{
    const struct field *field;
    int type;

    check_run(L);
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    type = lua_rawget(L, lua_upvalueindex(1));
    if (type == LUA_TFUNCTION)
        return 1;
    if (type != LUA_TNUMBER)
        fail_unknown(L);
    field = &fields[lua_tointeger(L, -1)];
    field->push(L, check_job(L, field->name)->job);
    return 1;
}

static int job_newindex(lua_State *L)
{
    lua__raise(L, "a job cannot be changed: found an assignment to `%s`",
               luaL_tolstring(L, 2, NULL));
}

static int job_tostring(lua_State *L)
{
    struct lua_ref *ref = luaL_checkudata(L, 1, JOB_CLASS);

    if (ref->run == NULL)
        lua_pushliteral(L, "job: ended");
    else if (ref->run->in_init)
        lua_pushliteral(L, "job: init");
    else {
        lua_pushliteral(L, "job: ");
        push_text(L, jobmill_get_meta(ref->run->job)->id);
        lua_concat(L, 2);
    }
    return 1;
}

void lua__api_open(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__newindex", job_newindex}, {"__tostring", job_tostring}, {NULL, NULL}};
    size_t i;

    luaL_newmetatable(L, JOB_CLASS);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    for (i = 0; i < N_FIELDS; i++) {
        lua_pushinteger(L, (lua_Integer)i);
        lua_setfield(L, -2, fields[i].name);
    }
    lua_pushcclosure(L, job_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, JOB_CLASS);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void lua__api_push(lua_State *L, struct lua_run *run)
{
    struct lua_ref *ref = lua_newuserdatauv(L, sizeof *ref, CACHE_COUNT);

    ref->run = run;
    luaL_setmetatable(L, JOB_CLASS);
    lua_rawgeti(L, LUA_REGISTRYINDEX, run->script->ref);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, SCRIPT_JOB);
    lua_pop(L, 1);
    run->ref = ref;
}

void lua__api_release(lua_State *L, struct lua_run *run)
{
    if (run->ref == NULL)
        return;
    run->ref->run = NULL;
    run->ref = NULL;
    lua_rawgeti(L, LUA_REGISTRYINDEX, run->script->ref);
    lua_pushboolean(L, false);
    lua_rawseti(L, -2, SCRIPT_JOB);
    lua_pop(L, 1);
}
