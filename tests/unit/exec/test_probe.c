/* SPDX-License-Identifier: MIT
 * Tests of the probe: what it says of good artifacts, and why it refuses every hostile one. */
#include "base/arena.h"
#include "base/io.h"
#include "json/scan.h"
#include "lib/play_engine.h"
#include "lib/unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_REFUSED 78

/* Probes and checks that exactly one JSON object came out. */
static int probe(const char *file, struct arena *arena, struct json_doc *doc)
{
    struct buf out = BUF_INIT;
    int code = play_command("probe", file, &out);
    struct str text = arena_str(arena, buf_str(&out));
    struct err e = {.text = ""};

    if (json_scan(arena, text, doc, &e) != 0)
        fail_msg("%s: %s in %.*s", file, e.text, STR_ARG(text));
    assert_int_equal(doc->toks[0].kind, JSON_OBJECT);
    buf_free(&out);
    return code;
}

static struct str member(struct arena *arena, const struct json_doc *doc,
                         const struct json_tok *object, const char *name)
{
    const struct json_tok *tok = json_member(doc, object, name);

    assert_non_null(tok);
    return json_text(doc, tok, arena);
}

static void refused(const char *file, const char *says)
{
    struct arena arena = ARENA_INIT;
    struct json_doc doc;
    struct err e = {.code = 0};
    struct str error;

    assert_int_equal(probe(file, &arena, &doc), EXIT_REFUSED);
    error = member(&arena, &doc, doc.toks, "error");
    snprintf(e.text, sizeof e.text, "%.*s", STR_ARG(error));
    assert_says(e, file);
    assert_says(e, says);
    arena_free(&arena);
}

static const char *hostile(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s.so", play_hostile_dir(), name);
    return path;
}

static void every_hostile_plugin_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *name, *says;
    } table[] = {
        {"wrong_magic", "found magic 0x12345678 in its note"},
        {"future_major", "found SDK major version 2 in its note, expected 1"},
        {"future_minor", "asks for SDK 1.9 or later, this engine has 1.0"},
        {"no_note", "found no Jobmill note"},
        {"no_entry", "found no function jobmill_plugin_v1"},
        {"undefined_symbol", "nobody_has_this"},
        {"null_descriptor", "returned NULL, expected a descriptor"},
        {"descriptor_magic", "found magic 0x12345678 in its descriptor"},
        {"small_descriptor", "found a descriptor of 16 bytes"},
        {"stride_zero", "found a handler_stride of 0 bytes"},
        {"count_huge", "found 4294967295 handlers, expected 1 to 256"},
        {"null_name", "found NULL as its name"},
        {"null_type", "handler 0: found NULL as its job_type"},
        {"bad_type", "handler 0: job_type"},
        {"missing_run", "found NULL as run"},
        {"duplicate_type", "found job_type twice twice"},
        {"null_keys", "found NULL as config, expected 3 keys"},
        {"bad_key", "config[1]: found the key \"not fine\""},
        {"bad_default", "found the default \"many\", expected an integer"},
        {"loads_with_exit", "called exit() while it was loaded"},
        {"loads_with_crash", "crashed while it was loaded"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof table / sizeof *table; i++)
        refused(hostile(table[i].name), table[i].says);
}

static void a_constructor_that_hangs_is_given_up(void **state)
{
    (void)state;
    refused(hostile("loads_for_ever"), "took longer than 5 s to load");
}

static void what_an_artifact_prints_stays_out_of_the_answer(void **state)
{
    struct arena arena = ARENA_INIT;
    struct json_doc doc;

    (void)state;
    assert_int_equal(probe(hostile("loads_with_noise"), &arena, &doc), 0);
    assert_str(member(&arena, &doc, doc.toks, "name"), "hostile");
    arena_free(&arena);
}

static void a_plugin_is_described(void **state)
{
    struct arena arena = ARENA_INIT;
    const struct json_tok *tell, *key;
    struct json_doc doc;

    (void)state;
    assert_int_equal(probe(hostile("behave"), &arena, &doc), 0);
    assert_str(member(&arena, &doc, doc.toks, "file"), hostile("behave"));
    assert_str(member(&arena, &doc, doc.toks, "kind"), "plugin");
    assert_str(member(&arena, &doc, doc.toks, "version"), "1.0");
    tell = json_next(&doc, json_member(&doc, doc.toks, "handlers") + 1);
    assert_str(member(&arena, &doc, tell, "type"), "tell");
    key = json_member(&doc, tell, "config") + 1;
    assert_str(member(&arena, &doc, key, "key"), "word");
    assert_str(member(&arena, &doc, key, "type"), "string");
    assert_str(member(&arena, &doc, key, "default"), "hello");
    assert_int_equal(json_member(&doc, key, "required")->kind, JSON_FALSE);
    arena_free(&arena);
}

