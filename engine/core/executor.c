/* SPDX-License-Identifier: MIT
 * One executor process: starting it, sending to it, closing it. */
#include "core/executor.h"

#include "base/clock.h"
#include "base/io.h"
#include "core/child_env.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_ABOVE 16 /* the child's copies are made from here, out of the way of 0–7 */

/* Descriptors of a started executor: docs/protocol.md. */
enum child_fd {
    CHILD_OUT = 1,
    CHILD_ERR,
    CHILD_JOB,
    CHILD_CONTROL,
    CHILD_CONF,
    CHILD_SLOTS,
    CHILD_HOLD,
    CHILD_FDS
};

/* The child's ends while it is being started. */
struct birth {
    int fds[CHILD_FDS]; /* close-on-exec, all >= FD_ABOVE; -1: none */
};

static int move_up(int *fd, struct err *e)
{
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, FD_ABOVE);

    if (moved < 0)
        return err_errno(e, ERR_IO, "cannot move a descriptor");
    close(*fd);
    *fd = moved;
    return 0;
}

static int make_pipe(int *ours, int *theirs, struct err *e)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(e, ERR_IO, "pipe");
    *ours = ends[0];
    *theirs = ends[1];
    if (fcntl(*ours, F_SETFL, O_NONBLOCK) != 0)
        return err_errno(e, ERR_IO, "pipe");
    return 0;
}

static int make_channel(int *ours, int *theirs, struct err *e)
{
    int ends[2];
    int rc = chan_pair(ends, e);

    if (rc != 0)
        return rc;
    *ours = ends[0];
    *theirs = ends[1];
    return 0;
}

static int make_conf(struct executor *x, int *fd, struct err *e)
{
    struct buf json = BUF_INIT;
    int rc;

    catalog_executor_config(x->fleet->catalog, x->pool_index, &json);
    if (json.failed)
        rc = err_set(e, ERR_NOMEM, "out of memory");
    else
        rc = io_sealed_memfd("jobmill-conf", buf_str(&json), e);
    buf_free(&json);
    *fd = rc;
    return rc < 0 ? rc : 0;
}

static int make_ends(struct executor *x, struct birth *b, struct err *e)
{
    int rc, i;

    for (i = 0; i < CHILD_FDS; i++)
        b->fds[i] = -1;
    if ((rc = make_channel(&x->job_fd, &b->fds[CHILD_JOB], e)) != 0 ||
        (rc = make_channel(&x->control_fd, &b->fds[CHILD_CONTROL], e)) != 0 ||
        (rc = make_pipe(&x->out_fd, &b->fds[CHILD_OUT], e)) != 0 ||
        (rc = make_pipe(&x->err_fd, &b->fds[CHILD_ERR], e)) != 0 ||
        (rc = make_conf(x, &b->fds[CHILD_CONF], e)) != 0 ||
        (rc = slots_create(&b->fds[CHILD_SLOTS], &x->slots, e)) != 0)
        return rc;
    b->fds[CHILD_HOLD] = fcntl(x->fleet->hold_fd, F_DUPFD_CLOEXEC, FD_ABOVE);
    if (b->fds[CHILD_HOLD] < 0)
        return err_errno(e, ERR_IO, "cannot pass the lock on");
    for (i = CHILD_OUT; i < CHILD_FDS; i++)
        if ((rc = move_up(&b->fds[i], e)) != 0)
            return rc;
    return 0;
}

