/* SPDX-License-Identifier: MIT
 * Recording how runs ended. */
#include "core/finish.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/backoff.h"
#include "core/thread.h"

#include <assert.h>
#include <string.h>

#define BATCH_MAX        512
#define TROUBLE_FIRST_MS 100
#define TROUBLE_MAX_MS   5000

static int64_t ago_ms(int64_t boot_ns, int64_t now_ns)
{
    if (boot_ns == 0)
        return -1;
    return boot_ns > now_ns ? 0 : (now_ns - boot_ns) / NS_PER_MS;
}

static void fill(struct finish *f, const struct run *run, int64_t now_ns)
{
    *f = (struct finish){
        .id = run->job.id,
        .outcome = run->outcome,
        .verdict = run_judge(&run->job, run->outcome, run->retry_delay_ms,
                             run->outcome == RUN_OK ? 0 : random_u64()),
        .result =
            run->outcome == RUN_OK && run->result.ptr != NULL ? buf_str(&run->result) : STR_NONE,
        .error = run->error.ptr != NULL ? buf_str(&run->error) : STR_NONE,
        .started_ago_ms = ago_ms(run->started_ns, now_ns),
        .ended_ago_ms = ago_ms(run->ended_ns, now_ns),
        .cpu_us = run->cpu_us,
        .memory_kb = run->memory_kb,
    };
    memcpy(f->token, run->job.token, sizeof f->token);
    if (f->ended_ago_ms < 0)
        f->ended_ago_ms = 0;
}

/* The store has looked at the items and will never take them as they are. */
static bool is_refusal(int rc)
{
    return rc == ERR_INVALID || rc == ERR_LIMIT || rc == ERR_MISMATCH || rc == ERR_CONFLICT;
}

/* Keeps calling until the store answers: a result that exists must not be thrown away while the
 * lease may still be good. Afterwards the token decides. */
static int finish_persistently(struct finish_thread *f, struct finish *items, size_t n,
                               struct err *e)
{
    struct backoff trouble = BACKOFF(TROUBLE_FIRST_MS, TROUBLE_MAX_MS);
    int rc;

    while ((rc = f->store->ops->finish(f->store, items, n, e)) != 0 && !is_refusal(rc)) {
        if (trouble.failures == 0)
            log_error("cannot record how %zu runs ended: %s; trying again with back-off", n,
                      e->text);
        if (atomic_load(&f->give_up))
            return rc;
        clock_sleep_ms(backoff_next_ms(&trouble));
    }
    if (backoff_end(&trouble))
        log_info("the store records again");
    return rc;
}

/* The last progress of a run stays with its job. Losing it in trouble is acceptable. */
static void record_progress(struct finish_thread *f, struct run *const *runs, size_t n)
{
    struct progress items[BATCH_MAX];
    struct buf texts[BATCH_MAX];
    size_t count = 0, i;
    struct err e;

    for (i = 0; i < n; i++) {
        if (!runs[i]->has_progress)
            continue;
        texts[count] = BUF_INIT;
        run_put_progress(runs[i], &texts[count]);
        if (texts[count].failed) {
            buf_free(&texts[count]);
            continue;
        }
        items[count] = (struct progress){.id = runs[i]->job.id, .progress = buf_str(&texts[count])};
        memcpy(items[count].token, runs[i]->job.token, JOB_TOKEN_LEN);
        count++;
    }
    if (count > 0 && f->store->ops->progress(f->store, items, count, &e) != 0)
        log_warn("cannot record progress of %zu runs: %s", count, e.text);
    for (i = 0; i < count; i++)
        buf_free(&texts[i]);
}

static void log_ending(const struct run *run, const struct finish *item)
{
    char id[UUID_TEXT_LEN + 1];

    if (run->outcome == RUN_OK && !log_enabled(LOG_DEBUG))
        return;
    uuid_format(run->job.id, id);
    if (!item->applied)
        log_warn("late result dropped, the lease is lost job=%s type=%.*s outcome=%s", id,
                 STR_ARG(run->job.type), run_outcome_name(run->outcome));
    else if (run->outcome == RUN_OK || run->outcome == RUN_GIVEN_BACK)
        log_debug("run ended job=%s type=%.*s outcome=%s", id, STR_ARG(run->job.type),
                  run_outcome_name(run->outcome));
    else
        log_info("run failed job=%s type=%.*s attempt=%d outcome=%s next=%s error=\"%.*s\"", id,
                 STR_ARG(run->job.type), run->job.attempt, run_outcome_name(run->outcome),
                 job_state_name(item->verdict.next),
                 (int)(item->error.len > 200 ? 200 : item->error.len),
                 item->error.ptr == NULL ? "" : item->error.ptr);
}

