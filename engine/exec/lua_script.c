/* SPDX-License-Identifier: MIT
 * The table that a script returns: checking it and describing it as an artifact. */
#include "exec/lua_priv.h"
#include "model/job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX       512 /* bytes of a name, version, default or description */
#define CONFIG_KEY_MAX 64

static const char *const script_fields[] = {"name", "version", "types", "config", "init", "handle"};
static const char *const key_fields[] = {"key", "type", "default", "required", "text"};
static const char *const key_types[] = {"string", "int", "real", "bool", "duration"};
static const uint32_t key_type_codes[] = {JOBMILL_CONFIG_STRING, JOBMILL_CONFIG_INT,
                                          JOBMILL_CONFIG_REAL, JOBMILL_CONFIG_BOOL,
                                          JOBMILL_CONFIG_DURATION};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* "a string", "nil", … of the value at `index`, for messages. May push. */
static const char *kind_at(lua_State *L, int index)
{
    const char *type = luaL_typename(L, index);

    return lua_isnil(L, index) ? type
                               : lua_pushfstring(L, "%s %s", *type == 'i' ? "an" : "a", type);
}

static struct str copy_text(lua_State *L, int index, struct arena *arena)
{
    struct str text;

    text.ptr = lua_tolstring(L, index, &text.len);
    text = arena_str(arena, text);
    if (text.ptr == NULL)
        lua__raise(L, "out of memory");
    return text;
}

static void *take(lua_State *L, struct arena *arena, size_t n, size_t size)
{
    void *memory = arena_array(arena, n, size);

    if (memory == NULL)
        lua__raise(L, "out of memory");
    return memory;
}

/* Refuses fields of the table at the top that are not in `known`. */
static void check_fields(lua_State *L, const char *where, const char *const *known, size_t n)
{
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *near;
        struct str name;
        size_t i;

        if (lua_type(L, -2) != LUA_TSTRING)
            lua__raise(L, "%sfound %s as a key, expected field names", where, kind_at(L, -2));
        name.ptr = lua_tolstring(L, -2, &name.len);
        for (i = 0; i < n && !str_is(name, known[i]); i++)
            ;
        if (i < n)
            continue;
        near = str_nearest(name, known, n);
        if (near != NULL)
            lua__raise(L, "%sfound the unknown field `%s`, expected `%s`?", where, name.ptr, near);
        lua__raise(L, "%sfound the unknown field `%s`", where, name.ptr);
    }
}

/* An optional text of the table at the top: STR_NONE when it is not there. */
static struct str text_field(lua_State *L, const char *where, const char *name, struct arena *arena)
{
    struct str text = STR_NONE;
    int type = lua_getfield(L, -1, name);

    if (type == LUA_TBOOLEAN && strcmp(name, "default") == 0) {
        lua_pushstring(L, lua_toboolean(L, -1) ? "true" : "false");
        lua_replace(L, -2);
        type = LUA_TSTRING;
    }
    if (type != LUA_TNIL) {
        if (type != LUA_TSTRING && type != LUA_TNUMBER)
            lua__raise(L, "%s%s: found %s, expected a string", where, name, kind_at(L, -1));
        text = copy_text(L, -1, arena);
        if (text.len > TEXT_MAX || !str_is_utf8(text))
            lua__raise(L, "%s%s: found %d bytes, expected at most %d bytes of UTF-8 text", where,
                       name, (int)text.len, TEXT_MAX);
    }
    lua_pop(L, 1);
    return text;
}

static void check_function(lua_State *L, const char *name, bool required)
{
    int type = lua_getfield(L, -1, name);

    if (type == LUA_TNIL && required)
        lua__raise(L, "returned a table without `%s`, expected a function `%s`", name, name);
    if (type != LUA_TNIL && type != LUA_TFUNCTION)
        lua__raise(L, "%s: found %s, expected a function", name, kind_at(L, -1));
    lua_pop(L, 1);
}

static void check_name(lua_State *L, struct str name, const char *what)
{
    struct err e;

    if (job_check_name(name, what, &e) != 0)
        lua__raise(L, "%s", e.text);
}

