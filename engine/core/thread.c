/* SPDX-License-Identifier: MIT
 * Starting the engine's threads. */
#include "core/thread.h"

#include <errno.h>
#include <signal.h>

/* Address space, not memory, until it is used; the thread sanitizer takes about 1 MiB of it. */
#define STACK_BYTES (2 * 1024 * 1024)

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context,
                 struct err *e)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    rc = pthread_create(thread, &attr, run, context);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        errno = rc;
        return err_errno(e, ERR_IO, "cannot start thread %s", name);
    }
    pthread_setname_np(*thread, name);
    return 0;
}
