/* SPDX-License-Identifier: MIT
 * The catalog, with a probe that believes what the file says: its content is the probe's JSON. */
#include "conf/catalog.h"

#include "base/io.h"
#include "lib/unit.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char base[PATH_MAX / 4], dir[PATH_MAX / 2];
    struct conf *conf;
    struct catalog *catalog;
    struct err e;
    atomic_int probes;
};

static void write_at(const struct fixture *f, const char *name, const char *text)
{
    char path[PATH_MAX];
    struct err e;

    snprintf(path, sizeof path, "%s/%s", f->base, name);
    assert_int_equal(io_write_file(path, str_from(text), 0600, &e), 0);
}

static int set_up(void **state)
{
    static const char *const folders[] = {"conf.d", "plugins", "lua-handlers"};
    struct fixture *f = calloc(1, sizeof *f);
    char path[PATH_MAX];
    struct err e;
    size_t i;

    unit_folder_make(f->base, sizeof f->base);
    for (i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", f->base, folders[i]);
        assert_int_equal(io_make_dirs(path, &e), 0);
    }
    snprintf(f->dir, sizeof f->dir, "%s/conf.d", f->base);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    catalog_free(&f->catalog);
    conf_free(&f->conf);
    unit_folder_remove(f->base);
    free(f);
    return 0;
}

static int fake_probe(void *context, const char *file, enum handler_kind kind, struct arena *arena,
                      struct artifact *out, struct err *e)
{
    struct fixture *f = context;
    struct buf json = BUF_INIT;
    int rc = io_read_file(file, 1 << 20, &json, e);

    (void)kind;
    atomic_fetch_add(&f->probes, 1);
    if (rc == 0)
        rc = artifact_parse(buf_str(&json), file, arena, out, e);
    if (rc == 0 && out->name.len == 0) { /* as the real one: the file's stem */
        out->name = str_from(arena_printf(arena, "%s", strrchr(file, '/') + 1));
        out->name.len -= strlen(".lua");
        out->handlers[0].job_type = out->name;
    }
    buf_free(&json);
    return rc;
}

static int build(struct fixture *f, const char *ini, bool pin)
{
    char *none[] = {NULL};

    catalog_free(&f->catalog);
    conf_free(&f->conf);
    atomic_store(&f->probes, 0);
    f->e = (struct err){.code = 0};
    write_at(f, "conf.d/a.ini", ini);
    if (conf_read(f->dir, none, &f->conf, &f->e) != 0)
        fail_msg("%s", f->e.text);
    return catalog_build(f->conf, pin, fake_probe, f, &f->catalog, &f->e);
}

static void must_build(struct fixture *f, const char *ini)
{
    if (build(f, ini, true) != 0)
        fail_msg("%s", f->e.text);
}

static void must_refuse(struct fixture *f, const char *ini, const char *first, const char *second)
{
    assert_int_equal(build(f, ini, true), ERR_INVALID);
    assert_null(f->catalog);
    assert_says(f->e, first);
    assert_says(f->e, second);
}

#define PLUGIN(name, handlers)                                                                     \
    "{\"kind\":\"plugin\",\"name\":\"" name "\",\"version\":\"1\",\"abi\":{\"major\":1,\"minor\":" \
    "0,\"built_major\":1,\"built_minor\":0},\"handlers\":[" handlers "]}"
#define SCRIPT(name, handlers) \
    "{\"kind\":\"lua\",\"name\":\"" name "\",\"version\":\"1\",\"handlers\":[" handlers "]}"
#define HANDLER(type, single, keys) \
    "{\"type\":\"" type "\",\"single_threaded\":" single ",\"config\":[" keys "]}"
#define KEY(name, type, def, required)                                                       \
    "{\"key\":\"" name "\",\"type\":\"" type "\",\"default\":" def ",\"required\":" required \
    ",\"text\":\"what " name " is\"}"

