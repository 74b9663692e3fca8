/* SPDX-License-Identifier: MIT
 * The fleet: what executors send, and how they die. All of it is untrusted input. */
#include "core/fleet_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "json/scan.h"
#include "queue/queue.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define MESSAGES_PER_EVENT  256   /* one busy executor must not starve the others */
#define MESSAGES_AT_DEATH   65536 /* more than a socket holds; a stray child may go on sending */
#define QUICK_DEATH_MS      2000
#define EXECUTOR_EXIT_FENCE 70 /* docs/protocol.md */

/* The run that an executor speaks of, if it has it. */
static struct run *run_of(struct fleet *f, const struct executor *x, uint64_t seq)
{
    struct run *run = run_table_find(&f->runs, seq);

    return run != NULL && run->executor == x ? run : NULL;
}

/* --- ended runs ---------------------------------------------------------------------------- */

static bool result_is_good(struct str result)
{
    struct arena arena = ARENA_INIT;
    struct json_doc doc;
    bool good = result.len <= JOB_RESULT_MAX && json_scan(&arena, result, &doc, NULL) == 0;

    arena_free(&arena);
    return good;
}

static void take_error(struct run *run, struct str error)
{
    if (error.ptr == NULL)
        return;
    if (error.len > JOB_ERROR_MAX)
        error.len = JOB_ERROR_MAX;
    while (error.len > 0 && !str_is_utf8(error)) /* a cut may have hit a sequence */
        error.len--;
    buf_addstr(&run->error, error);
}

static void note_stats(struct fleet *f, const struct run *run, enum run_outcome outcome)
{
    struct route_stats *s = &f->stats[run->route];
    int64_t us = (run->ended_ns - run->started_ns) / 1000;
    int64_t recent = atomic_load_explicit(&s->recent_us, memory_order_relaxed);
    bool first = atomic_fetch_add_explicit(&s->runs, 1, memory_order_relaxed) == 0;

    atomic_fetch_add_explicit(&s->total_us, us, memory_order_relaxed);
    atomic_store_explicit(&s->recent_us, first ? us : recent + (us - recent) / 8,
                          memory_order_relaxed);
    if (outcome != RUN_OK)
        atomic_fetch_add_explicit(&s->failures, 1, memory_order_relaxed);
}

/* What an executor may say of a run; the other outcomes are the engine's to find. */
static bool is_reportable(enum run_outcome outcome)
{
    return outcome != RUN_CRASH && outcome != RUN_LOST;
}

static void on_done(struct fleet *f, struct executor *x, const struct wire_done *m)
{
    struct run *run = run_of(f, x, m->seq);
    enum run_outcome outcome = m->outcome;
    int64_t now = clock_boot_ns();

    if (run == NULL) {
        log_warn("executor reports the end of a run that it does not have pid=%d", (int)x->pid);
        return;
    }
    run->started_ns = m->started_ns < run->sent_ns || m->started_ns > now ? 0 : m->started_ns;
    run->ended_ns = m->ended_ns < run->started_ns || m->ended_ns > now ? now : m->ended_ns;
    if (run->started_ns == 0 && outcome != RUN_GIVEN_BACK)
        run->started_ns = run->sent_ns;
    run->retry_delay_ms = m->retry_delay_ms;
    run->cpu_us = m->cpu_us;
    run->memory_kb = m->memory_kb;
    take_error(run, m->error);
    if (!is_reportable(outcome))
        outcome = RUN_ERROR;
    if (outcome == RUN_OK && m->result.ptr != NULL) {
        if (result_is_good(m->result)) {
            buf_addstr(&run->result, m->result);
        } else {
            outcome = RUN_BAD_RESULT;
            buf_adds(&run->error, "the result is not valid JSON of at most 1 MiB");
        }
    }
    if (outcome != RUN_GIVEN_BACK)
        note_stats(f, run, outcome);
    fleet__settle(f, run, outcome);
}

/* --- other messages ------------------------------------------------------------------------ */

static void on_progress(struct fleet *f, struct executor *x, const struct wire_progress *m)
{
    struct run *run = run_of(f, x, m->seq);
    struct str text = m->message;

    if (run == NULL)
        return;
    if (text.len > RUN_MESSAGE_MAX - 1)
        text.len = RUN_MESSAGE_MAX - 1;
    pthread_mutex_lock(&f->progress_lock);
    if (!run->has_progress) {
        run->has_progress = true;
        run->progress_prev = NULL;
        run->progress_next = f->reporting;
        if (f->reporting != NULL)
            f->reporting->progress_prev = run;
        f->reporting = run;
    }
    run->percent = m->percent < 0 ? 0 : m->percent > 100 ? 100 : m->percent;
    snprintf(run->message, sizeof run->message, "%.*s", STR_ARG(text));
    pthread_mutex_unlock(&f->progress_lock);
}

