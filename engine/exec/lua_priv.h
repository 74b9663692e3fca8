/* SPDX-License-Identifier: MIT
 * What the lua_*.c files share: the machine, its scripts and the run at hand.
 *
 * Functions marked "raises" leave by lua_error, so they may only be called under lua_pcall; what
 * they allocate outside of Lua hangs on the machine (arenas, buffer), never on the C stack. */
#ifndef JOBMILL_EXEC_LUA_PRIV_H
#define JOBMILL_EXEC_LUA_PRIV_H

#include "base/arena.h"
#include "base/str.h"
#include "exec/lua_vm.h"
#include "exec/report.h"

#include <lauxlib.h>
#include <lua.h>

#define VM_SCRIPTS_MAX   1024
#define VM_SOURCE_MAX    (1024 * 1024)     /* bytes of one script */
#define VM_JSON_TEXT_MAX (2 * 1024 * 1024) /* bytes for json.encode and json.decode */
#define VM_OUT_KEPT_MAX  (256 * 1024)      /* bytes of lua_vm.out that outlast a run */

/* What lua_script.ref holds, by index. SCRIPT_JOB keeps the job object alive during a run. */
enum { SCRIPT_CHUNK = 1, SCRIPT_HANDLE, SCRIPT_GLOBALS, SCRIPT_JOB_META, SCRIPT_JOB };

struct lua_script {
    int ref;           /* registry reference of a table: enum above */
    const char *chunk; /* the name that Lua puts in front of positions: "hello.lua" */
    const char *label; /* the name for people; differs when the file is a pinned copy */
    struct artifact_report report;
};

/* One run of a job, or one init: what a job object points to while it lasts. */
struct lua_run {
    jobmill_job *job;
    const struct lua_script *script;
    bool in_init;        /* `job` is a context: only config and log work */
    int32_t outcome;     /* RUN_OPEN, or what the first fail, retry or stop decided */
    struct lua_ref *ref; /* the job object, cleared when the run is over */
};
#define RUN_OPEN INT32_C(-1)

/* A job object. */
struct lua_ref {
    struct lua_run *run; /* NULL: over */
};

struct lua_vm {
    lua_State *L; /* its main thread; all of a run happens under one lua_pcall */
    size_t used_bytes, limit_bytes;
    struct arena arena;   /* what the scripts say of themselves; as long as the machine */
    struct arena scratch; /* of one JSON reading or writing; emptied at the next */
    struct buf out;       /* JSON being written */
    struct lua_script *scripts;
    int n_scripts;
    const struct lua_script *script; /* whose code is running; NULL between runs */
    struct lua_run *run;             /* NULL between runs and while a probe looks */
};

/* The machine that `L`, or a coroutine of it, belongs to. */
static inline struct lua_vm *lua__vm(lua_State *L)
{
    return *(struct lua_vm **)lua_getextraspace(L);
}

static inline jobmill_str lua__sdk_str(struct str s)
{
    return (jobmill_str){s.ptr, s.len};
}

/* Raises the formatted text (lua_pushfstring's formats) with the caller's position in front. */
_Noreturn void lua__raise(lua_State *L, const char *fmt, ...);

/* lua_env.c. Both raise. */
void lua__env_open(lua_State *L); /* what all scripts of a machine share */
void lua__env_push(lua_State *L); /* pushes the globals of a new script */

/* lua_script.c: checks the table at the top of the stack, which the script returned, and describes
 * it in `arena`. Raises when it is not what it should be. */
void lua__script_describe(lua_State *L, struct str stem, struct arena *arena,
                          struct artifact_report *out);

/* lua_api.c. */
void lua__api_open(lua_State *L);                         /* raises */
void lua__api_push(lua_State *L, struct lua_run *run);    /* a job object, kept in SCRIPT_JOB; sets
                                                             run->ref; raises */
void lua__api_release(lua_State *L, struct lua_run *run); /* makes it inert; never raises */

/* lua_run.c: says why the run at hand ends, unless that was said before, and raises. */
_Noreturn void lua__run_end(lua_State *L, struct lua_run *run, int32_t outcome, struct str text);
/* Pops the error object that lua_pcall left and tells it as text, borrowed until the next. */
struct str lua__run_error_text(struct lua_vm *vm, int status);

/* lua_json.c. All raise. */
void lua__json_open(lua_State *L);                    /* markers and json.null */
void lua__json_push_library(lua_State *L);            /* a table `json` for one script */
void lua__json_decode(lua_State *L, struct str json); /* pushes the value */
void lua__json_push_marker(lua_State *L, bool array); /* the metatable of json.array/object */
bool lua__json_has_marker(lua_State *L, int index, bool array); /* does the table carry it? */

/* lua_encode.c: the value at `index` as JSON of at most `max_bytes` in lua__vm(L)->out, borrowed
 * until the next one. `root` names it in errors. Raises. */
struct str lua__json_encode(lua_State *L, int index, const char *root, size_t max_bytes);

#endif
