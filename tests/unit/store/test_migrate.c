/* SPDX-License-Identifier: MIT
 * The migration runner against a store that only exists here, and the migrations that are built in
 * against a real file. */
#include "store/migrate_priv.h"

#include "base/embed.h"
#include "lib/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A store of migrations that remembers what it was told. */
struct fake {
    struct migration_record records[MIGRATIONS_MAX];
    size_t n;
    int fail_at; /* version whose apply fails; 0: none */
};

static int fake_load(void *context, struct migration_record *records, size_t *n, struct err *e)
{
    const struct fake *f = context;

    (void)e;
    memcpy(records, f->records, f->n * sizeof *records);
    *n = f->n;
    return 0;
}

static int fake_apply(void *context, const struct migration *m, int64_t now, struct err *e)
{
    struct fake *f = context;
    struct migration_record *r = &f->records[f->n];

    if (m->version == f->fail_at)
        return err_set(e, ERR_UNAVAILABLE, "no room");
    r->version = m->version;
    r->applied_at = now;
    memcpy(r->checksum, m->checksum, sizeof r->checksum);
    f->n++;
    return 0;
}

#define FILE(name, text)                      \
    {                                         \
        name, text, (text) + sizeof(text) - 1 \
    }

static const struct embedded two[] = {FILE("m/other/0001_no.sql", "nothing"),
                                      FILE("m/x/0001_first.sql", "one"),
                                      FILE("m/x/0002_second.sql", "two"),
                                      {NULL, NULL, NULL}};

static int run(const struct embedded *files, struct fake *f, bool apply, size_t *pending,
               struct err *e)
{
    const struct migrate_target target = {
        .folder = "m/x/", .context = f, .now = 1234, .load = fake_load, .apply = fake_apply};

    return store__migrate_from(files, &target, apply, NULL, NULL, pending, e);
}

static void applies_what_is_pending(void **state)
{
    struct fake f = {.n = 0};
    struct err e;
    size_t pending;

    (void)state;
    assert_int_equal(run(two, &f, false, &pending, &e), 0);
    assert_int_equal(pending, 2);
    assert_int_equal(f.n, 0);
    assert_int_equal(run(two, &f, true, &pending, &e), 0);
    assert_int_equal(pending, 0);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.records[1].version, 2);
    assert_int_equal(run(two, &f, true, &pending, &e), 0);
    assert_int_equal(f.n, 2);
}

static void stops_where_one_fails(void **state)
{
    struct fake f = {.fail_at = 2};
    struct err e;
    size_t pending;

    (void)state;
    assert_int_equal(run(two, &f, true, &pending, &e), ERR_UNAVAILABLE);
    assert_says(e, "m/x/0002_second.sql: no room");
    assert_int_equal(f.n, 1);
    f.fail_at = 0;
    assert_int_equal(run(two, &f, true, &pending, &e), 0);
    assert_int_equal(f.n, 2);
}

