/* SPDX-License-Identifier: MIT
 * The queue `store:`: holds nothing, only wakes whoever waits to ask the store. */
#include "queue/poll_priv.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct poll_queue {
    struct queue base;     /* first: the handle that others see */
    pthread_mutex_t mutex; /* protects is_rung */
    pthread_cond_t rung;
    bool is_rung; /* since the last wait */
};

static void poll_close(struct queue *base)
{
    struct poll_queue *q = (struct poll_queue *)base;

    pthread_cond_destroy(&q->rung);
    pthread_mutex_destroy(&q->mutex);
    free(q);
}

static void poll_wake(struct queue *base)
{
    struct poll_queue *q = (struct poll_queue *)base;

    pthread_mutex_lock(&q->mutex);
    q->is_rung = true;
    pthread_cond_signal(&q->rung);
    pthread_mutex_unlock(&q->mutex);
}

static void poll_push(struct queue *base, const struct ready *jobs, size_t n)
{
    (void)jobs;
    if (n > 0)
        poll_wake(base);
}

static struct timespec deadline_in(int64_t ms)
{
    int64_t at = clock_mono_ns();

    /* a wait of centuries must not overflow into the past */
    at = ms > (INT64_MAX - at) / NS_PER_MS ? INT64_MAX : at + ms * NS_PER_MS;
    return (struct timespec){.tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S)};
}

static int poll_wait(struct queue *base, int64_t timeout_ms, struct hints *out, struct err *e)
{
    struct poll_queue *q = (struct poll_queue *)base;
    struct timespec until = deadline_in(timeout_ms < 0 ? 0 : timeout_ms);
    int rc = 0;

    (void)e;
    pthread_mutex_lock(&q->mutex);
    while (!q->is_rung && rc == 0)
        rc = timeout_ms < 0 ? pthread_cond_wait(&q->rung, &q->mutex)
                            : pthread_cond_timedwait(&q->rung, &q->mutex, &until);
    q->is_rung = false;
    pthread_mutex_unlock(&q->mutex);
    *out = (struct hints){.ask_store = true};
    return 0;
}

static void poll_dead(struct queue *base, const struct uuid *ids, size_t n)
{
    (void)base;
    (void)ids;
    (void)n;
}

static const struct queue_ops poll_ops = {
    .name = "store",
    .close = poll_close,
    .push = poll_push,
    .wake = poll_wake,
    .wait = poll_wait,
    .dead = poll_dead,
};

int queue__poll_open(struct queue **out, struct err *e)
{
    struct poll_queue *q = calloc(1, sizeof *q);
    pthread_condattr_t monotonic;

    if (q == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for a queue");
    q->base.ops = &poll_ops;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->rung, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = &q->base;
    return 0;
}
