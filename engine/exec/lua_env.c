/* SPDX-License-Identifier: MIT
 * What a script finds in its globals: the harmless part of Lua's libraries, `json`, and print to
 * the job's log. Every script has copies of its own, so none can change another's. */
#include "exec/lua_priv.h"

#include <lualib.h>
#include <stdio.h>
#include <string.h>

/* Its address is the registry key of the original library table that strings' methods come from. */
static const char string_key;

static jobmill_str text_at(lua_State *L, int index)
{
    jobmill_str text;

    text.ptr = luaL_tolstring(L, index, &text.len);
    return text;
}

/* To the job's log; on stderr when a probe looks at the script (stdout carries its report). */
static int env_print(lua_State *L)
{
    struct lua_vm *vm = lua__vm(L);
    int n = lua_gettop(L), i;
    jobmill_str line;
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&text, '\t');
        text_at(L, i);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    line.ptr = lua_tolstring(L, -1, &line.len);
    if (vm->run != NULL)
        jobmill_log(vm->run->job, JOBMILL_LOG_INFO, line);
    else
        fprintf(stderr, "%s\n", line.ptr);
    return 0;
}

/* load(chunk, name, mode, env) for text only. Without `env` the function shares the script's
 * globals, including their life of one job. Upvalue 1: Lua's own load. */
static int env_load(lua_State *L)
{
    bool own_env = lua_gettop(L) >= 4;

    luaL_checkany(L, 1);
    lua_settop(L, own_env ? 4 : 3);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    if (own_env || !lua_isfunction(L, 1))
        return lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lua__vm(L)->script->ref);
    lua_rawgeti(L, -1, SCRIPT_CHUNK);
    lua_upvaluejoin(L, 1, 1, -1, 1);
    lua_settop(L, 1);
    return 1;
}

/* Without finalizers: they would run at any allocation, outside of any job. Upvalue 1: Lua's. */
static int env_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            lua__raise(L, "setmetatable: found __gc, expected none (scripts have no finalizers)");
    }
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

/* collectgarbage("collect" | "count"): the rest would change the machine for other scripts. */
static int env_collectgarbage(lua_State *L)
{
    static const char *const options[] = {"collect", "count", NULL};

    if (luaL_checkoption(L, 1, "collect", options) == 0) {
        lua_pushinteger(L, lua_gc(L, LUA_GCCOLLECT));
        return 1;
    }
    lua_pushnumber(L, lua_gc(L, LUA_GCCOUNT) + lua_gc(L, LUA_GCCOUNTB) / 1024.0);
    return 1;
}

/* Copies the named fields of the table at `from` into the one at the top. */
static void copy_fields(lua_State *L, int from, const char *const *names)
{
    from = lua_absindex(L, from);
    for (; *names != NULL; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, -2, *names);
    }
}

static void copy_all(lua_State *L, int from)
{
    from = lua_absindex(L, from);
    for (lua_pushnil(L); lua_next(L, from);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* The functions of base that work on anything but their arguments are replaced. */
static void add_base(lua_State *L)
{
    static const char *const harmless[] = {
        "assert",   "error",    "getmetatable", "ipairs", "next",     "pairs",
        "pcall",    "rawequal", "rawget",       "rawlen", "rawset",   "select",
        "tonumber", "tostring", "type",         "xpcall", "_VERSION", NULL};

    lua_pushglobaltable(L);
    lua_insert(L, -2);
    copy_fields(L, -2, harmless);
    lua_getfield(L, -2, "load");
    lua_pushcclosure(L, env_load, 1);
    lua_setfield(L, -2, "load");
    lua_getfield(L, -2, "setmetatable");
    lua_pushcclosure(L, env_setmetatable, 1);
    lua_setfield(L, -2, "setmetatable");
    lua_remove(L, -2);
    lua_pushcfunction(L, env_print);
    lua_setfield(L, -2, "print");
    lua_pushcfunction(L, env_collectgarbage);
    lua_setfield(L, -2, "collectgarbage");
}

/* Opening these makes a new table each time. */
static void add_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {{LUA_TABLIBNAME, luaopen_table},
                                         {LUA_MATHLIBNAME, luaopen_math},
                                         {LUA_UTF8LIBNAME, luaopen_utf8},
                                         {LUA_COLIBNAME, luaopen_coroutine},
                                         {NULL, NULL}};
    const luaL_Reg *library;

    for (library = libraries; library->name != NULL; library++) {
        lua_pushcfunction(L, library->func);
        lua_call(L, 0, 1);
        lua_setfield(L, -2, library->name);
    }
}

static void add_string(lua_State *L)
{
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &string_key);
    lua_insert(L, -2);
    copy_all(L, -2);
    lua_remove(L, -2);
    lua_setfield(L, -2, LUA_STRLIBNAME);
}

static void add_os(lua_State *L)
{
    static const char *const harmless[] = {"time", "clock", "date", "difftime", NULL};

    lua_pushcfunction(L, luaopen_os);
    lua_call(L, 0, 1);
    lua_createtable(L, 0, 4);
    copy_fields(L, -2, harmless);
    lua_remove(L, -2);
    lua_setfield(L, -2, LUA_OSLIBNAME);
}

void lua__env_push(lua_State *L)
{
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, 0, 32);
    add_base(L);
    add_libraries(L);
    add_string(L);
    add_os(L);
    lua__json_push_library(L);
    lua_setfield(L, -2, "json");
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
}

void lua__env_open(lua_State *L)
{
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 0);
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    lua_pushnil(L); /* string.dump makes bytecode */
    lua_setfield(L, -2, "dump");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &string_key);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushliteral(L, "string");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}
