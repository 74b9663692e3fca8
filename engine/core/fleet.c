/* SPDX-License-Identifier: MIT
 * The fleet: placing runs on executors, the thread's loop, its start and end. */
#include "core/fleet_priv.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "core/exec_path.h"
#include "core/finish.h"
#include "core/thread.h"
#include "queue/queue.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENTS_MAX 64

/* --- placing runs -------------------------------------------------------------------------- */

void fleet__settle(struct fleet *f, struct run *run, enum run_outcome outcome)
{
    if (run->executor != NULL)
        executor_remove_run(run->executor, run);
    if (run->seq != 0)
        run_table_drop(&f->runs, run);
    pthread_mutex_lock(&f->progress_lock);
    if (run->has_progress) {
        if (run->progress_prev != NULL)
            run->progress_prev->progress_next = run->progress_next;
        else
            f->reporting = run->progress_next;
        if (run->progress_next != NULL)
            run->progress_next->progress_prev = run->progress_prev;
    }
    pthread_mutex_unlock(&f->progress_lock);
    run->outcome = outcome;
    if (run->ended_ns == 0)
        run->ended_ns = clock_boot_ns();
    finish_post(f->finish, run);
}

/* The ready executor with the fewest runs; those whose slots are all stuck only when there is no
 * other. */
static struct executor *choose(const struct fleet_pool *p)
{
    struct executor *best = NULL;
    int32_t i;

    for (i = 0; i < p->conf->processes; i++) {
        struct executor *x = &p->executors[i];

        if (x->state != EXECUTOR_READY || x->killed)
            continue;
        if (best == NULL || x->stuck < best->stuck ||
            (x->stuck == best->stuck && x->n_runs < best->n_runs))
            best = x;
    }
    return best;
}

static int send_run(struct fleet *f, struct executor *x, struct run *run, struct err *e)
{
    const struct job *job = &run->job;
    char id[UUID_TEXT_LEN + 1], workflow[UUID_TEXT_LEN + 1];
    struct wire_msg msg = {.kind = WIRE_JOB};

    uuid_format(job->id, id);
    uuid_format(job->workflow_id, workflow);
    msg.job = (struct wire_job){
        .seq = run->seq,
        .handler = f->catalog->routes[run->route].handler_index,
        .attempt = job->attempt,
        .max_retries = job->max_retries,
        .priority = job->priority,
        .step_index = job->step_index,
        .claim = job->claims,
        .timeout_ms = job->timeout_ms,
        .created_at_ms = job->created_at,
        .id = {id, UUID_TEXT_LEN},
        .type = job->type,
        .queue = job->queue,
        .payload = job->payload,
        .tags = job->tags,
        .idempotency_key = job->idempotency_key,
        .workflow_id =
            uuid_is_nil(job->workflow_id) ? STR_NONE : (struct str){workflow, UUID_TEXT_LEN},
    };
    return executor_send(x, &msg, e);
}

/* False when no executor can take the run now. */
static bool place(struct fleet *f, struct run *run)
{
    struct fleet_pool *p = &f->pools[f->catalog->routes[run->route].pool];
    struct executor *x = choose(p);
    struct err e;
    int rc;

    if (x == NULL)
        return false;
    if (!run_table_add(&f->runs, run))
        return false;
    rc = send_run(f, x, run, &e);
    if (rc == 0) {
        run->sent_ns = clock_boot_ns();
        executor_add_run(x, run);
        return true;
    }
    run_table_drop(&f->runs, run);
    if (rc == ERR_INVALID) { /* no executor will ever take this message */
        buf_adds(&run->error, e.text);
        fleet__settle(f, run, RUN_PERMANENT);
        return true;
    }
    return false;
}

static void wait_for_room(struct fleet_pool *p, struct run *run)
{
    run->next = NULL;
    if (p->waiting == NULL)
        p->waiting = run;
    else
        p->waiting_last->next = run;
    p->waiting_last = run;
}

/* Places what waits, in order, as far as it goes; gives it back while draining, and when the lease
 * that it was claimed under may be lost. */
static void place_waiting(struct fleet *f, struct fleet_pool *p)
{
    while (p->waiting != NULL) {
        struct run *run = p->waiting, *next = run->next;

        run->next = NULL;
        if (atomic_load(&f->draining) || atomic_load(&f->killing)) {
            fleet__settle(f, run, RUN_GIVEN_BACK);
        } else if (!place(f, run)) {
            run->next = next;
            return;
        }
        p->waiting = next;
    }
}

