/* SPDX-License-Identifier: MIT
 * /api/v1/dead-letters: listing, replaying and purging what failed for good; by ids at once, by
 * filter as a durable bulk operation. */
#include "core/bulk.h"
#include "http/bulk_json.h"
#include "http/job_json.h"
#include "http/params.h"
#include "http/route.h"
#include "json/write.h"

#define IDS_MAX       1000
#define DRY_PAGES_MAX 20 /* of PAGE_MAX jobs, looked at for the count of a dry run */

/* What a replay or purge asks for. */
struct dead_fields {
    struct field_ids ids;
    const struct json_tok *filter;
    struct field_int limit;
    bool dry_run;
    struct str payload_patch;
};

static const struct field dead_fields[] = {
    FIELD("ids", FIELD_IDS, struct dead_fields, ids, 0, IDS_MAX),
    FIELD("filter", FIELD_VALUE, struct dead_fields, filter, 0, 0),
    FIELD("limit", FIELD_INT, struct dead_fields, limit, 1, INT32_MAX),
    FIELD("dry_run", FIELD_BOOL, struct dead_fields, dry_run, 0, 0),
    FIELD("payload_patch", FIELD_JSON, struct dead_fields, payload_patch, 0, 0),
};

#define N_REPLAY_FIELDS (sizeof dead_fields / sizeof *dead_fields)
#define N_PURGE_FIELDS  (N_REPLAY_FIELDS - 1)

/* One id of a list and what became of it. */
struct dead_item {
    struct uuid id;
    enum problem_id problem; /* PROBLEM_END: it succeeded */
    const char *detail;
    struct str payload; /* patched; ptr NULL: unchanged */
};

void api_dead_list(struct request *r)
{
    struct job_page page = {.n = 0};
    struct params p;

    if (!params_read(r, PARAMS_FILTER | PARAMS_PAGE, &p))
        return;
    filter_only_dead(r, &p.filter, "?status");
    if (!problem_complaints(r, false) && params_list(r, &p, &page))
        job_json_page(r, &page);
}

/* --- by ids --------------------------------------------------------------------------------- */

/* Whether a job may be replayed or purged as it stands now; a patch is applied. */
static int check_item(struct request *r, const struct dead_fields *f, struct dead_item *item,
                      struct err *e)
{
    struct job job;
    bool found;
    int rc = r->store->ops->read.get(r->store, item->id, &r->arena, &job, &found, e);

    if (rc != 0)
        return rc;
    item->problem = PROBLEM_END;
    if (!found) {
        item->problem = PROBLEM_NOT_FOUND;
        item->detail = "there is no such job";
    } else if (job.state != JOB_DEAD_LETTER) {
        item->problem = PROBLEM_STATE;
        item->detail = arena_printf(&r->arena, "the job is %s, expected dead_letter",
                                    job_state_name(job.state));
    } else if (!uuid_is_nil(job.workflow_id)) {
        item->problem = PROBLEM_OWNED;
        item->detail = "the job belongs to a workflow, which alone may change it";
    } else if (f->payload_patch.ptr != NULL &&
               !bulk_patch(job.payload, f->payload_patch, (size_t)r->conf->max_body_bytes,
                           &r->arena, &item->payload, e)) {
        item->problem = PROBLEM_INVALID;
        item->detail = arena_str(&r->arena, str_from(e->text)).ptr;
    }
    return 0;
}

static void note_outcome(struct dead_item *item, bool done, bool found)
{
    if (done)
        return;
    item->problem = found ? PROBLEM_STATE : PROBLEM_NOT_FOUND;
    item->detail = found ? "the job's state has changed meanwhile" : "there is no such job";
}

static int replay_items(struct request *r, struct dead_item *items, size_t n, struct err *e)
{
    struct retry_edit *edits = arena_array(&r->arena, n, sizeof *edits);
    size_t n_edits = 0, i;
    int rc;

    if (edits == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < n; i++)
        if (items[i].problem == PROBLEM_END)
            edits[n_edits++] = (struct retry_edit){.id = items[i].id,
                                                   .payload = items[i].payload,
                                                   .max_retries = -1,
                                                   .dead_only = true};
    rc = n_edits == 0 ? 0 : r->store->ops->retry(r->store, edits, n_edits, NULL, &r->arena, e);
    if (rc != 0)
        return rc;
    for (i = 0, n_edits = 0; i < n; i++) {
        if (items[i].problem != PROBLEM_END)
            continue;
        note_outcome(&items[i], edits[n_edits].outcome == RETRY_QUEUED,
                     edits[n_edits].outcome != RETRY_NOT_FOUND);
        n_edits++;
    }
    engine_jobs_ready(r->engine);
    return 0;
}

