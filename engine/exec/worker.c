/* SPDX-License-Identifier: MIT
 * A slot's thread: loads its scripts, receives jobs, runs them one after another, answers each. */
#include "exec/exec_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "exec/crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_EVERY_NS (50 * NS_PER_MS)

static int64_t thread_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Peak memory of the process, looked at every now and then. */
static int64_t memory_kb(struct exec_slot *s, int64_t now_ns)
{
    struct rusage usage;

    if (now_ns - s->memory_read_ns >= MEMORY_EVERY_NS) {
        getrusage(RUSAGE_SELF, &usage);
        s->memory_kb = usage.ru_maxrss;
        s->memory_read_ns = now_ns;
    }
    return s->memory_kb;
}

/* A result may be refused by the system (no memory file, no memory): the run must still be
 * answered. */
static void send_done(struct exec_slot *s, struct wire_msg *msg)
{
    struct buf *scratch = &s->call.scratch;
    struct err e;

    if (chan_send(s->exec->job_fd, msg, false, scratch, &e) == 0)
        return;
    if (e.code != ERR_IO || msg->done.result.ptr != NULL) {
        err_prefix(&e, "the result cannot be sent");
        msg->done.outcome = RUN_ERROR;
        msg->done.result = STR_NONE;
        msg->done.error = str_from(e.text);
        if (chan_send(s->exec->job_fd, msg, false, scratch, &e) == 0)
            return;
    }
    /* The run stays shown: if it was the socket that failed (a handler closed it) and not the
     * engine, it is charged with this death and cannot go round for ever. */
    atomic_store(&s->unanswered, true);
    exec__engine_gone(s->exec);
}

void exec__give_back(struct executor *x, uint64_t seq, struct buf *scratch)
{
    struct wire_msg msg = {.kind = WIRE_DONE};

    msg.done = (struct wire_done){.seq = seq, .outcome = RUN_GIVEN_BACK, .retry_delay_ms = -1};
    if (chan_send(x->job_fd, &msg, false, scratch, NULL) != 0)
        exec__engine_gone(x);
}

static int32_t call_handler(struct exec_slot *s, const struct exec_entry *entry)
{
    if (entry->lua)
        return lua_vm_run(s->lua, s->scripts[entry - s->exec->config.entries], &s->call.job);
    return entry->handler.run(&s->call.job, entry->state);
}

/* Between cancel_begin and cancel_end. */
static void run_entry(struct exec_slot *s, const struct wire_job *job, int64_t started_ns)
{
    const struct exec_entry *entry = &s->exec->config.entries[job->handler];
    struct wire_msg msg = {.kind = WIRE_DONE};
    int64_t cpu_us = thread_cpu_us();
    int32_t returned;

    s->call.config = entry->config;
    s->call.n_config = entry->n_config;
    call_begin(&s->call, job, &s->cancel, started_ns);
    returned = call_handler(s, entry);
    call_judge(&s->call, returned, clock_boot_ns(), &msg.done);
    msg.done.cpu_us = thread_cpu_us() - cpu_us;
    msg.done.memory_kb = memory_kb(s, msg.done.ended_ns);
    call_flush(&s->call);
    send_done(s, &msg);
    call_end(&s->call);
}

/* The engine counts handlers as its catalog does; another index is its mistake, not the job's. */
static void answer_bad_index(struct exec_slot *s, const struct wire_job *job)
{
    struct wire_msg msg = {.kind = WIRE_DONE};
    char text[96];

    snprintf(text, sizeof text, "found handler index %u, expected less than %zu",
             (unsigned)job->handler, s->exec->config.n_entries);
    msg.done = (struct wire_done){
        .seq = job->seq, .outcome = RUN_ERROR, .retry_delay_ms = -1, .error = str_from(text)};
    send_done(s, &msg);
}

static void run_job(struct exec_slot *s, const struct wire_job *job)
{
    struct executor *x = s->exec;
    int64_t now = clock_boot_ns();

    if (job->handler >= x->config.n_entries) {
        answer_bad_index(s, job);
        return;
    }
    cancel_begin(&s->cancel, job->seq, now);
    /* After the run was published: a request that came earlier is found here, a later one finds
     * the run. Either way the engine wants it back, not run. */
    if (atomic_load(&x->draining) || cancel_early_take(&x->early, job->seq)) {
        exec__give_back(x, job->seq, &s->call.scratch);
    } else {
        atomic_fetch_add_explicit(&x->table->jobs_started, 1, memory_order_relaxed);
        run_entry(s, job, now);
    }
    cancel_end(&s->cancel);
}

static void receive_jobs(struct exec_slot *s)
{
    struct wire_msg msg;
    struct err e;

    for (;;) {
        int got = chan_recv(s->exec->job_fd, false, &s->in, &msg, &e);

        if (got == CHAN_CLOSED && atomic_load(&s->exec->draining))
            return;
        if (got == CHAN_CLOSED)
            exec__engine_gone(s->exec);
        if (got == CHAN_MESSAGE && msg.kind != WIRE_JOB)
            got = err_set(&e, ERR_INVALID, "job socket: found %s, expected JOB",
                          wire_kind_name(msg.kind));
        if (got < 0)
            exec__broken(&e);
        run_job(s, &msg.job);
    }
}

