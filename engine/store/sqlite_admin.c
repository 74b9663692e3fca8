/* SPDX-License-Identifier: MIT
 * What operators do to single jobs: running them again, deleting them. */
#include "store/sqlite_priv.h"

#include <string.h>

/* Whether a job may be replayed or purged as a dead letter that died by then. */
static bool is_dead_by(const struct job *job, int64_t died_before_ms)
{
    return job->state == JOB_DEAD_LETTER &&
           (died_before_ms == 0 || job->completed_at <= died_before_ms);
}

static int queue_again(struct sqlite_store *s, struct retry_edit *r, struct arena *arena,
                       struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_RETRY_HOT, e);
    bool found;
    int rc;

    if (stmt == NULL)
        return e->code;
    sqlite3_bind_int64(stmt, 1, s->now);
    sqlite3_bind_int64(stmt, 2, s->now);
    store__bind_str(stmt, 3, r->payload);
    if (r->max_retries < 0)
        sqlite3_bind_null(stmt, 4);
    else
        sqlite3_bind_int(stmt, 4, r->max_retries);
    store__bind_uuid(stmt, 5, &r->id);
    store__tally_move(s, &r->job, r->job.state, JOB_QUEUED);
    r->outcome = RETRY_QUEUED;
    rc = store__run(stmt, e);
    return rc == 0 ? store__get_job(&s->writer, r->id, arena, &r->job, &found, e) : rc;
}

/* The finished job stays; a new one names it. Keys and workflows belong to the old one. */
static int create_again(struct sqlite_store *s, struct retry_edit *r, struct err *e)
{
    struct job *job = &r->job;
    bool exists;
    int rc;

    job->retry_of = job->id;
    job->id = r->new_id;
    job->workflow_id = (struct uuid){{0}};
    job->step_index = -1;
    job->state = JOB_QUEUED;
    job->attempt = job->claims = job->crashes = job->losses = 0;
    job->created_at = job->updated_at = job->scheduled_at = s->now;
    job->started_at = job->completed_at = job->cpu_us = job->memory_kb = 0;
    job->idempotency_key = job->result = job->progress = STR_NONE;
    job->last_error = job->error_code = job->worker_id = STR_NONE;
    memset(job->token, 0, sizeof job->token);
    if (r->payload.ptr != NULL)
        job->payload = r->payload;
    if (r->max_retries >= 0)
        job->max_retries = r->max_retries;
    rc = store__insert_job(s, job, &exists, e);
    r->outcome = exists ? RETRY_REFUSED : RETRY_CREATED;
    return rc;
}

static int retry_one(struct sqlite_store *s, struct retry_edit *r, struct arena *arena,
                     struct err *e)
{
    bool found, is_final;
    int rc = store__get_job(&s->writer, r->id, arena, &r->job, &found, e);

    if (rc != 0)
        return rc;
    is_final = found && job_state_is_final(r->job.state);
    if (!found)
        r->outcome = RETRY_NOT_FOUND;
    else if (r->dead_only && !is_dead_by(&r->job, r->died_before_ms))
        r->outcome = RETRY_REFUSED;
    else if (r->job.state == JOB_DEAD_LETTER || r->job.state == JOB_RETRYING)
        return queue_again(s, r, arena, e);
    else if (is_final && !uuid_is_nil(r->new_id))
        return create_again(s, r, e);
    else
        r->outcome = RETRY_REFUSED;
    return 0;
}

int store__retry(struct store *base, struct retry_edit *items, size_t n, struct bulk_row *bulk,
                 struct arena *arena, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    size_t i;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    for (i = 0; rc == 0 && i < n; i++)
        rc = retry_one(s, &items[i], arena, e);
    if (rc == 0 && bulk != NULL)
        rc = store__bulk_update(s, bulk, e);
    return store__end(s, rc, e);
}

static int remove_one(struct sqlite_store *s, struct delete_item *d, struct err *e)
{
    struct arena scratch = ARENA_INIT;
    struct job job;
    bool found;
    int rc = store__get_job(&s->writer, d->id, &scratch, &job, &found, e);

    d->state = 0;
    if (rc == 0 && !found) {
        d->outcome = DELETE_NOT_FOUND;
    } else if (rc == 0 && (job.state == JOB_RUNNING ||
                           (d->dead_only && !is_dead_by(&job, d->died_before_ms)))) {
        d->outcome = DELETE_REFUSED;
        d->state = job.state;
    } else if (rc == 0) {
        d->outcome = DELETE_DONE;
        rc = store__delete_job(s, &job, e);
    }
    arena_free(&scratch);
    return rc;
}

int store__remove(struct store *base, struct delete_item *items, size_t n, struct bulk_row *bulk,
                  struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    size_t i;
    int rc = store__begin(s, e);

    if (rc != 0)
        return rc;
    for (i = 0; rc == 0 && i < n; i++)
        rc = remove_one(s, &items[i], e);
    if (rc == 0 && bulk != NULL)
        rc = store__bulk_update(s, bulk, e);
    return store__end(s, rc, e);
}