static void take_inbox(struct fleet *f)
{
    struct mail *letter = mailbox_take(&f->inbox, SIZE_MAX, 0), *next;
    size_t i;

    for (; letter != NULL; letter = next) {
        struct run *run = (struct run *)letter;

        next = letter->next;
        wait_for_room(&f->pools[f->catalog->routes[run->route].pool], run);
    }
    for (i = 0; i < f->catalog->n_pools; i++)
        place_waiting(f, &f->pools[i]);
}

/* --- the thread ---------------------------------------------------------------------------- */

void fleet__each(struct fleet *f, void (*fn)(struct fleet *f, struct executor *x))
{
    size_t i;
    int32_t k;

    for (i = 0; i < f->catalog->n_pools; i++)
        for (k = 0; k < f->pools[i].conf->processes; k++)
            fn(f, &f->pools[i].executors[k]);
}

static void handle_event(struct fleet *f, const struct watch *w)
{
    struct executor *x = w->executor;

    if (x == NULL || x->state == EXECUTOR_NONE) /* buried earlier in this round */
        return;
    switch (w->kind) {
    case WATCH_JOB:
        fleet__job_event(f, x);
        break;
    case WATCH_CONTROL:
        fleet__control_event(f, x);
        break;
    case WATCH_OUT:
    case WATCH_ERR:
        fleet__output_event(f, x, w->kind == WATCH_ERR);
        break;
    case WATCH_PROCESS:
        fleet__death_event(f, x);
        break;
    case WATCH_INBOX:
        break;
    }
}

static void kill_one(struct fleet *f, struct executor *x)
{
    (void)f;
    if (!x->killed)
        executor_kill(x);
}

static void ask_to_leave(struct fleet *f, struct executor *x)
{
    struct err e;

    (void)f;
    if (x->state != EXECUTOR_READY && x->state != EXECUTOR_STARTING)
        return;
    if (x->state == EXECUTOR_READY)
        atomic_fetch_sub(&x->pool->slots, x->pool->conf->threads);
    x->state = EXECUTOR_LEAVING;
    if (executor_control(x, WIRE_DRAIN, 0, &e) != 0)
        executor_kill(x);
}

static void obey_orders(struct fleet *f)
{
    if (atomic_load(&f->draining))
        fleet__each(f, ask_to_leave);
    if (!atomic_load(&f->killing))
        return;
    fleet__each(f, kill_one);
    take_inbox(f); /* what no executor has yet goes with them */
    if (atomic_load(&f->alive) == 0)
        atomic_store(&f->killing, false);
}

static void *fleet_run(void *context)
{
    struct fleet *f = context;
    struct epoll_event events[EVENTS_MAX];

    while (!atomic_load(&f->stopping)) {
        int wait_ms, n, i;

        pulse_busy(&f->pulse);
        obey_orders(f);
        take_inbox(f);
        wait_ms = fleet__watch(f); /* after placing: a run just placed has a timeout to look at */
        pulse_idle(&f->pulse);
        n = epoll_wait(f->epoll_fd, events, EVENTS_MAX, wait_ms);
        pulse_busy(&f->pulse);
        for (i = 0; i < n; i++)
            handle_event(f, events[i].data.ptr);
    }
    return NULL;
}

/* --- start and stop ------------------------------------------------------------------------ */

void fleet__start_news(struct fleet *f, const struct err *e)
{
    pthread_mutex_lock(&f->start_lock);
    if (!f->start_over) {
        if (e != NULL && f->start_error.code == 0)
            f->start_error = *e;
        if (e == NULL && f->n_starting > 0)
            f->n_starting--;
        pthread_cond_broadcast(&f->start_news);
    }
    pthread_mutex_unlock(&f->start_lock);
}

static int make_pool(struct fleet *f, uint32_t index, struct err *e)
{
    struct fleet_pool *p = &f->pools[index];
    int32_t i;

    p->conf = &f->catalog->pools[index];
    p->executors = calloc((size_t)p->conf->processes, sizeof *p->executors);
    if (p->executors == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < p->conf->processes; i++)
        p->executors[i] =
            (struct executor){.fleet = f,
                              .pool = p,
                              .pool_index = index,
                              .quick_deaths = BACKOFF(FLEET_RESPAWN_MS, FLEET_RESPAWN_MAX)};
    f->n_starting += (size_t)p->conf->processes;
    return 0;
}

static int make_pools(struct fleet *f, struct err *e)
{
    size_t n = f->catalog->n_pools, routes = f->catalog->n_routes;
    uint32_t i;

    f->pools = calloc(n > 0 ? n : 1, sizeof *f->pools);
    f->stats = calloc(routes > 0 ? routes : 1, sizeof *f->stats);
    if (f->pools == NULL || f->stats == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < n; i++) {
        int rc = make_pool(f, i, e);

        if (rc != 0)
            return rc;
    }
    return 0;
}

