/* SPDX-License-Identifier: MIT
 * Configuration: files, environment, and every way to get them wrong. */
#include "conf/conf.h"

#include "base/io.h"
#include "lib/unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A folder with conf.d in it. */
struct fixture {
    char base[PATH_MAX / 4], dir[PATH_MAX / 2];
    struct conf *conf;
    struct err e;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err e;

    unit_folder_make(f->base, sizeof f->base);
    snprintf(f->dir, sizeof f->dir, "%s/conf.d", f->base);
    assert_int_equal(io_make_dirs(f->dir, &e), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    conf_free(&f->conf);
    unit_folder_remove(f->base);
    free(f);
    return 0;
}

static void write_bytes(const struct fixture *f, const char *name, struct str text)
{
    char path[PATH_MAX];
    struct err e;

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    assert_int_equal(io_write_file(path, text, 0600, &e), 0);
}

static void write_ini(const struct fixture *f, const char *name, const char *text)
{
    write_bytes(f, name, str_from(text));
}

static int read_with(struct fixture *f, char *const *environment)
{
    conf_free(&f->conf);
    f->e = (struct err){.code = 0};
    return conf_read(f->dir, environment, &f->conf, &f->e);
}

static void must_read(struct fixture *f)
{
    char *none[] = {NULL};

    if (read_with(f, none) != 0)
        print_error("%s\n", f->e.text);
    assert_non_null(f->conf);
}

/* The text in a.ini is refused at that line, with those words. */
static void must_refuse(struct fixture *f, const char *text, int line, const char *words)
{
    char *none[] = {NULL}, place[64];

    write_ini(f, "a.ini", text);
    assert_int_equal(read_with(f, none), ERR_INVALID);
    assert_null(f->conf);
    snprintf(place, sizeof place, "/conf.d/a.ini:%d: ", line);
    assert_says(f->e, place);
    assert_says(f->e, words);
}

static void has_defaults(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX];

    must_read(f);
    assert_int_equal(f->conf->roles, 7);
    snprintf(path, sizeof path, "%s/var", f->base);
    assert_string_equal(f->conf->data_dir, path);
    assert_string_equal(f->conf->base_dir, f->base);
    assert_string_equal(f->conf->listen, "127.0.0.1:8080");
    assert_string_equal(f->conf->store_url, "sqlite:");
    assert_string_equal(f->conf->queue_url, "store:");
    assert_string_equal(f->conf->exec_path, "");
    assert_string_equal(f->conf->tokens_file, "");
    assert_int_equal(f->conf->log_level, LOG_INFO);
    assert_int_equal(f->conf->lease_ms, 15000);
    assert_int_equal(f->conf->max_body_bytes, 1 << 20);
    assert_false(f->conf->accept_unknown_types);
    assert_int_equal(f->conf->max_retries, JOB_DEFAULT_MAX_RETRIES);
    assert_int_equal(f->conf->retry.base_ms, RETRY_POLICY_DEFAULT.base_ms);
    assert_int_equal(f->conf->retry.cap_ms, RETRY_POLICY_DEFAULT.cap_ms);
    assert_int_equal(f->conf->retry.factor_pct, RETRY_POLICY_DEFAULT.factor_pct);
    assert_int_equal(f->conf->retry.jitter_pct, RETRY_POLICY_DEFAULT.jitter_pct);
    assert_int_equal(f->conf->n_pools, 1);
    assert_str(f->conf->pools[0].name, "default");
    assert_int_equal(f->conf->pools[0].threads, 4);
    assert_int_equal(f->conf->n_handlers, 0);
}