static void on_log(struct fleet *f, struct executor *x, const struct wire_log *m)
{
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    enum log_level level = m->level >= 0 && m->level <= 3 ? levels[m->level] : LOG_INFO;
    const struct run *run = run_of(f, x, m->seq);
    char id[UUID_TEXT_LEN + 1] = "-";

    if (run != NULL)
        uuid_format(run->job.id, id);
    log_at(level, "handler says job=%s type=%.*s message=\"%.*s\"", id,
           run != NULL ? (int)run->job.type.len : 1, run != NULL ? run->job.type.ptr : "-",
           STR_ARG(m->text));
}

static void on_message(struct fleet *f, struct executor *x, const struct wire_msg *m)
{
    if (m->kind == WIRE_DONE)
        on_done(f, x, &m->done);
    else if (m->kind == WIRE_PROGRESS)
        on_progress(f, x, &m->progress);
    else if (m->kind == WIRE_LOG)
        on_log(f, x, &m->log);
    else
        log_warn("unexpected %s from executor pid=%d", wire_kind_name(m->kind), (int)x->pid);
}

/* Takes up to `max` messages off the job socket; false when it is closed or one was malformed, but
 * only after the others have been taken: what the executor said of its other runs counts. */
static bool take_messages(struct fleet *f, struct executor *x, int max)
{
    struct wire_msg m;
    struct err e;
    bool is_good = true;
    int i, got;

    for (i = 0; i < max; i++) {
        got = chan_recv(x->job_fd, true, &x->in, &m, &e);
        if (got == CHAN_NOTHING)
            return is_good;
        if (got == CHAN_MESSAGE) {
            on_message(f, x, &m);
        } else if (got == ERR_INVALID) {
            if (is_good)
                log_error("malformed message from executor pid=%d: %s", (int)x->pid, e.text);
            is_good = false;
        } else { /* closed or broken */
            return false;
        }
    }
    return is_good;
}

void fleet__job_event(struct fleet *f, struct executor *x)
{
    if (!take_messages(f, x, MESSAGES_PER_EVENT)) {
        fleet__death_event(f, x); /* useless without its socket: dead, dying or broken */
    }
}

static void on_ready(struct fleet *f, struct executor *x, const struct wire_control *m)
{
    struct err e;

    if (x->state != EXECUTOR_STARTING)
        return;
    if (m->version != WIRE_VERSION) {
        err_set(&e, ERR_MISMATCH, "%s speaks protocol %u, expected %d: it is of another build",
                f->exec_path, m->version, WIRE_VERSION);
        fleet__start_news(f, &e);
        executor_kill(x);
        return;
    }
    x->state = EXECUTOR_READY;
    atomic_fetch_add(&x->pool->slots, x->pool->conf->threads);
    log_debug("executor ready pool=%.*s pid=%d", STR_ARG(x->pool->conf->name), (int)x->pid);
    fleet__start_news(f, NULL);
    f->queue->ops->wake(f->queue);
}

void fleet__control_event(struct fleet *f, struct executor *x)
{
    struct wire_msg m;
    struct err e;
    int got = chan_recv(x->control_fd, true, &x->in, &m, &e);

    if (got == CHAN_NOTHING)
        return;
    if (got == CHAN_MESSAGE && m.kind == WIRE_READY) {
        on_ready(f, x, &m.control);
    } else if (got == CHAN_MESSAGE && m.kind == WIRE_REFUSED) {
        err_set(&e, ERR_INVALID, "%.*s", STR_ARG(m.control.text));
        log_error("executor refuses to start pool=%.*s: %s", STR_ARG(x->pool->conf->name), e.text);
        fleet__start_news(f, &e);
    } else { /* closed, malformed or unexpected */
        fleet__death_event(f, x);
    }
}

/* --- output -------------------------------------------------------------------------------- */

struct output {
    const struct executor *x;
    const char *stream;
    struct str job; /* the only run there, or "-": output is per process */
};

static void log_output(void *context, struct str line)
{
    const struct output *o = context;

    log_info("handler prints pool=%.*s pid=%d job=%.*s %s=\"%.*s\"",
             STR_ARG(o->x->pool->conf->name), (int)o->x->pid, STR_ARG(o->job), o->stream,
             STR_ARG(line));
}

