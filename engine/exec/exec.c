/* SPDX-License-Identifier: MIT
 * An executor's life: start, control messages, end. Its main thread is the control thread. */
#include "exec/exec.h"

#include "base/clock.h"
#include "base/log.h"
#include "exec/crash.h"
#include "exec/exec_priv.h"
#include "exec/limits.h"
#include "exec/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_STACK_BYTES (16 * 1024 * 1024) /* what is not a slot, under the memory limit */

static void send_control(struct executor *x, enum wire_kind kind, const char *text)
{
    struct wire_msg msg = {.kind = kind};
    struct err e;

    msg.control.version = WIRE_VERSION;
    msg.control.text = str_from(text);
    if (chan_send(x->control_fd, &msg, false, &x->scratch, &e) != 0)
        log_error("cannot send %s: %s", wire_kind_name(kind), e.text);
}

static bool some_slot_runs(const struct executor *x)
{
    uint32_t i;

    for (i = 0; i < x->config.threads; i++)
        if (atomic_load(&x->table->slots[i].seq) != 0 && !atomic_load(&x->slots[i].unanswered))
            return true;
    return false;
}

_Noreturn void exec__engine_gone(struct executor *x)
{
    static const struct timespec moment = {.tv_nsec = 5 * NS_PER_MS};
    int64_t end_ns = clock_boot_ns() + EXEC_LEAVE_GRACE_MS * NS_PER_MS;
    uint32_t i;

    for (i = 0; i < x->config.threads; i++)
        cancel_request(&x->slots[i].cancel, 0);
    while (some_slot_runs(x) && clock_boot_ns() < end_ns)
        nanosleep(&moment, NULL);
    _exit(EXEC_EXIT_OK);
}

_Noreturn void exec__broken(const struct err *e)
{
    log_error("executor leaves: %s", e->text);
    _exit(EXEC_EXIT_BROKEN);
}

/* Takes what no slot has received yet and answers it as not started. */
static void give_back_all(struct executor *x)
{
    struct chan_in in = CHAN_IN_INIT;
    struct wire_msg msg;
    struct err e;
    int got;

    while ((got = chan_recv(x->job_fd, true, &in, &msg, &e)) == CHAN_MESSAGE)
        exec__give_back(x, msg.job.seq, &x->scratch);
    chan_in_fini(&in);
    if (got == CHAN_CLOSED && !atomic_load(&x->draining))
        exec__engine_gone(x);
    if (got < 0)
        exec__broken(&e);
}

/* Receiving ends first, so that nothing can arrive behind what is given back. */
static void drain(struct executor *x)
{
    struct err e;

    atomic_store(&x->draining, true);
    if (shutdown(x->job_fd, SHUT_RD) != 0) {
        err_errno(&e, ERR_IO, "shutdown of the job socket");
        log_error("%s", e.text);
    }
    give_back_all(x);
}

/* The request is left for a slot that receives the job later, then looked for in the slots: one of
 * the two sees it. */
static void cancel_run(struct executor *x, uint64_t seq)
{
    uint32_t i;

    cancel_early_add(&x->early, seq);
    for (i = 0; i < x->config.threads; i++) {
        if (cancel_request(&x->slots[i].cancel, seq)) {
            cancel_early_take(&x->early, seq);
            return;
        }
    }
}

static void obey(struct executor *x, const struct wire_msg *msg)
{
    switch (msg->kind) {
    case WIRE_CANCEL:
        cancel_run(x, msg->control.seq);
        break;
    case WIRE_RECALL:
        give_back_all(x);
        break;
    case WIRE_DRAIN:
        drain(x);
        break;
    default:
        log_error("control socket: found %s, expected CANCEL, RECALL or DRAIN",
                  wire_kind_name(msg->kind));
        break;
    }
}

