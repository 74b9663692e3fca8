/* SPDX-License-Identifier: MIT
 * Lists of jobs: a merge by id, newest first, over the tables and indexes that can hold matches. */
#include "store/sqlite_priv.h"

#include <string.h>

#define SOURCES_MAX 5

/* A cursor that yields rows of FILTER_COLUMNS by descending id. */
struct source {
    sqlite3_stmt *stmt;
    struct uuid id; /* of the row it stands on */
    bool has_row;
};

/* A page being made. */
struct listing {
    const struct job_filter *filter;
    struct source sources[SOURCES_MAX];
    size_t n_sources;
    struct uuid *ids; /* of matches */
    size_t n, limit, scanned;
    struct uuid below, last; /* the bound, and what was looked at */
};

static bool is_wanted(const struct job_filter *f, enum job_state state)
{
    return f->states == 0 || (f->states & (UINT32_C(1) << state)) != 0;
}

/* Tags are stored as a JSON array of strings that need no escapes: look for "tag" with quotes. */
static bool has_tag(struct str tags, struct str tag)
{
    const char *at = tags.ptr, *end;

    if (tags.ptr == NULL || tag.len == 0 || memchr(tag.ptr, '"', tag.len) != NULL)
        return false;
    end = tags.ptr + tags.len;
    while ((at = memmem(at, (size_t)(end - at), tag.ptr, tag.len)) != NULL) {
        if (at > tags.ptr && at[-1] == '"' && at + tag.len < end && at[tag.len] == '"')
            return true;
        at++;
    }
    return false;
}

static bool is_or_any(struct str wanted, struct str found)
{
    return wanted.ptr == NULL || (found.ptr != NULL && str_eq(wanted, found));
}

static bool is_match(const struct job_filter *f, const struct job *job)
{
    if (!is_wanted(f, job->state) || !is_or_any(f->type, job->type) ||
        !is_or_any(f->queue, job->queue) || !is_or_any(f->worker_id, job->worker_id) ||
        !is_or_any(f->error_code, job->error_code))
        return false;
    if (f->tag.ptr != NULL && !has_tag(job->tags, f->tag))
        return false;
    if (!uuid_is_nil(f->workflow_id) && uuid_cmp(f->workflow_id, job->workflow_id) != 0)
        return false;
    if (f->created_after_ms != 0 && job->created_at <= f->created_after_ms)
        return false;
    if (f->created_before_ms != 0 && job->created_at >= f->created_before_ms)
        return false;
    return f->died_before_ms == 0 ||
           (job->state == JOB_DEAD_LETTER && job->completed_at <= f->died_before_ms);
}

static int advance(struct source *src, struct err *e)
{
    int rc = store__step(src->stmt, e);

    src->has_row = rc == 1;
    if (src->has_row)
        src->id = store__col_uuid(src->stmt, COL_id);
    return rc < 0 ? rc : 0;
}

static int add_source(struct listing *l, struct sqlite_conn *c, enum stmt_id id, struct err *e)
{
    static const char above_all[17] = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
                                      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
    struct source *src = &l->sources[l->n_sources++];

    src->stmt = store__stmt(c, id, e);
    if (src->stmt == NULL)
        return e->code;
    if (uuid_is_nil(l->below))
        store__bind_blob(src->stmt, 1, above_all, sizeof above_all);
    else
        store__bind_uuid(src->stmt, 1, &l->below);
    return advance(src, e);
}

/* The fewest cursors that see every match: states that have an index of their own by that, unless
 * the whole hot table must be walked anyway. */
static int open_sources(struct listing *l, struct sqlite_conn *c, struct err *e)
{
    static const struct {
        enum job_state state;
        enum stmt_id stmt;
    } aside[] = {{JOB_PENDING, STMT_LIST_PENDING},
                 {JOB_RUNNING, STMT_LIST_RUNNING},
                 {JOB_RETRYING, STMT_LIST_RETRYING},
                 {JOB_DEAD_LETTER, STMT_LIST_DEAD}};
    const struct job_filter *f = l->filter;
    bool all_hot = is_wanted(f, JOB_QUEUED) && f->died_before_ms == 0;
    size_t i;
    int rc = all_hot ? add_source(l, c, STMT_LIST_HOT, e) : 0;

    for (i = 0; rc == 0 && !all_hot && i < sizeof aside / sizeof *aside; i++)
        if (is_wanted(f, aside[i].state))
            rc = add_source(l, c, aside[i].stmt, e);
    if (rc == 0 && f->died_before_ms == 0 &&
        (is_wanted(f, JOB_COMPLETED) || is_wanted(f, JOB_CANCELLED)))
        rc = add_source(l, c, STMT_LIST_HISTORY, e);
    return rc;
}

