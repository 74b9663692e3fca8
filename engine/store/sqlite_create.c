/* SPDX-License-Identifier: MIT
 * Creating jobs: idempotency keys, groups that stand or fall together. */
#include "store/sqlite_priv.h"

#include <stdlib.h>
#include <string.h>

static int check_items(const struct create_group *groups, size_t n, struct err *e)
{
    size_t g, i;

    for (g = 0; g < n; g++)
        for (i = 0; i < groups[g].n; i++) {
            const struct job *job = &groups[g].items[i].job;

            if (job->type.ptr == NULL || uuid_is_nil(job->id))
                return err_set(e, ERR_INVALID, "create: group %zu, item %zu: found no %s", g, i,
                               job->type.ptr == NULL ? "type" : "id");
        }
    return 0;
}

/* What a new job is before anything happened to it. A time in the past means now. */
static void prepare(struct create *c, int64_t now)
{
    struct job *job = &c->job;
    int64_t delay = c->delay_ms > JOB_DELAY_MAX_MS ? JOB_DELAY_MAX_MS : c->delay_ms;
    int64_t run_at = delay >= 0 ? now + delay : c->run_at_ms;

    if (job->queue.ptr == NULL)
        job->queue = STR(JOB_DEFAULT_QUEUE);
    if (job->payload.ptr == NULL)
        job->payload = STR("null");
    job->scheduled_at = run_at > now ? run_at : now;
    job->state = run_at > now ? JOB_PENDING : JOB_QUEUED;
    job->created_at = job->updated_at = now;
    job->started_at = job->completed_at = 0;
    job->attempt = job->claims = job->crashes = job->losses = 0;
    job->cpu_us = job->memory_kb = 0;
    job->result = job->progress = job->last_error = job->error_code = job->worker_id = STR_NONE;
    memset(job->token, 0, sizeof job->token);
}

/* Looks the item's key up: outcome REPLAYED (*original names the job) or MISMATCH, 0 when free. */
static int look_up_key(struct sqlite_store *s, struct create *c, struct uuid *original,
                       struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_KEY_GET, e);
    const void *hash;
    int rc;

    c->outcome = 0;
    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, c->job.idempotency_key);
    sqlite3_bind_int64(stmt, 2, s->now);
    rc = store__step(stmt, e);
    if (rc <= 0)
        return rc;
    *original = store__col_uuid(stmt, 0);
    hash = sqlite3_column_blob(stmt, 1);
    c->outcome = hash != NULL && sqlite3_column_bytes(stmt, 1) == STORE_HASH_LEN &&
                         memcmp(hash, c->body_hash, STORE_HASH_LEN) == 0
                     ? CREATE_REPLAYED
                     : CREATE_MISMATCH;
    sqlite3_reset(stmt);
    return 0;
}

static int put_key(struct sqlite_store *s, const struct create *c, struct err *e)
{
    sqlite3_stmt *stmt = store__stmt(&s->writer, STMT_KEY_PUT, e);

    if (stmt == NULL)
        return e->code;
    store__bind_str(stmt, 1, c->job.idempotency_key);
    store__bind_uuid(stmt, 2, &c->job.id);
    store__bind_blob(stmt, 3, c->body_hash, sizeof c->body_hash);
    sqlite3_bind_int64(stmt, 4, s->now + s->key_window_ms);
    return store__run(stmt, e);
}

/* Reads the job that the item repeats. Its key would have gone with it, so it is there. */
static int replay(struct sqlite_store *s, struct create *c, struct uuid original,
                  struct arena *arena, struct err *e)
{
    bool found;
    int rc = store__get_job(&s->writer, original, arena, &c->job, &found, e);

    if (rc == 0 && !found)
        rc =
            err_set(e, ERR_UNAVAILABLE, "%s: an idempotency key names a job that is gone", s->path);
    c->outcome = CREATE_REPLAYED;
    return rc;
}

static int insert(struct sqlite_store *s, struct create *c, struct arena *arena, struct err *e)
{
    bool exists;
    int rc;

    prepare(c, s->now);
    rc = store__insert_job(s, &c->job, &exists, e);
    if (rc == 0 && exists) /* the same create again, after an unknown outcome */
        return replay(s, c, c->job.id, arena, e);
    if (rc == 0 && c->job.idempotency_key.ptr != NULL)
        rc = put_key(s, c, e);
    c->outcome = CREATE_DONE;
    return rc;
}