static void changed_text_is_refused(void **state)
{
    const struct embedded changed[] = {FILE("m/x/0001_first.sql", "ONE"), {NULL, NULL, NULL}};
    struct fake f = {.n = 0};
    struct err e;
    size_t pending;

    (void)state;
    assert_int_equal(run(two, &f, true, &pending, &e), 0);
    f.n = 1;
    assert_int_equal(run(changed, &f, true, &pending, &e), ERR_MISMATCH);
    assert_says(e, "m/x/0001_first.sql");
    /* found: sha256 of "one"; expected: of "ONE" */
    assert_says(e, "found sha256 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    assert_says(e, "expected 2192e8955d5e1ad1651f2f0c637e6f1ac82855747a5f42f978db28669595dc21");
}

static void newer_schema_is_refused(void **state)
{
    const struct embedded one[] = {FILE("m/x/0001_first.sql", "one"), {NULL, NULL, NULL}};
    struct fake f = {.n = 0};
    struct err e;
    size_t pending;

    (void)state;
    assert_int_equal(run(two, &f, true, &pending, &e), 0);
    assert_int_equal(run(one, &f, true, &pending, &e), ERR_MISMATCH);
    assert_says(e, "version 2");
    assert_says(e, "too old");
}

static void recorded_gap_is_refused(void **state)
{
    struct fake f = {.n = 0};
    struct err e;
    size_t pending;

    (void)state;
    assert_int_equal(run(two, &f, true, &pending, &e), 0);
    f.records[0] = f.records[1];
    f.n = 1;
    assert_int_equal(run(two, &f, true, &pending, &e), ERR_MISMATCH);
    assert_says(e, "version 2 where version 1 was expected");
}

static void gaps_and_names_of_files(void **state)
{
    const struct embedded gap[] = {FILE("m/x/0002_second.sql", "two"), {NULL, NULL, NULL}};
    const struct embedded odd[] = {FILE("m/x/first.sql", "one"), {NULL, NULL, NULL}};
    struct fake f = {.n = 0};
    struct err e;
    size_t pending;

    (void)state;
    assert_int_equal(run(gap, &f, true, &pending, &e), ERR_MISMATCH);
    assert_says(e, "found version 2, expected 1");
    assert_int_equal(run(odd, &f, true, &pending, &e), ERR_MISMATCH);
    assert_says(e, "m/x/first.sql");
    assert_int_equal(f.n, 0);
}

/* --- the real ones ---------------------------------------------------------------------------- */

struct seen {
    size_t n, applied, applied_now;
    char first[64];
};

static void note(void *context, const struct migration_status *m)
{
    struct seen *seen = context;

    if (seen->n++ == 0)
        snprintf(seen->first, sizeof seen->first, "%s", m->name);
    seen->applied += m->applied_at != 0;
    seen->applied_now += m->applied_now;
}

static struct seen migrate(const char *dir, bool apply)
{
    const struct store_options o = {.url = STR("sqlite:"), .data_dir = dir};
    struct seen seen = {0};
    struct err e;

    if (store_migrate(&o, apply, note, &seen, &e) != 0)
        fail_msg("%s", e.text);
    return seen;
}

static void status_and_apply(void **state)
{
    char dir[256], path[300];
    struct seen seen;

    (void)state;
    unit_folder_make(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/jobmill.db", dir);
    seen = migrate(dir, false);
    assert_true(seen.n >= 1);
    assert_string_equal(seen.first, "0001_jobs.sql");
    assert_int_equal(seen.applied, 0);
    assert_int_not_equal(access(path, F_OK), 0); /* a question creates nothing */
    seen = migrate(dir, true);
    assert_int_equal(seen.applied_now, seen.n);
    seen = migrate(dir, true);
    assert_int_equal(seen.applied_now, 0);
    seen = migrate(dir, false);
    assert_int_equal(seen.applied, seen.n);
    unit_folder_remove(dir);
}

/* Runs SQL on a closed store, as somebody with a shell would. */
static void tamper(const char *dir, const char *sql)
{
    char path[300];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/jobmill.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int try_open(const char *dir, bool apply, struct err *e)
{
    const struct store_options o = {.url = STR("sqlite:"), .data_dir = dir};
    struct store *s;
    int rc = store_open(&o, apply, &s, e);

    store_close(&s);
    return rc;
}

static void open_checks_the_schema(void **state)
{
    char dir[256];
    struct err e;

    (void)state;
    unit_folder_make(dir, sizeof dir);
    assert_int_equal(try_open(dir, false, &e), ERR_MISMATCH);
    assert_says(e, "run `jobmill migrate`");
    migrate(dir, true);
    assert_int_equal(try_open(dir, false, &e), 0);
    tamper(dir, "UPDATE schema_migrations SET checksum=x'00' WHERE version=1");
    assert_int_equal(try_open(dir, true, &e), ERR_MISMATCH);
    assert_says(e, "0001_jobs.sql");
    tamper(dir, "UPDATE schema_migrations SET version=9999");
    assert_int_equal(try_open(dir, true, &e), ERR_MISMATCH);
    unit_folder_remove(dir);
}

static void too_new_a_schema(void **state)
{
    char dir[256];
    struct err e;

    (void)state;
    unit_folder_make(dir, sizeof dir);
    migrate(dir, true);
    tamper(dir, "INSERT INTO schema_migrations VALUES(9000, '9000_x.sql', x'00', 1)");
    assert_int_equal(try_open(dir, true, &e), ERR_MISMATCH);
    assert_says(e, "version 9000");
    unit_folder_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applies_what_is_pending), cmocka_unit_test(stops_where_one_fails),
        cmocka_unit_test(changed_text_is_refused), cmocka_unit_test(newer_schema_is_refused),
        cmocka_unit_test(recorded_gap_is_refused), cmocka_unit_test(gaps_and_names_of_files),
        cmocka_unit_test(status_and_apply),        cmocka_unit_test(open_checks_the_schema),
        cmocka_unit_test(too_new_a_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
