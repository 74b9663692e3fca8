/* SPDX-License-Identifier: MIT
 * What a probe says: good answers, refusals, and answers of a hostile making. */
#include "conf/catalog.h"

#include "jobmill.h"
#include "lib/unit.h"

#include <string.h>

#define HEAD "{\"file\":\"f\",\"kind\":\"plugin\",\"name\":\"n\",\"version\":\"1\","
#define ABI  "\"abi\":{\"major\":1,\"minor\":0,\"built_major\":1,\"built_minor\":2},"

static void reads_a_plugin(void **state)
{
    static const char json[] =
        HEAD ABI "\"handlers\":[{\"type\":\"a\",\"single_threaded\":true,\"config\":["
                 "{\"key\":\"k\",\"type\":\"duration\",\"default\":\"5s\",\"required\":false,"
                 "\"text\":\"t\"},{\"key\":\"l\",\"type\":\"string\",\"default\":null,"
                 "\"required\":true,\"text\":\"\"}]},"
                 "{\"type\":\"b\",\"single_threaded\":false,\"config\":[]}]}";
    struct arena arena = ARENA_INIT;
    struct artifact a = {.path = STR_NONE};
    struct err e;

    (void)state;
    assert_int_equal(artifact_parse(str_from(json), "f", &arena, &a, &e), 0);
    assert_int_equal(a.kind, HANDLER_PLUGIN);
    assert_str(a.name, "n");
    assert_int_equal(a.abi_major, 1);
    assert_int_equal(a.built_minor, 2);
    assert_int_equal(a.n_handlers, 2);
    assert_true(a.handlers[0].single_threaded);
    assert_int_equal(a.handlers[0].n_keys, 2);
    assert_int_equal(a.handlers[0].keys[0].type, JOBMILL_CONFIG_DURATION);
    assert_str(a.handlers[0].keys[0].default_value, "5s");
    assert_null(a.handlers[0].keys[1].default_value.ptr);
    assert_true(a.handlers[0].keys[1].required);
    assert_str(a.handlers[1].job_type, "b");
    arena_free(&arena);
}

static void passes_refusals_on(void **state)
{
    struct arena arena = ARENA_INIT;
    struct artifact a = {.path = STR_NONE};
    struct err e;

    (void)state;
    assert_int_equal(artifact_parse(STR("{\"file\":\"/x.so\",\"error\":\"/x.so: no magic\"}"),
                                    "/x.so", &arena, &a, &e),
                     ERR_INVALID);
    assert_string_equal(e.text, "/x.so: no magic");
    assert_int_equal(
        artifact_parse(STR("{\"file\":\"/x.so\",\"error\":\"no magic\"}"), "/x.so", &arena, &a, &e),
        ERR_INVALID);
    assert_string_equal(e.text, "/x.so: no magic");
    arena_free(&arena);
}

static void believes_nothing(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"", "f: the probe's answer"},
        {"Segmentation fault", "line 1"},
        {"[]", "expected an object"},
        {"{\"error\":1}", "kind: found nothing"},
        {"{\"kind\":\"exe\"}", "expected plugin or lua"},
        {HEAD "\"abi\":1,\"handlers\":[]}", "abi: found"},
        {HEAD "\"abi\":{\"major\":-1}}", "major: found"},
        {HEAD "\"abi\":{\"major\":99999}}", "from 0 to 65535"},
        {HEAD ABI "\"handlers\":{}}", "handlers: found an object"},
        {HEAD ABI "\"handlers\":[]}", "handlers: found 0, expected 1 to 256"},
        {HEAD ABI "\"handlers\":[1]}", "handlers[0]: item"},
        {HEAD ABI "\"handlers\":[{\"type\":\"a b\"}]}", "handlers[0]: type has byte 0x20"},
        {HEAD ABI "\"handlers\":[{\"type\":\"a\",\"single_threaded\":0}]}", "true or false"},
        {HEAD ABI "\"handlers\":[{\"type\":\"a\",\"single_threaded\":true,\"config\":[{}]}]}",
         "config[0]: key: found nothing"},
        {HEAD ABI "\"handlers\":[{\"type\":\"a\",\"single_threaded\":true,\"config\":["
                  "{\"key\":\"k\",\"type\":\"blob\"}]}]}",
         "found \"blob\""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = ARENA_INIT;
        struct artifact a = {.path = STR_NONE};
        struct err e;

        assert_int_equal(artifact_parse(str_from(cases[i].json), "f", &arena, &a, &e), ERR_INVALID);
        assert_says(e, cases[i].says);
        arena_free(&arena);
    }
}

/* Cut anywhere, an answer is refused and nothing is read beyond its end. */
static void survives_truncation(void **state)
{
    static const char json[] = HEAD ABI "\"handlers\":[{\"type\":\"a\",\"single_threaded\":true,"
                                        "\"config\":[]}]}";
    size_t n;

    (void)state;
    for (n = 0; n < sizeof json - 1; n++) {
        struct arena arena = ARENA_INIT;
        struct artifact a = {.path = STR_NONE};
        struct err e;

        assert_int_equal(artifact_parse((struct str){json, n}, "f", &arena, &a, &e), ERR_INVALID);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_plugin),
        cmocka_unit_test(passes_refusals_on),
        cmocka_unit_test(believes_nothing),
        cmocka_unit_test(survives_truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