static void reads_files_in_order(void **state)
{
    struct fixture *f = *state;

    write_ini(f, "10-a.ini",
              "\xEF\xBB\xBF; comment\n[api]\r\nlisten = unix:run/api.sock ; inline\r\n"
              "[pool big]\nprocesses=3\nthreads : 8\nmemory = 512MiB\n");
    write_ini(f, "20-b.ini",
              "# comment\n[api]\nunknown_types = accept\n\n[store]\nurl=sqlite:x.db\n"
              "[handler a.b:c/d-e_f]\nplugin = sub/x.so\npool = big\n"
              "max_retries = 0\nbackoff_factor = 1.5\nconfig.Key = a b\nconfig.e =\n"
              "[defaults]\ntimeout = 1m\n[pool empty]");
    write_ini(f, ".hidden.ini", "nonsense");
    write_ini(f, "30-c.ini~", "nonsense");
    write_ini(f, "40-d.ini.swp", "nonsense");
    write_ini(f, "README", "nonsense");
    must_read(f);
    assert_true(str_starts(str_from(f->conf->listen), "unix:/"));
    assert_non_null(strstr(f->conf->listen, "/run/api.sock"));
    assert_non_null(strstr(f->conf->store_url, "/x.db"));
    assert_true(f->conf->accept_unknown_types);
    assert_int_equal(f->conf->n_pools, 3);
    assert_int_equal(f->conf->pools[0].memory_bytes, 512 << 20);
    assert_int_equal(f->conf->n_handlers, 1);
    assert_str(f->conf->handlers[0].type, "a.b:c/d-e_f");
    assert_str(f->conf->handlers[0].pool, "big");
    assert_int_equal(f->conf->handlers[0].max_retries, 0);
    assert_int_equal(f->conf->handlers[0].timeout_ms, 60000);
    assert_int_equal(f->conf->handlers[0].retry.factor_pct, 150);
    assert_int_equal(f->conf->handlers[0].retry.cap_ms, 60000);
    assert_int_equal(f->conf->handlers[0].n_config, 2);
    assert_str(f->conf->handlers[0].config[0].key, "Key");
    assert_str(f->conf->handlers[0].config[0].value, "a b");
    assert_str(f->conf->handlers[0].config[1].value, "");
    assert_int_equal(f->conf->handlers[0].source.line, 7);
}

static void refuses_broken_lines(void **state)
{
    struct fixture *f = *state;
    char text[400] = "[engine]\n;";

    must_refuse(f, "[engine]\nnonsense\n", 2, "expected key = value");
    must_refuse(f, "[engine]\nnonsense\n[api]\nlisten = 127.0.0.1:1\n", 2, "expected key = value");
    must_refuse(f, "[engine\n", 1, "without ]");
    must_refuse(f, "[engine] x\n", 1, "after [section]");
    must_refuse(f, "[]\n", 1, "unknown section");
    must_refuse(f, "\nlisten = x\n", 2, "before the first [section]");
    must_refuse(f, "[engine]\n= x\n", 2, "no key before =");
    must_refuse(f, "[engine]\ndata_dir = a\n  b\n", 3, "indented");
    must_refuse(f, "[engine]\n\tdata_dir = a\n", 2, "indented");
    must_refuse(f, "[engine]\ndata_dir = \xFF\n", 2, "UTF-8");
    memset(text + 10, 'x', 199);
    memcpy(text + 209, "\n[api]\nx=1\n", 12);
    must_refuse(f, text, 2, "200 bytes, expected at most 199");
    write_bytes(f, "a.ini", STR("[engine]\ndata_dir = a\0b\n"));
    assert_int_equal(read_with(f, NULL), ERR_INVALID);
    assert_says(f->e, "a.ini:2: found a NUL byte");
}

static void takes_the_longest_line(void **state)
{
    struct fixture *f = *state;
    char text[400] = "[engine]\ndata_dir = /";
    size_t n = strlen(text), end = 9 + 199;

    memset(text + n, 'x', end - n);
    text[end] = '\0'; /* without a newline */
    write_ini(f, "a.ini", text);
    must_read(f);
    assert_int_equal(strlen(f->conf->data_dir), 199 - strlen("data_dir = "));
}

static void refuses_unknown_and_doubled(void **state)
{
    struct fixture *f = *state;
    char text[300];

    must_refuse(f, "[enigne]\n", 1, "did you mean \"engine\"?");
    must_refuse(f, "[engine x]\n", 1, "without a name");
    must_refuse(f, "[pool]\n", 1, "expected [pool NAME]");
    must_refuse(f, "[handler a b]\n", 1, "byte 0x20");
    must_refuse(f, "[api]\nlisen = 127.0.0.1:1\n", 2, "did you mean \"listen\"?");
    must_refuse(f, "[handler x]\ngreeting = hi\n", 2, "config.KEY");
    must_refuse(f, "[handler x]\nconfig. = hi\n", 2, "config.KEY");
    must_refuse(f, "[api]\nconfig.x = 1\n", 2, "unknown key");
    must_refuse(f, "[api]\nthreads = 1\nthreads = 2\n", 3, "a.ini:2: first here");
    must_refuse(f, "[pool x]\n[api]\n[pool x]\n", 3, "a.ini:1: first here");
    must_refuse(f, "[handler x]\nlua = a.lua\nconfig.a = 1\nconfig.a = 1\n", 4, "first here");
    write_ini(f, "0.ini", "[api]\nthreads = 1\n[handler x]\nlua = x.lua\n");
    must_refuse(f, "[api]\nthreads = 1\n", 2, "0.ini:2: first here");
    must_refuse(f, "[handler x]\n", 1, "0.ini:3: first here");
    snprintf(text, sizeof text, "[pool %0129d]\n", 1);
    must_refuse(f, text, 1, "129 bytes, expected 1 to 128");
}