void fleet__output_event(struct fleet *f, struct executor *x, bool is_err)
{
    char id[UUID_TEXT_LEN + 1];
    struct output o = {x, is_err ? "stderr" : "stdout", STR("-")};
    int *fd = is_err ? &x->err_fd : &x->out_fd;

    (void)f;
    if (x->n_runs == 1) {
        uuid_format(x->runs->job.id, id);
        o.job = str_from(id);
    }
    if (*fd >= 0 && !capture_read(is_err ? &x->err : &x->out, *fd, log_output, &o)) {
        close(*fd);
        *fd = -1;
    }
}

/* --- deaths -------------------------------------------------------------------------------- */

/* Whether the slot table shows the run in a slot; *started_ns when. */
static bool was_running(const struct slot_table *table, const struct run *run, int32_t *slot)
{
    int32_t i;

    for (i = 0; i < SLOTS_MAX; i++) {
        if (atomic_load(&table->slots[i].seq) == run->seq) {
            *slot = i;
            return true;
        }
    }
    return false;
}

/* The executor stopped itself because the lease was not renewed: no run is to blame. */
static bool is_fenced(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == EXECUTOR_EXIT_FENCE;
}

/* How a run that its executor took along ends. */
static enum run_outcome judge_death(const struct executor *x, int status, struct run *run,
                                    int64_t now)
{
    uint32_t crash_slot = atomic_load(&x->slots->crash_slot);
    int32_t slot;

    if (!was_running(x->slots, run, &slot))
        return RUN_GIVEN_BACK;
    run->started_ns = atomic_load(&x->slots->slots[slot].started_ns);
    if (run->started_ns < run->sent_ns || run->started_ns > now)
        run->started_ns = run->sent_ns;
    if (x->victim != 0)
        return x->victim == run->seq ? RUN_TIMEOUT : RUN_GIVEN_BACK;
    if (x->killed || is_fenced(status))
        return RUN_GIVEN_BACK;
    if (crash_slot != 0 && crash_slot != (uint32_t)slot + 1)
        return RUN_GIVEN_BACK;
    return RUN_CRASH;
}

static void describe_death(const struct executor *x, int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "executor process %d died of signal %d (%s)", (int)x->pid,
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, size, "executor process %d ended with exit code %d", (int)x->pid,
                 WEXITSTATUS(status));
}

/* True when a run was charged with the death. */
static bool settle_deaths(struct fleet *f, struct executor *x, int status, const char *how)
{
    int64_t now = clock_boot_ns();
    bool is_charged = false;

    while (x->runs != NULL) {
        struct run *run = x->runs;
        enum run_outcome outcome = judge_death(x, status, run, now);

        run->ended_ns = now;
        if (outcome == RUN_TIMEOUT)
            buf_addf(&run->error, "ran longer than %lld ms and did not stop when asked",
                     (long long)run->job.timeout_ms);
        else if (outcome == RUN_CRASH)
            buf_adds(&run->error, how);
        if (outcome != RUN_GIVEN_BACK)
            note_stats(f, run, outcome);
        is_charged = is_charged || outcome == RUN_CRASH;
        fleet__settle(f, run, outcome);
    }
    return is_charged;
}

/* When the place may be filled again: at once, or with back-off when it keeps dying young and no
 * run is to blame. A run that is charged uses up its tries, so that ends; waiting here would only
 * hold up the other jobs of the pool. */
static void plan_respawn(struct executor *x, bool is_charged)
{
    int64_t now = clock_boot_ns();
    int64_t wait_ms = 0;

    if (now - x->started_ns < QUICK_DEATH_MS * NS_PER_MS && !x->killed && !is_charged)
        wait_ms = backoff_next_ms(&x->quick_deaths);
    else
        backoff_end(&x->quick_deaths);
    x->respawn_ns = now + wait_ms * NS_PER_MS;
}

void fleet__death_event(struct fleet *f, struct executor *x)
{
    bool was_starting = x->state == EXECUTOR_STARTING;
    bool expected = x->killed || x->state == EXECUTOR_LEAVING;
    char how[128];
    int status;

    executor_reap(x, &status);              /* first, so that nothing more is sent */
    take_messages(f, x, MESSAGES_AT_DEATH); /* what it sent before it died still counts */
    fleet__output_event(f, x, false);
    fleet__output_event(f, x, true);
    if (x->state == EXECUTOR_READY)
        atomic_fetch_sub(&x->pool->slots, x->pool->conf->threads);
    describe_death(x, status, how, sizeof how);
    if (!expected)
        log_error("%s pool=%.*s runs=%d", how, STR_ARG(x->pool->conf->name), x->n_runs);
    plan_respawn(x, settle_deaths(f, x, status, how));
    executor_close(x);
    if (was_starting) {
        struct err e;

        err_set(&e, ERR_IO, "%s while it was starting", how);
        fleet__start_news(f, &e);
    }
}
