/* SPDX-License-Identifier: MIT
 * From a request object to a job that can be stored. */
#include "http/create.h"

#include "json/write.h"

#include <sodium.h>
#include <string.h>

#define KNOWN_TYPES_MAX 100 /* listed in one answer */

struct create_fields {
    struct str type, queue, payload, tags, key;
    struct field_int max_retries, priority, run_at, delay_ms, timeout_ms, base_ms, cap_ms;
    struct field_real factor, jitter;
};

#define CREATE_FIELD(text, kind, member, min, max) \
    FIELD(text, kind, struct create_fields, member, min, max)

static const struct field backoff_fields[] = {
    CREATE_FIELD("base_ms", FIELD_INT, base_ms, 0, RETRY_DELAY_MAX_MS),
    CREATE_FIELD("cap_ms", FIELD_INT, cap_ms, 0, RETRY_DELAY_MAX_MS),
    CREATE_FIELD("factor", FIELD_REAL, factor, 1, 10),
    CREATE_FIELD("jitter", FIELD_REAL, jitter, 0, 1),
};

static const struct field create_fields[] = {
    CREATE_FIELD("type", FIELD_NAME, type, 0, 0),
    CREATE_FIELD("payload", FIELD_JSON, payload, 0, 0),
    CREATE_FIELD("max_retries", FIELD_INT, max_retries, 0, JOB_RETRIES_MAX),
    CREATE_FIELD("queue", FIELD_NAME, queue, 0, 0),
    CREATE_FIELD("priority", FIELD_INT, priority, -JOB_PRIORITY_MAX, JOB_PRIORITY_MAX),
    CREATE_FIELD("run_at", FIELD_TIME, run_at, 0, 0),
    CREATE_FIELD("delay_ms", FIELD_INT, delay_ms, 0, JOB_DELAY_MAX_MS),
    CREATE_FIELD("timeout_ms", FIELD_INT, timeout_ms, 1, JOB_TIMEOUT_MAX_MS),
    CREATE_FIELD("idempotency_key", FIELD_TEXT, key, 1, JOB_KEY_MAX),
    CREATE_FIELD("tags", FIELD_TAGS, tags, 0, 0),
    {.name = {"backoff", 7},
     .kind = FIELD_OBJECT,
     .fields = backoff_fields,
     .n_fields = sizeof backoff_fields / sizeof *backoff_fields},
};

#define N_CREATE_FIELDS (sizeof create_fields / sizeof *create_fields)

/* What the handler says for jobs that say nothing; the configuration's when the type may be
 * unknown. */
static struct type_defaults defaults_of(struct request *r, struct str type, const struct place *at)
{
    const struct conf *conf = r->conf;
    struct type_defaults d = {conf->max_retries, conf->timeout_ms, conf->retry};
    struct place here = {.up = at, .name = "type"};

    if (!engine_type_defaults(r->engine, type, &d) && !conf->accept_unknown_types)
        complain_at(r, PROBLEM_UNKNOWN_TYPE, &here, "no handler is known for the type \"%.*s\"",
                    STR_ARG(type));
    return d;
}

static void apply_retry(struct create_fields *f, struct retry_policy *retry)
{
    if (f->base_ms.given)
        retry->base_ms = f->base_ms.value;
    if (f->cap_ms.given)
        retry->cap_ms = f->cap_ms.value;
    if (f->factor.given)
        retry->factor_pct = (int32_t)(f->factor.value * 100 + 0.5);
    if (f->jitter.given)
        retry->jitter_pct = (int32_t)(f->jitter.value * 100 + 0.5);
}

static void apply_time(struct request *r, const struct create_fields *f, const struct place *at,
                       struct create *out)
{
    struct place here = {.up = at, .name = "delay_ms"};

    out->delay_ms = f->delay_ms.given ? f->delay_ms.value : 0;
    if (f->run_at.given && f->delay_ms.given)
        complain_at(r, PROBLEM_INVALID, &here, "run_at is there too, expected one of them");
    if (f->run_at.given) {
        out->delay_ms = -1;
        out->run_at_ms = f->run_at.value;
    }
}

/* True also when `object` is none: that has been complained about. */
static bool has_member(const struct json_doc *doc, const struct json_tok *object, const char *name)
{
    const struct json_tok *value;

    if (object->kind != JSON_OBJECT)
        return true;
    value = json_member(doc, object, name);
    return value != NULL && value->kind != JSON_NULL;
}

void create_read(struct request *r, const struct json_doc *doc, const struct json_tok *object,
                 const struct place *at, struct create *out, bool *has_type)
{
    struct create_fields f = {.type = STR_NONE};
    struct job *job = &out->job;
    struct type_defaults d;

    fields_read(r, doc, object, create_fields, N_CREATE_FIELDS, at, &f);
    *has_type = has_member(doc, object, "type");
    if (f.type.ptr == NULL)
        return;
    d = defaults_of(r, f.type, at);
    job->id = uuid_new();
    job->type = f.type;
    job->queue = f.queue.ptr != NULL ? f.queue : STR(JOB_DEFAULT_QUEUE);
    job->payload = f.payload.ptr != NULL ? f.payload : STR("null");
    job->tags = f.tags;
    job->idempotency_key = f.key;
    job->step_index = -1;
    job->priority = (int32_t)f.priority.value;
    job->max_retries = f.max_retries.given ? (int32_t)f.max_retries.value : d.max_retries;
    job->timeout_ms = f.timeout_ms.given ? f.timeout_ms.value : d.timeout_ms;
    job->retry = d.retry;
    apply_retry(&f, &job->retry);
    apply_time(r, &f, at, out);
}

void create_hash(struct str body, uint8_t out[static STORE_HASH_LEN])
{
    crypto_generichash(out, STORE_HASH_LEN, (const unsigned char *)body.ptr, body.len, NULL, 0);
}

static bool complains_of_type(const struct request *r)
{
    const struct complaint *c;

    for (c = r->complaints; c != NULL; c = c->next)
        if (c->id == PROBLEM_UNKNOWN_TYPE)
            return true;
    return false;
}

static void put_known_types(struct request *r, struct buf *b)
{
    struct handler_info *rows = NULL;
    struct err e;
    size_t n = 0, i;

    if (engine_handlers(r->engine, &r->arena, &rows, &n, &e) != 0)
        return; /* the refusal is right without the list */
    json_name(b, "known_types");
    json_open(b, '[');
    for (i = 0; i < n && i < KNOWN_TYPES_MAX; i++)
        json_put_str(b, rows[i].type);
    json_close(b, ']');
}

void create_refuse(struct request *r)
{
    if (!problem_complaints(r, true))
        return;
    if (complains_of_type(r))
        put_known_types(r, &r->reply.body);
    problem_end(r);
}

void create_reply_failure(struct request *r, int rc, const char *error)
{
    struct err e;

    if (rc == ERR_UNAVAILABLE)
        err_set(&e, rc,
                "%s; without an idempotency key it is unknown whether anything was created, with "
                "one the request can be sent again safely",
                error == NULL ? "no store" : error);
    else
        err_set(&e, rc, "%s", error == NULL ? "the jobs could not be stored" : error);
    problem_reply_err(r, rc, &e);
}