static void refuses_bad_values(void **state)
{
    struct fixture *f = *state;

    must_refuse(f, "[api]\nthreads = 0\n", 2, "found \"0\", expected a whole number, from 1 to 64");
    must_refuse(f, "[api]\nthreads = many\n", 2, "api.threads");
    must_refuse(f, "[api]\nmax_body = 65MiB\n", 2, "from 1KiB to 64MiB");
    must_refuse(f, "[engine]\nlease = 15\n", 2, "a duration such as");
    must_refuse(f, "[engine]\nlease = 2s\n", 2, "from 3s to 1h");
    must_refuse(f, "[engine]\nlog_level = loud\n", 2, "debug, info, warn or error");
    must_refuse(f, "[engine]\nroles = api, cook\n", 2, "api, worker, scheduler");
    must_refuse(f, "[engine]\nroles = \n", 2, "api, worker, scheduler");
    must_refuse(f, "[api]\nunknown_types = maybe\n", 2, "refuse or accept");
    must_refuse(f, "[defaults]\nbackoff_factor = 0.5\n", 2, "from 1 to 10");
    must_refuse(f, "[defaults]\nbackoff_jitter = 101%\n", 2, "from 0 to 100");
    must_refuse(f, "[api]\nlisten = 8080\n", 2, "there is no port");
    must_refuse(f, "[engine]\nnode_id = a b\n", 2, "engine.node_id");
    must_refuse(f, "[pool x]\nthreads = 65\n", 2, "pool.threads");
    must_refuse(f, "[handler x]\nlua = a.lua\ntimeout = 8d\n", 3, "handler.timeout");
}

static void refuses_bad_handlers(void **state)
{
    struct fixture *f = *state;

    must_refuse(f, "[handler x]\n", 1, "neither plugin nor lua");
    must_refuse(f, "[handler x]\nplugin = a.so\nlua = a.lua\n", 3, "both plugin and lua");
    must_refuse(f, "[handler x]\nplugin = /etc/a.so\n", 2, "without leading /");
    must_refuse(f, "[handler x]\nplugin = ../a.so\n", 2, "without ..");
    must_refuse(f, "[handler x]\nplugin = a/../../a.so\n", 2, "without ..");
    must_refuse(f, "[handler x]\nplugin = a/..\n", 2, "without ..");
    must_refuse(f, "[handler x]\nplugin =\n", 2, "a file's name");
    must_refuse(f, "[handler x]\nlua = a.lua\npool = bigg\n[pool big]\n", 3,
                "did you mean \"big\"?");
    write_ini(f, "a.ini", "[handler x]\nlua = ..a/b..lua\n");
    must_read(f);
}

static void refuses_what_cannot_work_together(void **state)
{
    struct fixture *f = *state;

    must_refuse(f, "[engine]\nroles = api\n", 2, "one process holds an SQLite file");
    must_refuse(f, "[queue]\nurl = redis://x\n", 2, "expected store:");
    must_refuse(f, "[api]\nlisten = 0.0.0.0:8080\n", 2,
                "api.listen = 0.0.0.0:8080 is reachable from other machines: set api.tokens_file");
    must_refuse(f, "[api]\nlisten = 0.0.0.0:8080\ntokens_file = nowhere\n", 3, "No such file");
    must_refuse(f, "[api]\ntokens_file = .\n", 2, "not a regular file");
    must_refuse(f, "[engine]\nlease = 3s\n", 2, "at most a third");
    must_refuse(f, "[engine]\nbeat = 6s\n", 2, "found 6s with a lease of 15s");
    write_ini(f, "tokens.ini~", "");
    write_ini(f, "a.ini", "[api]\nlisten = 0.0.0.0:1\ntokens_file = conf.d/tokens.ini~\n");
    must_read(f);
}

