/* SPDX-License-Identifier: MIT
 * The watchdog: ends the process when the engine's lease is over. */
#include "exec/watchdog.h"

#include "base/clock.h"
#include "exec/exec_priv.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES (256 * 1024)

static void sleep_until(int64_t boot_ns)
{
    struct timespec when = {.tv_sec = boot_ns / NS_PER_S, .tv_nsec = boot_ns % NS_PER_S};

    clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &when, NULL);
}

/* Sleeps to the fence, which has moved on by then if all is well; a fence that is not set yet or
 * was pulled in is noticed within a second. */
static void *watch(void *argument)
{
    const struct slot_table *table = argument;

    for (;;) {
        int64_t fence = atomic_load(&table->fence_ns);
        int64_t now = clock_boot_ns();

        if (fence != 0 && now >= fence)
            _exit(EXEC_EXIT_FENCE);
        sleep_until(fence != 0 && fence < now + NS_PER_S ? fence : now + NS_PER_S);
    }
    return NULL;
}

int watchdog_start(struct slot_table *table, struct err *e)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all); /* signals that handlers work with must not land here */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&thread, &attr, watch, table);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0 ? 0 : err_set(e, ERR_NOMEM, "cannot start the watchdog: error %d", rc);
}