static void unclaimed_files_register_themselves(void **state)
{
    struct fixture *f = *state;
    const struct route *route;

    write_at(f, "plugins/two.so",
             PLUGIN("two", HANDLER("b", "false", "") "," HANDLER("a", "true", "")));
    write_at(f, "lua-handlers/c.lua", SCRIPT("c", HANDLER("c", "false", "")));
    write_at(f, "plugins/.hidden.so", "nonsense");
    write_at(f, "plugins/notes.txt", "nonsense");
    must_build(f, "[defaults]\nmax_retries = 7\n");
    assert_int_equal(atomic_load(&f->probes), 2);
    assert_int_equal(f->catalog->n_routes, 3);
    assert_str(f->catalog->routes[0].type, "a");
    assert_str(f->catalog->routes[2].type, "c");
    route = catalog_find(f->catalog, STR("b"));
    assert_non_null(route);
    assert_int_equal(route->max_retries, 7);
    assert_int_equal(route->timeout_ms, 300000);
    assert_null(catalog_find(f->catalog, STR("d")));
    assert_null(catalog_find(f->catalog, STR("")));
    /* the single-threaded one has processes of its own */
    assert_int_equal(f->catalog->n_pools, 2);
    route = catalog_find(f->catalog, STR("a"));
    assert_str(f->catalog->pools[route->pool].name, "default/a");
    assert_int_equal(f->catalog->pools[route->pool].threads, 1);
    assert_int_equal(f->catalog->pools[route->pool].processes, 2);
}

static void pools_and_indexes_fit_together(void **state)
{
    struct fixture *f = *state;
    size_t p, i, n = 0;

    write_at(f, "plugins/x.so",
             PLUGIN("x", HANDLER("one", "false", "") "," HANDLER("two", "false", "")));
    must_build(f,
               "[pool big]\n[pool unused]\n[handler z]\nplugin = x.so\nhandler = one\npool = big\n"
               "[handler two]\nplugin = x.so\n[handler y]\nplugin = x.so\nhandler = two\n");
    assert_int_equal(f->catalog->n_artifacts, 1);
    assert_int_equal(atomic_load(&f->probes), 1);
    assert_int_equal(f->catalog->n_pools, 2);
    for (p = 0; p < f->catalog->n_pools; p++) {
        for (i = 0; i < f->catalog->pools[p].n_routes; i++, n++) {
            const struct route *route = &f->catalog->routes[f->catalog->pools[p].routes[i]];

            assert_int_equal(route->pool, p);
            assert_int_equal(route->handler_index, i);
        }
    }
    assert_int_equal(n, 3);
    assert_str(catalog_find(f->catalog, STR("z"))->handler_name, "one");
    assert_str(catalog_find(f->catalog, STR("y"))->handler_name, "two");
    assert_str(catalog_find(f->catalog, STR("two"))->handler_name, "two");
}