/* types = {"a", "b"}; without it the script's name, without that the file's stem. */
static void describe_types(lua_State *L, struct arena *arena, struct artifact_report *out)
{
    int type = lua_getfield(L, -1, "types");
    size_t n = type == LUA_TTABLE ? lua_rawlen(L, -1) : 1, i, j;

    if (type != LUA_TTABLE && type != LUA_TNIL)
        lua__raise(L, "types: found %s, expected an array of strings", kind_at(L, -1));
    if (n == 0 || n > REPORT_HANDLERS_MAX)
        lua__raise(L, "types: found %d items, expected 1 to %d strings", (int)n,
                   REPORT_HANDLERS_MAX);
    out->handlers = take(L, arena, n, sizeof *out->handlers);
    out->n_handlers = n;
    if (type == LUA_TNIL) {
        check_name(L, out->name, "the file's name, which is the job type without `types`,");
        out->handlers[0].job_type = out->name;
    }
    for (i = 0; type == LUA_TTABLE && i < n; i++) {
        const char *what = lua_pushfstring(L, "types[%d]", (int)i + 1);

        if (lua_rawgeti(L, -2, (lua_Integer)i + 1) != LUA_TSTRING)
            lua__raise(L, "%s: found %s, expected a string", what, kind_at(L, -1));
        out->handlers[i].job_type = copy_text(L, -1, arena);
        check_name(L, out->handlers[i].job_type, what);
        for (j = 0; j < i; j++)
            if (str_eq(out->handlers[j].job_type, out->handlers[i].job_type))
                lua__raise(L, "%s: found `%s` twice", what, out->handlers[i].job_type.ptr);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
}

static bool is_real(struct str text)
{
    char *end;
    double value = strtod(text.ptr, &end);

    return text.len > 0 && end == text.ptr + text.len && isfinite(value);
}

static bool default_fits(const struct report_key *key)
{
    int64_t integer;

    switch (key->type) {
    case JOBMILL_CONFIG_INT:
        return str_to_i64(key->default_value, &integer);
    case JOBMILL_CONFIG_REAL:
        return is_real(key->default_value);
    case JOBMILL_CONFIG_BOOL:
        return str_is(key->default_value, "true") || str_is(key->default_value, "false");
    default: /* durations are read where they are used */
        return true;
    }
}

static void check_key(lua_State *L, const char *where, const struct report_handler *handler)
{
    const struct report_key *key = &handler->keys[handler->n_keys];
    size_t i;

    if (key->key.len == 0 || key->key.len > CONFIG_KEY_MAX ||
        strspn(key->key.ptr, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
            key->key.len)
        lua__raise(L, "%skey: found `%s`, expected 1 to %d of A-Z a-z 0-9 _", where,
                   key->key.ptr != NULL ? key->key.ptr : "nil", CONFIG_KEY_MAX);
    if (key->default_value.ptr != NULL && !default_fits(key))
        lua__raise(L, "%sdefault: found `%s`, expected a value of type %s", where,
                   key->default_value.ptr, key_types[key->type]);
    for (i = 0; i < handler->n_keys; i++)
        if (str_eq(handler->keys[i].key, key->key))
            lua__raise(L, "%skey: found `%s` twice", where, key->key.ptr);
}

static uint32_t key_type(lua_State *L, const char *where, struct arena *arena)
{
    struct str name = text_field(L, where, "type", arena);
    size_t i;

    if (name.ptr == NULL)
        return JOBMILL_CONFIG_STRING;
    for (i = 0; i < COUNT(key_types); i++)
        if (str_is(name, key_types[i]))
            return key_type_codes[i];
    lua__raise(L, "%stype: found `%s`, expected string, int, real, bool or duration", where,
               name.ptr);
}

/* The entry {key=, type=, default=, required=, text=} at the top of the stack. `where` ends with a
 * point, to be followed by a field's name. */
static void describe_key(lua_State *L, const char *where, struct arena *arena,
                         struct report_handler *handler)
{
    struct report_key *key = &handler->keys[handler->n_keys];
    int type;

    key->key = text_field(L, where, "key", arena);
    key->type = key_type(L, where, arena);
    key->default_value = text_field(L, where, "default", arena);
    key->text = text_field(L, where, "text", arena);
    if (key->text.ptr == NULL)
        key->text = STR("");
    type = lua_getfield(L, -1, "required");
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        lua__raise(L, "%srequired: found %s, expected a boolean", where, kind_at(L, -1));
    key->required = lua_toboolean(L, -1);
    lua_pop(L, 1);
    check_key(L, where, handler);
    handler->n_keys++;
}

static void describe_config(lua_State *L, struct arena *arena, struct report_handler *handler)
{
    int type = lua_getfield(L, -1, "config");
    size_t n = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0, i;

    if (type != LUA_TNIL && type != LUA_TTABLE)
        lua__raise(L, "config: found %s, expected an array of tables", kind_at(L, -1));
    if (n > REPORT_KEYS_MAX)
        lua__raise(L, "config: found %d keys, expected at most %d", (int)n, REPORT_KEYS_MAX);
    if (type == LUA_TTABLE && n == 0) {
        lua_pushnil(L);
        if (lua_next(L, -2))
            lua__raise(L, "config: found named fields, expected an array: {{key = \"…\"}, …}");
    }
    handler->keys = take(L, arena, n, sizeof *handler->keys);
    for (i = 1; i <= n; i++) {
        const char *what = lua_pushfstring(L, "config[%d]: ", (int)i);
        const char *where = lua_pushfstring(L, "config[%d].", (int)i);

        if (lua_rawgeti(L, -3, (lua_Integer)i) != LUA_TTABLE)
            lua__raise(L, "%sfound %s, expected a table", what, kind_at(L, -1));
        check_fields(L, what, key_fields, COUNT(key_fields));
        describe_key(L, where, arena, handler);
        lua_pop(L, 3);
    }
    lua_pop(L, 1);
}

void lua__script_describe(lua_State *L, struct str stem, struct arena *arena,
                          struct artifact_report *out)
{
    size_t i;

    luaL_checkstack(L, 12, NULL);
    if (!lua_istable(L, -1))
        lua__raise(L, "returned %s, expected a table with a function `handle`", kind_at(L, -1));
    check_fields(L, "", script_fields, COUNT(script_fields));
    check_function(L, "handle", true);
    check_function(L, "init", false);
    *out = (struct artifact_report){.kind = STR("lua")};
    out->name = text_field(L, "", "name", arena);
    out->version = text_field(L, "", "version", arena);
    if (out->name.ptr == NULL)
        out->name = arena_str(arena, stem);
    if (out->name.ptr == NULL)
        lua__raise(L, "out of memory");
    if (out->version.ptr == NULL)
        out->version = STR("0");
    describe_types(L, arena, out);
    describe_config(L, arena, &out->handlers[0]);
    for (i = 1; i < out->n_handlers; i++) { /* they share one handle and so one configuration */
        out->handlers[i].keys = out->handlers[0].keys;
        out->handlers[i].n_keys = out->handlers[0].n_keys;
    }
}
