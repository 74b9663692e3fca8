/* SPDX-License-Identifier: MIT
 * Routing: which handler gets a request, and what is refused before that. */
#include "http/route.h"

#include "unit/http/http_kit.h"

#include <string.h>

static void expect_route(const char *method, const char *uri, void (*handler)(struct request *),
                         const char *arg)
{
    struct request r = kit_request(uri, NULL);

    assert_true(route_find(&r, method));
    assert_ptr_equal(r.route->handle, handler);
    if (arg != NULL)
        assert_str(r.args[0], arg);
    kit_request_free(&r);
}

static void test_every_route_is_found_by_its_own_pattern(void **state)
{
    (void)state;
#define ROUTE(method, pattern, handler, flags) expect_route(method, pattern, handler, NULL);
#include "http/routes.def"
#undef ROUTE
}

static void test_arguments_are_unescaped_in_their_segment(void **state)
{
    (void)state;
    expect_route("GET", "/api/v1/jobs/abc?x=1", api_job_get, "abc");
    expect_route("HEAD", "/api/v1/handlers/a%2Fb%20c", api_handler_get, "a/b c");
    expect_route("GET", "/api/v1/handlers/a+b", api_handler_get, "a+b");
    expect_route("POST", "/api/v1/jobs/bulk", api_job_create_bulk, NULL);
}

static void expect_refusal(const char *method, const char *uri, unsigned status, const char *part)
{
    struct request r = kit_request(uri, NULL);

    assert_false(route_find(&r, method));
    assert_int_equal(r.reply.status, status);
    assert_true(kit_reply_has(&r, part));
    kit_request_free(&r);
}

static void test_what_is_refused(void **state)
{
    char overlong[REQUEST_URI_MAX + 2];

    (void)state;
    memset(overlong, 'a', sizeof overlong - 1);
    overlong[0] = '/';
    overlong[sizeof overlong - 1] = '\0';
    expect_refusal("GET", overlong, 414, "uri_too_long");
    expect_refusal("GET", "/", 404, "no_such_endpoint");
    expect_refusal("GET", "/api/v1/jobs/", 404, "no_such_endpoint");
    expect_refusal("GET", "/api/v1/jobs//attempts", 404, "no_such_endpoint");
    expect_refusal("GET", "*", 400, "bad_path");
    expect_refusal("GET", "http://x/health", 400, "bad_path");
    expect_refusal("GET", "/a%00b", 400, "NUL");
    expect_refusal("GET", "/a%4", 400, "%XX");
    expect_refusal("GET", "/%C0%AF", 400, "UTF-8");
    expect_refusal("GET", "/\"\x01\xff", 404, "\\u0001");
}

static void test_a_wrong_method_is_told_the_right_ones(void **state)
{
    struct request r = kit_request("/api/v1/jobs", NULL);

    (void)state;
    assert_false(route_find(&r, "BREW"));
    assert_int_equal(r.reply.status, 405);
    assert_string_equal(r.reply.headers[0].name, "Allow");
    assert_string_equal(r.reply.headers[0].value, "POST, GET, HEAD");
    kit_request_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_found_by_its_own_pattern),
        cmocka_unit_test(test_arguments_are_unescaped_in_their_segment),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_a_wrong_method_is_told_the_right_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