/* The script of one entry, with a context that lives as long as the machine. */
static int load_script(struct exec_slot *s, size_t index, struct err *e)
{
    const struct exec_entry *entry = &s->exec->config.entries[index];
    struct call *context = arena_alloc(&s->arena, sizeof *context);

    if (context == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    call_init(context, s->exec->job_fd);
    context->config = entry->config;
    context->n_config = entry->n_config;
    return lua_vm_load(s->lua, entry->file, &context->job, &s->scripts[index], e);
}

static size_t lua_share(const struct exec_config *config)
{
    size_t share = EXEC_LUA_DEFAULT;

    if (config->memory_bytes > 0 && config->memory_bytes / config->threads < share)
        share = config->memory_bytes / config->threads;
    return share < EXEC_LUA_MIN ? EXEC_LUA_MIN : share;
}

static int load_scripts(struct exec_slot *s, struct err *e)
{
    const struct exec_config *config = &s->exec->config;
    int rc = 0;
    size_t i;

    s->scripts = arena_array(&s->arena, config->n_entries, sizeof *s->scripts);
    if (s->scripts == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < config->n_entries && rc == 0; i++) {
        if (!config->entries[i].lua)
            continue;
        if (s->lua == NULL)
            rc = lua_vm_open(lua_share(config), &s->lua, e);
        if (rc == 0)
            rc = load_script(s, i, e);
        if (rc != 0)
            err_prefix(e, "handler %.*s", STR_ARG(config->entries[i].type));
    }
    return rc;
}

/* Tells whether this slot is ready and waits for the others; false when the start has failed. */
static bool pass_gate(struct exec_gate *gate, int rc, const struct err *e)
{
    bool open;

    pthread_mutex_lock(&gate->lock);
    gate->arrived++;
    if (rc != 0 && !gate->failed) {
        gate->failed = true;
        gate->err = *e;
    }
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open && !gate->failed)
        pthread_cond_wait(&gate->changed, &gate->lock);
    open = !gate->failed;
    pthread_mutex_unlock(&gate->lock);
    return open;
}

static void slot_work(struct exec_slot *s)
{
    struct err e;
    int rc = crash_thread_enter(s->index + 1, &e);

    if (rc == 0)
        rc = load_scripts(s, &e);
    if (pass_gate(&s->exec->gate, rc, &e))
        receive_jobs(s);
    lua_vm_close(&s->lua);
    crash_thread_leave();
}

static void *slot_main(void *argument)
{
    struct exec_slot *s = argument;
    uint64_t one = 1;
    ssize_t n;

    pthread_cleanup_push(crash_thread_ended, NULL);
    slot_work(s);
    pthread_cleanup_pop(0);
    if (atomic_fetch_sub(&s->exec->live_slots, 1) == 1) {
        n = write(s->exec->ended_fd, &one, sizeof one);
        (void)n;
    }
    return NULL;
}

static int slot_start(struct executor *x, uint32_t index, struct err *e)
{
    struct exec_slot *s = &x->slots[index];
    pthread_attr_t attr;
    int rc;

    *s = (struct exec_slot){.exec = x, .index = index, .shared = &x->table->slots[index]};
    call_init(&s->call, x->job_fd);
    rc = cancel_slot_init(&s->cancel, s->shared, e);
    if (rc != 0)
        return rc;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, EXEC_STACK_BYTES);
    rc = pthread_create(&s->thread, &attr, slot_main, s);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return err_set(e, ERR_NOMEM, "cannot start slot %u: error %d", (unsigned)index, rc);
    return 0;
}

/* Waits until every slot has arrived or one has failed. */
static int wait_arrived(struct exec_gate *gate, uint32_t n, struct err *e)
{
    int rc = 0;

    pthread_mutex_lock(&gate->lock);
    while (gate->arrived < n && !gate->failed)
        pthread_cond_wait(&gate->changed, &gate->lock);
    if (gate->failed) {
        *e = gate->err;
        rc = e->code;
    }
    pthread_mutex_unlock(&gate->lock);
    return rc;
}

int exec__slots_start(struct executor *x, struct err *e)
{
    uint32_t i, n = x->config.threads;

    x->slots = calloc(n, sizeof *x->slots);
    x->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (x->slots == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (x->ended_fd < 0)
        return err_errno(e, ERR_IO, "eventfd");
    atomic_store(&x->live_slots, n);
    atomic_store(&x->table->n_slots, n);
    for (i = 0; i < n; i++) {
        int rc = slot_start(x, i, e);

        if (rc != 0)
            return rc;
    }
    return wait_arrived(&x->gate, n, e);
}

void exec__slots_release(struct executor *x)
{
    pthread_mutex_lock(&x->gate.lock);
    x->gate.open = true;
    pthread_cond_broadcast(&x->gate.changed);
    pthread_mutex_unlock(&x->gate.lock);
}
