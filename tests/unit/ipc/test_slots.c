/* SPDX-License-Identifier: MIT
 * Tests of the slot table. */
#include "ipc/slots.h"

#include "base/io.h"
#include "lib/unit.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void both_ends_see_the_same_memory(void **state)
{
    struct slot_table *engine, *executor;
    struct err e;
    int fd;

    (void)state;
    assert_int_equal(slots_create(&fd, &engine, &e), 0);
    assert_int_equal(slots_map(fd, &executor, &e), 0);
    atomic_store(&executor->slots[SLOTS_MAX - 1].seq, 42);
    assert_int_equal(atomic_load(&engine->slots[SLOTS_MAX - 1].seq), 42);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    slots_unmap(&engine);
    slots_unmap(&executor);
    assert_null(engine);
    close(fd);
}

/* Truncating it would make the engine die of SIGBUS. */
static void an_executor_cannot_resize_it(void **state)
{
    struct slot_table *table;
    struct err e;
    int fd;

    (void)state;
    assert_int_equal(slots_create(&fd, &table, &e), 0);
    assert_int_not_equal(ftruncate(fd, 0), 0);
    assert_int_not_equal(ftruncate(fd, 1 << 20), 0);
    slots_unmap(&table);
    close(fd);
}

static void another_size_is_refused(void **state)
{
    struct slot_table *table;
    struct err e;
    int fd = io_sealed_memfd("short", STR("short"), &e);

    (void)state;
    assert_int_equal(slots_map(fd, &table, &e), ERR_MISMATCH);
    assert_says(e, "5 bytes, expected");
    close(fd);
}

static void slots_do_not_share_cache_lines(void **state)
{
    struct slot_table *table;
    struct err e;
    int fd, i;

    (void)state;
    assert_int_equal(slots_create(&fd, &table, &e), 0);
    for (i = 0; i < SLOTS_MAX; i++)
        assert_int_equal((uintptr_t)&table->slots[i] % 64, 0);
    slots_unmap(&table);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_see_the_same_memory),
        cmocka_unit_test(an_executor_cannot_resize_it),
        cmocka_unit_test(another_size_is_refused),
        cmocka_unit_test(slots_do_not_share_cache_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
