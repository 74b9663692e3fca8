/* SPDX-License-Identifier: MIT
 * Conformance of reading: lists under every filter and page size, stats, ping. */
#include "lib/store_kit.h"

#include <string.h>

/* What is in the store of these tests, by ascending id: SETS jobs of every state. */
#define SETS  4
#define TOTAL (SETS * (JOB_STATE_END - 1))

struct fixture {
    struct job jobs[TOTAL];
    size_t n;
};

static struct uuid make(struct kit *k, enum job_state state, int i)
{
    static const enum run_outcome endings[JOB_STATE_END] = {
        [JOB_RETRYING] = RUN_ERROR,
        [JOB_COMPLETED] = RUN_OK,
        [JOB_DEAD_LETTER] = RUN_PERMANENT,
        [JOB_CANCELLED] = RUN_CANCELLED,
    };
    const struct lane lane = {STR_NONE, STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, 1);
    struct create item = kit_item(i % 2 == 0 ? "even" : "odd");
    struct lane own;
    struct job *jobs;
    size_t n;

    item.job.queue = i % 3 == 0 ? STR("q3") : STR("default");
    item.job.tags = i % 4 == 0 ? STR("[\"red\",\"team=b\"]") : STR("[\"redder\"]");
    item.delay_ms = state == JOB_PENDING ? 100000 : 0;
    if (i % 5 == 0)
        item.job.workflow_id = (struct uuid){{1, 2, 3}};
    kit_create_item(k, &item);
    if (state == JOB_PENDING || state == JOB_QUEUED)
        return item.job.id;
    own = (struct lane){item.job.type, item.job.queue};
    r.lanes = &own;
    r.ids = &item.job.id;
    r.n_ids = 1;
    kit_ok(k->s->ops->claim_ids(k->s, &r, &k->arena, &jobs, &n, &e));
    assert_int_equal(n, 1);
    if (state != JOB_RUNNING)
        kit_finish(k, &jobs[0], endings[state]);
    return item.job.id;
}

static void fill(struct kit *k, struct fixture *f)
{
    int i;

    for (i = 0; i < TOTAL; i++) {
        kit_clock_add(10);
        f->jobs[i] = kit_get(k, make(k, (enum job_state)(1 + i % (JOB_STATE_END - 1)), i));
    }
    f->n = TOTAL;
}

static bool is_same(struct str wanted, struct str found)
{
    return wanted.ptr == NULL || (found.ptr != NULL && str_eq(wanted, found));
}

/* The filter as its contract words it, for the jobs of `fill`. */
static bool expected(const struct job_filter *f, const struct job *job)
{
    bool tagged = f->tag.ptr == NULL;

    if (str_is(f->tag, "redder"))
        tagged = str_is(job->tags, "[\"redder\"]");
    else if (!tagged && (str_is(f->tag, "red") || str_is(f->tag, "team=b")))
        tagged = !str_is(job->tags, "[\"redder\"]");
    return (f->states == 0 || (f->states >> job->state & 1) != 0) && is_same(f->type, job->type) &&
           is_same(f->queue, job->queue) && is_same(f->worker_id, job->worker_id) &&
           is_same(f->error_code, job->error_code) && tagged &&
           (uuid_is_nil(f->workflow_id) || uuid_cmp(f->workflow_id, job->workflow_id) == 0) &&
           (f->created_after_ms == 0 || job->created_at > f->created_after_ms) &&
           (f->created_before_ms == 0 || job->created_at < f->created_before_ms) &&
           (f->died_before_ms == 0 ||
            (job->state == JOB_DEAD_LETTER && job->completed_at <= f->died_before_ms));
}

/* Walks the list in pages of `limit` and compares with the fixture, newest first. */
static void check_list(struct kit *k, const struct fixture *f, const struct job_filter *filter,
                       size_t limit)
{
    struct job_page page = {.more = true};
    size_t at = f->n, i;

    while (page.more) {
        kit_ok(k->s->ops->read.list(k->s, filter, page.next, limit, &k->arena, &page, &e));
        assert_true(page.n <= limit);
        for (i = 0; i < page.n; i++) {
            do
                assert_true(at-- > 0);
            while (!expected(filter, &f->jobs[at]));
            assert_uuid_eq(page.jobs[i].id, f->jobs[at].id);
            assert_int_equal(page.jobs[i].state, f->jobs[at].state);
            assert_true(str_eq(page.jobs[i].payload, f->jobs[at].payload));
        }
    }
    while (at > 0)
        assert_false(expected(filter, &f->jobs[--at]));
}

