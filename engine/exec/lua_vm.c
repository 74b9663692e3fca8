/* SPDX-License-Identifier: MIT
 * Lua virtual machines: opening one with a memory limit and loading scripts into it. */
#include "exec/lua_vm.h"

#include "base/io.h"
#include "exec/lua_priv.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_MEMORY (64 * 1024 * 1024) /* for a probe's look at one script */
#define HASH_HEX_LEN  64                 /* file name of a pinned copy: sha256, hex */
#define PINNED_CHUNK  "script"

/* Loading one script, for load_protected. */
struct load {
    struct str source;
    struct str stem;
    struct arena *arena;
    struct lua_script script;
    struct lua_run run; /* of init; unused without a context */
};

/* lua_Alloc: memory up to the limit. Lua collects its garbage and asks again before it gives up. */
static void *vm_alloc(void *context, void *ptr, size_t old_size, size_t size)
{
    struct lua_vm *vm = context;
    size_t old = ptr == NULL ? 0 : old_size; /* else old_size is a type */
    void *grown;

    if (size == 0) {
        free(ptr);
        vm->used_bytes -= old;
        return NULL;
    }
    if (size > old && size - old > vm->limit_bytes - vm->used_bytes)
        return NULL;
    grown = realloc(ptr, size);
    if (grown == NULL) {
        if (size > old)
            return NULL;
        grown = ptr; /* Lua relies on shrinking */
    }
    vm->used_bytes = vm->used_bytes - old + size;
    return grown;
}

static int open_protected(lua_State *L)
{
    luaL_checkstack(L, 16, NULL);
    lua__env_open(L);
    lua__json_open(L);
    lua__api_open(L);
    return 0;
}

int lua_vm_open(size_t memory_bytes, struct lua_vm **out, struct err *e)
{
    struct lua_vm *vm = calloc(1, sizeof *vm);

    if (vm == NULL) {
        err_set(e, ERR_NOMEM, "out of memory");
        return ERR_NOMEM;
    }
    vm->limit_bytes = memory_bytes;
    vm->L = lua_newstate(vm_alloc, vm);
    if (vm->L != NULL) {
        *(struct lua_vm **)lua_getextraspace(vm->L) = vm;
        lua_pushcfunction(vm->L, open_protected);
        if (lua_pcall(vm->L, 0, 0, 0) == LUA_OK) {
            *out = vm;
            return 0;
        }
    }
    lua_vm_close(&vm);
    err_set(e, ERR_NOMEM, "found %zu bytes for a Lua machine, expected more", memory_bytes);
    return ERR_NOMEM;
}

void lua_vm_close(struct lua_vm **vm)
{
    if (*vm == NULL)
        return;
    if ((*vm)->L != NULL)
        lua_close((*vm)->L);
    arena_free(&(*vm)->arena);
    arena_free(&(*vm)->scratch);
    buf_free(&(*vm)->out);
    free((*vm)->scripts);
    free(*vm);
    *vm = NULL;
}

/* ---- loading ------------------------------------------------------------------------------ */

/* The text without a byte order mark and a first line for the shell (whose end stays, so that
 * line numbers hold). */
static struct str source_text(struct str source)
{
    size_t skip = str_starts(source, "\xEF\xBB\xBF") ? 3 : 0;

    if (skip < source.len && source.ptr[skip] == '#')
        while (skip < source.len && source.ptr[skip] != '\n')
            skip++;
    return (struct str){source.ptr + skip, source.len - skip};
}

/* Pushes the compiled chunk. */
static void compile(lua_State *L, struct str source, const char *chunk)
{
    const char *name = lua_pushfstring(L, "@%s", chunk);

    source = source_text(source);
    if (str_starts(source, LUA_SIGNATURE))
        lua__raise(L, "is compiled Lua, expected source text");
    if (luaL_loadbufferx(L, source.ptr, source.len, name, "t") != LUA_OK)
        lua_error(L);
    lua_remove(L, -2);
}

/* Makes the script's table at index 2 and its chunk ready to be called at the top. */
static void prepare(lua_State *L, struct load *load)
{
    lua_createtable(L, SCRIPT_JOB, 0);
    lua_pushvalue(L, -1);
    load->script.ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua__env_push(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, 2, SCRIPT_GLOBALS);
    lua_createtable(L, 0, 2);
    lua_insert(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "globals");
    lua_setfield(L, -2, "__metatable");
    lua_rawseti(L, 2, SCRIPT_JOB_META);
    compile(L, load->source, load->script.chunk);
    lua_pushvalue(L, -1);
    lua_rawseti(L, 2, SCRIPT_CHUNK);
    lua_rawgeti(L, 2, SCRIPT_GLOBALS);
    lua_setupvalue(L, -2, 1);
}

/* Calls `init` of the script's returned table at index 3. */
static void call_init(lua_State *L, struct load *load)
{
    lua__api_push(L, &load->run);
    if (lua_getfield(L, 3, "init") != LUA_TFUNCTION)
        return;
    lua_pushvalue(L, 4);
    lua_call(L, 1, 0);
}