static struct source *newest(struct listing *l)
{
    struct source *best = NULL;
    size_t i;

    for (i = 0; i < l->n_sources; i++) {
        struct source *src = &l->sources[i];

        if (src->has_row && (best == NULL || uuid_cmp(src->id, best->id) > 0))
            best = src;
    }
    return best;
}

/* Looks at rows until the page is full and one more match is seen, or the bound is reached, or
 * there are none left; says where the next page begins. */
static int scan(struct listing *l, struct job_page *out, struct err *e)
{
    struct source *src;
    int rc = 0;

    while (rc == 0 && (src = newest(l)) != NULL) {
        struct job job = {0};

        if (l->scanned == STORE_SCAN_MAX) {
            out->more = true;
            out->next = l->last;
            return 0;
        }
        store__read_filter_columns(src->stmt, &job);
        rc = store__row_failed(src->stmt, e);
        if (rc != 0)
            return rc;
        if (is_match(l->filter, &job)) {
            if (l->n == l->limit) {
                out->more = true;
                out->next = l->ids[l->n - 1];
                return 0;
            }
            l->ids[l->n++] = job.id;
        }
        l->last = job.id;
        l->scanned++;
        rc = advance(src, e);
    }
    return rc;
}

/* Reads the matches in full, up to STORE_PAGE_BYTES_MAX; the read transaction still shows what the
 * scan saw. */
static int read_page(struct sqlite_conn *c, const struct listing *l, struct arena *arena,
                     struct job_page *out, struct err *e)
{
    size_t bytes_before = arena->used_bytes;
    int rc = 0;

    out->jobs = arena_array(arena, l->n, sizeof *out->jobs);
    if (out->jobs == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for a page of %zu jobs", l->n);
    while (rc == 0 && out->n < l->n) {
        bool found;

        if (arena->used_bytes - bytes_before > STORE_PAGE_BYTES_MAX) {
            out->more = true;
            out->next = l->ids[out->n - 1];
            return 0;
        }
        rc = store__get_job(c, l->ids[out->n], arena, &out->jobs[out->n], &found, e);
        out->n++;
    }
    return rc;
}

static int list(struct sqlite_conn *c, struct listing *l, struct arena *arena, struct job_page *out,
                struct err *e)
{
    sqlite3_stmt *begin = store__stmt(c, STMT_BEGIN_READ, e);
    int rc = begin == NULL ? e->code : store__run(begin, e);
    size_t i;

    if (rc == 0)
        rc = open_sources(l, c, e);
    if (rc == 0)
        rc = scan(l, out, e);
    for (i = 0; i < l->n_sources; i++)
        sqlite3_reset(l->sources[i].stmt);
    return rc == 0 ? read_page(c, l, arena, out, e) : rc;
}

int store__list(struct store *base, const struct job_filter *filter, struct uuid below,
                size_t limit, struct arena *arena, struct job_page *out, struct err *e)
{
    struct sqlite_store *s = store__sqlite(base);
    struct arena scratch = ARENA_INIT;
    struct listing l = {.filter = filter, .below = below};
    struct sqlite_conn *c;
    int rc;

    memset(out, 0, sizeof *out);
    l.limit = limit == 0 ? 1 : limit > STORE_SCAN_MAX ? STORE_SCAN_MAX : limit;
    l.ids = arena_array(&scratch, l.limit, sizeof *l.ids);
    if (l.ids == NULL)
        return err_set(e, ERR_NOMEM, "out of memory for a page of %zu jobs", l.limit);
    c = store__reader_take(s, e);
    rc = c == NULL ? e->code : list(c, &l, arena, out, e);
    if (c != NULL)
        store__reader_give(s, c); /* ends the read transaction */
    arena_free(&scratch);
    return rc;
}