static void larger_handlers_of_a_later_sdk_are_read(void **state)
{
    struct arena arena = ARENA_INIT;
    const struct json_tok *second;
    struct json_doc doc;

    (void)state;
    assert_int_equal(probe(hostile("wide_handler"), &arena, &doc), 0);
    second = json_next(&doc, json_member(&doc, doc.toks, "handlers") + 1);
    assert_str(member(&arena, &doc, second, "type"), "wide-2");
    arena_free(&arena);
}

static void a_file_that_is_no_artifact_is_named(void **state)
{
    char folder[PATH_MAX - 32], path[PATH_MAX];
    struct err e;

    (void)state;
    unit_folder_make(folder, sizeof folder);
    refused(folder, "found a folder, expected a regular file");
    snprintf(path, sizeof path, "%s/missing.so", folder);
    refused(path, "No such file");
    snprintf(path, sizeof path, "%s/fifo.so", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(path, "found a FIFO, expected a regular file");
    snprintf(path, sizeof path, "%s/text.so", folder);
    assert_int_equal(io_write_file(path, STR("just text\n"), 0600, &e), 0);
    refused(path, "found no ELF header");
    snprintf(path, sizeof path, "%s/empty.so", folder);
    assert_int_equal(io_write_file(path, STR(""), 0600, &e), 0);
    refused(path, "found an empty file");
    snprintf(path, sizeof path, "%s/loop.so", folder);
    assert_int_equal(symlink("loop.so", path), 0);
    refused(path, "symbolic links");
    snprintf(path, sizeof path, "%s/fifo.lua", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(path, "found a FIFO, expected a regular file");
    unit_folder_remove(folder);
}

static void copy_file(const char *from, const char *to, unsigned mode)
{
    struct buf bytes = BUF_INIT;
    struct err e;

    assert_int_equal(io_read_file(from, 64 << 20, &bytes, &e), 0);
    assert_int_equal(io_write_file(to, buf_str(&bytes), 0600, &e), 0);
    assert_int_equal(chmod(to, mode), 0);
    buf_free(&bytes);
}

static void what_everybody_may_write_is_refused(void **state)
{
    char folder[PATH_MAX - 32], path[PATH_MAX];

    (void)state;
    unit_folder_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/open.so", folder);
    copy_file(hostile("wide_handler"), path, 0666);
    refused(path, "a file that everybody may write (mode 0666)");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    refused(path, "a folder that everybody may write (mode 0777)");
    unit_folder_remove(folder);
}

static void a_link_to_a_plugin_is_followed(void **state)
{
    char folder[PATH_MAX - 32], path[PATH_MAX];
    struct arena arena = ARENA_INIT;
    struct json_doc doc;

    (void)state;
    unit_folder_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/link.so", folder);
    assert_int_equal(symlink(hostile("wide_handler"), path), 0);
    assert_int_equal(probe(path, &arena, &doc), 0);
    arena_free(&arena);
    unit_folder_remove(folder);
}

static void usage_errors_exit_with_2(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    assert_int_equal(play_command("--bogus", NULL, &out), 2);
    assert_int_equal(play_command("probe", NULL, &out), 2);
    assert_int_equal(play_command("--version", NULL, &out), 0);
    assert_non_null(strstr(out.ptr, "Lua 5.4"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hostile_plugin_is_refused_with_its_reason),
        cmocka_unit_test(a_constructor_that_hangs_is_given_up),
        cmocka_unit_test(what_an_artifact_prints_stays_out_of_the_answer),
        cmocka_unit_test(a_plugin_is_described),
        cmocka_unit_test(larger_handlers_of_a_later_sdk_are_read),
        cmocka_unit_test(a_file_that_is_no_artifact_is_named),
        cmocka_unit_test(what_everybody_may_write_is_refused),
        cmocka_unit_test(a_link_to_a_plugin_is_followed),
        cmocka_unit_test(usage_errors_exit_with_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