static void environment_goes_first(void **state)
{
    struct fixture *f = *state;
    char listen[] = "JOBMILL_API_LISTEN=127.0.0.1:0", dir[] = "JOBMILL_ENGINE_DATA_DIR=/tmp/x";
    char url[] = "JOBMILL_URL=http://x", seed[] = "JOBMILL_TEST_SEED=1", other[] = "HOME=/";
    char cap[] = "JOBMILL_DEFAULTS_BACKOFF_CAP=9s";
    char *environment[] = {listen, dir, url, seed, other, cap, NULL};

    write_ini(f, "a.ini", "[api]\nlisten = 127.0.0.1:1\n[handler x]\nlua = x.lua\n");
    assert_int_equal(read_with(f, environment), 0);
    assert_string_equal(f->conf->listen, "127.0.0.1:0");
    assert_string_equal(f->conf->data_dir, "/tmp/x");
    assert_int_equal(f->conf->handlers[0].retry.cap_ms, 9000);
}

static void environment_is_checked(void **state)
{
    struct fixture *f = *state;
    char unknown[] = "JOBMILL_API_LISEN=x", bad[] = "JOBMILL_API_THREADS=x";
    char pool[] = "JOBMILL_POOL_THREADS=1", utf8[] = "JOBMILL_ENGINE_DATA_DIR=\xFF";
    char *first[] = {unknown, NULL}, *second[] = {bad, NULL}, *third[] = {pool, NULL};
    char *fourth[] = {utf8, NULL};

    assert_int_equal(read_with(f, first), ERR_INVALID);
    assert_says(f->e, "JOBMILL_API_LISEN");
    assert_says(f->e, "did you mean \"JOBMILL_API_LISTEN\"?");
    assert_int_equal(read_with(f, second), ERR_INVALID);
    assert_says(f->e, "JOBMILL_API_THREADS: api.threads: found \"x\"");
    assert_int_equal(read_with(f, third), ERR_INVALID);
    assert_int_equal(read_with(f, fourth), ERR_INVALID);
    assert_says(f->e, "UTF-8");
}

static void common_variables_go_last(void **state)
{
    struct fixture *f = *state;
    char bare[] = "DATABASE_URL=db:5432", url[] = "DATABASE_URL=postgres://u:secret@db/x";
    char redis[] = "REDIS_URL=cache:6379", empty[] = "DATABASE_URL=";
    char own[] = "JOBMILL_STORE_URL=sqlite:";
    char *first[] = {bare, NULL}, *second[] = {url, NULL}, *third[] = {empty, NULL};
    char *fourth[] = {url, own, NULL}, *fifth[] = {redis, NULL}, *sixth[] = {url, redis, NULL};

    log_set_level(LOG_ERROR);
    assert_int_equal(read_with(f, first), 0);
    assert_string_equal(f->conf->store_url, "postgresql://db:5432");
    assert_int_equal(read_with(f, second), 0);
    assert_string_equal(f->conf->store_url, "postgres://u:secret@db/x");
    assert_int_equal(read_with(f, third), 0);
    assert_string_equal(f->conf->store_url, "sqlite:");
    assert_int_equal(read_with(f, fourth), 0);
    assert_string_equal(f->conf->store_url, "sqlite:");
    assert_int_equal(read_with(f, fifth), ERR_INVALID);
    assert_says(f->e, "REDIS_URL: queue.url");
    assert_int_equal(read_with(f, sixth), 0);
    assert_string_equal(f->conf->queue_url, "redis://cache:6379");
    write_ini(f, "a.ini", "[store]\nurl = sqlite:\n");
    assert_int_equal(read_with(f, second), 0);
    assert_string_equal(f->conf->store_url, "sqlite:");
}

static void needs_its_folder(void **state)
{
    struct fixture *f = *state;
    char *none[] = {NULL};

    snprintf(f->dir, sizeof f->dir, "%s/nowhere", f->base);
    assert_int_equal(read_with(f, none), ERR_NOT_FOUND);
    assert_says(f->e, "/nowhere: No such file");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(has_defaults),
        CASE(reads_files_in_order),
        CASE(refuses_broken_lines),
        CASE(takes_the_longest_line),
        CASE(refuses_unknown_and_doubled),
        CASE(refuses_bad_values),
        CASE(refuses_bad_handlers),
        CASE(refuses_what_cannot_work_together),
        CASE(environment_goes_first),
        CASE(environment_is_checked),
        CASE(common_variables_go_last),
        CASE(needs_its_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
