/* SPDX-License-Identifier: MIT
 * Tests of the host table, called directly: bounds, contexts without a job, reuse between runs. */
#include "exec/hostapi.h"

#include "base/clock.h"
#include "ipc/chan.h"
#include "lib/unit.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    int fds[2];
    struct slot shared;
    struct cancel_slot cancel;
    struct call call;
    struct wire_job msg;
};

static struct fixture fixture;

static int begin(void **state)
{
    struct fixture *f = &fixture;
    struct err e;

    *state = f;
    memset(f, 0, sizeof *f);
    if (chan_pair(f->fds, &e) != 0 || cancel_slot_init(&f->cancel, &f->shared, &e) != 0)
        return -1;
    f->msg = (struct wire_job){.seq = 3, .payload = STR("{}"), .step_index = -1};
    call_init(&f->call, f->fds[0]);
    cancel_begin(&f->cancel, 3, clock_boot_ns());
    call_begin(&f->call, &f->msg, &f->cancel, clock_boot_ns());
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    call_end(&f->call);
    call_fini(&f->call);
    cancel_end(&f->cancel);
    cancel_slot_fini(&f->cancel);
    close(f->fds[0]);
    close(f->fds[1]);
    return 0;
}

static void allocations_are_bounded_and_zeroed(void **state)
{
    struct fixture *f = *state;
    jobmill_job *job = &f->call.job;
    unsigned char *p = jobmill_alloc(job, 1000);
    size_t i;

    assert_non_null(p);
    for (i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    assert_null(jobmill_alloc(job, SIZE_MAX));
    assert_null(jobmill_alloc(job, CALL_ALLOC_MAX + 1));
    assert_non_null(jobmill_alloc(job, 0));
    assert_null(jobmill_alloc(job, CALL_ALLOC_MAX));
}

static void a_refused_result_keeps_the_earlier_one(void **state)
{
    struct fixture *f = *state;
    struct wire_done done;

    assert_int_equal(jobmill_result(&f->call.job, jobmill_text("1")), 0);
    assert_int_equal(jobmill_result(&f->call.job, jobmill_text("{\"a\":1,\"a\":2}")), -1);
    call_judge(&f->call, JOBMILL_OK, 1, &done);
    assert_int_equal(done.outcome, RUN_BAD_RESULT);
    assert_int_equal(jobmill_result(&f->call.job, (jobmill_str){NULL, 0}), -1);
    assert_int_equal(jobmill_result(&f->call.job, jobmill_text("2")), 0);
    call_judge(&f->call, JOBMILL_OK, 1, &done);
    assert_int_equal(done.outcome, RUN_OK);
    assert_str(done.result, "2");
    call_judge(&f->call, JOBMILL_RETRY, 1, &done);
    assert_null(done.result.ptr);
}

static void nothing_is_left_for_the_next_run(void **state)
{
    struct fixture *f = *state;
    struct wire_done done;

    jobmill_result(&f->call.job, jobmill_text("1"));
    jobmill_result(&f->call.job, jobmill_text("nonsense"));
    jobmill_error(&f->call.job, jobmill_text("old"));
    jobmill_retry_after(&f->call.job, 5);
    call_end(&f->call);
    call_begin(&f->call, &f->msg, &f->cancel, 10);
    call_judge(&f->call, JOBMILL_OK, 11, &done);
    assert_int_equal(done.outcome, RUN_OK);
    assert_null(done.result.ptr);
    call_judge(&f->call, JOBMILL_RETRY, 11, &done);
    assert_int_equal(done.retry_delay_ms, -1);
    assert_str(done.error, "the handler failed without giving a reason");
}

static void hints_and_errors_are_bounded(void **state)
{
    struct fixture *f = *state;
    static char text[3 * JOB_ERROR_MAX];
    struct wire_done done;

    memset(text, 'e', sizeof text);
    jobmill_error(&f->call.job, (jobmill_str){text, sizeof text});
    jobmill_retry_after(&f->call.job, INT64_MAX);
    call_judge(&f->call, JOBMILL_RETRY, 1, &done);
    assert_int_equal(done.error.len, JOB_ERROR_MAX);
    assert_true(done.retry_delay_ms == CALL_RETRY_AFTER_MAX_MS);
    jobmill_retry_after(&f->call.job, INT64_MIN);
    call_judge(&f->call, INT32_MIN, 1, &done);
    assert_int_equal(done.outcome, RUN_PERMANENT);
    assert_int_equal(done.error.len, JOB_ERROR_MAX);
}

static void progress_is_a_number_from_0_to_100(void **state)
{
    struct fixture *f = *state;
    struct chan_in in = CHAN_IN_INIT;
    struct wire_msg m;
    struct err e;

    jobmill_progress(&f->call.job, (double)NAN, jobmill_text("no"));
    assert_false(f->call.progress_pending);
    jobmill_progress(&f->call.job, (double)INFINITY, (jobmill_str){NULL, 0});
    call_flush(&f->call);
    assert_int_equal(chan_recv(f->fds[1], true, &in, &m, &e), CHAN_MESSAGE);
    assert_true(m.progress.percent == 100.0);
    assert_null(m.progress.message.ptr);
    chan_in_fini(&in);
}

/* A slow engine loses lines; it never holds a handler up. */
static void a_full_socket_drops_lines(void **state)
{
    struct fixture *f = *state;
    struct wire_msg m = {.kind = WIRE_LOG};
    struct buf scratch = BUF_INIT;

    while (chan_send(f->fds[0], &m, true, &scratch, NULL) == 0) {
    }
    jobmill_log(&f->call.job, JOBMILL_LOG_INFO, jobmill_text("lost"));
    assert_int_equal(f->call.bucket.dropped, 1);
    buf_free(&scratch);
}

static void a_context_has_no_job(void **state)
{
    struct fixture *f = *state;
    struct call context;
    jobmill_job *job = &context.job;

    call_init(&context, f->fds[0]);
    assert_str(((struct str){jobmill_payload(job).ptr, jobmill_payload(job).len}), "null");
    assert_int_equal(jobmill_get_meta(job)->struct_size, sizeof(jobmill_meta));
    assert_int_equal(jobmill_result(job, jobmill_text("1")), -1);
    assert_int_equal(jobmill_cancelled(job), 0);
    assert_int_equal(jobmill_cancel_fd(job), -1);
    assert_true(jobmill_remaining_ms(job) == INT64_MAX);
    assert_null(jobmill_config(job, "x").ptr);
    jobmill_progress(job, 1, jobmill_text("x"));
    jobmill_log(job, 99, jobmill_text("x"));
    assert_non_null(jobmill_alloc(job, 10));
    call_fini(&context);
}

static void remaining_time_counts_down(void **state)
{
    struct fixture *f = *state;

    f->msg.timeout_ms = 1000;
    call_begin(&f->call, &f->msg, &f->cancel, clock_boot_ns() - 400 * NS_PER_MS);
    assert_in_range(jobmill_remaining_ms(&f->call.job), 1, 600);
    assert_int_equal(jobmill_cancelled(&f->call.job), 0);
    call_begin(&f->call, &f->msg, &f->cancel, clock_boot_ns() - 1001 * NS_PER_MS);
    assert_int_equal(jobmill_remaining_ms(&f->call.job), 0);
    assert_int_equal(jobmill_cancelled(&f->call.job), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(allocations_are_bounded_and_zeroed),
        TEST(a_refused_result_keeps_the_earlier_one),
        TEST(nothing_is_left_for_the_next_run),
        TEST(hints_and_errors_are_bounded),
        TEST(progress_is_a_number_from_0_to_100),
        TEST(a_full_socket_drops_lines),
        TEST(a_context_has_no_job),
        TEST(remaining_time_counts_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
