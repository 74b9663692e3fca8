/* SPDX-License-Identifier: MIT
 * Tests of random bytes and version 7 UUIDs. */
#include "base/uuid.h"

#include "base/clock.h"
#include "lib/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS    4
#define PER_THREAD 50000

static void is_version_7(void **state)
{
    int64_t before = clock_wall_ms(), after;
    struct uuid id = uuid_new();

    (void)state;
    after = clock_wall_ms();
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
    assert_true(uuid_cmp(id, uuid_floor(before)) >= 0);
    assert_true(uuid_cmp(id, uuid_floor(after + 1)) < 0);
    assert_false(uuid_is_nil(id));
}

/* More ids than the counter holds per millisecond: the time part must be carried forward. */
static void increases(void **state)
{
    struct uuid last = uuid_new();
    int i;

    (void)state;
    for (i = 0; i < 200000; i++) {
        struct uuid id = uuid_new();

        assert_true(uuid_cmp(last, id) < 0);
        assert_int_equal(id.bytes[6] >> 4, 7);
        last = id;
    }
}

static void *make_ids(void *arg)
{
    struct uuid *ids = arg;
    int i;

    for (i = 0; i < PER_THREAD; i++)
        ids[i] = uuid_new();
    return NULL;
}

static int cmp_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

static void is_unique_across_threads(void **state)
{
    struct uuid *ids = calloc((size_t)THREADS * PER_THREAD, sizeof *ids);
    pthread_t threads[THREADS];
    int i, j;

    (void)state;
    assert_non_null(ids);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + i * PER_THREAD), 0);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < THREADS; i++)
        for (j = 1; j < PER_THREAD; j++)
            assert_true(uuid_cmp(ids[i * PER_THREAD + j - 1], ids[i * PER_THREAD + j]) < 0);
    qsort(ids, (size_t)THREADS * PER_THREAD, sizeof *ids, cmp_ids);
    for (i = 1; i < THREADS * PER_THREAD; i++)
        assert_true(uuid_cmp(ids[i - 1], ids[i]) < 0);
    free(ids);
}

static void floor_has_the_time(void **state)
{
    char text[UUID_TEXT_LEN + 1];

    (void)state;
    uuid_format(uuid_floor(0x0123456789AB), text);
    assert_string_equal(text, "01234567-89ab-7000-8000-000000000000");
    uuid_format(uuid_floor(-5), text);
    assert_string_equal(text, "00000000-0000-7000-8000-000000000000");
}

static void reads_text(void **state)
{
    static const char *const bad[] = {
        "",
        "01234567-89ab-7def-8123-456789abcde",
        "01234567-89ab-7def-8123-456789abcdeff",
        "0123456789ab-7def-8123-456789abcdef--",
        "01234567-89ab-7def-8123_456789abcdef",
        "01234567-89ab-7def-8123-456789abcdeg",
        "{1234567-89ab-7def-8123-456789abcdef}",
        "01234567 89ab 7def 8123 456789abcdef",
        "0123456--89ab-7def-8123-456789abcdef",
    };
    struct uuid id, again;
    char text[UUID_TEXT_LEN + 1];
    size_t i;

    (void)state;
    assert_true(uuid_parse(STR("01234567-89AB-7DEF-8123-456789abcdef"), &id));
    uuid_format(id, text);
    assert_string_equal(text, "01234567-89ab-7def-8123-456789abcdef");
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(uuid_parse(str_from(bad[i]), &again));
    for (i = 0; i < 1000; i++) {
        id = uuid_new();
        uuid_format(id, text);
        assert_true(uuid_parse(str_from(text), &again));
        assert_int_equal(uuid_cmp(id, again), 0);
    }
    assert_true(uuid_parse(STR("00000000-0000-0000-0000-000000000000"), &id));
    assert_true(uuid_is_nil(id));
}

static void random_bytes_fill_all(void **state)
{
    unsigned char seen[1000] = {0}, bytes[1000];
    int round, i, missing = 0;

    (void)state;
    for (round = 0; round < 16; round++) {
        memset(bytes, 0, sizeof bytes);
        random_bytes(bytes, sizeof bytes);
        for (i = 0; i < 1000; i++)
            seen[i] |= bytes[i];
    }
    for (i = 0; i < 1000; i++)
        missing += seen[i] == 0;
    assert_int_equal(missing, 0);
    random_bytes(bytes, 0);
    assert_true(random_u64() != random_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_version_7),
        cmocka_unit_test(increases),
        cmocka_unit_test(is_unique_across_threads),
        cmocka_unit_test(floor_has_the_time),
        cmocka_unit_test(reads_text),
        cmocka_unit_test(random_bytes_fill_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