static void check_all_pages(struct kit *k, const struct fixture *f, const struct job_filter *filter)
{
    check_list(k, f, filter, 1);
    check_list(k, f, filter, 3);
    check_list(k, f, filter, TOTAL);
    check_list(k, f, filter, 1000);
}

static void every_set_of_states(void **state)
{
    struct kit *k = *state;
    struct fixture f;
    uint32_t states;

    fill(k, &f);
    for (states = 0; states < 1u << JOB_STATE_END; states += 2) {
        struct job_filter filter = {.states = states};

        check_list(k, &f, &filter, 3);
        check_list(k, &f, &filter, 1000);
    }
}

static void every_other_filter(void **state)
{
    struct kit *k = *state;
    const struct job_filter filters[] = {
        {0},
        {.type = STR("even")},
        {.type = STR("eve")},
        {.queue = STR("q3")},
        {.tag = STR("red")},
        {.tag = STR("redder")},
        {.tag = STR("team=b")},
        {.tag = STR("team")},
        {.tag = STR("red\",\"team=b")},
        {.worker_id = STR("w1")},
        {.worker_id = STR("w2")},
        {.error_code = STR("error")},
        {.error_code = STR("permanent")},
        {.workflow_id = {{1, 2, 3}}},
        {.workflow_id = {{9}}},
        {.created_after_ms = KIT_START_MS + 100},
        {.created_before_ms = KIT_START_MS + 100},
        {.created_after_ms = KIT_START_MS + 50, .created_before_ms = KIT_START_MS + 200},
        {.died_before_ms = KIT_START_MS + 150},
        {.died_before_ms = KIT_START_MS + 150, .states = 1u << JOB_DEAD_LETTER},
        {.died_before_ms = KIT_START_MS + 150, .states = 1u << JOB_QUEUED},
        {.type = STR("odd"), .queue = STR("q3"), .states = 1u << JOB_COMPLETED},
        {.type = STR("odd"), .states = 1u << JOB_RUNNING | 1u << JOB_DEAD_LETTER},
    };
    struct fixture f;
    size_t i;

    fill(k, &f);
    for (i = 0; i < sizeof filters / sizeof *filters; i++)
        check_all_pages(k, &f, &filters[i]);
}

static void empty_store_has_an_empty_list(void **state)
{
    struct kit *k = *state;
    const struct job_filter filter = {0};
    struct job_page page;

    kit_ok(k->s->ops->read.list(k->s, &filter, (struct uuid){{0}}, 10, &k->arena, &page, &e));
    assert_int_equal(page.n, 0);
    assert_false(page.more);
}

/* The last page is known to be the last: `more` is not a guess while the bound is not reached. */
static void full_last_page_is_the_last(void **state)
{
    struct kit *k = *state;
    const struct job_filter filter = {.type = STR("t")};
    struct job_page page;
    int i;

    kit_create(k, "other");
    for (i = 0; i < 3; i++)
        kit_create(k, "t");
    kit_create(k, "other");
    kit_ok(k->s->ops->read.list(k->s, &filter, (struct uuid){{0}}, 3, &k->arena, &page, &e));
    assert_int_equal(page.n, 3);
    assert_false(page.more);
    kit_ok(k->s->ops->read.list(k->s, &filter, (struct uuid){{0}}, 2, &k->arena, &page, &e));
    assert_true(page.more);
}

/* More rows than one page may look at: short pages that still lead to every match. */
static void scanning_is_bounded(void **state)
{
    enum { N = STORE_SCAN_MAX + 500 };
    struct kit *k = *state;
    const struct job_filter filter = {.type = STR("needle")};
    struct create *items = arena_array(&k->arena, N, sizeof *items);
    struct create_group group = {items, N, &k->arena};
    struct job_page page;
    size_t i;

    assert_non_null(items);
    for (i = 0; i < N; i++)
        items[i] = kit_item(i == 0 ? "needle" : "hay");
    kit_ok(k->s->ops->create(k->s, &group, 1, &e));
    kit_ok(k->s->ops->read.list(k->s, &filter, (struct uuid){{0}}, 5, &k->arena, &page, &e));
    assert_int_equal(page.n, 0);
    assert_true(page.more);
    assert_uuid_eq(page.next, items[N - STORE_SCAN_MAX].job.id);
    kit_ok(k->s->ops->read.list(k->s, &filter, page.next, 5, &k->arena, &page, &e));
    assert_int_equal(page.n, 1);
    assert_false(page.more);
    assert_uuid_eq(page.jobs[0].id, items[0].job.id);
}

