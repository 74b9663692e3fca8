/* SPDX-License-Identifier: MIT
 * Claiming: the best ranked queued jobs of some lanes become running.
 *
 * The index jobs_queued holds one ordered run for each (type, queue, priority). The best entries of
 * all runs are gathered into a bounded heap first, reading each run only as far as it can still
 * contribute; then the jobs are taken, so that no cursor walks an index that changes. */
#include "store/sqlite_priv.h"

#include <stdlib.h>
#include <string.h>

#define CLAIM_MAX 10000

struct candidate {
    int64_t rank;
    struct uuid id;
};

/* A heap with the worst candidate on top. */
struct pick {
    struct candidate *at;
    size_t n, max;
};

static bool is_before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : uuid_cmp(a->id, b->id) < 0;
}

static void sift_down(struct pick *p, struct candidate c)
{
    size_t i = 0, child;

    while ((child = 2 * i + 1) < p->n) {
        if (child + 1 < p->n && is_before(&p->at[child], &p->at[child + 1]))
            child++;
        if (!is_before(&c, &p->at[child]))
            break;
        p->at[i] = p->at[child];
        i = child;
    }
    p->at[i] = c;
}

static void sift_up(struct pick *p, struct candidate c)
{
    size_t i = p->n++;

    while (i > 0 && is_before(&p->at[(i - 1) / 2], &c)) {
        p->at[i] = p->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    p->at[i] = c;
}

/* False when the heap is full of better ones: no later entry of the same run can do better. */
static bool offer(struct pick *p, int64_t rank, struct uuid id)
{
    struct candidate c = {rank, id};

    if (p->n < p->max) {
        sift_up(p, c);
        return true;
    }
    if (!is_before(&c, &p->at[0]))
        return false;
    sift_down(p, c);
    return true;
}

int store__next_run(struct sqlite_conn *c, struct queued_run *run, struct arena *arena, bool *found,
                    struct err *e)
{
    struct str *const names[] = {&run->type, &run->queue};
    sqlite3_stmt *stmt = store__stmt(c, STMT_NEXT_RUN, e);
    int rc;

    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, run->type);
    store__bind_str(stmt, 2, run->queue);
    sqlite3_bind_int(stmt, 3, run->priority);
    rc = store__step(stmt, e);
    *found = rc == 1;
    if (rc <= 0)
        return rc;
    *run = (struct queued_run){store__col_str(stmt, 0), store__col_str(stmt, 1),
                               store__col_int(stmt, 2), sqlite3_column_int64(stmt, 3)};
    rc = store__row_failed(stmt, e);
    if (rc == 0)
        rc = store__keep_strs(arena, names, 2, e);
    sqlite3_reset(stmt);
    return rc;
}

static int scan_run(struct sqlite_store *s, const struct queued_run *run, struct pick *p,
                    struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_SCAN_RUN, e);
    int rc;

    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, run->type);
    store__bind_str(stmt, 2, run->queue);
    sqlite3_bind_int(stmt, 3, run->priority);
    while ((rc = store__step(stmt, e)) == 1) {
        int64_t rank = job_rank(sqlite3_column_int64(stmt, 0), run->priority);

        if (!offer(p, rank, store__col_uuid(stmt, 1))) {
            sqlite3_reset(stmt);
            return 0;
        }
    }
    return rc;
}

/* Offers the jobs of all runs of a lane. */
static int gather_lane(struct sqlite_store *s, const struct lane *lane, struct pick *p,
                       struct arena *scratch, struct err *e)
{
    bool any_queue = lane->queue.ptr == NULL, found;
    struct queued_run run = {lane->type, any_queue ? STR("") : lane->queue, INT32_MIN, 0};
    int rc;

    while ((rc = store__next_run(&s->writer, &run, scratch, &found, e)) == 0 && found) {
        if (!str_eq(run.type, lane->type) || (!any_queue && !str_eq(run.queue, lane->queue)))
            break;
        if (p->n == p->max && job_rank(run.run_at, run.priority) > p->at[0].rank)
            continue;
        rc = scan_run(s, &run, p, e);
        if (rc != 0)
            break;
    }
    return rc;
}

static int gather_lanes(struct sqlite_store *s, const struct claim_request *r, struct pick *p,
                        struct arena *scratch, struct err *e)
{
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < r->n_lanes; i++)
        rc = gather_lane(s, &r->lanes[i], p, scratch, e);
    return rc;
}

static bool is_in_lanes(const struct job *job, const struct claim_request *r)
{
    size_t i;

    for (i = 0; i < r->n_lanes; i++)
        if (str_eq(r->lanes[i].type, job->type) &&
            (r->lanes[i].queue.ptr == NULL || str_eq(r->lanes[i].queue, job->queue)))
            return true;
    return false;
}

static int gather_ids(struct sqlite_store *s, const struct claim_request *r, struct pick *p,
                      struct arena *scratch, struct err *e)
{
    size_t i;

    (void)scratch;
    for (i = 0; i < r->n_ids; i++) {
        sqlite3_stmt *stmt;
        struct job job;
        int rc = store__find_hot(&s->writer, r->ids[i], &stmt, &job, e);

        if (rc != 0)
            return rc;
        if (stmt == NULL)
            continue;
        if (job.state == JOB_QUEUED && is_in_lanes(&job, r))
            offer(p, job_rank(job.scheduled_at, job.priority), job.id);
        sqlite3_reset(stmt);
    }
    return 0;
}

