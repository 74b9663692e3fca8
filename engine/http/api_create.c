/* SPDX-License-Identifier: MIT
 * POST /api/v1/jobs: the hot path. Parsed in the HTTP thread, stored by the submit thread together
 * with what else arrives, answered in the HTTP thread. */
#include "http/create.h"
#include "http/job_json.h"
#include "http/route.h"

#include <string.h>

/* The key of the header and that of the body are one thing said in two places. */
static bool settle_key(struct request *r, struct job *job)
{
    struct str header = r->headers.idempotency_key;
    size_t i;

    if (header.ptr == NULL)
        return true;
    if (job->idempotency_key.ptr != NULL && !str_eq(header, job->idempotency_key)) {
        problem_reply(r, PROBLEM_TWO_KEYS,
                      "the Idempotency-Key header and the body's idempotency_key differ, expected "
                      "one of them or the same");
        return false;
    }
    for (i = 0; i < header.len; i++)
        if ((unsigned char)header.ptr[i] < 0x20 || header.ptr[i] == 0x7F)
            break;
    if (header.len == 0 || header.len > JOB_KEY_MAX || i < header.len || !str_is_utf8(header)) {
        problem_reply(
            r, PROBLEM_INVALID,
            "the Idempotency-Key header has %zu bytes, expected 1 to %d of printable UTF-8",
            header.len, JOB_KEY_MAX);
        return false;
    }
    job->idempotency_key = header;
    return true;
}

static const char *location_of(struct request *r, struct uuid id)
{
    static const char prefix[] = "/api/v1/jobs/";
    char *location = arena_alloc(&r->arena, sizeof prefix + UUID_TEXT_LEN);

    if (location == NULL)
        return NULL;
    memcpy(location, prefix, sizeof prefix - 1);
    uuid_format(id, location + sizeof prefix - 1);
    return location;
}

static void answer_create(struct request *r, int rc, const char *error)
{
    const struct create *c = r->submission.group.items;

    if (rc != 0) {
        create_reply_failure(r, rc, error);
        return;
    }
    if (c->outcome == CREATE_MISMATCH) {
        problem_reply(r, PROBLEM_KEY_MISMATCH,
                      "the idempotency key \"%.*s\" was used with another body",
                      STR_ARG(c->job.idempotency_key));
        return;
    }
    if (c->outcome == CREATE_REPLAYED)
        reply_header(r, "Idempotency-Replayed", "true");
    reply_header(r, "Location", location_of(r, c->job.id));
    job_json_put(r, &r->reply.body, &c->job);
    reply_json(r, 201);
}

/* A misspelt "type" shows as an unknown field: then that is said as well. */
static void refuse_without_type(struct request *r)
{
    const struct complaint *c = r->complaints;

    problem_reply(r, PROBLEM_NO_TYPE,
                  "the job has no \"type\", expected the name of a handler%s%s%s%s",
                  c == NULL ? "" : "; ", c == NULL ? "" : c->pointer, c == NULL ? "" : ": ",
                  c == NULL ? "" : c->detail);
}

void api_job_create(struct request *r)
{
    struct json_doc doc;
    struct create *c;
    bool has_type;

    if (request_is_refused_by_drain(r) || !fields_scan(r, false, &doc))
        return;
    c = arena_alloc(&r->arena, sizeof *c);
    if (c == NULL) {
        problem_reply(r, PROBLEM_INTERNAL, "out of memory");
        return;
    }
    create_read(r, &doc, doc.toks, NULL, c, &has_type);
    if (!has_type) {
        refuse_without_type(r);
        return;
    }
    if (r->n_complaints > 0) {
        r->work = create_refuse; /* looks the known types up */
        return;
    }
    if (!settle_key(r, &c->job))
        return;
    if (c->job.idempotency_key.ptr != NULL)
        create_hash(buf_str(&r->body), c->body_hash);
    r->submission.group = (struct create_group){.items = c, .n = 1, .arena = &r->arena};
    r->submitted = answer_create;
}
