/* SPDX-License-Identifier: MIT
 * Error answers: always valid JSON, with every member that clients rely on. */
#include "http/problem.h"

#include "base/log.h"
#include "unit/http/http_kit.h"

#include <stdio.h>
#include <string.h>

static void test_every_problem(void **state)
{
    int id;

    (void)state;
    for (id = 0; id < PROBLEM_END; id++) {
        struct request r = kit_request("/p", NULL);
        char code[80];

        r.path = STR("/p\"\xff");
        problem_reply(&r, (enum problem_id)id, "found \"%s\"", "\xfe\x01<\\");
        snprintf(code, sizeof code, "\"code\":\"%s\"", problem_code((enum problem_id)id));
        assert_true(kit_reply_has(&r, code));
        assert_true(kit_reply_has(&r, "\"retryable\":"));
        assert_int_equal(r.reply.status, problem_status((enum problem_id)id));
        assert_string_equal(r.reply.content_type, "application/problem+json");
        assert_int_equal(r.reply.n_headers, r.reply.status == 429 || r.reply.status == 503);
        kit_request_free(&r);
    }
}

static void test_a_problem_replaces_what_was_begun(void **state)
{
    struct request r = kit_request("/p", NULL);

    (void)state;
    buf_adds(&r.reply.body, "{\"half\":");
    reply_header(&r, "Location", "/x");
    problem_reply(&r, PROBLEM_INVALID, "no");
    assert_false(kit_reply_has(&r, "half"));
    assert_int_equal(r.reply.n_headers, 0);
    kit_request_free(&r);
}

static void expect_code(int rc, unsigned status)
{
    struct request r = kit_request("/p", NULL);
    struct err e;

    err_set(&e, rc, "why");
    problem_reply_err(&r, rc, &e);
    assert_int_equal(r.reply.status, status);
    assert_true(kit_reply_has(&r, "\"detail\":\"why\""));
    kit_request_free(&r);
}

static void test_what_errors_mean(void **state)
{
    (void)state;
    expect_code(ERR_UNAVAILABLE, 503);
    expect_code(ERR_LIMIT, 429);
    expect_code(ERR_NOMEM, 500);
    expect_code(ERR_IO, 500);
}

static void test_mixed_complaints_are_validation_failed(void **state)
{
    struct request r = kit_request("/p", NULL);

    (void)state;
    assert_false(problem_complaints(&r, false));
    complain(&r, PROBLEM_UNKNOWN_TYPE, "/type", "unknown");
    assert_true(problem_complaints(&r, false));
    assert_true(kit_reply_has(&r, "\"code\":\"unknown_type\""));
    complain(&r, PROBLEM_INVALID, "/x", "bad");
    assert_true(problem_complaints(&r, false));
    assert_true(kit_reply_has(&r, "\"code\":\"validation_failed\""));
    assert_true(kit_reply_has(&r, "(and 1 more)"));
    kit_request_free(&r);
}

static void test_a_whole_response(void **state)
{
    struct buf out = BUF_INIT;
    const char *body;
    char length[40];

    (void)state;
    problem_fixed(PROBLEM_TIMEOUT, "late", &out);
    assert_true(str_starts(buf_str(&out), "HTTP/1.1 408 Request Timeout\r\n"));
    body = strstr(out.ptr, "\r\n\r\n") + 4;
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    assert_non_null(strstr(out.ptr, length));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_problem),
        cmocka_unit_test(test_a_problem_replaces_what_was_begun),
        cmocka_unit_test(test_what_errors_mean),
        cmocka_unit_test(test_mixed_complaints_are_validation_failed),
        cmocka_unit_test(test_a_whole_response),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
