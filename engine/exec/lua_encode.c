/* SPDX-License-Identifier: MIT
 * Lua values to JSON text. Tables are read raw and names are written in order, so that the same
 * value always gives the same text; what JSON cannot say is an error that names the place. */
#include "exec/lua_priv.h"
#include "json/scan.h"
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES  240
#define NAME_SHOWN_MAX  40
#define MEMBER_MIN_SIZE 4 /* bytes that a member takes at least: "":0 */

/* Where the encoder is in one table: a name, or an index when name.ptr is NULL. */
struct level {
    const void *table;
    struct str name;
    lua_Integer index;
};

struct encoder {
    lua_State *L;
    struct lua_vm *vm;
    const char *root;
    size_t max_bytes;
    struct level levels[JSON_DEPTH_MAX];
    int depth;
};

/* What a table holds. */
struct shape {
    size_t items, names;
    lua_Integer last; /* the highest index */
};

static void encode_value(struct encoder *enc, int index);

/* "result.items[3]" of the value at `depth` levels. */
static void format_path(const struct encoder *enc, int depth, char out[static PATH_MAX_BYTES])
{
    size_t used = (size_t)snprintf(out, PATH_MAX_BYTES, "%s", enc->root);
    int i;

    for (i = 0; i < depth && used < PATH_MAX_BYTES; i++) {
        const struct level *level = &enc->levels[i];
        int shown = (int)(level->name.len > NAME_SHOWN_MAX ? NAME_SHOWN_MAX : level->name.len);

        if (level->name.ptr != NULL)
            used += (size_t)snprintf(out + used, PATH_MAX_BYTES - used, ".%.*s", shown,
                                     level->name.ptr);
        else
            used += (size_t)snprintf(out + used, PATH_MAX_BYTES - used, "[%lld]",
                                     (long long)level->index);
    }
}

static _Noreturn void fail(const struct encoder *enc, const char *found, const char *expected)
{
    char path[PATH_MAX_BYTES];

    format_path(enc, enc->depth, path);
    lua__raise(enc->L, "%s: found %s, expected %s", path, found, expected);
}

static _Noreturn void fail_size(const struct encoder *enc)
{
    lua__raise(enc->L, "%s: found more than %d bytes of JSON, expected at most that", enc->root,
               (int)enc->max_bytes);
}

static void encode_number(struct encoder *enc, int index)
{
    double real;

    if (lua_isinteger(enc->L, index)) {
        json_put_int(&enc->vm->out, lua_tointeger(enc->L, index));
        return;
    }
    real = lua_tonumber(enc->L, index);
    if (isnan(real))
        fail(enc, "NaN", "a finite number");
    if (isinf(real))
        fail(enc, "an infinite number", "a finite number");
    json_put_real(&enc->vm->out, real);
}

static void encode_string(struct encoder *enc, struct str text)
{
    if (text.len > enc->max_bytes)
        fail_size(enc);
    if (!str_is_utf8(text))
        fail(enc, "a string that is not UTF-8 or holds NUL", "text");
    json_put_str(&enc->vm->out, text);
}

/* Counts what the table at `index` holds; raises on keys that JSON has no place for. */
static struct shape measure(struct encoder *enc, int index)
{
    struct shape shape = {0, 0, 0};
    lua_State *L = enc->L;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            shape.names++;
        } else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1) {
            shape.items++;
            if (lua_tointeger(L, -2) > shape.last)
                shape.last = lua_tointeger(L, -2);
        } else if (lua_type(L, -2) == LUA_TNUMBER) {
            fail(enc, "a number below 1 or with a fraction as a key", "names, or items from 1");
        } else {
            char found[40];

            snprintf(found, sizeof found, "a %s as a key", luaL_typename(L, -2));
            fail(enc, found, "names, or items from 1");
        }
    }
    return shape;
}

static void encode_array(struct encoder *enc, int index, const struct shape *shape)
{
    struct level *level = &enc->levels[enc->depth++];
    char found[64];
    lua_Integer i;

    *level = (struct level){.table = lua_topointer(enc->L, index)};
    json_open(&enc->vm->out, '[');
    for (i = 1; i <= (lua_Integer)shape->items; i++) {
        level->index = i;
        if (lua_rawgeti(enc->L, index, i) == LUA_TNIL) {
            snprintf(found, sizeof found, "nothing, and items up to [%lld]",
                     (long long)shape->last);
            fail(enc, found, "items without a gap");
        }
        encode_value(enc, lua_gettop(enc->L));
        lua_pop(enc->L, 1);
    }
    json_close(&enc->vm->out, ']');
    enc->depth--;
}