static void pins_by_content(void **state)
{
    static const char first[] = SCRIPT("s", HANDLER("s", "false", ""));
    struct fixture *f = *state;
    char pinned[PATH_MAX];
    struct stat st, again;

    write_at(f, "lua-handlers/s.lua", first);
    must_build(f, "");
    snprintf(pinned, sizeof pinned, "%s", f->catalog->artifacts[0].pinned.ptr);
    assert_non_null(strstr(pinned, "/var/artifacts/"));
    assert_non_null(strstr(pinned, f->catalog->artifacts[0].hash.ptr));
    assert_int_equal(stat(pinned, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    must_build(f, "");
    assert_int_equal(stat(pinned, &again), 0);
    assert_int_equal(again.st_ino, st.st_ino); /* was there and good */
    assert_int_equal(unlink(pinned), 0);
    write_at(f, strstr(pinned, "var/artifacts/"), "damaged");
    must_build(f, "");
    assert_int_equal(stat(pinned, &again), 0);
    assert_int_equal(again.st_size, sizeof first - 1);
    write_at(f, "lua-handlers/s.lua", SCRIPT("s2", HANDLER("s", "false", "")));
    must_build(f, "");
    assert_string_not_equal(f->catalog->artifacts[0].pinned.ptr, pinned);
}

static void same_content_twice_is_one_copy(void **state)
{
    static const char text[] = SCRIPT("s", HANDLER("s", "false", ""));
    struct fixture *f = *state;

    write_at(f, "lua-handlers/a.lua", text);
    write_at(f, "lua-handlers/b.lua", text);
    must_build(f, "[handler a]\nlua = a.lua\n[handler b]\nlua = b.lua\n");
    assert_string_equal(f->catalog->artifacts[0].pinned.ptr, f->catalog->artifacts[1].pinned.ptr);
}

static void looking_writes_nothing(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX];

    write_at(f, "lua-handlers/s.lua", SCRIPT("s", HANDLER("s", "false", "")));
    assert_int_equal(build(f, "", false), 0);
    snprintf(path, sizeof path, "%s/var", f->base);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_str(f->catalog->artifacts[0].pinned, f->catalog->artifacts[0].path.ptr);
}

static void completes_the_configuration(void **state)
{
    struct fixture *f = *state;
    const struct route *route;
    struct buf json = BUF_INIT;

    write_at(
        f, "plugins/x.so",
        PLUGIN(
            "x",
            HANDLER(
                "x", "false",
                KEY("text", "string", "\"d\"", "false") "," KEY(
                    "wait", "duration", "\"250\"",
                    "false") "," KEY("long", "duration", "\"2s\"",
                                     "false") "," KEY("on", "bool", "\"false\"",
                                                      "false") "," KEY("n", "int", "null",
                                                                       "true") "," KEY("none",
                                                                                       "real",
                                                                                       "null",
                                                                                       "false"))));
    must_build(f, "[handler x]\nplugin = x.so\nconfig.n = -5\nconfig.on = yes\nconfig.wait = 3s\n");
    route = catalog_find(f->catalog, STR("x"));
    assert_int_equal(route->n_config, 5);
    catalog_executor_config(f->catalog, 0, &json);
    assert_non_null(strstr(json.ptr, "{\"version\":1,\"pool\":\"default\",\"threads\":4,"
                                     "\"memory_bytes\":0,\"handlers\":[{\"type\":\"x\",\"kind\":"
                                     "\"plugin\",\"file\":\"/"));
    assert_non_null(strstr(json.ptr,
                           ".so\",\"handler\":\"x\",\"config\":{\"text\":\"d\",\"wait\":"
                           "\"3000\",\"long\":\"2000\",\"on\":\"true\",\"n\":\"-5\"}}]}"));
    buf_free(&json);
}

static void hash_follows_what_matters(void **state)
{
    struct fixture *f = *state;
    char first[80];

    write_at(f, "plugins/x.so",
             PLUGIN("x", HANDLER("x", "false", KEY("k", "int", "\"1\"", "false"))));
    must_build(f, "[handler x]\nplugin = x.so\n");
    snprintf(first, sizeof first, "%s", f->catalog->routes[0].config_hash.ptr);
    must_build(f, "[handler x]\nplugin = x.so\nconfig.k = 1\ntimeout = 1s\n");
    assert_string_equal(f->catalog->routes[0].config_hash.ptr, first);
    must_build(f, "[handler x]\nplugin = x.so\nconfig.k = 2\n");
    assert_string_not_equal(f->catalog->routes[0].config_hash.ptr, first);
}

static void refuses_wrong_configuration(void **state)
{
    struct fixture *f = *state;

    write_at(f, "plugins/x.so",
             PLUGIN("x", HANDLER("x", "false",
                                 KEY("greeting", "string", "null",
                                     "true") "," KEY("count", "int", "null", "false"))));
    must_refuse(f, "[handler x]\nplugin = x.so\n", "a.ini:1: [handler x]",
                "config.greeting is missing, expected a text (what greeting is)");
    must_refuse(f, "", "plugins/x.so", "it needs a section [handler x]");
    must_refuse(f, "[handler x]\nplugin = x.so\nconfig.greting = hi\n", "a.ini:3: [handler x]",
                "did you mean \"greeting\"?");
    must_refuse(f, "[handler x]\nplugin = x.so\nconfig.zzzzzzzz = hi\n", "a.ini:3",
                "expected one of: greeting, count");
    must_refuse(f, "[handler x]\nplugin = x.so\nconfig.greeting = a\nconfig.count = 1.5\n",
                "a.ini:4: [handler x]: config.count", "found \"1.5\", expected a whole number");
}

static void refuses_wrong_files(void **state)
{
    struct fixture *f = *state;
    char link[PATH_MAX];

    must_refuse(f, "[handler x]\nplugin = x.so\n", "a.ini:1: [handler x]", "x.so: No such file");
    write_at(f, "plugins/x.so",
             "\x7F"
             "ELF?");
    must_refuse(f, "[handler x]\nplugin = x.so\n", "a.ini:1: [handler x]", "/plugins/x.so");
    must_refuse(f, "", "/plugins/x.so", "line 1");
    assert_null(strstr(f->e.text, "artifacts"));
    write_at(f, "plugins/x.so", SCRIPT("x", HANDLER("x", "false", "")));
    must_refuse(f, "", "/plugins/x.so", "found a script, expected a plugin");
    write_at(f, "outside.so", PLUGIN("x", HANDLER("x", "false", "")));
    snprintf(link, sizeof link, "%s/plugins/x.so", f->base);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("../outside.so", link), 0);
    must_refuse(f, "[handler x]\nplugin = x.so\n", "outside.so", "expected a file inside");
    must_refuse(f, "", "outside.so", "expected a file inside");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkdir(link, 0700), 0);
    must_refuse(f, "[handler x]\nplugin = x.so\n", "a folder", "expected a regular file");
    assert_int_equal(rmdir(link), 0);
    assert_int_equal(mkfifo(link, 0600), 0);
    must_refuse(f, "", "/plugins/x.so", "expected a regular file");
}

