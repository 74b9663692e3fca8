/* SPDX-License-Identifier: MIT
 * What is SQLite's own: URLs, the owner's lock, files that are not ours, damage, a full disk. */
#include "base/io.h"
#include "lib/unit.h"
#include "store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[256];

static int set_up(void **state)
{
    (void)state;
    unit_folder_make(dir, sizeof dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unit_folder_remove(dir);
    return 0;
}

static int open_url(struct str url, int64_t lock_wait_ms, struct store **s, struct err *e)
{
    const struct store_options o = {
        .url = url, .data_dir = dir, .key_window_ms = 1000, .lock_wait_ms = lock_wait_ms};

    return store_open(&o, true, s, e);
}

static struct store *must_open(void)
{
    struct store *s;
    struct err e;

    if (open_url(STR("sqlite:"), 0, &s, &e) != 0)
        fail_msg("%s", e.text);
    return s;
}

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int create_one(struct store *s, struct str payload, struct uuid *id, struct err *e)
{
    struct create item = {.job = {.id = uuid_new(),
                                  .type = STR("t"),
                                  .queue = STR("default"),
                                  .payload = payload,
                                  .retry = RETRY_POLICY_DEFAULT,
                                  .step_index = -1}};
    struct create_group group = {&item, 1, NULL};

    *id = item.job.id;
    return s->ops->create(s, &group, 1, e);
}

static bool exists(struct store *s, struct uuid id)
{
    struct arena arena = ARENA_INIT;
    struct job job;
    struct err e;
    bool found = false;

    assert_int_equal(s->ops->read.get(s, id, &arena, &job, &found, &e), 0);
    arena_free(&arena);
    return found;
}

static void unsupported_urls(void **state)
{
    struct store *s;
    struct err e;

    (void)state;
    assert_int_equal(open_url(STR("postgres://u:secret@h/db"), 0, &s, &e), ERR_INVALID);
    assert_null(s);
    assert_says(e, "postgres: is not supported by this build");
    assert_says(e, "sqlite:PATH");
    assert_null(strstr(e.text, "secret"));
    assert_int_equal(open_url(STR("jobs.db"), 0, &s, &e), ERR_INVALID);
    assert_says(e, "no scheme");
    assert_int_equal(open_url(STR(""), 0, &s, &e), ERR_INVALID);
    assert_int_equal(open_url(STR_NONE, 0, &s, &e), ERR_INVALID);
    assert_int_equal(open_url(STR("sqlite"), 0, &s, &e), ERR_INVALID);
    assert_int_equal(open_url(STR("sqlite:/tmp/a\0b"), 0, &s, &e), ERR_INVALID);
}

static void url_with_a_path(void **state)
{
    char url[400];
    struct store *s;
    struct stat st;
    struct err e;

    (void)state;
    /* folders are made; what SQLite would take for a URI is a name like any other */
    snprintf(url, sizeof url, "sqlite:%s/deep/er/x.db?mode=memory", dir);
    assert_int_equal(open_url(str_from(url), 0, &s, &e), 0);
    store_close(&s);
    assert_int_equal(stat(path_of("deep/er/x.db?mode=memory"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(path_of("deep"), &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0750u, 0);
}

static void files_are_private(void **state)
{
    const char *const names[] = {"jobmill.db", "jobmill.db-wal", "jobmill.db-shm",
                                 "jobmill.db.lock"};
    struct store *s = must_open();
    struct uuid id;
    struct err e;
    size_t i;

    (void)state;
    assert_int_equal(create_one(s, STR("1"), &id, &e), 0);
    for (i = 0; i < 4; i++) {
        struct stat st;

        assert_int_equal(stat(path_of(names[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    store_close(&s);
}

static void one_owner_at_a_time(void **state)
{
    struct store *s = must_open(), *second;
    struct err e;
    char pid[32];

    (void)state;
    assert_int_equal(open_url(STR("sqlite:"), 0, &second, &e), ERR_UNAVAILABLE);
    snprintf(pid, sizeof pid, "process %d", (int)getpid());
    assert_says(e, pid);
    assert_says(e, "jobmill.db");
    store_close(&s);
    s = must_open();
    store_close(&s);
}

static void waits_for_the_last_owner(void **state)
{
    struct store *s;
    struct err e;
    int ready[2];
    pid_t child;
    char byte;

    (void)state;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        s = must_open();
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        usleep(150000);
        _exit(0); /* without closing: the kernel lets the lock go */
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(open_url(STR("sqlite:"), 0, &s, &e), ERR_UNAVAILABLE);
    assert_int_equal(open_url(STR("sqlite:"), 5000, &s, &e), 0);
    store_close(&s);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void a_text_file_is_no_database(void **state)
{
    struct store *s;
    struct err e;
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(
        io_write_file(path_of("jobmill.db"), (struct str){text, sizeof text}, 0600, &e), 0);
    assert_int_equal(open_url(STR("sqlite:"), 0, &s, &e), ERR_MISMATCH);
    assert_says(e, "jobmill.db");
    assert_says(e, "not an SQLite database");
}

static void another_programs_database(void **state)
{
    struct store *s;
    struct err e;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(path_of("jobmill.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE jobs(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(open_url(STR("sqlite:"), 0, &s, &e), ERR_MISMATCH);
    assert_says(e, "another program");
}

static void unusable_places(void **state)
{
    struct store *s;
    struct err e;
    char url[400];

    (void)state;
    assert_int_equal(io_write_file(path_of("file"), STR("x"), 0600, &e), 0);
    snprintf(url, sizeof url, "sqlite:%s/file/x.db", dir);
    assert_int_equal(open_url(str_from(url), 0, &s, &e), ERR_UNAVAILABLE);
    assert_says(e, "/file");
    snprintf(url, sizeof url, "sqlite:%s", dir); /* a folder */
    assert_int_equal(open_url(str_from(url), 0, &s, &e), ERR_UNAVAILABLE);
}

static void damage_is_named(void **state)
{
    struct store *s = must_open();
    struct uuid id;
    struct err e;
    char zeros[4096] = {0};
    int fd, page;

    (void)state;
    assert_int_equal(create_one(s, STR("1"), &id, &e), 0);
    store_close(&s);
    fd = open(path_of("jobmill.db"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    memset(zeros, 0x5A, sizeof zeros);
    /* everything but the first two pages: the schema still reads */
    for (page = 3; page < 12; page++)
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, page * 4096), sizeof zeros);
    close(fd);
    s = NULL;
    if (open_url(STR("sqlite:"), 0, &s, &e) == 0)
        assert_int_not_equal(create_one(s, STR("1"), &id, &e), 0);
    assert_says(e, "damaged");
    assert_says(e, "jobmill.db");
    store_close(&s);
}

/* A bound on the size of files stands in for a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void full_disk_loses_nothing(void **state)
{
    static char big[60000];
    struct store *s = must_open();
    struct uuid kept[1000], refused, later;
    struct err e = {0};
    struct stats stats;
    struct arena arena = ARENA_INIT;
    size_t n = 0, i;

    (void)state;
    memset(big, 'x', sizeof big);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(3 * 1024 * 1024);
    while (n < 1000 && create_one(s, (struct str){big, sizeof big}, &kept[n], &e) == 0)
        n++;
    assert_true(n > 10 && n < 1000);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    refused = kept[n];
    assert_int_equal(create_one(s, (struct str){big, sizeof big}, &later, &e), ERR_UNAVAILABLE);
    for (i = 0; i < n; i++)
        assert_true(exists(s, kept[i]));
    assert_false(exists(s, refused));
    limit_files(RLIM_INFINITY);
    assert_int_equal(create_one(s, STR("1"), &later, &e), 0); /* by itself, when there is room */
    assert_int_equal(s->ops->read.stats(s, &arena, &stats, &e), 0);
    assert_int_equal(stats.backlog, n + 1);
    arena_free(&arena);
    store_close(&s);
    s = must_open();
    for (i = 0; i < n; i++)
        assert_true(exists(s, kept[i]));
    assert_false(exists(s, refused));
    store_close(&s);
}

/* The write-ahead log does not grow with what passes through it. */
static void log_is_bounded(void **state)
{
    static char big[100000];
    struct store *s = must_open();
    struct stat st;
    struct err e;
    int i;

    (void)state;
    memset(big, 'x', sizeof big);
    for (i = 0; i < 600; i++) { /* 60 MB */
        struct uuid id;
        struct delete_item d = {0};

        assert_int_equal(create_one(s, (struct str){big, sizeof big}, &id, &e), 0);
        d.id = id;
        assert_int_equal(s->ops->remove(s, &d, 1, NULL, &e), 0);
    }
    assert_int_equal(stat(path_of("jobmill.db-wal"), &st), 0);
    assert_true(st.st_size < 40 * 1024 * 1024);
    store_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unsupported_urls),
        TEST(url_with_a_path),
        TEST(files_are_private),
        TEST(one_owner_at_a_time),
        TEST(waits_for_the_last_owner),
        TEST(a_text_file_is_no_database),
        TEST(another_programs_database),
        TEST(unusable_places),
        TEST(damage_is_named),
        TEST(full_disk_loses_nothing),
        TEST(log_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
