/* SPDX-License-Identifier: MIT
 * Last words. What runs in a signal handler here is async-signal-safe: atomics, getpid, raise. */
#include "exec/crash.h"

#include "exec/exec_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_BYTES 65536

/* Written once, before any foreign code runs; signal handlers have no other way to it. */
static struct {
    struct slot_table *table;
    int control_fd;
    pid_t pid; /* a forked child shares the table and must not write to it */
    atomic_bool loading;
} site;

static _Thread_local uint32_t this_slot;
static _Thread_local void *this_stack;

/* The first cause stays: what follows is its consequence. */
static void record(enum slots_cause cause, int signal_number, uint64_t address)
{
    uint32_t none = SLOTS_ALIVE;

    if (!atomic_compare_exchange_strong(&site.table->crash_cause, &none, (uint32_t)cause))
        return;
    atomic_store(&site.table->crash_slot, this_slot);
    atomic_store(&site.table->crash_address, address);
    atomic_store(&site.table->crash_signal, (uint32_t)signal_number);
}

static void on_fatal_signal(int signal_number, siginfo_t *info, void *context)
{
    bool by_kernel = info->si_code > 0; /* else it was sent, and has no address */

    (void)context;
    if (getpid() == site.pid)
        record(SLOTS_SIGNAL, signal_number, by_kernel ? (uint64_t)(uintptr_t)info->si_addr : 0);
    raise(signal_number); /* SA_RESETHAND: now with its default action */
}

static void refuse(const char *what)
{
    struct wire_msg msg = {.kind = WIRE_REFUSED};
    struct buf scratch = BUF_INIT;

    msg.control.version = WIRE_VERSION;
    msg.control.text = str_from(what);
    if (chan_send(site.control_fd, &msg, false, &scratch, NULL) == 0)
        _exit(EXEC_EXIT_REFUSED);
}

/* Executors leave by _exit, so whoever calls exit() is foreign code. */
static void on_exit_called(void)
{
    if (getpid() != site.pid)
        return;
    record(SLOTS_EXIT_CALLED, 0, 0);
    if (atomic_load(&site.loading))
        refuse("a handler called exit() while it was loaded, expected it to return");
    fflush(NULL);
    _exit(EXEC_EXIT_ENDED);
}

void crash_thread_ended(void *unused)
{
    (void)unused;
    if (getpid() != site.pid)
        return;
    record(SLOTS_THREAD_ENDED, 0, 0);
    if (atomic_load(&site.loading))
        refuse("a handler called pthread_exit() while it was loaded, expected it to return");
    fflush(NULL);
    _exit(EXEC_EXIT_ENDED);
}

int crash_install(struct slot_table *table, int control_fd, struct err *e)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction action = {.sa_sigaction = on_fatal_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER};
    size_t i;

    site.table = table;
    site.control_fd = control_fd;
    site.pid = getpid();
    atomic_store(&site.loading, true);
    for (i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (sigaction(fatal[i], &action, NULL) != 0)
            return err_errno(e, ERR_IO, "sigaction");
    if (atexit(on_exit_called) != 0)
        return err_set(e, ERR_NOMEM, "atexit: out of memory");
    return 0;
}

void crash_loaded(void)
{
    atomic_store(&site.loading, false);
}

int crash_thread_enter(uint32_t slot, struct err *e)
{
    stack_t stack = {.ss_size = STACK_BYTES};

    this_slot = slot;
    stack.ss_sp = malloc(STACK_BYTES);
    if (stack.ss_sp == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (sigaltstack(&stack, NULL) != 0) {
        free(stack.ss_sp);
        return err_errno(e, ERR_IO, "sigaltstack");
    }
    free(this_stack);
    this_stack = stack.ss_sp;
    return 0;
}

void crash_thread_leave(void)
{
    stack_t none = {.ss_flags = SS_DISABLE};

    sigaltstack(&none, NULL);
    free(this_stack);
    this_stack = NULL;
}
