/* SPDX-License-Identifier: MIT
 * Every error path of the SQLite store: the n-th allocation, then the n-th write, sync or truncate
 * of a scenario fails, for every n. Whatever fails, the call says so with a code of the contract,
 * nothing is half done, and the next call works. */
#include "lib/store_kit.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* --- the n-th call fails ---------------------------------------------------------------------- */

static struct {
    long left; /* calls until one fails; < 0: none will */
    bool hit;
} fault = {-1, false};

static bool fails_now(void)
{
    if (fault.left < 0 || fault.left-- > 0)
        return false;
    fault.hit = true;
    return true;
}

/* --- allocations ------------------------------------------------------------------------------ */

static sqlite3_mem_methods real_memory;

static void *faulty_malloc(int size)
{
    return fails_now() ? NULL : real_memory.xMalloc(size);
}

static void *faulty_realloc(void *old, int size)
{
    return fails_now() ? NULL : real_memory.xRealloc(old, size);
}

static void install_memory(void)
{
    sqlite3_mem_methods faulty;

    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    faulty = real_memory;
    faulty.xMalloc = faulty_malloc;
    faulty.xRealloc = faulty_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty), SQLITE_OK);
}

/* --- files ------------------------------------------------------------------------------------ */

/* A table of methods like a real one but for three. */
struct wrapped {
    sqlite3_io_methods faulty; /* first: what files point to */
    const sqlite3_io_methods *real;
};

#define WRAPPED_MAX 4 /* databases and logs have tables of their own */

static sqlite3_vfs faulty_vfs;
static struct wrapped wrapped[WRAPPED_MAX];
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static bool disk_is_faulty;

static const sqlite3_io_methods *real_of(const sqlite3_file *f)
{
    return ((const struct wrapped *)f->pMethods)->real;
}

static int faulty_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
    return disk_is_faulty && fails_now() ? SQLITE_FULL : real_of(f)->xWrite(f, data, n, at);
}

static int faulty_sync(sqlite3_file *f, int flags)
{
    return disk_is_faulty && fails_now() ? SQLITE_IOERR_FSYNC : real_of(f)->xSync(f, flags);
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return disk_is_faulty && fails_now() ? SQLITE_IOERR_TRUNCATE : real_of(f)->xTruncate(f, size);
}

static const sqlite3_io_methods *wrap(const sqlite3_io_methods *real)
{
    size_t i = 0;

    while (wrapped[i].real != NULL && wrapped[i].real != real)
        assert_true(++i < WRAPPED_MAX);
    wrapped[i].real = real;
    wrapped[i].faulty = *real;
    wrapped[i].faulty.xWrite = faulty_write;
    wrapped[i].faulty.xSync = faulty_sync;
    wrapped[i].faulty.xTruncate = faulty_truncate;
    return &wrapped[i].faulty;
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    int rc = real_open(vfs, name, f, flags, out);

    if (rc == SQLITE_OK && f->pMethods != NULL)
        f->pMethods = wrap(f->pMethods);
    return rc;
}

static void install_disk(void)
{
    faulty_vfs = *sqlite3_vfs_find(NULL);
    real_open = faulty_vfs.xOpen;
    faulty_vfs.zName = "faulty";
    faulty_vfs.xOpen = faulty_open;
    assert_int_equal(sqlite3_vfs_register(&faulty_vfs, 1), SQLITE_OK);
}

/* --- the scenario ----------------------------------------------------------------------------- */

static int create_some(struct kit *k, struct uuid ids[3], struct err *e)
{
    struct create items[3] = {kit_item("t"), kit_item("t"), kit_item("t")};
    struct create_group group = {items, 3, &k->arena};
    int i;

    items[1].job.idempotency_key = STR("key");
    items[2].delay_ms = 1000;
    for (i = 0; i < 3; i++)
        ids[i] = items[i].job.id;
    return k->s->ops->create(k->s, &group, 1, e);
}

static int claim_and_finish(struct kit *k, struct err *e)
{
    const struct lane lane = {STR("t"), STR_NONE};
    struct claim_request r = kit_request(k, &lane, 1, 3);
    struct finish f[3];
    struct job *jobs;
    size_t n, i;
    int rc = k->s->ops->claim_next(k->s, &r, &k->arena, &jobs, &n, e);

    if (rc != 0)
        return rc;
    for (i = 0; i < n; i++)
        f[i] = kit_ending(&jobs[i], i == 0 ? RUN_OK : RUN_PERMANENT);
    return k->s->ops->finish(k->s, f, n, e);
}