/* (struct load *) */
static int load_protected(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);
    struct lua_script *script = &load->script;

    luaL_checkstack(L, 16, NULL);
    prepare(L, load);
    lua_call(L, 0, 1);
    lua__script_describe(L, load->stem, load->arena, &script->report);
    if (script->label != script->chunk)
        script->label = arena_printf(load->arena, "%s.lua", script->report.name.ptr);
    if (script->label == NULL)
        script->label = script->chunk;
    lua_getfield(L, 3, "handle");
    lua_rawseti(L, 2, SCRIPT_HANDLE);
    if (load->run.job != NULL)
        call_init(L, load);
    return 0;
}

/* Turns the error object at the top into "hello.lua:3: …" or "hello.lua: …". */
static int load_error(struct lua_vm *vm, const struct lua_script *script, int status, struct err *e)
{
    int code = status == LUA_ERRMEM ? ERR_NOMEM : ERR_INVALID;
    struct str text = lua__run_error_text(vm, status);
    size_t n = strlen(script->label);

    if (str_starts(text, script->label) && text.len > n && text.ptr[n] == ':')
        return err_set(e, code, "%.*s", STR_ARG(text));
    return err_set(e, code, "%s: %.*s", script->label, STR_ARG(text));
}

static bool is_hash(struct str stem)
{
    size_t i;

    for (i = 0; i < stem.len; i++)
        if (strchr("0123456789abcdef", stem.ptr[i]) == NULL)
            return false;
    return stem.len == HASH_HEX_LEN;
}

/* What the file's name says: the stem, and the names for Lua and for people. */
static int name_script(struct load *load, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    struct str stem = arena_str(load->arena, str_from(base));

    if (stem.ptr == NULL)
        return err_set(e, ERR_NOMEM, "%s: out of memory", path);
    load->script.chunk = load->script.label = stem.ptr;
    if (stem.len > 4 && strcmp(stem.ptr + stem.len - 4, ".lua") == 0)
        stem.len -= 4;
    load->stem = stem;
    if (is_hash(stem))
        load->script.chunk = PINNED_CHUNK;
    return 0;
}

/* Loads the script into the machine; without `context` only to look at it. On success
 * load->script is complete. */
static int load_script(struct lua_vm *vm, const char *path, jobmill_job *context, struct load *load,
                       struct err *e)
{
    struct buf source = BUF_INIT;
    int rc = name_script(load, path, e), status;

    if (rc == 0)
        rc = io_read_file(path, VM_SOURCE_MAX, &source, e);
    if (rc != 0)
        goto out;
    load->source = source.len > 0 ? buf_str(&source) : STR("");
    load->script.ref = LUA_NOREF;
    load->run = (struct lua_run){
        .job = context, .script = &load->script, .in_init = true, .outcome = RUN_OPEN};
    vm->script = &load->script;
    vm->run = context != NULL ? &load->run : NULL;
    lua_pushcfunction(vm->L, load_protected);
    lua_pushlightuserdata(vm->L, load);
    status = lua_pcall(vm->L, 1, 0, 0);
    lua__api_release(vm->L, &load->run);
    if (status != LUA_OK) {
        luaL_unref(vm->L, LUA_REGISTRYINDEX, load->script.ref);
        rc = load_error(vm, &load->script, status, e);
    }
    lua_settop(vm->L, 0);
    vm->script = NULL;
    vm->run = NULL;
out:
    buf_free(&source);
    return rc;
}

int lua_vm_load(struct lua_vm *vm, const char *path, jobmill_job *context, int *script,
                struct err *e)
{
    struct load load = {.arena = &vm->arena};
    struct lua_script *grown;
    int rc;

    if (vm->n_scripts == VM_SCRIPTS_MAX)
        return err_set(e, ERR_LIMIT, "%s: found %d scripts before it, expected fewer", path,
                       VM_SCRIPTS_MAX);
    grown = realloc(vm->scripts, ((size_t)vm->n_scripts + 1) * sizeof *grown);
    if (grown == NULL)
        return err_set(e, ERR_NOMEM, "%s: out of memory", path);
    vm->scripts = grown;
    rc = load_script(vm, path, context, &load, e);
    if (rc != 0)
        return rc;
    *script = vm->n_scripts;
    vm->scripts[vm->n_scripts++] = load.script;
    return 0;
}

int lua_vm_report(const char *path, struct arena *arena, struct artifact_report *out, struct err *e)
{
    struct load load = {.arena = arena};
    struct lua_vm *vm;
    int rc = lua_vm_open(REPORT_MEMORY, &vm, e);

    if (rc != 0)
        return rc;
    rc = load_script(vm, path, NULL, &load, e);
    if (rc == 0)
        *out = load.script.report;
    lua_vm_close(&vm);
    return rc;
}