static int make_loop(struct fleet *f, struct err *e)
{
    static struct watch inbox_watch = {WATCH_INBOX, NULL};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &inbox_watch};

    f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (f->epoll_fd < 0)
        return err_errno(e, ERR_IO, "epoll_create1");
    if (epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, f->inbox.event_fd, &event) != 0)
        return err_errno(e, ERR_IO, "epoll_ctl");
    return 0;
}

static int wait_for_start(struct fleet *f, struct err *e)
{
    int64_t until = clock_mono_ns() + f->conf->start_timeout_ms * NS_PER_MS;
    struct timespec deadline = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    int rc = 0;

    pthread_mutex_lock(&f->start_lock);
    while (f->n_starting > 0 && f->start_error.code == 0 && rc == 0)
        rc = pthread_cond_timedwait(&f->start_news, &f->start_lock, &deadline);
    if (f->start_error.code != 0)
        rc = err_set(e, f->start_error.code, "%s", f->start_error.text);
    else if (f->n_starting > 0)
        rc = err_set(e, ERR_IO, "%zu executors were not ready after %lld ms", f->n_starting,
                     (long long)f->conf->start_timeout_ms);
    else
        rc = 0;
    f->start_over = true;
    pthread_mutex_unlock(&f->start_lock);
    return rc;
}

static void free_all(struct fleet *f)
{
    size_t i;

    for (i = 0; f->pools != NULL && i < f->catalog->n_pools; i++)
        free(f->pools[i].executors);
    free(f->pools);
    free(f->stats);
    free(f->exec_path);
    run_table_fini(&f->runs);
    buf_free(&f->scratch);
    io_close(&f->epoll_fd);
    mailbox_fini(&f->inbox);
    pthread_cond_destroy(&f->start_news);
    pthread_mutex_destroy(&f->start_lock);
    pthread_mutex_destroy(&f->progress_lock);
}

static void init_sync(struct fleet *f)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&f->start_lock, NULL);
    pthread_mutex_init(&f->progress_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->start_news, &attr);
    pthread_condattr_destroy(&attr);
}

int fleet_start(struct fleet *f, const struct conf *conf, const struct catalog *catalog,
                int hold_fd, struct finish_thread *finish, struct queue *queue, struct err *e)
{
    int rc;

    f->conf = conf;
    f->catalog = catalog;
    f->finish = finish;
    f->queue = queue;
    f->hold_fd = hold_fd;
    f->epoll_fd = -1;
    f->pulse = (struct pulse){.name = "fleet"};
    init_sync(f);
    rc = mailbox_init(&f->inbox, 0, true, e);
    if (rc == 0)
        rc = exec_path_find(conf, &f->exec_path, e);
    if (rc == 0)
        rc = make_pools(f, e);
    if (rc == 0)
        rc = make_loop(f, e);
    if (rc == 0)
        rc = thread_start(&f->thread, "fleet", fleet_run, f, e);
    if (rc != 0) {
        free_all(f);
        return rc;
    }
    rc = wait_for_start(f, e);
    if (rc != 0) {
        fleet_drain(f, 0, NULL);
        fleet_stop_placing(f);
        fleet_fini(f);
    }
    return rc;
}

void fleet_set_fence(struct fleet *f, int64_t fence_ns)
{
    atomic_store(&f->fence_ns, fence_ns);
    mailbox_nudge(&f->inbox);
}

void fleet_kill_all(struct fleet *f)
{
    atomic_store(&f->killing, true);
    mailbox_nudge(&f->inbox);
    while (atomic_load(&f->killing) && !atomic_load(&f->stopping))
        clock_sleep_ms(1);
}

void fleet_drain(struct fleet *f, int64_t deadline_ms, bool (*hurry)(void))
{
    int64_t until = clock_mono_ns() + deadline_ms * NS_PER_MS;

    atomic_store(&f->draining, true);
    mailbox_nudge(&f->inbox);
    while (atomic_load(&f->alive) > 0) {
        if (clock_mono_ns() >= until || (hurry != NULL && hurry())) {
            fleet_kill_all(f);
            return;
        }
        clock_sleep_ms(2);
    }
}

void fleet_stop_placing(struct fleet *f)
{
    mailbox_close(&f->inbox);
    atomic_store(&f->stopping, true);
    mailbox_nudge(&f->inbox);
    pthread_join(f->thread, NULL);
    take_inbox(f); /* draining: gives back what came since the last turn */
}

void fleet_fini(struct fleet *f)
{
    free_all(f);
}