static int look_around(struct kit *k, struct uuid id, struct err *e)
{
    const struct job_filter filter = {.states = 1u << JOB_DEAD_LETTER | 1u << JOB_COMPLETED};
    struct attempt_row *rows;
    struct job_page page;
    struct stats stats;
    size_t n;
    int rc = k->s->ops->read.list(k->s, &filter, (struct uuid){{0}}, 10, &k->arena, &page, e);

    if (rc == 0)
        rc = k->s->ops->read.attempts(k->s, id, &k->arena, &rows, &n, e);
    if (rc == 0)
        rc = k->s->ops->read.stats(k->s, &k->arena, &stats, e);
    return rc;
}

static int operate(struct kit *k, struct uuid again, struct uuid gone, struct err *e)
{
    struct retry_edit r = {.id = again, .new_id = uuid_new(), .max_retries = -1};
    struct delete_item d = {.id = gone};
    const struct retention keep = {.completed_ms = 1};
    struct bulk_row bulk = {.id = uuid_new(), .action = BULK_PURGE};
    size_t n;
    int64_t next;
    int rc = k->s->ops->bulk_start(k->s, &bulk, e);

    if (rc == 0)
        rc = k->s->ops->retry(k->s, &r, 1, &bulk, &k->arena, e);
    if (rc == 0)
        rc = k->s->ops->remove(k->s, &d, 1, &bulk, e);
    kit_clock_add(2000);
    if (rc == 0)
        rc = k->s->ops->promote_due(k->s, 10, &n, &next, e);
    if (rc == 0)
        rc = k->s->ops->retain(k->s, &keep, 10, &n, e);
    if (rc == 0)
        rc = k->s->ops->reap(k->s, 10, &n, e);
    return rc;
}

/* Stops at the first failure. *created tells whether the jobs must be there. */
static int scenario(struct kit *k, struct uuid ids[3], bool *created, struct err *e)
{
    int rc = create_some(k, ids, e);

    *created = rc == 0;
    if (rc == 0)
        rc = claim_and_finish(k, e);
    if (rc == 0)
        rc = look_around(k, ids[1], e);
    if (rc == 0)
        rc = operate(k, ids[1], ids[2], e);
    return rc;
}

/* One run with the n-th call failing; false when the scenario has fewer. */
static bool fail_nth(long n, int other_code)
{
    struct kit k;
    struct uuid ids[3];
    struct err e = {0};
    bool created;
    int rc, i;

    kit_open(&k);
    fault.hit = false;
    fault.left = n;
    rc = scenario(&k, ids, &created, &e);
    fault.left = -1;
    if (rc != 0 && (!fault.hit || (rc != ERR_NOMEM && rc != other_code)))
        fail_msg("call %ld: %d %s", n, rc, e.text);
    if (rc != 0)
        assert_true(e.code == rc && e.text[0] != '\0');
    if (!created)
        for (i = 0; i < 3; i++)
            assert_false(kit_exists(&k, ids[i]));
    kit_check_counts(&k);
    kit_create(&k, "t"); /* and all goes on */
    kit_reopen(&k);
    kit_check_counts(&k);
    kit_close(&k);
    return fault.hit;
}

static void every_allocation_fails_once(void **state)
{
    long n = 0;

    (void)state;
    while (fail_nth(n, ERR_NOMEM))
        n += n < 200 ? 1 : 7;
    print_message("%ld allocations\n", n);
    assert_true(n > 100);
}

static void every_write_fails_once(void **state)
{
    long n = 0;

    (void)state;
    disk_is_faulty = true;
    while (fail_nth(n, ERR_UNAVAILABLE))
        n++;
    disk_is_faulty = false;
    print_message("%ld writes, syncs and truncates\n", n);
    assert_true(n > 20);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest memory[] = {cmocka_unit_test(every_allocation_fails_once)};
    const struct CMUnitTest disk[] = {cmocka_unit_test(every_write_fails_once)};

    (void)argc;
    (void)argv;
    install_memory();
    if (cmocka_run_group_tests(memory, NULL, NULL) != 0)
        return 1;
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory);
    install_disk();
    return cmocka_run_group_tests(disk, NULL, NULL);
}
