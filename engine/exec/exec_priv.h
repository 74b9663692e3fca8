/* SPDX-License-Identifier: MIT
 * What the parts of a running executor share: its configuration, its slots, its life. */
#ifndef JOBMILL_EXEC_EXEC_PRIV_H
#define JOBMILL_EXEC_EXEC_PRIV_H

#include "exec/cancel.h"
#include "exec/hostapi.h"
#include "exec/loader.h"
#include "exec/lua_vm.h"
#include "ipc/chan.h"
#include "ipc/slots.h"

#include <pthread.h>
#include <stdatomic.h>

/* Inherited from the engine; 1 and 2 are pipes that it reads. */
#define EXEC_FD_JOB     3
#define EXEC_FD_CONTROL 4
#define EXEC_FD_CONFIG  5
#define EXEC_FD_SLOTS   6

#define EXEC_ENTRIES_MAX    1024
#define EXEC_CONFIG_MAX     (16 * 1024 * 1024)
#define EXEC_STACK_BYTES    (8 * 1024 * 1024)  /* of a slot thread */
#define EXEC_LUA_DEFAULT    (64 * 1024 * 1024) /* of one Lua machine */
#define EXEC_LUA_MIN        (2 * 1024 * 1024)
#define EXEC_LEAVE_GRACE_MS 100 /* for cooperative handlers when the engine is gone */

/* How the process ends. */
#define EXEC_EXIT_OK      0
#define EXEC_EXIT_BROKEN  1 /* a message could not be received: nothing can be trusted any more */
#define EXEC_EXIT_USAGE   2
#define EXEC_EXIT_FENCE   70 /* the engine did not renew its lease in time */
#define EXEC_EXIT_ENDED   71 /* a handler ended the process: exit(), pthread_exit() */
#define EXEC_EXIT_REFUSED 78

/* A job type and what runs it. WIRE_JOB names it by its index. */
struct exec_entry {
    struct str type;         /* the job type, for messages */
    const char *file;        /* absolute */
    struct str handler_name; /* the job_type of the artifact's handler */
    bool lua;
    const struct call_pair *config;
    size_t n_config;
    jobmill_handler handler; /* of a plugin: a copy */
    void *state;             /* from the plugin's init */
    struct call *context;    /* of init and fini; NULL before init succeeded */
};

/* The executor configuration (docs/protocol.md). */
struct exec_config {
    struct arena arena; /* owns the strings */
    struct str pool;
    uint32_t threads;
    size_t memory_bytes; /* 0: no limit */
    struct exec_entry *entries;
    size_t n_entries;
};

struct executor;

/* A slot's thread and what it alone uses, but for `cancel`. */
struct exec_slot {
    struct executor *exec;
    uint32_t index;
    pthread_t thread;
    struct slot *shared;
    struct cancel_slot cancel;
    struct chan_in in;
    struct call call;                  /* reused by every run */
    struct lua_vm *lua;                /* NULL without scripts */
    int *scripts;                      /* per entry: the machine's name for its script */
    struct arena arena;                /* as long as the slot */
    int64_t memory_kb, memory_read_ns; /* the last look at the peak memory */
    _Atomic bool unanswered;           /* its run has ended and cannot be answered */
};

/* Lets the slots start together, once every one of them has loaded its scripts. */
struct exec_gate {
    pthread_mutex_t lock; /* protects everything below */
    pthread_cond_t changed;
    uint32_t arrived;
    bool failed, open;
    struct err err; /* of the first that failed */
};

struct executor {
    int job_fd, control_fd;
    struct slot_table *table;
    struct exec_config config;
    struct plugin *plugins; /* loaded files */
    size_t n_plugins;
    struct exec_slot *slots; /* config.threads of them */
    struct exec_gate gate;
    struct cancel_early early;
    _Atomic bool draining; /* what is received now goes back unstarted */
    _Atomic uint32_t live_slots;
    int ended_fd;       /* eventfd: the last slot has ended */
    struct buf scratch; /* of the control thread */
};

/* Parses the configuration's JSON. ERR_INVALID naming the entry, found and expected. */
int exec__config_parse(struct str json, struct exec_config *out, struct err *e) MUST_CHECK;
/* Reads it from a memory file. */
int exec__config_read(int fd, struct exec_config *out, struct err *e) MUST_CHECK;
void exec__config_fini(struct exec_config *config);

/* Loads every plugin once and runs `init` for every entry. On failure nothing is undone: the
 * process is about to end. */
int exec__load(struct executor *x, struct err *e) MUST_CHECK;
/* Calls `fini` of every entry whose `init` succeeded. */
void exec__unload(struct executor *x);

/* Starts the slot threads and waits until all have loaded their scripts. */
int exec__slots_start(struct executor *x, struct err *e) MUST_CHECK;
/* Lets them receive jobs. */
void exec__slots_release(struct executor *x);

/* Answers a job that did not start. */
void exec__give_back(struct executor *x, uint64_t seq, struct buf *scratch);

/* The engine cannot be reached: asks every run to stop, waits a moment, leaves. Any thread. */
_Noreturn void exec__engine_gone(struct executor *x);
_Noreturn void exec__broken(const struct err *e);

#endif