static int create_one(struct sqlite_store *s, struct create *c, struct arena *arena, struct err *e)
{
    struct uuid original;
    int rc;

    c->outcome = 0;
    if (c->job.idempotency_key.ptr != NULL) {
        rc = look_up_key(s, c, &original, e);
        if (rc != 0 || c->outcome == CREATE_MISMATCH)
            return rc;
        if (c->outcome == CREATE_REPLAYED)
            return replay(s, c, original, arena, e);
    }
    return insert(s, c, arena, e);
}

/* Items with the same key side by side, the first of the request before its repetitions. */
static int by_key(const void *a, const void *b)
{
    const struct create *x = *(struct create *const *)a, *y = *(struct create *const *)b;
    int c = str_cmp(x->job.idempotency_key, y->job.idempotency_key);

    return c != 0 ? c : (x > y) - (x < y);
}

/* Marks what is in conflict with a stored key or with an earlier item of its own group. */
static int mark_conflicts(struct sqlite_store *s, struct create **keyed, size_t n, bool *conflict,
                          struct err *e)
{
    const struct create *leader = NULL;
    struct uuid original;
    size_t i;

    for (i = 0; i < n; i++) {
        struct create *c = keyed[i];
        int rc = look_up_key(s, c, &original, e);

        if (rc != 0)
            return rc;
        if (leader == NULL || !str_eq(leader->job.idempotency_key, c->job.idempotency_key))
            leader = c;
        else if (c->outcome == 0 && memcmp(leader->body_hash, c->body_hash, STORE_HASH_LEN) != 0)
            c->outcome = CREATE_MISMATCH;
        *conflict |= c->outcome == CREATE_MISMATCH;
    }
    return 0;
}

/* Whether any item of the group is a mismatch; if so, those that are get their outcome. */
static int find_conflict(struct sqlite_store *s, struct create_group *group, bool *conflict,
                         struct err *e)
{
    struct arena scratch = ARENA_INIT;
    struct create **keyed = arena_array(&scratch, group->n, sizeof *keyed);
    size_t n = 0, i;
    int rc;

    if (keyed == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for a group of %zu jobs", group->n);
    for (i = 0; i < group->n; i++) {
        group->items[i].outcome = 0;
        if (group->items[i].job.idempotency_key.ptr != NULL)
            keyed[n++] = &group->items[i];
    }
    qsort(keyed, n, sizeof *keyed, by_key);
    rc = mark_conflicts(s, keyed, n, conflict, e);
    arena_free(&scratch);
    return rc;
}

/* Nothing new is created; what was created before is still answered. */
static int refuse_group(struct sqlite_store *s, struct create_group *group, struct err *e)
{
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < group->n; i++) {
        struct create *c = &group->items[i];
        struct uuid original;

        if (c->outcome == CREATE_REPLAYED)
            rc = look_up_key(s, c, &original, e);
        if (rc == 0 && c->outcome == CREATE_REPLAYED)
            rc = replay(s, c, original, group->arena, e);
        else if (c->outcome == 0)
            c->outcome = CREATE_NOT_DONE;
    }
    return rc;
}

static int create_group(struct sqlite_store *s, struct create_group *group, struct err *e)
{
    bool conflict = false;
    size_t i;
    int rc = group->n > 1 ? find_conflict(s, group, &conflict, e) : 0;

    if (rc == 0 && conflict)
        return refuse_group(s, group, e);
    for (i = 0; rc == 0 && i < group->n; i++)
        rc = create_one(s, &group->items[i], group->arena, e);
    return rc;
}

int store__create(struct store *base, struct create_group *groups, size_t n, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    size_t i;
    int rc = check_items(groups, n, e);

    if (rc == 0)
        rc = store__begin(s, e);
    if (rc != 0)
        return rc;
    for (i = 0; rc == 0 && i < n; i++)
        rc = create_group(s, &groups[i], e);
    return store__end(s, rc, e);
}
