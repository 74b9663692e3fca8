/* SPDX-License-Identifier: MIT
 * What every unit test needs: cmocka with its preamble, comparing strings, and seeded randomness.
 */
#ifndef JOBMILL_TESTS_UNIT_H
#define JOBMILL_TESTS_UNIT_H

#include "base/err.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fails the test, showing both, unless `got` is exactly the C string `expected`. */
#define assert_str(got, expected) unit_assert_str((got), (expected), __FILE__, __LINE__)
void unit_assert_str(struct str got, const char *expected, const char *file, int line);

/* Fails the test unless the error's text contains `part`. */
#define assert_says(e, part) unit_assert_says(&(e), (part), __FILE__, __LINE__)
void unit_assert_says(const struct err *e, const char *part, const char *file, int line);

/* A small deterministic generator (splitmix64): the same seed gives the same numbers. */
struct unit_random {
    uint64_t state;
};

/* Seeded from JOBMILL_TEST_SEED, else from the kernel; prints the seed so that a failure can be
 * repeated. */
struct unit_random unit_random_start(const char *test);
uint64_t unit_random_next(struct unit_random *r);
/* In [0, n). */
size_t unit_random_below(struct unit_random *r, size_t n);

/* A fresh empty folder under $TMPDIR or /tmp, removed with everything in it by _remove. */
void unit_folder_make(char *path, size_t size);
void unit_folder_remove(const char *path);

#endif