static void control_receive(struct executor *x, struct chan_in *in)
{
    struct wire_msg msg;
    struct err e;
    int got = chan_recv(x->control_fd, true, in, &msg, &e);

    if (got == CHAN_CLOSED)
        exec__engine_gone(x);
    if (got < 0)
        exec__broken(&e);
    if (got == CHAN_MESSAGE)
        obey(x, &msg);
}

/* Until the last slot has ended, which only a drain brings about. */
static void control_loop(struct executor *x)
{
    struct chan_in in = CHAN_IN_INIT;
    struct pollfd fds[2] = {{.fd = x->control_fd, .events = POLLIN},
                            {.fd = x->ended_fd, .events = POLLIN}};

    while (fds[1].revents == 0) {
        if (poll(fds, 2, -1) < 0) {
            fds[1].revents = 0;
            continue; /* EINTR */
        }
        if (fds[0].revents != 0)
            control_receive(x, &in);
    }
    chan_in_fini(&in);
}

static void slots_fini(struct executor *x)
{
    uint32_t i;

    for (i = 0; i < x->config.threads; i++) {
        struct exec_slot *s = &x->slots[i];

        pthread_join(s->thread, NULL);
        cancel_slot_fini(&s->cancel);
        chan_in_fini(&s->in);
        call_fini(&s->call);
        arena_free(&s->arena);
    }
}

static int limit_memory(const struct exec_config *config, struct err *e)
{
    size_t stacks = config->threads * (size_t)EXEC_STACK_BYTES + CONTROL_STACK_BYTES;

    if (config->memory_bytes == 0 || config->memory_bytes > SIZE_MAX - stacks)
        return 0;
    return limits_memory(config->memory_bytes + stacks, e);
}

static int start(struct executor *x, struct err *e)
{
    int rc = exec__config_read(EXEC_FD_CONFIG, &x->config, e);

    close(EXEC_FD_CONFIG);
    if (rc == 0)
        rc = slots_map(EXEC_FD_SLOTS, &x->table, e);
    close(EXEC_FD_SLOTS);
    if (rc == 0)
        rc = crash_install(x->table, x->control_fd, e);
    if (rc == 0)
        rc = crash_thread_enter(0, e);
    if (rc == 0)
        rc = watchdog_start(x->table, e);
    if (rc == 0)
        rc = limit_memory(&x->config, e);
    if (rc == 0)
        rc = exec__load(x, e);
    if (rc == 0)
        rc = exec__slots_start(x, e);
    return rc;
}

static void announce(struct executor *x)
{
    char summary[128];

    crash_loaded();
    snprintf(summary, sizeof summary, "%u threads, %zu handlers, %zu plugins",
             (unsigned)x->config.threads, x->config.n_entries, x->n_plugins);
    send_control(x, WIRE_READY, summary);
    exec__slots_release(x);
}

static void executor_init(struct executor *x)
{
    *x = (struct executor){.job_fd = EXEC_FD_JOB, .control_fd = EXEC_FD_CONTROL, .ended_fd = -1};
    pthread_mutex_init(&x->gate.lock, NULL);
    pthread_cond_init(&x->gate.changed, NULL);
    cancel_early_init(&x->early);
}

static int live(struct executor *x)
{
    struct err e;
    int rc = limits_detach(&e);

    if (rc == 0)
        rc = start(x, &e);
    if (rc != 0) {
        send_control(x, WIRE_REFUSED, e.text);
        return EXEC_EXIT_REFUSED;
    }
    announce(x);
    control_loop(x);
    slots_fini(x);
    exec__unload(x);
    return EXEC_EXIT_OK;
}

/* Leaves by _exit: threads that handlers have started may still run, and destructors of plugins
 * must not race with them. */
int exec_run(void)
{
    static struct executor x; /* static: slots refer to it until the very end */
    int code = EXEC_EXIT_ENDED;

    setvbuf(stdout, NULL, _IOLBF, 0);
    executor_init(&x);
    pthread_cleanup_push(crash_thread_ended, NULL);
    code = live(&x);
    pthread_cleanup_pop(0);
    fflush(NULL);
    _exit(code);
}
