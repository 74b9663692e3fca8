/* SPDX-License-Identifier: MIT
 * Wire messages: encoding and validating decoding. Host byte order: both ends are one build on one
 * machine. */
#include "ipc/wire.h"

#include <math.h>
#include <string.h>

/* Encoding or decoding, depending on `out`: one description of each message serves both. */
struct codec {
    struct buf *out; /* encoding when not NULL */
    struct str in;   /* what is left to decode */
    bool short_input;
};

static void code_bytes(struct codec *c, void *value, size_t size)
{
    if (c->out != NULL) {
        buf_add(c->out, value, size);
        return;
    }
    if (c->in.len < size) {
        c->short_input = true;
        memset(value, 0, size);
        return;
    }
    memcpy(value, c->in.ptr, size);
    c->in.ptr += size;
    c->in.len -= size;
}

#define CODE(c, field) code_bytes((c), &(field), sizeof(field))

static void code_str(struct codec *c, struct str *s)
{
    uint32_t len = s->ptr == NULL ? UINT32_MAX : (uint32_t)s->len;

    CODE(c, len);
    if (c->out != NULL) {
        if (s->ptr != NULL)
            buf_addstr(c->out, *s);
        return;
    }
    if (len == UINT32_MAX || c->short_input) {
        *s = STR_NONE;
        return;
    }
    if (c->in.len < len) {
        c->short_input = true;
        *s = STR_NONE;
        return;
    }
    *s = (struct str){c->in.ptr, len};
    c->in.ptr += len;
    c->in.len -= len;
}

static void code_job(struct codec *c, struct wire_job *m)
{
    CODE(c, m->seq);
    CODE(c, m->handler);
    CODE(c, m->attempt);
    CODE(c, m->max_retries);
    CODE(c, m->priority);
    CODE(c, m->step_index);
    CODE(c, m->claim);
    CODE(c, m->timeout_ms);
    CODE(c, m->created_at_ms);
    code_str(c, &m->id);
    code_str(c, &m->type);
    code_str(c, &m->queue);
    code_str(c, &m->payload);
    code_str(c, &m->tags);
    code_str(c, &m->idempotency_key);
    code_str(c, &m->workflow_id);
}

static void code_done(struct codec *c, struct wire_done *m)
{
    int32_t outcome = (int32_t)m->outcome;

    CODE(c, m->seq);
    CODE(c, outcome);
    CODE(c, m->retry_delay_ms);
    CODE(c, m->started_ns);
    CODE(c, m->ended_ns);
    CODE(c, m->cpu_us);
    CODE(c, m->memory_kb);
    code_str(c, &m->result);
    code_str(c, &m->error);
    m->outcome = (enum run_outcome)outcome;
}

static void code_body(struct codec *c, struct wire_msg *msg)
{
    switch (msg->kind) {
    case WIRE_JOB:
        code_job(c, &msg->job);
        break;
    case WIRE_DONE:
        code_done(c, &msg->done);
        break;
    case WIRE_PROGRESS:
        CODE(c, msg->progress.seq);
        CODE(c, msg->progress.percent);
        code_str(c, &msg->progress.message);
        break;
    case WIRE_LOG:
        CODE(c, msg->log.seq);
        CODE(c, msg->log.level);
        code_str(c, &msg->log.text);
        break;
    case WIRE_READY:
    case WIRE_REFUSED:
    case WIRE_CANCEL:
    case WIRE_RECALL:
    case WIRE_DRAIN:
        CODE(c, msg->control.version);
        CODE(c, msg->control.seq);
        code_str(c, &msg->control.text);
        break;
    }
}

void wire_encode(const struct wire_msg *msg, struct buf *out)
{
    struct codec c = {.out = out};
    struct wire_msg copy = *msg;
    int32_t kind = (int32_t)msg->kind;

    CODE(&c, kind);
    code_body(&c, &copy);
}

static int check_values(const struct wire_msg *m, struct err *e)
{
    if (m->kind == WIRE_DONE && (m->done.outcome <= 0 || m->done.outcome >= RUN_OUTCOME_END))
        return err_set(e, ERR_INVALID, "DONE: found outcome %d, expected 1 to %d",
                       (int)m->done.outcome, RUN_OUTCOME_END - 1);
    if (m->kind == WIRE_PROGRESS && !isfinite(m->progress.percent))
        return err_set(e, ERR_INVALID, "PROGRESS: percent is not a number");
    return 0;
}

int wire_decode(struct str bytes, struct wire_msg *out, struct err *e)
{
    struct codec c = {.in = bytes};
    int32_t kind = 0;

    memset(out, 0, sizeof *out);
    CODE(&c, kind);
    if (c.short_input || kind < WIRE_JOB || kind > WIRE_DRAIN)
        return err_set(e, ERR_INVALID, "found message kind %d in %zu bytes, expected %d to %d",
                       kind, bytes.len, WIRE_JOB, WIRE_DRAIN);
    out->kind = (enum wire_kind)kind;
    code_body(&c, out);
    if (c.short_input)
        return err_set(e, ERR_INVALID, "%s: %zu bytes are too short", wire_kind_name(out->kind),
                       bytes.len);
    if (c.in.len != 0)
        return err_set(e, ERR_INVALID, "%s: %zu bytes too many", wire_kind_name(out->kind),
                       c.in.len);
    return check_values(out, e);
}

const char *wire_kind_name(enum wire_kind kind)
{
    switch (kind) {
#define MESSAGE(id, code, socket, direction, meaning) \
    case WIRE_##id:                                   \
        return #id;
#include "ipc/wire.def"
    }
    return "unknown";
}
