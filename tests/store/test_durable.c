/* SPDX-License-Identifier: MIT
 * Conformance under concurrency, restarts and sudden death: each job is claimed once, what was
 * acknowledged is there, what was not is there wholly or not at all. */
#include "lib/store_kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAKERS     2
#define TAKERS     3
#define READERS    2
#define PER_MAKER  600
#define MAKE_BATCH 20
#define ALL        (MAKERS * PER_MAKER)

struct crowd {
    struct kit *k;
    _Atomic size_t claimed, finished, failures;
};

/* One that makes jobs; threads must not fail a cmocka test themselves. */
static void *make_jobs(void *context)
{
    struct crowd *c = context;
    struct create items[MAKE_BATCH];
    struct create_group groups[MAKE_BATCH];
    struct err e;
    int done, i;

    for (done = 0; done < PER_MAKER; done += MAKE_BATCH) {
        for (i = 0; i < MAKE_BATCH; i++) {
            items[i] = kit_item(i % 2 == 0 ? "a" : "b");
            groups[i] = (struct create_group){&items[i], 1, NULL};
        }
        if (c->k->s->ops->create(c->k->s, groups, MAKE_BATCH, &e) != 0)
            atomic_fetch_add(&c->failures, 1);
    }
    return NULL;
}

static size_t take_and_finish(struct crowd *c, struct arena *arena)
{
    const struct lane lanes[] = {{STR("a"), STR_NONE}, {STR("b"), STR_NONE}};
    struct claim_request r = kit_request(c->k, lanes, 2, 7);
    struct finish f[7];
    struct job *jobs;
    struct err e;
    size_t n = 0, i;

    if (c->k->s->ops->claim_next(c->k->s, &r, arena, &jobs, &n, &e) != 0) {
        atomic_fetch_add(&c->failures, 1);
        return 0;
    }
    atomic_fetch_add(&c->claimed, n);
    for (i = 0; i < n; i++)
        f[i] = kit_ending(&jobs[i], RUN_OK);
    if (c->k->s->ops->finish(c->k->s, f, n, &e) != 0)
        atomic_fetch_add(&c->failures, 1);
    for (i = 0; i < n; i++)
        atomic_fetch_add(&c->finished, f[i].applied);
    return n;
}

static void *take_jobs(void *context)
{
    struct crowd *c = context;
    int64_t idle = 0;

    while (atomic_load(&c->finished) < ALL && idle < 20000) {
        struct arena arena = ARENA_INIT;

        idle = take_and_finish(c, &arena) == 0 ? idle + 1 : 0;
        arena_free(&arena);
    }
    return NULL;
}

static void *read_jobs(void *context)
{
    struct crowd *c = context;
    const struct job_filter filter = {0};

    while (atomic_load(&c->finished) < ALL && atomic_load(&c->failures) == 0) {
        struct arena arena = ARENA_INIT;
        struct job_page page;
        struct stats stats;
        struct err e;

        if (c->k->s->ops->read.list(c->k->s, &filter, (struct uuid){{0}}, 20, &arena, &page, &e) !=
                0 ||
            c->k->s->ops->read.stats(c->k->s, &arena, &stats, &e) != 0)
            atomic_fetch_add(&c->failures, 1);
        arena_free(&arena);
    }
    return NULL;
}

static void each_job_is_claimed_once(void **state)
{
    struct kit *k = *state;
    struct crowd c = {.k = k};
    pthread_t threads[MAKERS + TAKERS + READERS];
    int n = 0, i;

    for (i = 0; i < MAKERS; i++)
        assert_int_equal(pthread_create(&threads[n++], NULL, make_jobs, &c), 0);
    for (i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_create(&threads[n++], NULL, take_jobs, &c), 0);
    for (i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[n++], NULL, read_jobs, &c), 0);
    for (i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(c.failures, 0);
    assert_int_equal(c.claimed, ALL);
    assert_int_equal(c.finished, ALL);
    assert_int_equal(kit_count(k, NULL, JOB_COMPLETED), ALL);
}

/* Two that claim the same ids at the same time. */
struct rivals {
    struct kit *k;
    const struct uuid *ids;
    size_t n;
    _Atomic size_t won;
};

