/* SPDX-License-Identifier: MIT
 * What an executor process may do and how it is tied to its engine. */
#include "exec/limits.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void stay(int signal_number)
{
    (void)signal_number;
}

/* The engine decides when an executor ends, not a terminal. A function that does nothing instead
 * of SIG_IGN: programs that handlers start would inherit the latter. */
static void reset_signals(void)
{
    static const int endured[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    size_t i;
    int n;

    for (n = 1; n < NSIG; n++)
        sigaction(n, &action, NULL); /* fails for those that cannot be changed */
    action.sa_handler = stay;
    action.sa_flags = SA_RESTART;
    for (i = 0; i < sizeof endured / sizeof *endured; i++)
        sigaction(endured[i], &action, NULL);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* Dies with the thread of the engine that started it, which never ends by itself. */
static int tie_to_parent(struct err *e)
{
    pid_t parent = getppid();

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return err_errno(e, ERR_IO, "prctl(PR_SET_PDEATHSIG)");
    /* it may have died before; had it died even earlier, the sockets would say so */
    if (getppid() != parent)
        return err_set(e, ERR_UNAVAILABLE, "the engine died while this executor started");
    return 0;
}

int limits_detach(struct err *e)
{
    struct rlimit no_core = {0, 0};
    int rc = tie_to_parent(e);

    if (rc != 0)
        return rc;
    if (setsid() < 0 && errno != EPERM) /* EPERM: it was started as the leader of a session */
        return err_errno(e, ERR_IO, "setsid");
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return err_errno(e, ERR_IO, "prctl");
    if (setrlimit(RLIMIT_CORE, &no_core) != 0)
        return err_errno(e, ERR_IO, "setrlimit(RLIMIT_CORE)");
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        return err_errno(e, ERR_IO, "close_range");
    reset_signals();
    return 0;
}

int limits_memory(size_t bytes, struct err *e)
{
    struct rlimit limit = {bytes, bytes};

    if (setrlimit(RLIMIT_DATA, &limit) != 0)
        return err_errno(e, ERR_IO, "setrlimit(RLIMIT_DATA, %zu)", bytes);
    return 0;
}
