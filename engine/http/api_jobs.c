/* SPDX-License-Identifier: MIT
 * /api/v1/jobs/:id and the list: reading, deleting and retrying jobs. */
#include "http/job_json.h"
#include "http/params.h"
#include "http/route.h"
#include "json/write.h"

/* Reads the job named in the path. False when the reply is already made (400, 404, 503). */
static bool find_job(struct request *r, struct job *job)
{
    struct err e = {0};
    struct uuid id;
    bool found;
    int rc;

    if (!params_id(r, &id))
        return false;
    rc = r->store->ops->read.get(r->store, id, &r->arena, job, &found, &e);
    if (rc != 0)
        problem_reply_err(r, rc, &e);
    else if (!found)
        problem_reply(r, PROBLEM_NOT_FOUND, "there is no job %.*s", STR_ARG(r->args[0]));
    return rc == 0 && found;
}

/* Steps of a workflow are the workflow's business. True when the reply is already made. */
static bool belongs_to_workflow(struct request *r, const struct job *job)
{
    char id[UUID_TEXT_LEN + 1];

    if (uuid_is_nil(job->workflow_id))
        return false;
    uuid_format(job->workflow_id, id);
    problem_reply(r, PROBLEM_OWNED, "the job belongs to workflow %s, which alone may change it",
                  id);
    reply_header(r, "Link",
                 arena_printf(&r->arena, "</api/v1/workflows/%s>; rel=\"collection\"", id));
    return true;
}

static void refuse_state(struct request *r, enum job_state state, const char *verb,
                         const char *expected)
{
    problem_reply(r, PROBLEM_STATE, "the job is %s and cannot be %s, expected %s",
                  job_state_name(state), verb, expected);
}

void api_job_get(struct request *r)
{
    struct job job;

    if (!find_job(r, &job))
        return;
    job_json_put(r, &r->reply.body, &job);
    reply_json(r, 200);
}

void api_job_list(struct request *r)
{
    struct job_page page = {.n = 0};
    struct params p;

    if (params_read(r, PARAMS_FILTER | PARAMS_PAGE, &p) && params_list(r, &p, &page))
        job_json_page(r, &page);
}

void api_job_delete(struct request *r)
{
    struct delete_item item = {.outcome = 0};
    struct err e = {0};
    struct job job;
    int rc;

    if (!find_job(r, &job) || belongs_to_workflow(r, &job))
        return;
    item.id = job.id;
    rc = r->store->ops->remove(r->store, &item, 1, NULL, &e);
    if (rc != 0)
        problem_reply_err(r, rc, &e);
    else if (item.outcome == DELETE_NOT_FOUND)
        problem_reply(r, PROBLEM_NOT_FOUND, "there is no job %.*s", STR_ARG(r->args[0]));
    else if (item.outcome == DELETE_REFUSED)
        refuse_state(r, item.state, "deleted", "a job that is not running");
    else
        r->reply.status = 204;
}

void api_job_attempts(struct request *r)
{
    struct buf *b = &r->reply.body;
    struct attempt_row *rows;
    struct err e = {0};
    struct job job;
    size_t n, i;
    int rc;

    if (!find_job(r, &job))
        return;
    rc = r->store->ops->read.attempts(r->store, job.id, &r->arena, &rows, &n, &e);
    if (rc != 0) {
        problem_reply_err(r, rc, &e);
        return;
    }
    json_open(b, '[');
    for (i = 0; i < n; i++)
        attempt_json_put(b, &rows[i]);
    json_close(b, ']');
    reply_json(r, 200);
}

/* --- retry ---------------------------------------------------------------------------------- */

struct retry_fields {
    struct str payload;
    struct field_int max_retries;
};

static const struct field retry_fields[] = {
    FIELD("payload", FIELD_JSON, struct retry_fields, payload, 0, 0),
    FIELD("max_retries", FIELD_INT, struct retry_fields, max_retries, 0, JOB_RETRIES_MAX),
};

static bool read_edit(struct request *r, struct retry_edit *edit)
{
    struct retry_fields f = {.payload = STR_NONE};
    struct json_doc doc;

    if (!fields_scan(r, true, &doc))
        return false;
    if (doc.toks != NULL)
        fields_read(r, &doc, doc.toks, retry_fields, 2, NULL, &f);
    edit->payload = f.payload;
    edit->max_retries = f.max_retries.given ? (int32_t)f.max_retries.value : -1;
    return !problem_complaints(r, false);
}

static void answer_retry(struct request *r, const struct retry_edit *edit)
{
    char id[UUID_TEXT_LEN + 1];

    if (edit->outcome == RETRY_NOT_FOUND) {
        problem_reply(r, PROBLEM_NOT_FOUND, "there is no job %.*s", STR_ARG(r->args[0]));
        return;
    }
    if (edit->outcome == RETRY_REFUSED) {
        refuse_state(r, edit->job.state, "retried", "a dead, retrying or finished job");
        return;
    }
    engine_jobs_ready(r->engine);
    job_json_put(r, &r->reply.body, &edit->job);
    reply_json(r, edit->outcome == RETRY_CREATED ? 201 : 200);
    if (edit->outcome == RETRY_CREATED) {
        uuid_format(edit->job.id, id);
        reply_header(r, "Location", arena_printf(&r->arena, "/api/v1/jobs/%s", id));
    }
}

void api_job_retry(struct request *r)
{
    struct retry_edit edit = {.max_retries = -1, .new_id = uuid_new()};
    struct err e = {0};
    struct job job;
    int rc;

    if (request_is_refused_by_drain(r) || !read_edit(r, &edit) || !find_job(r, &job) ||
        belongs_to_workflow(r, &job))
        return;
    edit.id = job.id;
    rc = r->store->ops->retry(r->store, &edit, 1, NULL, &r->arena, &e);
    if (rc != 0)
        problem_reply_err(r, rc, &e);
    else
        answer_retry(r, &edit);
}
