/* SPDX-License-Identifier: MIT
 * Mailboxes: a bounded, intrusive queue between threads. */
#include "base/mailbox.h"

#include "base/clock.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int mailbox_init(struct mailbox *mb, size_t limit, bool with_event_fd, struct err *e)
{
    pthread_condattr_t attr;

    *mb = (struct mailbox){.limit = limit, .event_fd = -1};
    mb->last = &mb->first;
    if (with_event_fd) {
        mb->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (mb->event_fd < 0)
            return err_errno(e, ERR_IO, "eventfd");
    }
    pthread_mutex_init(&mb->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&mb->arrived, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

void mailbox_fini(struct mailbox *mb)
{
    pthread_cond_destroy(&mb->arrived);
    pthread_mutex_destroy(&mb->lock);
    if (mb->event_fd >= 0)
        close(mb->event_fd);
    mb->event_fd = -1;
}

/* Wakes whoever reads, by condition and by descriptor. */
static void ring_locked(struct mailbox *mb)
{
    uint64_t one = 1;
    ssize_t ignored;

    pthread_cond_signal(&mb->arrived);
    if (mb->event_fd >= 0) {
        ignored = write(mb->event_fd, &one, sizeof one);
        (void)ignored; /* EAGAIN means that it is readable already */
    }
}

bool mailbox_post(struct mailbox *mb, struct mail *letter)
{
    bool accepted;

    letter->next = NULL;
    pthread_mutex_lock(&mb->lock);
    accepted = !mb->closed && (mb->limit == 0 || mb->count < mb->limit);
    if (accepted) {
        *mb->last = letter;
        mb->last = &letter->next;
        if (mb->count++ == 0)
            ring_locked(mb);
    }
    pthread_mutex_unlock(&mb->lock);
    return accepted;
}

static void wait_locked(struct mailbox *mb, int64_t timeout_ms)
{
    int64_t until = clock_mono_ns() + timeout_ms * NS_PER_MS;
    struct timespec deadline = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};

    while (mb->first == NULL && !mb->closed && !mb->nudged) {
        if (timeout_ms < 0)
            pthread_cond_wait(&mb->arrived, &mb->lock);
        else if (pthread_cond_timedwait(&mb->arrived, &mb->lock, &deadline) != 0)
            break;
    }
}

/* Unlinks up to `max` letters from the front. */
static struct mail *cut_locked(struct mailbox *mb, size_t max)
{
    struct mail *taken = mb->first, **end = &taken;
    size_t n = 0;

    while (*end != NULL && n < max) {
        end = &(*end)->next;
        n++;
    }
    mb->first = *end;
    if (mb->first == NULL)
        mb->last = &mb->first;
    *end = NULL;
    mb->count -= n;
    return taken;
}

struct mail *mailbox_take(struct mailbox *mb, size_t max, int64_t timeout_ms)
{
    struct mail *taken;
    uint64_t rings;
    ssize_t ignored;

    pthread_mutex_lock(&mb->lock);
    if (timeout_ms != 0)
        wait_locked(mb, timeout_ms);
    mb->nudged = false;
    if (mb->event_fd >= 0) {
        ignored = read(mb->event_fd, &rings, sizeof rings);
        (void)ignored;
    }
    taken = cut_locked(mb, max);
    if (mb->first != NULL)
        ring_locked(mb);
    pthread_mutex_unlock(&mb->lock);
    return taken;
}

void mailbox_nudge(struct mailbox *mb)
{
    pthread_mutex_lock(&mb->lock);
    mb->nudged = true;
    ring_locked(mb);
    pthread_mutex_unlock(&mb->lock);
}

void mailbox_close(struct mailbox *mb)
{
    pthread_mutex_lock(&mb->lock);
    mb->closed = true;
    ring_locked(mb);
    pthread_mutex_unlock(&mb->lock);
}

bool mailbox_is_closed(struct mailbox *mb)
{
    bool closed;

    pthread_mutex_lock(&mb->lock);
    closed = mb->closed;
    pthread_mutex_unlock(&mb->lock);
    return closed;
}

size_t mailbox_count(struct mailbox *mb)
{
    size_t count;

    pthread_mutex_lock(&mb->lock);
    count = mb->count;
    pthread_mutex_unlock(&mb->lock);
    return count;
}
