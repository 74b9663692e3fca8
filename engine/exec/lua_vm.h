/* SPDX-License-Identifier: MIT
 * Lua virtual machines: one per slot thread, holding every script that its executor serves, each
 * with globals of its own. The only files that include lua.h are lua_*.c. */
#ifndef JOBMILL_EXEC_LUA_VM_H
#define JOBMILL_EXEC_LUA_VM_H

#include "base/arena.h"
#include "base/err.h"
#include "exec/report.h"

#include <jobmill.h>

struct lua_vm;

/* A machine whose memory never grows past `memory_bytes`. */
int lua_vm_open(size_t memory_bytes, struct lua_vm **out, struct err *e) MUST_CHECK;
void lua_vm_close(struct lua_vm **vm);

/* Compiles the script (text only), runs its chunk and calls its `init` with `context`. *script
 * names it in lua_vm_run. ERR_INVALID with file, line, found, expected. */
int lua_vm_load(struct lua_vm *vm, const char *path, jobmill_job *context, int *script,
                struct err *e) MUST_CHECK;

/* Runs one job on the calling thread, which owns the machine. Returns JOBMILL_OK, _RETRY, _FAIL or
 * _CANCELLED with result and error set through job->host. */
int32_t lua_vm_run(struct lua_vm *vm, int script, jobmill_job *job);

/* Loads the script without init and describes it. */
int lua_vm_report(const char *path, struct arena *arena, struct artifact_report *out,
                  struct err *e) MUST_CHECK;

#endif
