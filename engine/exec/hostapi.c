/* SPDX-License-Identifier: MIT
 * The host's side of the SDK: the function table that handlers call. Contracts: jobmill.h. */
#include "exec/hostapi.h"

#include "base/clock.h"
#include "exec/text.h"
#include "ipc/chan.h"
#include "json/scan.h"

#include <math.h>

static struct call *call_of(jobmill_job *job)
{
    return (struct call *)job; /* `job` is the first member */
}

static struct str str_of(jobmill_str s)
{
    return (struct str){s.ptr, s.ptr == NULL ? 0 : s.len};
}

static jobmill_str sdk_str(struct str s)
{
    return (jobmill_str){s.ptr, s.len};
}

/* For what may be lost when the engine is slow: nothing waits for it. */
static bool send_if_room(struct call *c, const struct wire_msg *msg)
{
    return chan_send(c->fd, msg, true, &c->scratch, NULL) == 0;
}

static jobmill_str host_payload(jobmill_job *job)
{
    const struct wire_job *msg = call_of(job)->msg;

    return sdk_str(msg == NULL || msg->payload.len == 0 ? STR("null") : msg->payload);
}

static void fill_meta(jobmill_meta *meta, const struct wire_job *msg)
{
    *meta = (jobmill_meta){.struct_size = sizeof *meta,
                           .attempt = msg->attempt,
                           .max_retries = msg->max_retries,
                           .priority = msg->priority,
                           .step_index = msg->step_index,
                           .id = sdk_str(msg->id),
                           .type = sdk_str(msg->type),
                           .queue = sdk_str(msg->queue),
                           .idempotency_key = sdk_str(msg->idempotency_key),
                           .workflow_id = sdk_str(msg->workflow_id),
                           .tags = sdk_str(msg->tags.len == 0 ? STR("[]") : msg->tags),
                           .claim = msg->claim,
                           .created_at_ms = msg->created_at_ms,
                           .timeout_ms = msg->timeout_ms};
}

static const jobmill_meta *host_meta(jobmill_job *job)
{
    static const struct wire_job nothing = {.step_index = -1};
    struct call *c = call_of(job);

    if (!c->meta_filled)
        fill_meta(&c->meta, c->msg == NULL ? &nothing : c->msg);
    c->meta_filled = true;
    return &c->meta;
}

/* 0 or the reason in c->refusal. */
static int check_result(struct call *c, struct str json)
{
    struct arena tokens = ARENA_INIT;
    struct json_doc doc;
    int rc;

    if (json.len > JOB_RESULT_MAX)
        return err_set(&c->refusal, ERR_LIMIT, "found a result of %zu bytes, expected at most %d",
                       json.len, JOB_RESULT_MAX);
    if (json.ptr == NULL)
        return err_set(&c->refusal, ERR_INVALID, "found an absent result, expected JSON");
    rc = json_scan(&tokens, json, &doc, &c->refusal);
    arena_free(&tokens);
    if (rc == ERR_INVALID)
        err_prefix(&c->refusal, "the result is not JSON");
    return rc;
}

static int32_t host_result(jobmill_job *job, jobmill_str json)
{
    struct call *c = call_of(job);

    if (c->msg == NULL)
        return -1;
    c->result_refused = check_result(c, str_of(json)) != 0;
    if (c->result_refused)
        return -1;
    buf_reset(&c->result);
    buf_addstr(&c->result, str_of(json));
    c->has_result = !c->result.failed;
    c->result_refused = c->result.failed;
    if (c->result_refused)
        err_set(&c->refusal, ERR_NOMEM, "no memory for the result");
    return c->result_refused ? -1 : 0;
}

static void host_error(jobmill_job *job, jobmill_str text)
{
    text_clean(&call_of(job)->error, str_of(text), JOB_ERROR_MAX);
}

static void host_retry_after(jobmill_job *job, int64_t delay_ms)
{
    if (delay_ms < 0)
        delay_ms = 0;
    if (delay_ms > CALL_RETRY_AFTER_MAX_MS)
        delay_ms = CALL_RETRY_AFTER_MAX_MS;
    call_of(job)->retry_after_ms = delay_ms;
}

static void fill_progress(struct call *c, struct wire_msg *msg)
{
    *msg = (struct wire_msg){.kind = WIRE_PROGRESS};
    msg->progress.seq = c->msg->seq;
    msg->progress.percent = c->percent;
    msg->progress.message = c->message.len == 0 ? STR_NONE : buf_str(&c->message);
}

