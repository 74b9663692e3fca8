/* SPDX-License-Identifier: MIT
 * Cancelling: bringing a request to stop to the run that it is meant for. */
#include "exec/cancel.h"

#include "base/clock.h"
#include "base/io.h"

#include <assert.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int watch(int poll_fd, int fd, struct err *e)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return err_errno(e, ERR_IO, "epoll_ctl");
    return 0;
}

int cancel_slot_init(struct cancel_slot *c, struct slot *shared, struct err *e)
{
    int rc;

    *c = (struct cancel_slot){.shared = shared};
    pthread_mutex_init(&c->lock, NULL);
    c->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    c->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (c->event_fd < 0 || c->timer_fd < 0 || c->poll_fd < 0)
        rc = err_errno(e, ERR_IO, "cannot make a slot's descriptors");
    else
        rc = watch(c->poll_fd, c->event_fd, e);
    if (rc == 0)
        rc = watch(c->poll_fd, c->timer_fd, e);
    if (rc != 0)
        cancel_slot_fini(c);
    return rc;
}

void cancel_slot_fini(struct cancel_slot *c)
{
    io_close(&c->poll_fd);
    io_close(&c->timer_fd);
    io_close(&c->event_fd);
    pthread_mutex_destroy(&c->lock);
}

void cancel_begin(struct cancel_slot *c, uint64_t seq, int64_t started_ns)
{
    pthread_mutex_lock(&c->lock);
    atomic_store_explicit(&c->shared->cancel, 0, memory_order_relaxed);
    atomic_store_explicit(&c->shared->started_ns, started_ns, memory_order_relaxed);
    /* sequentially consistent: see cancel_early_take's caller */
    atomic_store(&c->shared->seq, seq);
    pthread_mutex_unlock(&c->lock);
}

/* Zero disarms. */
static void set_timer(struct cancel_slot *c, int64_t deadline_ns)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S}};
    int rc = timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);

    assert(rc == 0);
    c->armed = deadline_ns != 0;
}

void cancel_end(struct cancel_slot *c)
{
    uint64_t value;
    ssize_t n;

    pthread_mutex_lock(&c->lock);
    atomic_store_explicit(&c->shared->seq, 0, memory_order_release);
    if (c->signalled) { /* non-blocking, so fit to be done under the lock */
        n = read(c->event_fd, &value, sizeof value);
        (void)n;
    }
    c->signalled = false;
    pthread_mutex_unlock(&c->lock);
    if (c->armed)
        set_timer(c, 0);
}

int cancel_poll_fd(struct cancel_slot *c, int64_t deadline_ns)
{
    if (deadline_ns != 0 && !c->armed)
        set_timer(c, deadline_ns);
    return c->poll_fd;
}

bool cancel_request(struct cancel_slot *c, uint64_t seq)
{
    uint64_t one = 1, current;
    ssize_t n;

    pthread_mutex_lock(&c->lock);
    current = atomic_load(&c->shared->seq);
    if (current != 0 && (seq == 0 || seq == current)) {
        atomic_store(&c->shared->cancel, 1);
        if (!c->signalled) {
            n = write(c->event_fd, &one, sizeof one);
            (void)n;
        }
        c->signalled = true;
    } else {
        current = 0;
    }
    pthread_mutex_unlock(&c->lock);
    return current != 0;
}

void cancel_early_init(struct cancel_early *early)
{
    *early = (struct cancel_early){.count = 0};
    pthread_mutex_init(&early->lock, NULL);
}

void cancel_early_add(struct cancel_early *early, uint64_t seq)
{
    pthread_mutex_lock(&early->lock);
    if (early->seqs[early->next] == 0)
        atomic_fetch_add(&early->count, 1);
    early->seqs[early->next] = seq;
    early->next = (early->next + 1) % CANCEL_EARLY_MAX;
    pthread_mutex_unlock(&early->lock);
}

bool cancel_early_take(struct cancel_early *early, uint64_t seq)
{
    bool found = false;
    uint32_t i;

    if (atomic_load(&early->count) == 0)
        return false;
    pthread_mutex_lock(&early->lock);
    for (i = 0; i < CANCEL_EARLY_MAX && !found; i++) {
        found = early->seqs[i] == seq;
        if (found) {
            early->seqs[i] = 0;
            atomic_fetch_sub(&early->count, 1);
        }
    }
    pthread_mutex_unlock(&early->lock);
    return found;
}
