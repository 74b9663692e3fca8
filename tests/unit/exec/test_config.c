/* SPDX-License-Identifier: MIT
 * Tests of the executor configuration. */
#include "exec/exec_priv.h"

#include "base/io.h"
#include "lib/unit.h"

#include <unistd.h>

#define HEAD "{\"version\":1,\"pool\":\"default\",\"threads\":4,\"memory_bytes\":0,\"handlers\":"
#define ENTRY(more) \
    "{\"type\":\"t\",\"kind\":\"plugin\",\"file\":\"/x.so\",\"handler\":\"h\"" more "}"

static void reads_everything(void **state)
{
    struct exec_config c;
    struct err e;

    (void)state;
    assert_int_equal(
        exec__config_parse(
            STR(HEAD "[" ENTRY(
                ",\"config\":{\"a\":\"1\",\"b\":\"\\u00e4\"}") ","
                                                               "{\"type\":\"s\",\"kind\":\"lua\","
                                                               "\"file\":\"/s.lua\","
                                                               "\"handler\":\"s\",\"config\":{}}]"
                                                               "}"),
            &c, &e),
        0);
    assert_str(c.pool, "default");
    assert_int_equal(c.threads, 4);
    assert_int_equal(c.n_entries, 2);
    assert_str(c.entries[0].type, "t");
    assert_string_equal(c.entries[0].file, "/x.so");
    assert_str(c.entries[0].handler_name, "h");
    assert_false(c.entries[0].lua);
    assert_int_equal(c.entries[0].n_config, 2);
    assert_str(c.entries[0].config[1].key, "b");
    assert_str(c.entries[0].config[1].value, "\xC3\xA4");
    assert_true(c.entries[1].lua);
    assert_int_equal(c.entries[1].n_config, 0);
    exec__config_fini(&c);
}

static void refuse(const char *json, const char *says)
{
    struct exec_config c;
    struct err e;

    assert_int_equal(exec__config_parse(str_from(json), &c, &e), ERR_INVALID);
    assert_says(e, "executor configuration: ");
    assert_says(e, says);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    refuse("", "line 1 column 1");
    refuse("[]", "found an array, expected an object");
    refuse("{}", "version: found nothing, expected an integer");
    refuse("{\"version\":2}", "version: found 2, expected 1 to 1");
    refuse("{\"version\":1,\"pool\":3}", "pool: found an integer, expected a text");
    refuse("{\"version\":1,\"pool\":\"p\",\"threads\":65}", "threads: found 65, expected 1 to 64");
    refuse(HEAD "{}}", "handlers: found an object, expected an array");
    refuse(HEAD "[]}", "handlers: found 0, expected 1 to 1024");
    refuse(HEAD "[" ENTRY("") ",7]}", "handlers[1]: entry: found an integer, expected an object");
    refuse(HEAD "[{\"type\":\"t\",\"kind\":\"perl\"}]}",
           "handlers[0]: kind: found \"perl\", expected plugin or lua");
    refuse(HEAD "[{\"type\":\"t\",\"kind\":\"lua\",\"file\":\"x.lua\",\"handler\":\"t\"}]}",
           "handlers[0]: file: found x.lua, expected an absolute path");
    refuse(HEAD "[" ENTRY(",\"config\":[]") "]}", "config: found an array, expected an object");
    refuse(HEAD "[" ENTRY(",\"config\":{\"a\":1}") "]}",
           "config: found an integer, expected a text as each value");
}

static void reads_a_memory_file(void **state)
{
    struct exec_config c;
    struct err e;
    int fd = io_sealed_memfd("config", STR(HEAD "[" ENTRY("") "]}"), &e);
    int empty = io_sealed_memfd("empty", STR(""), &e);

    (void)state;
    assert_int_equal(exec__config_read(fd, &c, &e), 0);
    assert_int_equal(c.n_entries, 1);
    exec__config_fini(&c);
    assert_int_equal(exec__config_read(empty, &c, &e), ERR_INVALID);
    assert_says(e, "found 0 bytes");
    close(fd);
    close(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_everything),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(reads_a_memory_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
