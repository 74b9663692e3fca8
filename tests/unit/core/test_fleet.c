/* SPDX-License-Identifier: MIT
 * Unit tests of what other threads see of the fleet. */
#include "core/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A lease lost while the engine leaves: the heartbeat used to wait for a thread that had ended. */
static void test_killing_after_the_end_returns(void **state)
{
    struct fleet f = {.stopping = true};

    (void)state;
    assert_int_equal(mailbox_init(&f.inbox, 0, true, NULL), 0);
    fleet_kill_all(&f);
    mailbox_fini(&f.inbox);
}

static void test_places_are_counted_by_pool(void **state)
{
    struct catalog_pool conf = {.processes = 1, .threads = 3};
    struct fleet_pool pool = {.conf = &conf, .slots = 3};
    struct route route = {.pool = 0};
    struct catalog catalog = {.routes = &route, .n_routes = 1, .pools = &conf, .n_pools = 1};
    struct fleet f = {.catalog = &catalog, .pools = &pool};
    struct run run = {.route = 0};

    (void)state;
    assert_int_equal(fleet_slots_free(&f, 0), 3);
    assert_true(fleet_window_free(&f, 0) > 3);
    fleet_places_take(&f, 0, 5);
    assert_int_equal(fleet_slots_free(&f, 0), 0); /* two wait inside */
    assert_int_equal(fleet_busy(&f), 3);
    atomic_store(&pool.stuck, true);
    assert_int_equal(fleet_window_free(&f, 0), 0);
    fleet_place_free(&f, &run);
    fleet_place_free(&f, &run);
    fleet_place_free(&f, &run);
    assert_int_equal(fleet_window_free(&f, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killing_after_the_end_returns),
        cmocka_unit_test(test_places_are_counted_by_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