/* Keeps the latest and sends it at most every CALL_PROGRESS_EVERY_NS; call_flush sends the rest. */
static void host_progress(jobmill_job *job, double percent, jobmill_str message)
{
    struct call *c = call_of(job);
    struct wire_msg msg;
    int64_t now;

    if (c->msg == NULL || isnan(percent))
        return;
    c->percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    text_clean(&c->message, str_of(message), CALL_MESSAGE_MAX);
    c->progress_pending = true;
    now = clock_boot_ns();
    if (now - c->progress_sent_ns < CALL_PROGRESS_EVERY_NS)
        return;
    fill_progress(c, &msg);
    if (send_if_room(c, &msg))
        c->progress_pending = false;
    c->progress_sent_ns = now;
}

static bool take_token(struct call_bucket *b, int64_t now_ns)
{
    int64_t gained = (now_ns - b->refilled_ns) / (NS_PER_S / CALL_LOG_PER_S);

    if (gained >= CALL_LOG_BURST - (int64_t)b->tokens) {
        b->tokens = CALL_LOG_BURST;
        b->refilled_ns = now_ns;
    } else if (gained > 0) {
        b->tokens += (uint32_t)gained;
        b->refilled_ns += gained * (NS_PER_S / CALL_LOG_PER_S);
    }
    if (b->tokens == 0)
        return false;
    b->tokens--;
    return true;
}

static bool send_line(struct call *c, int32_t level, struct str text)
{
    struct wire_msg msg = {.kind = WIRE_LOG};

    msg.log.seq = c->msg == NULL ? 0 : c->msg->seq;
    msg.log.level = level;
    msg.log.text = text;
    return send_if_room(c, &msg);
}

static void report_dropped(struct call *c)
{
    if (c->bucket.dropped == 0)
        return;
    buf_reset(&c->line);
    buf_addf(&c->line, "%u log lines dropped: found more than %d at once, expected %d a second",
             c->bucket.dropped, CALL_LOG_BURST, CALL_LOG_PER_S);
    if (send_line(c, JOBMILL_LOG_WARN, buf_str(&c->line)))
        c->bucket.dropped = 0;
}

static void host_log(jobmill_job *job, int32_t level, jobmill_str text)
{
    struct call *c = call_of(job);

    if (!take_token(&c->bucket, clock_boot_ns())) {
        c->bucket.dropped++;
        return;
    }
    report_dropped(c);
    if (level < JOBMILL_LOG_DEBUG || level > JOBMILL_LOG_ERROR)
        level = JOBMILL_LOG_INFO;
    text_clean(&c->line, str_of(text), CALL_LOG_MAX);
    if (!send_line(c, level, buf_str(&c->line)))
        c->bucket.dropped++;
}

static jobmill_str host_config(jobmill_job *job, jobmill_str key)
{
    const struct call *c = call_of(job);
    size_t i;

    for (i = 0; i < c->n_config; i++)
        if (str_eq(c->config[i].key, str_of(key)))
            return sdk_str(c->config[i].value);
    return sdk_str(STR_NONE);
}

static int32_t host_cancelled(jobmill_job *job)
{
    const struct call *c = call_of(job);

    if (c->msg == NULL)
        return 0;
    return cancel_asked(c->cancel->shared) ||
           (c->deadline_ns != 0 && call_timed_out(c, clock_boot_ns()));
}

static int32_t host_cancel_fd(jobmill_job *job)
{
    struct call *c = call_of(job);

    return c->msg == NULL ? -1 : cancel_poll_fd(c->cancel, c->deadline_ns);
}

static int64_t host_remaining_ms(jobmill_job *job)
{
    const struct call *c = call_of(job);
    int64_t left_ns;

    if (c->deadline_ns == 0)
        return INT64_MAX;
    left_ns = c->deadline_ns - clock_boot_ns();
    return left_ns <= 0 ? 0 : (left_ns + NS_PER_MS - 1) / NS_PER_MS;
}

static void *host_alloc(jobmill_job *job, size_t size)
{
    struct call *c = call_of(job);

    if (size > CALL_ALLOC_MAX || c->arena.used_bytes > CALL_ALLOC_MAX - size)
        return NULL;
    return arena_alloc(&c->arena, size);
}

static const jobmill_host host_table = {
    .struct_size = sizeof host_table,
    .abi_major = JOBMILL_ABI_MAJOR,
    .abi_minor = JOBMILL_ABI_MINOR,
    .payload = host_payload,
    .meta = host_meta,
    .result = host_result,
    .error = host_error,
    .retry_after = host_retry_after,
    .progress = host_progress,
    .log = host_log,
    .config = host_config,
    .cancelled = host_cancelled,
    .cancel_fd = host_cancel_fd,
    .remaining_ms = host_remaining_ms,
    .alloc = host_alloc,
};