static int spawn_process(struct executor *x, const struct birth *b, struct err *e)
{
    char program[] = "jobmill-exec", mode[] = "run", *environment[CHILD_ENV_MAX];
    char *const argv[] = {program, mode, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc, i;

    child_env_fill(environ, environment);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (i = CHILD_OUT; i < CHILD_FDS; i++)
        posix_spawn_file_actions_adddup2(&actions, b->fds[i], i);
    posix_spawnattr_init(&attr);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    rc = posix_spawn(&x->pid, x->fleet->exec_path, &actions, &attr, argv, environment);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    if (rc == 0)
        return 0;
    errno = rc;
    x->pid = 0;
    return err_errno(e, ERR_IO, "cannot start %s", x->fleet->exec_path);
}

static int watch(struct executor *x, enum watch_kind kind, int fd, struct err *e)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &x->watches[kind]};

    x->watches[kind] = (struct watch){kind, x};
    if (epoll_ctl(x->fleet->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return err_errno(e, ERR_IO, "epoll_ctl");
    return 0;
}

static int watch_all(struct executor *x, struct err *e)
{
    int rc;

    x->process_fd = (int)syscall(SYS_pidfd_open, x->pid, 0); /* always close-on-exec */
    if (x->process_fd < 0)
        return err_errno(e, ERR_IO, "pidfd_open");
    if ((rc = watch(x, WATCH_JOB, x->job_fd, e)) != 0 ||
        (rc = watch(x, WATCH_CONTROL, x->control_fd, e)) != 0 ||
        (rc = watch(x, WATCH_OUT, x->out_fd, e)) != 0 ||
        (rc = watch(x, WATCH_ERR, x->err_fd, e)) != 0)
        return rc;
    return watch(x, WATCH_PROCESS, x->process_fd, e);
}

static void close_all(struct executor *x)
{
    io_close(&x->job_fd); /* closing takes them out of the epoll set */
    io_close(&x->control_fd);
    io_close(&x->out_fd);
    io_close(&x->err_fd);
    io_close(&x->process_fd);
    slots_unmap(&x->slots);
    chan_in_fini(&x->in);
}

int executor_spawn(struct executor *x, struct err *e)
{
    struct birth b;
    int status, rc, i;

    x->job_fd = x->control_fd = x->out_fd = x->err_fd = x->process_fd = -1;
    x->slots = NULL;
    x->in = CHAN_IN_INIT;
    x->out = x->err = (struct capture){.len = 0};
    x->victim = 0;
    x->stuck = x->recalled = x->killed = false;
    rc = make_ends(x, &b, e);
    if (rc == 0) {
        atomic_store(&x->slots->fence_ns, atomic_load(&x->fleet->fence_ns));
        rc = spawn_process(x, &b, e);
    }
    for (i = CHILD_OUT; i < CHILD_FDS; i++)
        io_close(&b.fds[i]);
    if (rc != 0) {
        close_all(x);
        return rc;
    }
    x->started_ns = clock_boot_ns();
    x->state = EXECUTOR_STARTING;
    atomic_fetch_add(&x->fleet->alive, 1);
    rc = watch_all(x, e);
    if (rc != 0) {
        executor_kill(x);
        executor_reap(x, &status);
        executor_close(x);
    }
    return rc;
}

int executor_send(struct executor *x, const struct wire_msg *msg, struct err *e)
{
    return chan_send(x->job_fd, msg, true, &x->fleet->scratch, e);
}

int executor_control(struct executor *x, enum wire_kind kind, uint64_t seq, struct err *e)
{
    struct wire_msg msg = {.kind = kind,
                           .control = {.version = WIRE_VERSION, .seq = seq, .text = STR_NONE}};

    return chan_send(x->control_fd, &msg, true, &x->fleet->scratch, e);
}

void executor_kill(struct executor *x)
{
    if (x->pid <= 0)
        return;
    x->killed = true;
    if (kill(-x->pid, SIGKILL) != 0)
        kill(x->pid, SIGKILL);
}

void executor_reap(struct executor *x, int *status)
{
    *status = 0;
    kill(-x->pid, SIGKILL); /* whatever it left in its group */
    while (waitpid(x->pid, status, 0) < 0 && errno == EINTR)
        ;
}

void executor_close(struct executor *x)
{
    close_all(x);
    x->pid = 0;
    x->state = EXECUTOR_NONE;
    atomic_fetch_sub(&x->fleet->alive, 1);
}

void executor_add_run(struct executor *x, struct run *run)
{
    run->executor = x;
    run->prev = NULL;
    run->next = x->runs;
    if (x->runs != NULL)
        x->runs->prev = run;
    x->runs = run;
    x->n_runs++;
}

void executor_remove_run(struct executor *x, struct run *run)
{
    if (run->prev != NULL)
        run->prev->next = run->next;
    else
        x->runs = run->next;
    if (run->next != NULL)
        run->next->prev = run->prev;
    run->executor = NULL;
    x->n_runs--;
}
