/* SPDX-License-Identifier: MIT
 * One executor process as the fleet's thread sees it: starting it, sending to it, noticing its
 * death. Only the fleet's thread touches it. */
#ifndef JOBMILL_CORE_EXECUTOR_H
#define JOBMILL_CORE_EXECUTOR_H

#include "core/backoff.h"
#include "core/capture.h"
#include "core/fleet.h"
#include "ipc/chan.h"
#include "ipc/slots.h"

enum executor_state { EXECUTOR_NONE, EXECUTOR_STARTING, EXECUTOR_READY, EXECUTOR_LEAVING };

/* What an epoll event is about. */
enum watch_kind { WATCH_JOB, WATCH_CONTROL, WATCH_OUT, WATCH_ERR, WATCH_PROCESS, WATCH_INBOX };

struct watch {
    enum watch_kind kind;
    struct executor *executor; /* NULL: the inbox */
};

struct executor {
    struct fleet *fleet;
    struct fleet_pool *pool;
    uint32_t pool_index;
    enum executor_state state;
    pid_t pid;
    int job_fd, control_fd, out_fd, err_fd, process_fd; /* -1: none */
    struct watch watches[5];
    struct slot_table *slots;
    struct chan_in in;
    struct capture out, err;
    struct run *runs; /* sent and not ended */
    int32_t n_runs;
    int64_t started_ns;          /* CLOCK_BOOTTIME */
    int64_t respawn_ns;          /* EXECUTOR_NONE: not before */
    struct backoff quick_deaths; /* soon after the start */
    uint64_t victim;             /* seq of the run whose time-out killed it; 0: none */
    bool stuck;                  /* every slot is busy with a long run */
    bool recalled;               /* a RECALL was sent since it got stuck */
    bool killed;                 /* by us */
};

/* Starts the process in state STARTING. On failure the executor stays EXECUTOR_NONE. */
int executor_spawn(struct executor *x, struct err *e) MUST_CHECK;

/* Sends without waiting: ERR_LIMIT when its socket is full, ERR_IO when it is gone. */
int executor_send(struct executor *x, const struct wire_msg *msg, struct err *e) MUST_CHECK;
int executor_control(struct executor *x, enum wire_kind kind, uint64_t seq,
                     struct err *e) MUST_CHECK;

/* SIGKILL to its whole process group, on the engine's order: its runs are not to blame. */
void executor_kill(struct executor *x);

/* Kills its group and waits for the process; *status is that of waitpid. The slot table stays
 * mapped: it says who was running. */
void executor_reap(struct executor *x, int *status);

/* Closes everything after executor_reap. State NONE. */
void executor_close(struct executor *x);

/* Links and unlinks a run; keeps n_runs. */
void executor_add_run(struct executor *x, struct run *run);
void executor_remove_run(struct executor *x, struct run *run);

#endif