void call_init(struct call *c, int fd)
{
    *c = (struct call){.job = {&host_table}, .fd = fd, .retry_after_ms = -1};
}

void call_fini(struct call *c)
{
    arena_free(&c->arena);
    buf_free(&c->scratch);
    buf_free(&c->result);
    buf_free(&c->error);
    buf_free(&c->message);
    buf_free(&c->line);
}

void call_begin(struct call *c, const struct wire_job *msg, struct cancel_slot *cancel,
                int64_t started_ns)
{
    c->msg = msg;
    c->cancel = cancel;
    c->started_ns = started_ns;
    c->deadline_ns = 0;
    if (msg->timeout_ms > 0 && msg->timeout_ms <= JOB_TIMEOUT_MAX_MS)
        c->deadline_ns = started_ns + msg->timeout_ms * NS_PER_MS;
    c->meta_filled = false;
    buf_reset(&c->result);
    buf_reset(&c->error);
    c->has_result = false;
    c->result_refused = false;
    c->retry_after_ms = -1;
    c->progress_pending = false;
    c->progress_sent_ns = started_ns;
}

void call_flush(struct call *c)
{
    struct wire_msg msg;

    if (c->progress_pending) {
        fill_progress(c, &msg);
        /* waits for room: DONE follows and will wait too. When the engine is gone, DONE says so. */
        if (chan_send(c->fd, &msg, false, &c->scratch, NULL) == 0)
            c->progress_pending = false;
    }
    report_dropped(c);
}

void call_end(struct call *c)
{
    arena_free(&c->arena);
    c->msg = NULL;
}

bool call_timed_out(const struct call *c, int64_t now_ns)
{
    return c->deadline_ns != 0 && now_ns >= c->deadline_ns;
}

/* The handler's own words, or `otherwise`. */
static struct str error_or(const struct call *c, struct str otherwise)
{
    return c->error.len > 0 ? buf_str(&c->error) : otherwise;
}

static void judge_ok(struct call *c, struct wire_done *out)
{
    if (c->result_refused) {
        /* the reason may quote a name of the result, cut anywhere */
        text_clean(&c->error, str_from(c->refusal.text), JOB_ERROR_MAX);
        out->outcome = RUN_BAD_RESULT;
        out->error = buf_str(&c->error);
        return;
    }
    out->outcome = RUN_OK;
    if (c->has_result)
        out->result = buf_str(&c->result);
}

/* The timeout comes first: the engine asks as well once it has passed, and such a run is not one
 * that somebody cancelled. */
static void judge_cancelled(const struct call *c, int64_t now_ns, struct wire_done *out)
{
    if (call_timed_out(c, now_ns)) {
        out->outcome = RUN_TIMEOUT;
        out->error = error_or(c, STR("stopped because its timeout had passed"));
    } else if (cancel_asked(c->cancel->shared)) {
        out->outcome = RUN_CANCELLED;
        out->error = error_or(c, STR("stopped on request"));
    } else {
        out->outcome = RUN_ERROR;
        out->error = STR("the handler returned CANCELLED without being asked");
    }
}

/* The value does not fit the interface: says so, behind what the handler said. */
static void judge_unknown(struct call *c, int32_t returned, struct wire_done *out)
{
    buf_reset(&c->line);
    buf_addf(&c->line, "the handler returned %d, expected 0 (OK) to 3 (CANCELLED)", returned);
    if (c->error.len > 0)
        buf_addf(&c->line, ": %.*s", (int)c->error.len, c->error.ptr);
    text_clean(&c->error, buf_str(&c->line), JOB_ERROR_MAX);
    out->outcome = RUN_PERMANENT;
    out->error = buf_str(&c->error);
}

void call_judge(struct call *c, int32_t returned, int64_t now_ns, struct wire_done *out)
{
    *out = (struct wire_done){
        .seq = c->msg->seq, .retry_delay_ms = -1, .started_ns = c->started_ns, .ended_ns = now_ns};
    switch (returned) {
    case JOBMILL_OK:
        judge_ok(c, out);
        break;
    case JOBMILL_RETRY:
        out->outcome = RUN_ERROR;
        out->error = error_or(c, STR("the handler failed without giving a reason"));
        out->retry_delay_ms = c->retry_after_ms;
        break;
    case JOBMILL_FAIL:
        out->outcome = RUN_PERMANENT;
        out->error = error_or(c, STR("the handler failed for good without giving a reason"));
        break;
    case JOBMILL_CANCELLED:
        judge_cancelled(c, now_ns, out);
        break;
    default:
        judge_unknown(c, returned, out);
        break;
    }
}