/* What follows from a recorded ending. */
static void follow_up(struct finish_thread *f, const struct finish *items, size_t n)
{
    struct uuid dead[BATCH_MAX];
    size_t n_dead = 0, i;

    for (i = 0; i < n; i++) {
        if (!items[i].applied)
            atomic_fetch_add(&f->stale, 1);
        else if (items[i].verdict.next == JOB_RETRYING)
            duties_due_in(f->duties, items[i].due_in_ms);
        else if (items[i].verdict.next == JOB_DEAD_LETTER)
            dead[n_dead++] = items[i].id;
    }
    if (n_dead > 0)
        f->queue->ops->dead(f->queue, dead, n_dead);
}

static void become_bad_result(struct run *run, const struct err *e)
{
    run->outcome = RUN_BAD_RESULT;
    buf_reset(&run->error);
    buf_addf(&run->error, "the store refuses to record this run: %s", e->text);
}

/* Records the items. When the store refuses them it halves the batch until the bad one is alone,
 * and records that as a bad result: one bad row never fails its batch. */
static void record_items(struct finish_thread *f, struct run **runs, struct finish *items, size_t n)
{
    struct err e = {0};
    int rc = finish_persistently(f, items, n, &e);
    size_t i;

    if (rc == 0) {
        follow_up(f, items, n);
        for (i = 0; i < n; i++)
            log_ending(runs[i], &items[i]);
    } else if (is_refusal(rc) && n > 1) {
        record_items(f, runs, items, n / 2);
        record_items(f, runs + n / 2, items + n / 2, n - n / 2);
    } else if (is_refusal(rc) && runs[0]->outcome != RUN_BAD_RESULT) {
        become_bad_result(runs[0], &e);
        fill(&items[0], runs[0], clock_boot_ns());
        record_items(f, runs, items, 1);
    } else if (is_refusal(rc)) {
        log_error("a run cannot be recorded at all: %s", e.text);
    }
}

static void record(struct finish_thread *f, struct run **runs, size_t n)
{
    struct finish items[BATCH_MAX];
    int64_t now_ns = clock_boot_ns();
    size_t i;

    assert(n <= BATCH_MAX);
    for (i = 0; i < n; i++)
        fill(&items[i], runs[i], now_ns);
    record_progress(f, runs, n);
    record_items(f, runs, items, n);
    for (i = 0; i < n; i++) {
        fleet_place_free(f->fleet, runs[i]);
        run_free(runs[i]);
    }
    /* places are free and jobs may have come back */
    f->queue->ops->wake(f->queue);
}

static void *finish_run(void *context)
{
    struct finish_thread *f = context;

    for (;;) {
        struct mail *ended = mailbox_take(&f->inbox, BATCH_MAX, -1);
        struct run *runs[BATCH_MAX];
        size_t n = 0;

        if (ended == NULL && mailbox_is_closed(&f->inbox))
            return NULL;
        pulse_busy(&f->pulse);
        for (; ended != NULL; ended = ended->next)
            runs[n++] = (struct run *)ended;
        if (n > 0)
            record(f, runs, n);
        pulse_idle(&f->pulse);
    }
}

int finish_start(struct finish_thread *f, struct store *store, struct queue *queue,
                 struct duties *duties, struct fleet *fleet, struct err *e)
{
    int rc;

    f->store = store;
    f->queue = queue;
    f->duties = duties;
    f->fleet = fleet;
    f->pulse = (struct pulse){.name = "finish"};
    rc = mailbox_init(&f->inbox, 0, false, e);
    if (rc != 0)
        return rc;
    rc = thread_start(&f->thread, "finish", finish_run, f, e);
    if (rc != 0)
        mailbox_fini(&f->inbox);
    return rc;
}

void finish_post(struct finish_thread *f, struct run *run)
{
    bool accepted = mailbox_post(&f->inbox, &run->mail);

    assert(accepted); /* unbounded, and closed only after the fleet has ended */
    (void)accepted;
}

void finish_stop(struct finish_thread *f)
{
    mailbox_close(&f->inbox);
    pthread_join(f->thread, NULL);
    mailbox_fini(&f->inbox);
}
