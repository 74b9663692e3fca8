/* SPDX-License-Identifier: MIT
 * What every unit test needs. */
#include "lib/unit.h"

#include "base/uuid.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void unit_assert_str(struct str got, const char *expected, const char *file, int line)
{
    if (got.ptr != NULL && str_is(got, expected))
        return;
    print_error("found \"%.*s\", expected \"%s\"\n", (int)got.len, got.ptr == NULL ? "" : got.ptr,
                expected);
    _fail(file, line);
}

void unit_assert_says(const struct err *e, const char *part, const char *file, int line)
{
    if (strstr(e->text, part) != NULL)
        return;
    print_error("found the message \"%s\", expected it to contain \"%s\"\n", e->text, part);
    _fail(file, line);
}

struct unit_random unit_random_start(const char *test)
{
    const char *given = getenv("JOBMILL_TEST_SEED");
    int64_t seed = 0;

    if (given == NULL || !str_to_i64(str_from(given), &seed))
        seed = (int64_t)(random_u64() >> 1);
    print_message("%s: JOBMILL_TEST_SEED=%" PRId64 "\n", test, seed);
    return (struct unit_random){(uint64_t)seed};
}

uint64_t unit_random_next(struct unit_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

size_t unit_random_below(struct unit_random *r, size_t n)
{
    return (size_t)(unit_random_next(r) % n);
}

void unit_folder_make(char *path, size_t size)
{
    const char *parent = getenv("TMPDIR");

    snprintf(path, size, "%s/jobmill-unit-XXXXXX", parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void unit_folder_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}