static void refuses_wrong_handlers(void **state)
{
    struct fixture *f = *state;

    write_at(f, "plugins/x.so",
             PLUGIN("x", HANDLER("one", "false", "") "," HANDLER("two", "false", "")));
    must_refuse(f, "[handler a]\nplugin = x.so\n", "a.ini:1: [handler a]",
                "expected handler = one of: one, two");
    must_refuse(f, "[handler a]\nplugin = x.so\nhandler = three\n", "handler = three",
                "expected one of: one, two");
}

static void refuses_two_claims(void **state)
{
    struct fixture *f = *state;

    write_at(f, "plugins/x.so", PLUGIN("x", HANDLER("one", "false", "")));
    write_at(f, "lua-handlers/y.lua", SCRIPT("y", HANDLER("one", "false", "")));
    must_refuse(f, "", "plugins/x.so", "lua-handlers/y.lua");
    must_refuse(f, "[handler one]\nlua = y.lua\n", "a.ini:1: [handler one]", "plugins/x.so");
    must_build(f, "[handler one]\nlua = y.lua\n[handler two]\nplugin = x.so\n");
}

/* A script without a name of its own is called after its file, not after its pinned copy. */
static void scripts_keep_their_names(void **state)
{
    struct fixture *f = *state;

    write_at(f, "lua-handlers/hello.lua", SCRIPT("", HANDLER("x", "false", "")));
    must_build(f, "");
    assert_str(f->catalog->artifacts[0].name, "hello");
    assert_str(f->catalog->routes[0].type, "hello");
    assert_str(f->catalog->routes[0].handler_name, "hello");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(unclaimed_files_register_themselves),
        CASE(pools_and_indexes_fit_together),
        CASE(pins_by_content),
        CASE(same_content_twice_is_one_copy),
        CASE(looking_writes_nothing),
        CASE(completes_the_configuration),
        CASE(hash_follows_what_matters),
        CASE(refuses_wrong_configuration),
        CASE(refuses_wrong_files),
        CASE(refuses_wrong_handlers),
        CASE(refuses_two_claims),
        CASE(scripts_keep_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
