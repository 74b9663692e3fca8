/* SPDX-License-Identifier: MIT
 * Bulk operations by filter. */
#include "core/bulk.h"

#include "json/merge.h"

/* A patched payload may be as large as the largest body that could have been submitted. */
#define PATCHED_MAX_BYTES (64 * 1024 * 1024)

bool bulk_patch(struct str payload, struct str patch, size_t max_bytes, struct arena *arena,
                struct str *out, struct err *e)
{
    struct buf merged = BUF_INIT;
    bool ok = json_merge(payload, patch, &merged, e) == 0;

    if (ok && merged.len > max_bytes) {
        err_set(e, ERR_LIMIT, "the patched payload has %zu bytes, expected at most %zu", merged.len,
                max_bytes);
        ok = false;
    }
    if (ok) {
        *out = arena_str(arena, buf_str(&merged));
        ok = out->ptr != NULL;
    }
    buf_free(&merged);
    return ok;
}

/* Writes the row alone. */
static int save(struct store *store, struct bulk_row *row, struct arena *arena, struct err *e)
{
    return store->ops->retry(store, NULL, 0, row, arena, e);
}

/* The counts were written as if everything would succeed, in the same transaction; a job that
 * somebody else has taken meanwhile is moved to the failed ones afterwards. */
static int correct(struct store *store, struct bulk_row *row, int64_t refused, struct arena *arena,
                   struct err *e)
{
    if (refused == 0)
        return 0;
    row->succeeded -= refused;
    row->failed += refused;
    return save(store, row, arena, e);
}

/* Replays a page. Jobs whose payload cannot be patched and those of workflows stay dead and count
 * as failed. */
static int replay_page(struct store *store, struct bulk_row *row, const struct job_page *page,
                       struct arena *arena, struct err *e)
{
    struct retry_edit *items = arena_array(arena, page->n, sizeof *items);
    int64_t refused = 0;
    size_t n = 0, i;
    int rc;

    if (items == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < page->n; i++) {
        struct retry_edit *item = &items[n];
        struct err ignored;

        *item = (struct retry_edit){.id = page->jobs[i].id,
                                    .max_retries = -1,
                                    .dead_only = true,
                                    .died_before_ms = row->filter.died_before_ms};
        if (uuid_is_nil(page->jobs[i].workflow_id) &&
            (row->patch.ptr == NULL ||
             bulk_patch(page->jobs[i].payload, row->patch, PATCHED_MAX_BYTES, arena, &item->payload,
                        &ignored)))
            n++;
    }
    row->failed += (int64_t)(page->n - n);
    row->succeeded += (int64_t)n;
    rc = store->ops->retry(store, items, n, row, arena, e);
    for (i = 0; i < n; i++)
        refused += items[i].outcome != RETRY_QUEUED;
    return rc == 0 ? correct(store, row, refused, arena, e) : rc;
}

static int purge_page(struct store *store, struct bulk_row *row, const struct job_page *page,
                      struct arena *arena, struct err *e)
{
    struct delete_item *items = arena_array(arena, page->n, sizeof *items);
    int64_t refused = 0;
    size_t n = 0, i;
    int rc;

    if (items == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < page->n; i++) {
        items[n] = (struct delete_item){.id = page->jobs[i].id,
                                        .dead_only = true,
                                        .died_before_ms = row->filter.died_before_ms};
        n += uuid_is_nil(page->jobs[i].workflow_id);
    }
    row->failed += (int64_t)(page->n - n);
    row->succeeded += (int64_t)n;
    rc = store->ops->remove(store, items, n, row, e);
    for (i = 0; i < n; i++)
        refused += items[i].outcome != DELETE_DONE;
    return rc == 0 ? correct(store, row, refused, arena, e) : rc;
}

/* The next dead letters below the cursor, never those that died after the operation began: a
 * replayed job that dies again is not replayed again. */
static int read_page(struct store *store, struct bulk_row *row, struct arena *arena,
                     struct job_page *page, struct err *e)
{
    int64_t left = row->limit == 0 ? BULK_PAGE : row->limit - row->matched;

    *page = (struct job_page){.n = 0};
    if (left <= 0)
        return 0;
    row->filter.states = 1u << JOB_DEAD_LETTER;
    if (row->filter.died_before_ms == 0)
        row->filter.died_before_ms = row->created_at;
    return store->ops->read.list(store, &row->filter, row->cursor,
                                 (size_t)(left < BULK_PAGE ? left : BULK_PAGE), arena, page, e);
}

static int carry_on(struct store *store, struct bulk_row *row, struct arena *arena, struct err *e)
{
    struct job_page page;
    int rc = read_page(store, row, arena, &page, e);

    if (rc != 0)
        return rc;
    if (page.n == 0) {
        if (page.more)
            row->cursor = page.next;
        else
            row->state = BULK_DONE;
        return save(store, row, arena, e);
    }
    row->cursor = page.more ? page.next : page.jobs[page.n - 1].id;
    row->matched += (int64_t)page.n;
    return row->action == BULK_REPLAY ? replay_page(store, row, &page, arena, e)
                                      : purge_page(store, row, &page, arena, e);
}

int bulk_step(struct store *store, struct err *e, bool *more)
{
    struct arena arena = ARENA_INIT;
    struct bulk_row row, before;
    bool found = false;
    int rc = store->ops->bulk_next(store, &arena, &row, &found, e);

    *more = found;
    if (rc == 0 && found) {
        before = row;
        rc = carry_on(store, &row, &arena, e);
        if (rc == ERR_INVALID) { /* waiting will not help */
            before.state = BULK_FAILED;
            before.error = str_from(e->text);
            rc = save(store, &before, &arena, e);
        }
    }
    arena_free(&arena);
    return rc;
}
