/* SPDX-License-Identifier: MIT
 * Bearer tokens: the file, and who is let in. */
#include "http/auth.h"

#include "base/io.h"
#include "lib/unit.h"

#include <stdio.h>

static char folder[200], path[256];

static int make_folder(void **state)
{
    (void)state;
    unit_folder_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/tokens", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unit_folder_remove(folder);
    return 0;
}

static void write_file(const char *text)
{
    struct err e = {0};

    assert_int_equal(io_write_file(path, str_from(text), 0600, &e), 0);
}

static void test_the_hash_is_blake2b_256(void **state)
{
    char hex[2 * AUTH_HASH_LEN + 1];

    (void)state;
    auth_hash_token(STR("abc"), hex);
    assert_string_equal(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void test_who_is_let_in(void **state)
{
    char text[400], one[2 * AUTH_HASH_LEN + 1], two[2 * AUTH_HASH_LEN + 1];
    struct auth *a = NULL;
    struct err e = {0};

    (void)state;
    auth_hash_token(STR("secret-1"), one);
    auth_hash_token(STR("secret-2"), two);
    snprintf(text, sizeof text, "# who\n\n a:%s\r\nb: %s", one, two);
    write_file(text);
    assert_int_equal(auth_open(path, &a, &e), 0);
    assert_true(auth_accepts(a, STR("Bearer secret-1")));
    assert_true(auth_accepts(a, STR("BEARER  secret-2 ")));
    assert_false(auth_accepts(a, STR("Bearer secret-3")));
    assert_false(auth_accepts(a, STR("Bearer ")));
    assert_false(auth_accepts(a, STR("Bearer")));
    assert_false(auth_accepts(a, STR("secret-1")));
    assert_false(auth_accepts(a, str_from(one)));
    assert_false(auth_accepts(a, STR_NONE));
    auth_close(&a);
    assert_null(a);
}

static void test_without_a_file_everybody_is(void **state)
{
    struct auth *a = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(auth_open("", &a, &e), 0);
    assert_true(auth_accepts(a, STR_NONE));
    auth_close(&a);
}

static void expect_refusal(const char *text, const char *part)
{
    struct auth *a = NULL;
    struct err e = {0};

    write_file(text);
    assert_int_equal(auth_open(path, &a, &e), ERR_INVALID);
    assert_null(a);
    assert_says(e, part);
}

static void test_broken_files(void **state)
{
    struct auth *a = NULL;
    struct err e = {0};

    (void)state;
    expect_refusal("", "no token");
    expect_refusal("# only a comment\n", "no token");
    expect_refusal("\nplain-token\n", ":2:");
    expect_refusal("name:abcd\n", "64 hex digits");
    expect_refusal(":bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319", ":1:");
    assert_int_equal(auth_open("/does/not/exist", &a, &e), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_hash_is_blake2b_256),
        cmocka_unit_test(test_who_is_let_in),
        cmocka_unit_test(test_without_a_file_everybody_is),
        cmocka_unit_test(test_broken_files),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