static int check_lease(struct sqlite_store *s, const struct claim_request *r, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_WORKER_GET, e);
    bool is_own, is_over;
    int rc;

    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, r->worker_id);
    rc = store__step(stmt, e);
    if (rc < 0)
        return rc;
    is_own = rc == 1 && uuid_cmp(store__col_uuid(stmt, 0), r->incarnation) == 0 &&
             store__col_int(stmt, 1) == WORKER_ALIVE;
    is_over = rc == 1 && sqlite3_column_int64(stmt, 2) < s->now;
    sqlite3_reset(stmt);
    if (is_own && !is_over)
        return 0;
    return err_set(e, ERR_CONFLICT, "worker %.*s may not claim: its lease %s",
                   STR_ARG(r->worker_id), is_own ? "ran out" : "is not its own any more");
}

/* A claim under way: what has been taken so far. */
struct taking {
    struct sqlite_store *s;
    const struct claim_request *r;
    struct arena *arena;
    struct job *jobs;
    size_t n, bytes;
    bool is_full;
};

static int update_row(struct taking *t, const struct job *job, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&t->s->writer, STMT_CLAIM_JOB, e);

    if (stmt == NULL)
        return e->code;
    store__bind_blob(stmt, 1, job->token, sizeof job->token);
    store__bind_blob(stmt, 2, t->r->incarnation.bytes, sizeof t->r->incarnation.bytes);
    store__bind_str(stmt, 3, t->r->worker_id);
    sqlite3_bind_int64(stmt, 4, t->s->now);
    sqlite3_bind_int64(stmt, 5, t->s->now);
    store__bind_blob(stmt, 6, job->id.bytes, sizeof job->id.bytes);
    store__tally_move(t->s, job, JOB_QUEUED, JOB_RUNNING);
    return store__run(stmt, e);
}

/* What update_row does to the row, done to its copy. */
static void note_claim(const struct taking *t, struct job *job, const uint8_t *token)
{
    job->state = JOB_RUNNING;
    job->attempt++;
    job->claims++;
    job->worker_id = t->r->worker_id;
    job->started_at = job->updated_at = t->s->now;
    job->progress = STR_NONE;
    memcpy(job->token, token, JOB_TOKEN_LEN);
}

/* Takes a candidate, unless it is gone or its payload is too much for this claim. */
static int take_one(struct taking *t, struct uuid id, const uint8_t *token, struct err *e)
{
    struct job *job = &t->jobs[t->n];
    sqlite3_stmt *stmt;
    int rc = store__find_hot(&t->s->writer, id, &stmt, job, e);

    if (rc != 0 || stmt == NULL)
        return rc;
    t->is_full = t->n > 0 && t->bytes + job->payload.len > t->r->max_bytes;
    if (t->is_full || job->state != JOB_QUEUED) {
        sqlite3_reset(stmt);
        return 0;
    }
    note_claim(t, job, token);
    rc = store__keep_job(t->arena, job, e);
    sqlite3_reset(stmt);
    if (rc != 0)
        return rc;
    t->bytes += job->payload.len;
    t->n++;
    return update_row(t, job, e);
}

static int by_rank(const void *a, const void *b)
{
    return is_before(a, b) ? -1 : is_before(b, a);
}

/* Takes what was picked, best rank first. */
static int take(struct taking *t, struct pick *p, struct arena *scratch, struct err *e)
{
    uint8_t *tokens = arena_array(scratch, p->n, JOB_TOKEN_LEN);
    size_t i;
    int rc = 0;

    t->jobs = arena_array(t->arena, p->n, sizeof *t->jobs);
    if (tokens == NULL || t->jobs == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for %zu claimed jobs", p->n);
    random_bytes(tokens, p->n * JOB_TOKEN_LEN);
    qsort(p->at, p->n, sizeof *p->at, by_rank);
    for (i = 0; rc == 0 && !t->is_full && i < p->n; i++)
        rc = take_one(t, p->at[i].id, tokens + i * JOB_TOKEN_LEN, e);
    return rc;
}

typedef int gather_fn(struct sqlite_store *s, const struct claim_request *r, struct pick *p,
                      struct arena *scratch, struct err *e);

static int claim(struct store *base, const struct claim_request *r, gather_fn *gather,
                 struct arena *arena, struct job **jobs, size_t *n, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct arena scratch = ARENA_INIT;
    struct pick p = {.max = r->max_jobs < CLAIM_MAX ? r->max_jobs : CLAIM_MAX};
    struct taking t = {.s = s, .r = r, .arena = arena};
    int rc;

    *jobs = NULL;
    *n = 0;
    p.at = arena_array(&scratch, p.max, sizeof *p.at);
    if (p.at == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for %zu candidates", p.max);
    rc = store__begin(s, e);
    if (rc == 0) {
        rc = check_lease(s, r, e);
        if (rc == 0 && p.max > 0)
            rc = gather(s, r, &p, &scratch, e);
        if (rc == 0 && p.n > 0)
            rc = take(&t, &p, &scratch, e);
        rc = store__end(s, rc, e);
    }
    arena_free(&scratch);
    if (rc == 0) {
        *jobs = t.jobs;
        *n = t.n;
    }
    return rc;
}

int store__claim_next(struct store *s, const struct claim_request *r, struct arena *arena,
                      struct job **jobs, size_t *n, struct err *e)
{
    return claim(s, r, gather_lanes, arena, jobs, n, e);
}

int store__claim_ids(struct store *s, const struct claim_request *r, struct arena *arena,
                     struct job **jobs, size_t *n, struct err *e)
{
    return claim(s, r, gather_ids, arena, jobs, n, e);
}
