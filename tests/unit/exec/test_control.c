/* SPDX-License-Identifier: MIT
 * Tests of what the engine asks of an executor: to stop a run, to give jobs back, to leave. */
#include "executor_fixture.h"

#include "base/clock.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_cancel_reaches_the_run(void **state)
{
    static const uint32_t handlers[] = {H_spin, H_waits};
    struct wire_msg m;
    struct play p;
    uint64_t seq;

    (void)state;
    start_ready(&p, 2);
    for (seq = 0; seq < 2; seq++) {
        play_send_job(&p, 100 + seq, handlers[seq], "null", 0);
        play_wait_running(&p, 100 + seq);
        play_send_control(&p, WIRE_CANCEL, 100 + seq);
        play_recv_done(&p, &m);
        assert_int_equal(m.done.outcome, RUN_CANCELLED);
        assert_str(m.done.error, "stopped on request");
        run_one(&p, H_quiet, "null", 0, &m);
        assert_int_equal(m.done.outcome, RUN_OK);
    }
    drain_and_end(&p);
}

static void a_timeout_is_noticed(void **state)
{
    static const uint32_t handlers[] = {H_spin, H_waits};
    struct wire_msg m;
    struct play p;
    size_t i;

    (void)state;
    start_ready(&p, 1);
    for (i = 0; i < 2; i++) {
        run_one(&p, handlers[i], "null", 50, &m);
        assert_int_equal(m.done.outcome, RUN_TIMEOUT);
        assert_true(m.done.ended_ns - m.done.started_ns >= 50 * NS_PER_MS);
        run_one(&p, H_quiet, "null", 0, &m);
        assert_int_equal(m.done.outcome, RUN_OK);
    }
    drain_and_end(&p);
}

/* The engine asks a run to stop when its timeout has passed: a handler that finds both at once used
 * to be taken for a cancelled one, which is final. */
static void a_timeout_that_the_engine_has_seen_is_not_a_cancel(void **state)
{
    struct wire_msg m;
    struct play p;

    (void)state;
    start_ready(&p, 1);
    play_send_job(&p, 1, H_leisurely, "null", 20);
    play_wait_running(&p, 1);
    clock_sleep_ms(40);
    play_send_control(&p, WIRE_CANCEL, 1);
    play_recv_done(&p, &m);
    assert_int_equal(m.done.outcome, RUN_TIMEOUT);
    drain_and_end(&p);
}

/* It is in the socket while the only slot is busy: it must not start afterwards. */
static void a_cancel_before_the_start_gives_the_job_back(void **state)
{
    struct wire_msg m;
    struct play p;

    (void)state;
    start_ready(&p, 1);
    play_send_job(&p, 1, H_spin, "null", 0);
    play_wait_running(&p, 1);
    play_send_job(&p, 2, H_echo, "null", 0);
    play_send_control(&p, WIRE_CANCEL, 2);
    play_send_control(&p, WIRE_CANCEL, 1);
    play_recv_done(&p, &m);
    assert_int_equal(m.done.seq, 1);
    assert_int_equal(m.done.outcome, RUN_CANCELLED);
    play_recv_done(&p, &m);
    assert_int_equal(m.done.seq, 2);
    assert_int_equal(m.done.outcome, RUN_GIVEN_BACK);
    assert_int_equal(m.done.started_ns, 0);
    drain_and_end(&p);
}

static void recall_gives_back_what_has_not_started(void **state)
{
    struct wire_msg m;
    struct play p;
    uint64_t seq;

    (void)state;
    start_ready(&p, 1);
    play_send_job(&p, 1, H_spin, "null", 0);
    play_wait_running(&p, 1);
    for (seq = 2; seq < 30; seq++)
        play_send_job(&p, seq, H_echo, "null", 0);
    play_send_control(&p, WIRE_RECALL, 0);
    for (seq = 2; seq < 30; seq++) {
        play_recv_done(&p, &m);
        assert_int_equal(m.done.seq, seq);
        assert_int_equal(m.done.outcome, RUN_GIVEN_BACK);
        assert_int_equal(m.done.started_ns, 0);
    }
    play_send_control(&p, WIRE_CANCEL, 1);
    play_recv_done(&p, &m);
    run_one(&p, H_echo, "1", 0, &m); /* and it goes on */
    assert_int_equal(m.done.outcome, RUN_OK);
    drain_and_end(&p);
}

static void drain_finishes_what_runs_and_calls_fini(void **state)
{
    char output[256];
    struct wire_msg m;
    struct play p;
    ssize_t n;
    int status;

    (void)state;
    start_ready(&p, 2);
    play_send_job(&p, 1, H_waits, "null", 0);
    play_send_job(&p, 2, H_waits, "null", 0);
    play_wait_running(&p, 1);
    play_wait_running(&p, 2);
    play_send_job(&p, 3, H_echo, "null", 0);
    play_send_control(&p, WIRE_DRAIN, 0);
    play_recv_done(&p, &m);
    assert_int_equal(m.done.seq, 3);
    assert_int_equal(m.done.outcome, RUN_GIVEN_BACK);
    play_send_control(&p, WIRE_CANCEL, 1);
    play_send_control(&p, WIRE_CANCEL, 2);
    play_recv_done(&p, &m);
    assert_int_equal(m.done.outcome, RUN_CANCELLED);
    play_recv_done(&p, &m);
    assert_int_equal(m.done.outcome, RUN_CANCELLED);
    status = play_wait_end(&p);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    n = read(p.error_fd, output, sizeof output);
    assert_true(n > 0 && memmem(output, (size_t)n, "fini of tell", 12) != NULL);
    play_stop(&p);
}

/* What is sent without pause is answered once each, by several slots. */
static void every_job_is_answered_once(void **state)
{
    enum { JOBS = 3000, WINDOW = 64 };
    static bool seen[JOBS + 1];
    struct wire_msg m;
    struct play p;
    int sent = 0, answered;

    (void)state;
    start_ready(&p, 4);
    for (; sent < WINDOW; sent++)
        play_send_job(&p, (uint64_t)sent + 1, H_echo, "[1,2,3]", 0);
    for (answered = 0; answered < JOBS; answered++) {
        play_recv_done(&p, &m);
        assert_int_equal(m.done.outcome, RUN_OK);
        assert_true(m.done.seq <= JOBS && !seen[m.done.seq]);
        seen[m.done.seq] = true;
        if (sent < JOBS)
            play_send_job(&p, (uint64_t)++sent, H_echo, "[1,2,3]", 0);
    }
    drain_and_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancel_reaches_the_run),
        cmocka_unit_test(a_timeout_is_noticed),
        cmocka_unit_test(a_timeout_that_the_engine_has_seen_is_not_a_cancel),
        cmocka_unit_test(a_cancel_before_the_start_gives_the_job_back),
        cmocka_unit_test(recall_gives_back_what_has_not_started),
        cmocka_unit_test(drain_finishes_what_runs_and_calls_fini),
        cmocka_unit_test(every_job_is_answered_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