static int purge_items(struct request *r, struct dead_item *items, size_t n, struct err *e)
{
    struct delete_item *deletes = arena_array(&r->arena, n, sizeof *deletes);
    size_t n_deletes = 0, i;
    int rc;

    if (deletes == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < n; i++)
        if (items[i].problem == PROBLEM_END)
            deletes[n_deletes++] = (struct delete_item){.id = items[i].id, .dead_only = true};
    rc = n_deletes == 0 ? 0 : r->store->ops->remove(r->store, deletes, n_deletes, NULL, e);
    if (rc != 0)
        return rc;
    for (i = 0, n_deletes = 0; i < n; i++) {
        if (items[i].problem != PROBLEM_END)
            continue;
        note_outcome(&items[i], deletes[n_deletes].outcome == DELETE_DONE,
                     deletes[n_deletes].outcome != DELETE_NOT_FOUND);
        n_deletes++;
    }
    return 0;
}

static void put_id(struct buf *b, struct uuid id)
{
    char text[UUID_TEXT_LEN + 1];

    uuid_format(id, text);
    json_put_str(b, str_from(text));
}

static void answer_items(struct request *r, const struct dead_item *items, size_t n, bool dry_run)
{
    struct buf *b = &r->reply.body;
    size_t i;

    json_open(b, '{');
    json_member_bool(b, "dry_run", dry_run);
    json_name(b, "succeeded");
    json_open(b, '[');
    for (i = 0; i < n; i++)
        if (items[i].problem == PROBLEM_END)
            put_id(b, items[i].id);
    json_close(b, ']');
    json_name(b, "failed");
    json_open(b, '[');
    for (i = 0; i < n; i++) {
        if (items[i].problem == PROBLEM_END)
            continue;
        json_open(b, '{');
        json_put_id(b, "id", items[i].id);
        json_name(b, "problem");
        problem_put(b, items[i].problem, items[i].detail);
        json_close(b, '}');
    }
    json_close(b, ']');
    json_close(b, '}');
    reply_json(r, 200);
}

static void run_by_ids(struct request *r, const struct dead_fields *f, enum bulk_action action)
{
    struct dead_item *items = arena_array(&r->arena, f->ids.n, sizeof *items);
    size_t n = f->ids.n, i;
    struct err e = {0};
    int rc = items == NULL ? err_set(&e, ERR_NOMEM, "out of memory") : 0;

    for (i = 0; rc == 0 && i < n; i++) {
        items[i].id = f->ids.ids[i];
        rc = check_item(r, f, &items[i], &e);
    }
    if (rc == 0 && !f->dry_run)
        rc = action == BULK_REPLAY ? replay_items(r, items, n, &e) : purge_items(r, items, n, &e);
    if (rc != 0)
        problem_reply_err(r, rc, &e);
    else
        answer_items(r, items, n, f->dry_run);
}

/* --- by filter ------------------------------------------------------------------------------ */

/* Counts what a filter would catch, up to `limit` (0: none) and DRY_PAGES_MAX pages. */
static int count_matches(struct request *r, const struct job_filter *filter, int64_t limit,
                         int64_t *matched, bool *complete, struct err *e)
{
    struct uuid below = {{0}};
    int page_no;

    *matched = 0;
    *complete = true;
    for (page_no = 0; page_no < DRY_PAGES_MAX; page_no++) {
        struct arena arena = ARENA_INIT;
        struct job_page page = {.n = 0};
        int rc = r->store->ops->read.list(r->store, filter, below, PAGE_MAX, &arena, &page, e);

        arena_free(&arena);
        if (rc != 0)
            return rc;
        *matched += (int64_t)page.n;
        if (limit > 0 && *matched >= limit) {
            *matched = limit;
            return 0;
        }
        if (!page.more)
            return 0;
        below = page.next;
    }
    *complete = false;
    return 0;
}

static void dry_run_filter(struct request *r, const struct job_filter *filter, int64_t limit)
{
    struct buf *b = &r->reply.body;
    struct err e = {0};
    int64_t matched;
    bool complete;
    int rc = count_matches(r, filter, limit, &matched, &complete, &e);

    if (rc != 0) {
        problem_reply_err(r, rc, &e);
        return;
    }
    json_open(b, '{');
    json_member_bool(b, "dry_run", true);
    json_member_int(b, "matched", matched);
    json_member_bool(b, "complete", complete);
    json_close(b, '}');
    reply_json(r, 200);
}

