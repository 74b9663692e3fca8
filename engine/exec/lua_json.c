/* SPDX-License-Identifier: MIT
 * JSON text to Lua values, and the library `json` of scripts. Integers stay integers, reals stay
 * reals, arrays carry a marker so that empty ones stay arrays, null is json.null. */
#include "exec/lua_priv.h"
#include "json/scan.h"

/* Their addresses are the registry keys of the two markers. */
static const char array_key, object_key;

struct decoder {
    lua_State *L;
    struct arena *scratch;
    struct json_doc doc;
    int array_marker; /* stack index */
};

static void push_value(struct decoder *d, const struct json_tok *tok);

static void push_text(struct decoder *d, const struct json_tok *tok)
{
    struct str text = json_text(&d->doc, tok, d->scratch);

    if (text.ptr == NULL)
        lua__raise(d->L, "out of memory");
    lua_pushlstring(d->L, text.ptr, text.len);
}

static void push_array(struct decoder *d, const struct json_tok *tok)
{
    const struct json_tok *item = tok + 1;
    uint32_t i;

    lua_createtable(d->L, (int)tok->count, 0);
    for (i = 1; i <= tok->count; i++, item = json_next(&d->doc, item)) {
        push_value(d, item);
        lua_rawseti(d->L, -2, (lua_Integer)i);
    }
    lua_pushvalue(d->L, d->array_marker);
    lua_setmetatable(d->L, -2);
}

static void push_object(struct decoder *d, const struct json_tok *tok)
{
    const struct json_tok *name = tok + 1;
    uint32_t i;

    lua_createtable(d->L, 0, (int)tok->count);
    for (i = 0; i < tok->count; i++, name = json_next(&d->doc, name + 1)) {
        push_text(d, name);
        push_value(d, name + 1);
        lua_rawset(d->L, -3);
    }
}

static void push_number(struct decoder *d, const struct json_tok *tok)
{
    int64_t integer;
    double real = 0;

    if (tok->kind == JSON_INT && json_int(&d->doc, tok, &integer)) {
        lua_pushinteger(d->L, integer);
        return;
    }
    (void)json_double(&d->doc, tok, &real); /* the scanner has accepted it */
    lua_pushnumber(d->L, real);
}

static void push_value(struct decoder *d, const struct json_tok *tok)
{
    luaL_checkstack(d->L, 4, "JSON");
    switch (tok->kind) {
    case JSON_FALSE:
    case JSON_TRUE:
        lua_pushboolean(d->L, tok->kind == JSON_TRUE);
        break;
    case JSON_INT:
    case JSON_REAL:
        push_number(d, tok);
        break;
    case JSON_STRING:
        push_text(d, tok);
        break;
    case JSON_ARRAY:
        push_array(d, tok);
        break;
    case JSON_OBJECT:
        push_object(d, tok);
        break;
    default:
        lua_pushlightuserdata(d->L, NULL);
    }
}

void lua__json_decode(lua_State *L, struct str json)
{
    struct lua_vm *vm = lua__vm(L);
    struct decoder d = {.L = L, .scratch = &vm->scratch};
    struct err e;

    arena_free(&vm->scratch);
    if (json_scan(&vm->scratch, json, &d.doc, &e) != 0)
        lua__raise(L, "%s", e.text);
    lua__json_push_marker(L, true);
    d.array_marker = lua_gettop(L);
    push_value(&d, d.doc.toks);
    lua_remove(L, d.array_marker);
    arena_free(&vm->scratch);
}

void lua__json_push_marker(lua_State *L, bool array)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, array ? &array_key : &object_key);
}

bool lua__json_has_marker(lua_State *L, int index, bool array)
{
    bool same;

    if (!lua_getmetatable(L, index))
        return false;
    lua__json_push_marker(L, array);
    same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

static int json_decode(lua_State *L)
{
    struct str text;

    text.ptr = luaL_checklstring(L, 1, &text.len);
    if (text.len > VM_JSON_TEXT_MAX)
        lua__raise(L, "json.decode: found %d MiB of text, expected at most %d",
                   (int)(text.len >> 20), VM_JSON_TEXT_MAX >> 20);
    lua__json_decode(L, text);
    return 1;
}

static int json_encode(lua_State *L)
{
    struct str json;

    luaL_checkany(L, 1);
    json = lua__json_encode(L, 1, "value", VM_JSON_TEXT_MAX);
    lua_pushlstring(L, json.ptr, json.len);
    return 1;
}

/* Marks the table that is the first argument, or a new one. */
static int mark(lua_State *L, bool array)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getmetatable(L, 1) && !lua__json_has_marker(L, 1, !array) &&
        !lua__json_has_marker(L, 1, array))
        lua__raise(L, "json.%s: found a table with a metatable, expected one without",
                   array ? "array" : "object");
    lua_settop(L, 1);
    lua__json_push_marker(L, array);
    lua_setmetatable(L, 1);
    return 1;
}

static int json_array(lua_State *L)
{
    return mark(L, true);
}

static int json_object(lua_State *L)
{
    return mark(L, false);
}

void lua__json_push_library(lua_State *L)
{
    static const luaL_Reg functions[] = {{"decode", json_decode},
                                         {"encode", json_encode},
                                         {"array", json_array},
                                         {"object", json_object},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
}

static int null_tostring(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

/* json.null.anything is nil, so that a handler can look into an absent payload. */
static int null_index(lua_State *L)
{
    lua_pushnil(L);
    return 1;
}

static void open_marker(lua_State *L, const void *key, const char *name)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void lua__json_open(lua_State *L)
{
    static const luaL_Reg null_methods[] = {
        {"__tostring", null_tostring}, {"__index", null_index}, {NULL, NULL}};

    open_marker(L, &array_key, "json.array");
    open_marker(L, &object_key, "json.object");
    lua_pushlightuserdata(L, NULL);
    luaL_newlib(L, null_methods);
    lua_pushliteral(L, "json.null");
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "json.null");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}
