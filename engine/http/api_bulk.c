/* SPDX-License-Identifier: MIT
 * POST /api/v1/jobs/bulk: up to BULK_JOBS_MAX jobs, all or none. */
#include "http/create.h"
#include "http/job_json.h"
#include "http/route.h"
#include "json/write.h"

#define BULK_JOBS_MAX 1000

struct bulk_fields {
    const struct json_tok *jobs;
};

static const struct field bulk_fields[] = {
    FIELD("jobs", FIELD_VALUE, struct bulk_fields, jobs, 0, 0),
};

static const struct place jobs_place = {.name = "jobs"};

/* Where the jobs stand: in "jobs", or the body is the array. */
static const struct place *place_of_jobs(const struct request *r)
{
    struct str body = str_trim(buf_str(&r->body));

    return body.len > 0 && body.ptr[0] == '[' ? NULL : &jobs_place;
}

static void answer_mismatch(struct request *r)
{
    const struct create_group *g = &r->submission.group;
    size_t i;

    for (i = 0; i < g->n; i++) {
        struct place item = {.up = place_of_jobs(r), .index = i};
        struct place here = {.up = &item, .name = "idempotency_key"};

        if (g->items[i].outcome == CREATE_MISMATCH)
            complain_at(r, PROBLEM_KEY_MISMATCH, &here, "was used with another body");
    }
    problem_complaints(r, false);
}

static bool has_mismatch(const struct create_group *g)
{
    size_t i;

    for (i = 0; i < g->n; i++)
        if (g->items[i].outcome == CREATE_MISMATCH)
            return true;
    return false;
}

static void answer_bulk(struct request *r, int rc, const char *error)
{
    const struct create_group *g = &r->submission.group;
    struct buf *b = &r->reply.body;
    size_t i;

    if (rc != 0) {
        create_reply_failure(r, rc, error);
        return;
    }
    if (has_mismatch(g)) {
        answer_mismatch(r);
        return;
    }
    json_open(b, '{');
    json_name(b, "jobs");
    json_open(b, '[');
    for (i = 0; i < g->n; i++) {
        job_json_open(r, b, &g->items[i].job);
        if (g->items[i].outcome == CREATE_REPLAYED)
            json_member_bool(b, "replayed", true);
        json_close(b, '}');
    }
    json_close(b, ']');
    json_close(b, '}');
    reply_json(r, 201);
}

/* The array of jobs: the body itself, or its member "jobs". NULL after complaining. */
static const struct json_tok *find_jobs(struct request *r, const struct json_doc *doc)
{
    struct bulk_fields f = {NULL};
    const struct json_tok *jobs = doc->toks;

    if (jobs->kind != JSON_ARRAY) {
        fields_read(r, doc, doc->toks, bulk_fields, 1, NULL, &f);
        jobs = f.jobs;
    }
    if (jobs != NULL && jobs->kind == JSON_ARRAY && jobs->count >= 1 &&
        jobs->count <= BULK_JOBS_MAX)
        return jobs;
    if (jobs != NULL && jobs->kind == JSON_ARRAY)
        complain_at(r, PROBLEM_INVALID, place_of_jobs(r), "found %u jobs, expected 1 to %d",
                    jobs->count, BULK_JOBS_MAX);
    else if (r->n_complaints == 0)
        complain_at(r, PROBLEM_INVALID, &jobs_place, "expected an array of 1 to %d jobs",
                    BULK_JOBS_MAX);
    return NULL;
}

static void read_item(struct request *r, const struct json_doc *doc, const struct json_tok *item,
                      size_t index, struct create *out)
{
    struct place at = {.up = place_of_jobs(r), .index = index};
    struct place type = {.up = &at, .name = "type"};
    bool has_type;

    create_read(r, doc, item, &at, out, &has_type);
    if (!has_type)
        complain_at(r, PROBLEM_INVALID, &type, "is missing, expected the name of a handler");
    if (out->job.idempotency_key.ptr != NULL)
        create_hash(json_raw(doc, item), out->body_hash);
}

/* Reads all jobs into the submission; what is wrong is complained about. */
static void read_jobs(struct request *r, const struct json_doc *doc)
{
    const struct json_tok *jobs = find_jobs(r, doc), *item;
    struct create *items;
    uint32_t i;

    if (jobs == NULL)
        return;
    items = arena_array(&r->arena, jobs->count, sizeof *items);
    if (items == NULL) {
        problem_reply(r, PROBLEM_INTERNAL, "out of memory");
        return;
    }
    for (i = 0, item = jobs + 1; i < jobs->count; i++, item = json_next(doc, item))
        read_item(r, doc, item, i, &items[i]);
    r->submission.group =
        (struct create_group){.items = items, .n = jobs->count, .arena = &r->arena};
}

void api_job_create_bulk(struct request *r)
{
    struct json_doc doc;

    if (request_is_refused_by_drain(r) || !fields_scan(r, false, &doc))
        return;
    if (r->headers.idempotency_key.ptr != NULL) {
        problem_reply(r, PROBLEM_INVALID,
                      "the Idempotency-Key header is for a single job, expected "
                      "idempotency_key in the jobs");
        return;
    }
    read_jobs(r, &doc);
    if (r->n_complaints > 0)
        r->work = create_refuse; /* looks the known types up */
    else
        r->submitted = answer_bulk;
}