static void stats_add_up(void **state)
{
    struct kit *k = *state;
    struct stats stats;
    struct fixture f;

    kit_ok(k->s->ops->read.stats(k->s, &k->arena, &stats, &e));
    assert_int_equal(stats.n, 0);
    assert_int_equal(stats.backlog, 0);
    assert_int_equal(stats.oldest_age_ms, -1);
    fill(k, &f);
    kit_clock_add(1000);
    kit_ok(k->s->ops->read.stats(k->s, &k->arena, &stats, &e));
    assert_int_equal(stats.backlog, SETS);
    assert_int_equal(stats.running, SETS);
    assert_int_equal(stats.now_ms, kit_now());
    assert_int_equal(kit_count(k, NULL, JOB_DEAD_LETTER), SETS);
    assert_int_equal(kit_count(k, NULL, JOB_COMPLETED), SETS);
    /* the second job made is the oldest queued one */
    assert_int_equal(stats.oldest_age_ms, kit_now() - f.jobs[1].scheduled_at);
}

/* The oldest counts, whatever goes before it. */
static void oldest_is_found_behind_priorities(void **state)
{
    struct kit *k = *state;
    struct create old = kit_item("t"), young = kit_item("t");
    struct stats stats;

    old.job.priority = -100;
    kit_create_item(k, &old);
    kit_clock_add(5000);
    young.job.priority = 100;
    kit_create_item(k, &young);
    kit_ok(k->s->ops->read.stats(k->s, &k->arena, &stats, &e));
    assert_int_equal(stats.oldest_age_ms, 5000);
}

static void unknown_job_is_not_found(void **state)
{
    struct kit *k = *state;
    size_t n;

    assert_false(kit_exists(k, uuid_new()));
    assert_false(kit_exists(k, (struct uuid){{0}}));
    kit_attempts(k, uuid_new(), &n);
    assert_int_equal(n, 0);
}

static void ping_answers(void **state)
{
    struct kit *k = *state;

    kit_ok(k->s->ops->read.ping(k->s, &e));
}

/* A list of large jobs must not grow with `limit` (a page of 1000 could have been 2 GiB). */
static void test_a_page_of_large_jobs_ends_early(void **state)
{
    enum { BIG = 1024 * 1024, JOBS = 20 };
    struct kit *k = *state;
    struct job_filter all = {0};
    struct uuid below = {{0}};
    size_t seen = 0, pages = 0;
    char *payload = arena_alloc(&k->arena, BIG);
    struct job_page page;
    int i;

    assert_non_null(payload);
    memset(payload, 'x', BIG);
    payload[0] = payload[BIG - 1] = '"';
    for (i = 0; i < JOBS; i++) {
        struct create item = kit_item("big");

        item.job.payload = (struct str){payload, BIG};
        kit_create_item(k, &item);
    }
    do {
        struct arena arena = ARENA_INIT;

        kit_ok(k->s->ops->read.list(k->s, &all, below, 1000, &arena, &page, &e));
        assert_true(page.n > 0);
        assert_true(arena.used_bytes < STORE_PAGE_BYTES_MAX + 2 * BIG);
        seen += page.n;
        below = page.next;
        pages++;
        arena_free(&arena);
    } while (page.more);
    assert_int_equal(seen, JOBS);
    assert_true(pages > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_page_of_large_jobs_ends_early),
        TEST(every_set_of_states),
        TEST(every_other_filter),
        TEST(empty_store_has_an_empty_list),
        TEST(full_last_page_is_the_last),
        TEST(scanning_is_bounded),
        TEST(stats_add_up),
        TEST(oldest_is_found_behind_priorities),
        TEST(unknown_job_is_not_found),
        TEST(ping_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
