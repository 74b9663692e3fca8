/* SPDX-License-Identifier: MIT
 * Tests of wire messages: they survive the trip, and nothing malformed is taken. */
#include "ipc/wire.h"

#include "lib/unit.h"

#include <math.h>
#include <string.h>

static struct wire_msg sample_job(void)
{
    struct wire_msg msg = {.kind = WIRE_JOB};

    msg.job = (struct wire_job){.seq = UINT64_MAX,
                                .handler = 4,
                                .attempt = 2,
                                .max_retries = 3,
                                .priority = -100,
                                .step_index = -1,
                                .claim = 9,
                                .timeout_ms = INT64_MAX,
                                .created_at_ms = -1,
                                .id = STR("id"),
                                .type = STR("type"),
                                .queue = STR("queue"),
                                .payload = STR("{\"a\":\"\\u0041\"}"),
                                .tags = STR(""),
                                .idempotency_key = STR_NONE,
                                .workflow_id = STR("w")};
    return msg;
}

static struct wire_msg sample_done(void)
{
    struct wire_msg msg = {.kind = WIRE_DONE};

    msg.done = (struct wire_done){.seq = 1,
                                  .outcome = RUN_BAD_RESULT,
                                  .retry_delay_ms = -1,
                                  .started_ns = 5,
                                  .ended_ns = 6,
                                  .cpu_us = 7,
                                  .memory_kb = 8,
                                  .result = STR_NONE,
                                  .error = STR("why")};
    return msg;
}

static void a_job_survives_the_trip(void **state)
{
    struct wire_msg in = sample_job(), out;
    struct buf bytes = BUF_INIT;
    struct err e;

    (void)state;
    wire_encode(&in, &bytes);
    assert_int_equal(wire_decode(buf_str(&bytes), &out, &e), 0);
    assert_int_equal(out.kind, WIRE_JOB);
    assert_true(out.job.seq == UINT64_MAX && out.job.handler == 4 && out.job.attempt == 2);
    assert_true(out.job.priority == -100 && out.job.step_index == -1 && out.job.claim == 9);
    assert_true(out.job.timeout_ms == INT64_MAX && out.job.created_at_ms == -1);
    assert_str(out.job.payload, "{\"a\":\"\\u0041\"}");
    assert_non_null(out.job.tags.ptr); /* empty is not absent */
    assert_int_equal(out.job.tags.len, 0);
    assert_null(out.job.idempotency_key.ptr);
    assert_str(out.job.workflow_id, "w");
    buf_free(&bytes);
}

static void a_done_survives_the_trip(void **state)
{
    struct wire_msg in = sample_done(), out;
    struct buf bytes = BUF_INIT;
    struct err e;

    (void)state;
    wire_encode(&in, &bytes);
    assert_int_equal(wire_decode(buf_str(&bytes), &out, &e), 0);
    assert_int_equal(out.done.outcome, RUN_BAD_RESULT);
    assert_int_equal(out.done.retry_delay_ms, -1);
    assert_int_equal(out.done.memory_kb, 8);
    assert_null(out.done.result.ptr);
    assert_str(out.done.error, "why");
    buf_free(&bytes);
}

/* The bytes live in memory of exactly their size, so that a sanitizer sees any step beyond. */
static void every_shorter_message_is_refused(void **state)
{
    struct wire_msg samples[] = {sample_job(), sample_done()}, out;
    struct err e;
    size_t i, len;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct buf bytes = BUF_INIT;

        wire_encode(&samples[i], &bytes);
        for (len = 0; len < bytes.len; len++) {
            char *exact = test_malloc(len + 1);

            memcpy(exact + 1, bytes.ptr, len);
            assert_int_equal(wire_decode((struct str){exact + 1, len}, &out, &e), ERR_INVALID);
            test_free(exact);
        }
        buf_addc(&bytes, 0);
        assert_int_equal(wire_decode(buf_str(&bytes), &out, &e), ERR_INVALID);
        assert_says(e, "1 bytes too many");
        buf_free(&bytes);
    }
}

static void a_length_beyond_the_message_is_refused(void **state)
{
    struct wire_msg in = sample_done(), out;
    struct buf bytes = BUF_INIT;
    uint32_t huge = UINT32_MAX - 1;
    struct err e;

    (void)state;
    wire_encode(&in, &bytes);
    memcpy(bytes.ptr + bytes.len - 7, &huge, sizeof huge); /* of "why" */
    assert_int_equal(wire_decode(buf_str(&bytes), &out, &e), ERR_INVALID);
    buf_free(&bytes);
}

static void unknown_kinds_and_outcomes_are_refused(void **state)
{
    struct wire_msg in = sample_done(), out;
    struct buf bytes = BUF_INIT;
    int32_t kind;
    struct err e;

    (void)state;
    in.done.outcome = RUN_OUTCOME_END;
    wire_encode(&in, &bytes);
    assert_int_equal(wire_decode(buf_str(&bytes), &out, &e), ERR_INVALID);
    assert_says(e, "outcome");
    for (kind = -1; kind < 20; kind++) {
        memcpy(bytes.ptr, &kind, sizeof kind);
        if (kind < WIRE_JOB || kind > WIRE_DRAIN) {
            assert_int_equal(wire_decode(buf_str(&bytes), &out, &e), ERR_INVALID);
            assert_says(e, "message kind");
        }
    }
    buf_free(&bytes);
}

static void a_percent_that_is_no_number_is_refused(void **state)
{
    struct wire_msg in = {.kind = WIRE_PROGRESS}, out;
    struct buf bytes = BUF_INIT;
    struct err e;

    (void)state;
    in.progress.percent = (double)NAN;
    wire_encode(&in, &bytes);
    assert_int_equal(wire_decode(buf_str(&bytes), &out, &e), ERR_INVALID);
    buf_free(&bytes);
}

/* Whatever the bytes are, decoding ends, and strings stay inside the message. */
static void random_bytes_do_no_harm(void **state)
{
    struct unit_random r = unit_random_start("wire");
    struct wire_msg in = sample_job(), out;
    struct buf bytes = BUF_INIT;
    int round;

    (void)state;
    wire_encode(&in, &bytes);
    for (round = 0; round < 20000; round++) {
        char copy[256];
        int i;

        assert_true(bytes.len <= sizeof copy);
        memcpy(copy, bytes.ptr, bytes.len);
        for (i = 0; i < 3; i++)
            copy[unit_random_below(&r, bytes.len)] = (char)unit_random_next(&r);
        if (wire_decode((struct str){copy, bytes.len}, &out, NULL) == 0 && out.kind == WIRE_JOB &&
            out.job.payload.ptr != NULL)
            assert_true(out.job.payload.ptr >= copy &&
                        out.job.payload.ptr + out.job.payload.len <= copy + bytes.len);
    }
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_survives_the_trip),
        cmocka_unit_test(a_done_survives_the_trip),
        cmocka_unit_test(every_shorter_message_is_refused),
        cmocka_unit_test(a_length_beyond_the_message_is_refused),
        cmocka_unit_test(unknown_kinds_and_outcomes_are_refused),
        cmocka_unit_test(a_percent_that_is_no_number_is_refused),
        cmocka_unit_test(random_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