static int compare_names(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    return str_cmp(*x, *y);
}

/* The names of the table at `index` in order; they belong to the table. */
static struct str *sorted_names(struct encoder *enc, int index, size_t count)
{
    struct str *names = arena_array(&enc->vm->scratch, count, sizeof *names);
    lua_State *L = enc->L;
    size_t n = 0;

    if (names == NULL)
        lua__raise(L, "%s: out of memory", enc->root);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        names[n].ptr = lua_tolstring(L, -2, &names[n].len);
        n++;
    }
    qsort(names, n, sizeof *names, compare_names);
    return names;
}

static void encode_object(struct encoder *enc, int index, const struct shape *shape)
{
    struct level *level = &enc->levels[enc->depth];
    struct str *names;
    size_t i;

    if (shape->names > enc->max_bytes / MEMBER_MIN_SIZE)
        fail_size(enc);
    names = sorted_names(enc, index, shape->names);
    *level = (struct level){.table = lua_topointer(enc->L, index)};
    json_open(&enc->vm->out, '{');
    for (i = 0; i < shape->names; i++) {
        if (!str_is_utf8(names[i]))
            fail(enc, "a name that is not UTF-8 or holds NUL", "text");
        encode_string(enc, names[i]);
        buf_addc(&enc->vm->out, ':');
        level->name = names[i];
        lua_pushlstring(enc->L, names[i].ptr, names[i].len);
        lua_rawget(enc->L, index);
        enc->depth++;
        encode_value(enc, lua_gettop(enc->L));
        enc->depth--;
        lua_pop(enc->L, 1);
    }
    json_close(&enc->vm->out, '}');
}

static void check_cycle(struct encoder *enc, int index)
{
    const void *table = lua_topointer(enc->L, index);
    char path[PATH_MAX_BYTES], found[PATH_MAX_BYTES + 32];
    int i;

    for (i = 0; i < enc->depth; i++) {
        if (enc->levels[i].table != table)
            continue;
        format_path(enc, i, path);
        snprintf(found, sizeof found, "a cycle back to %s", path);
        fail(enc, found, "a tree");
    }
}

static void encode_table(struct encoder *enc, int index)
{
    bool array = lua__json_has_marker(enc->L, index, true);
    bool object = !array && lua__json_has_marker(enc->L, index, false);
    struct shape shape;

    check_cycle(enc, index);
    if (enc->depth == JSON_DEPTH_MAX)
        fail(enc, "deeper nesting", "at most 64 levels");
    shape = measure(enc, index);
    if (array && shape.names > 0)
        fail(enc, "a name in an array", "only items");
    if (object && shape.items > 0)
        fail(enc, "an item in an object", "only names");
    if (shape.items > 0 && shape.names > 0)
        fail(enc, "a table with both items and names", "one kind");
    if (array || shape.items > 0)
        encode_array(enc, index, &shape);
    else
        encode_object(enc, index, &shape);
}

static void encode_value(struct encoder *enc, int index)
{
    struct buf *out = &enc->vm->out;
    struct str text;
    char found[40];

    luaL_checkstack(enc->L, 6, "JSON");
    switch (lua_type(enc->L, index)) {
    case LUA_TNIL:
        json_put_raw(out, STR("null"));
        break;
    case LUA_TBOOLEAN:
        json_put_bool(out, lua_toboolean(enc->L, index));
        break;
    case LUA_TNUMBER:
        encode_number(enc, index);
        break;
    case LUA_TSTRING:
        text.ptr = lua_tolstring(enc->L, index, &text.len);
        encode_string(enc, text);
        break;
    case LUA_TLIGHTUSERDATA: /* json.null is the only one that scripts can get */
        json_put_raw(out, STR("null"));
        break;
    case LUA_TTABLE:
        encode_table(enc, index);
        break;
    default:
        snprintf(found, sizeof found, "a %s", luaL_typename(enc->L, index));
        fail(enc, found, "null, a boolean, a number, a string or a table");
    }
    if (out->failed)
        lua__raise(enc->L, "%s: out of memory", enc->root);
    if (out->len > enc->max_bytes)
        fail_size(enc);
}

struct str lua__json_encode(lua_State *L, int index, const char *root, size_t max_bytes)
{
    struct encoder enc = {.L = L, .vm = lua__vm(L), .root = root, .max_bytes = max_bytes};

    arena_free(&enc.vm->scratch);
    buf_reset(&enc.vm->out);
    encode_value(&enc, lua_absindex(L, index));
    return buf_str(&enc.vm->out);
}