static void *claim_same(void *context)
{
    struct rivals *r = context;
    const struct lane lane = {STR("t"), STR_NONE};
    struct claim_request request = kit_request(r->k, &lane, 1, r->n);
    struct arena arena = ARENA_INIT;
    struct job *jobs;
    struct err e;
    size_t n = 0;

    request.ids = r->ids;
    request.n_ids = r->n;
    if (r->k->s->ops->claim_ids(r->k->s, &request, &arena, &jobs, &n, &e) == 0)
        atomic_fetch_add(&r->won, n);
    arena_free(&arena);
    return NULL;
}

static void rivals_share_nothing(void **state)
{
    struct kit *k = *state;
    struct uuid ids[50];
    struct rivals r = {.k = k, .ids = ids, .n = 50};
    pthread_t threads[4];
    int i;

    for (i = 0; i < 50; i++)
        ids[i] = kit_create(k, "t");
    for (i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, claim_same, &r), 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(r.won, 50);
}

static void everything_survives_reopening(void **state)
{
    struct kit *k = *state;
    struct uuid ids[JOB_STATE_END];
    struct create keyed = kit_item("k"), again = kit_item("k");
    struct job running;
    int s;

    keyed.job.idempotency_key = again.job.idempotency_key = STR("key");
    kit_create_item(k, &keyed);
    for (s = JOB_STATE_END - 1; s >= 1; s--)
        ids[s] = kit_job_in(k, "t", (enum job_state)s);
    running = kit_get(k, ids[JOB_RUNNING]);
    kit_reopen(k);
    for (s = 1; s < JOB_STATE_END; s++)
        assert_int_equal(kit_state(k, ids[s]), s);
    kit_create_item(k, &again);
    assert_int_equal(again.outcome, CREATE_REPLAYED);
    kit_finish(k, &running, RUN_OK); /* a lease outlives the store's connection */
    k->life = uuid_new();
    assert_int_equal(kit_register(k, "w1", k->life), 0);
    assert_uuid_eq(kit_claim_one(k, "t").id, ids[JOB_QUEUED]);
}

/* The child: creates groups of two and reports each acknowledged pair; dies by the parent's hand.
 */
static void create_until_killed(const char *dir, int report)
{
    struct store *s;
    struct err e;

    if (kit_try_open(dir, &s, &e) != 0)
        _exit(1);
    for (;;) {
        struct create items[2] = {kit_item("t"), kit_item("t")};
        struct create_group group = {items, 2, NULL};
        struct uuid pair[2] = {items[0].job.id, items[1].job.id};

        /* announced before, acknowledged after */
        if (write(report, pair, sizeof pair) != (ssize_t)sizeof pair ||
            s->ops->create(s, &group, 1, &e) != 0 || write(report, "+", 1) != 1)
            _exit(1);
    }
}

/* Reads what the child told: whole pairs, and whether each was acknowledged. */
static size_t read_report(int fd, struct uuid pairs[][2], bool *acknowledged, size_t max)
{
    size_t n = 0;
    char mark;

    while (n < max && read(fd, pairs[n], sizeof pairs[n]) == (ssize_t)sizeof pairs[n]) {
        acknowledged[n] = read(fd, &mark, 1) == 1;
        if (!acknowledged[n++])
            break;
    }
    return n;
}

static void kill_one(struct kit *k, int64_t after_us)
{
    enum { MAX = 1900 }; /* pairs that fit into a pipe */
    static struct uuid pairs[MAX][2];
    static bool acknowledged[MAX];
    struct timespec pause = {0, after_us * 1000};
    int fds[2];
    size_t n, i;
    pid_t child;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    store_close(&k->s);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        create_until_killed(k->dir, fds[1]);
    }
    close(fds[1]);
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    n = read_report(fds[0], pairs, acknowledged, MAX);
    close(fds[0]);
    kit_ok(kit_try_open(k->dir, &k->s, &e));
    for (i = 0; i < n; i++) {
        if (acknowledged[i])
            assert_true(kit_exists(k, pairs[i][0]));
        assert_int_equal(kit_exists(k, pairs[i][0]), kit_exists(k, pairs[i][1]));
    }
    kit_check_counts(k);
}

static void acknowledged_jobs_survive_a_kill(void **state)
{
    struct unit_random r = unit_random_start("acknowledged_jobs_survive_a_kill");
    struct kit *k = *state;
    int i;

    for (i = 0; i < 10; i++)
        kill_one(k, 5000 + (int64_t)unit_random_below(&r, 60000));
    assert_true(kit_count(k, "t", JOB_QUEUED) > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_job_is_claimed_once),
        TEST(rivals_share_nothing),
        TEST(everything_survives_reopening),
        TEST(acknowledged_jobs_survive_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
