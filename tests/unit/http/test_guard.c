/* SPDX-License-Identifier: MIT
 * The table of connections: deadlines, and the race between a sweep and a request. */
#include "http/guard.h"

#include "base/clock.h"
#include "unit/http/http_kit.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct guard guard;
static int pair[2];

static int start(void **state)
{
    static const struct conf conf = {
        .header_timeout_ms = 20, .request_timeout_ms = 20, .idle_timeout_ms = 20};
    struct err e = {0};

    (void)state;
    guard = (struct guard){.first = NULL};
    return guard_init(&guard, &conf, &e) != 0 ||
           socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0;
}

static int stop(void **state)
{
    (void)state;
    guard_fini(&guard);
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static void wait_past_deadlines(void)
{
    const struct timespec nap = {.tv_nsec = 40 * NS_PER_MS};

    nanosleep(&nap, NULL);
}

/* What the client sees of a connection that is swept in this phase. */
static size_t sweep_in(enum conn_phase phase, char *seen, size_t size)
{
    struct conn *c;
    ssize_t n;

    guard.open = 1;
    c = guard_add(&guard, pair[0]);
    assert_true(conn_enter(c, phase));
    guard_sweep(&guard);
    assert_true(conn_enter(c, phase)); /* not over yet */
    wait_past_deadlines();
    guard_sweep(&guard);
    assert_int_equal(conn_enter(c, CONN_SENDING), phase == CONN_BUSY);
    guard_remove(&guard, c);
    n = recv(pair[1], seen, size - 1, MSG_DONTWAIT);
    seen[n < 0 ? 0 : n] = '\0';
    return n < 0 ? 0 : (size_t)n;
}

static void test_a_request_in_the_middle_gets_408(void **state)
{
    char seen[2048];

    (void)state;
    assert_true(sweep_in(CONN_BODY, seen, sizeof seen) > 0);
    assert_non_null(strstr(seen, "HTTP/1.1 408"));
}

static void test_an_idle_connection_gets_nothing(void **state)
{
    char seen[2048];

    (void)state;
    assert_int_equal(sweep_in(CONN_IDLE, seen, sizeof seen), 0);
}

static void test_an_answer_that_is_not_taken_is_cut(void **state)
{
    char seen[2048];

    (void)state;
    assert_int_equal(sweep_in(CONN_SENDING, seen, sizeof seen), 0);
}

static void test_work_has_no_deadline(void **state)
{
    char seen[2048];

    (void)state;
    assert_int_equal(sweep_in(CONN_BUSY, seen, sizeof seen), 0);
}

static void test_the_table_forgets_in_any_order(void **state)
{
    struct conn *c[5];
    int i;

    (void)state;
    guard.open = 5;
    for (i = 0; i < 5; i++)
        c[i] = guard_add(&guard, pair[0]);
    guard_remove(&guard, c[2]);
    guard_remove(&guard, c[0]);
    guard_remove(&guard, c[4]);
    guard_sweep(&guard);
    guard_remove(&guard, c[3]);
    guard_remove(&guard, c[1]);
    assert_int_equal(guard.open, 0);
    assert_null(guard.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_request_in_the_middle_gets_408, start, stop),
        cmocka_unit_test_setup_teardown(test_an_idle_connection_gets_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_an_answer_that_is_not_taken_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(test_work_has_no_deadline, start, stop),
        cmocka_unit_test_setup_teardown(test_the_table_forgets_in_any_order, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