static void start_bulk(struct request *r, const struct job_filter *filter, int64_t limit,
                       struct str patch, enum bulk_action action)
{
    struct bulk_row row = {
        .id = uuid_new(), .action = action, .filter = *filter, .limit = limit, .patch = patch};
    char id[UUID_TEXT_LEN + 1];
    struct err e = {0};
    int rc = r->store->ops->bulk_start(r->store, &row, &e);

    if (rc != 0) {
        problem_reply_err(r, rc, &e);
        return;
    }
    engine_bulk_started(r->engine);
    uuid_format(row.id, id);
    bulk_json_put(&r->reply.body, &row);
    reply_json(r, 202);
    reply_header(r, "Location", arena_printf(&r->arena, "/api/v1/bulk/%s", id));
}

static void run_by_filter(struct request *r, struct job_filter *filter, int64_t limit,
                          const struct dead_fields *f, enum bulk_action action)
{
    filter_only_dead(r, filter, "/filter/status");
    if (problem_complaints(r, false))
        return;
    if (f->dry_run)
        dry_run_filter(r, filter, limit);
    else
        start_bulk(r, filter, limit, f->payload_patch, action);
}

/* --- requests ------------------------------------------------------------------------------- */

static void run_body(struct request *r, const struct json_doc *doc, size_t n_fields,
                     enum bulk_action action)
{
    struct dead_fields f = {.dry_run = false};
    struct job_filter filter = {.states = 0};

    fields_read(r, doc, doc->toks, dead_fields, n_fields, NULL, &f);
    if (r->n_complaints == 0 && (f.ids.ids != NULL) == (f.filter != NULL))
        complain(r, PROBLEM_INVALID, "",
                 "expected either ids or filter ({} takes all dead letters)");
    if (f.ids.ids != NULL && f.limit.given)
        complain(r, PROBLEM_INVALID, "/limit", "goes with filter, not with ids");
    if (f.filter != NULL)
        filter_read(r, doc, f.filter, &filter);
    if (problem_complaints(r, false))
        return;
    if (f.ids.ids != NULL)
        run_by_ids(r, &f, action);
    else
        run_by_filter(r, &filter, f.limit.given ? f.limit.value : 0, &f, action);
}

void api_dead_replay(struct request *r)
{
    struct json_doc doc;

    if (!request_is_refused_by_drain(r) && fields_scan(r, false, &doc))
        run_body(r, &doc, N_REPLAY_FIELDS, BULK_REPLAY);
}

/* What to purge is said in the body or in the query, never left open. */
void api_dead_purge(struct request *r)
{
    struct json_doc doc;
    struct params p;

    if (request_is_refused_by_drain(r) || !params_read(r, PARAMS_FILTER | PARAMS_BULK, &p) ||
        !fields_scan(r, true, &doc))
        return;
    if (doc.toks != NULL && r->query.len > 0) {
        problem_reply(r, PROBLEM_INVALID, "there is a body and a query, expected one of them");
    } else if (doc.toks != NULL) {
        run_body(r, &doc, N_PURGE_FIELDS, BULK_PURGE);
    } else if (!p.has_filter) {
        problem_reply(r, PROBLEM_INVALID,
                      "nothing says what to purge, expected a filter in the query or a body with "
                      "ids or filter ({\"filter\":{}} purges all dead letters)");
    } else {
        struct dead_fields f = {.dry_run = p.dry_run};

        run_by_filter(r, &p.filter, p.limit, &f, BULK_PURGE);
    }
}

void api_bulk_get(struct request *r)
{
    struct bulk_row row;
    struct err e = {0};
    struct uuid id;
    bool found;
    int rc;

    if (!params_id(r, &id))
        return;
    rc = r->store->ops->read.bulk_get(r->store, id, &r->arena, &row, &found, &e);
    if (rc != 0) {
        problem_reply_err(r, rc, &e);
    } else if (!found) {
        problem_reply(r, PROBLEM_NOT_FOUND, "there is no bulk operation %.*s", STR_ARG(r->args[0]));
    } else {
        bulk_json_put(&r->reply.body, &row);
        reply_json(r, 200);
    }
}
