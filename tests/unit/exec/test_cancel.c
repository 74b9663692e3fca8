/* SPDX-License-Identifier: MIT
 * Tests of cancelling: a request reaches its run and no other. */
#include "exec/cancel.h"

#include "base/clock.h"
#include "lib/unit.h"

#include <poll.h>
#include <string.h>

static bool readable(int fd, int timeout_ms)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    return poll(&pfd, 1, timeout_ms) == 1;
}

static void reaches_only_its_run(void **state)
{
    struct slot shared;
    struct cancel_slot c;
    struct err e;

    (void)state;
    memset(&shared, 0, sizeof shared);
    assert_int_equal(cancel_slot_init(&c, &shared, &e), 0);
    assert_false(cancel_request(&c, 0)); /* nothing runs */
    cancel_begin(&c, 5, 1);
    assert_false(cancel_request(&c, 4));
    assert_false(cancel_asked(&shared));
    assert_false(readable(cancel_poll_fd(&c, 0), 0));
    assert_true(cancel_request(&c, 5));
    assert_true(cancel_request(&c, 5));
    assert_true(cancel_asked(&shared));
    assert_true(readable(cancel_poll_fd(&c, 0), 0));
    cancel_end(&c);
    assert_false(cancel_request(&c, 5));
    cancel_begin(&c, 6, 2);
    assert_false(cancel_asked(&shared));
    assert_false(readable(cancel_poll_fd(&c, 0), 0));
    cancel_end(&c);
    cancel_slot_fini(&c);
}

static void the_descriptor_wakes_at_the_timeout(void **state)
{
    struct slot shared;
    struct cancel_slot c;
    struct err e;

    (void)state;
    memset(&shared, 0, sizeof shared);
    assert_int_equal(cancel_slot_init(&c, &shared, &e), 0);
    cancel_begin(&c, 1, 1);
    assert_true(readable(cancel_poll_fd(&c, clock_boot_ns() + 30 * NS_PER_MS), 10000));
    cancel_end(&c);
    cancel_begin(&c, 2, 1);
    assert_false(readable(cancel_poll_fd(&c, 0), 50));
    cancel_end(&c);
    cancel_slot_fini(&c);
}

static void early_requests_are_kept_and_bounded(void **state)
{
    struct cancel_early early;
    uint64_t seq;

    (void)state;
    cancel_early_init(&early);
    assert_false(cancel_early_take(&early, 1));
    cancel_early_add(&early, 1);
    assert_false(cancel_early_take(&early, 2));
    assert_true(cancel_early_take(&early, 1));
    assert_false(cancel_early_take(&early, 1));
    for (seq = 100; seq < 100 + 3 * CANCEL_EARLY_MAX; seq++)
        cancel_early_add(&early, seq);
    assert_int_equal(early.count, CANCEL_EARLY_MAX);
    assert_false(cancel_early_take(&early, 100));
    for (seq -= CANCEL_EARLY_MAX; seq < 100 + 3 * CANCEL_EARLY_MAX; seq++)
        assert_true(cancel_early_take(&early, seq));
    assert_int_equal(early.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reaches_only_its_run),
        cmocka_unit_test(the_descriptor_wakes_at_the_timeout),
        cmocka_unit_test(early_requests_are_kept_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
