/* SPDX-License-Identifier: MIT
 * Tests of error values. */
#include "base/err.h"

#include "lib/unit.h"

#include <errno.h>
#include <string.h>

static void sets_code_and_text(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_set(&e, ERR_INVALID, "%s: found %d", "conf.d/a.ini:3", 7), ERR_INVALID);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.text, "conf.d/a.ini:3: found 7");
    assert_int_equal(err_set(NULL, ERR_LIMIT, "nobody listens"), ERR_LIMIT);
}

static void appends_the_reason(void **state)
{
    struct err e = {0};

    (void)state;
    errno = ENOENT;
    assert_int_equal(err_errno(&e, ERR_IO, "%s: cannot open", "x"), ERR_IO);
    assert_string_equal(e.text, "x: cannot open: No such file or directory");
    errno = 99999;
    err_errno(&e, ERR_IO, "odd");
    assert_says(e, "odd: ");
    assert_says(e, "99999");
    assert_int_equal(err_errno(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

static void puts_a_prefix_in_front(void **state)
{
    struct err e = {0};

    (void)state;
    err_set(&e, ERR_NOT_FOUND, "no such file");
    assert_int_equal(err_prefix(&e, "handler %s", "mail"), ERR_NOT_FOUND);
    assert_string_equal(e.text, "handler mail: no such file");
    err_prefix(&e, "reload");
    assert_string_equal(e.text, "reload: handler mail: no such file");
}

static void cuts_long_texts(void **state)
{
    struct err e = {0};
    char longer[2 * ERR_TEXT_MAX];
    int i;

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    err_set(&e, ERR_INVALID, "%s", longer);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    errno = EIO;
    err_errno(&e, ERR_IO, "%s", longer);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    for (i = 0; i < 3; i++)
        err_prefix(&e, "%s", longer);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_code_and_text),
        cmocka_unit_test(appends_the_reason),
        cmocka_unit_test(puts_a_prefix_in_front),
        cmocka_unit_test(cuts_long_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
