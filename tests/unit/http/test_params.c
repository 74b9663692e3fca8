/* SPDX-License-Identifier: MIT
 * Query parameters, filters and cursors. */
#include "http/params.h"

#include "unit/http/http_kit.h"

#include <stdio.h>
#include <string.h>

static bool read_query(struct request *r, const char *query, unsigned allowed, struct params *p)
{
    *r = kit_request("/x", NULL);
    r->path = STR("/x");
    r->query = str_from(query);
    return params_read(r, allowed, p);
}

static void test_cursors_survive_and_are_checked(void **state)
{
    struct unit_random random = unit_random_start("cursors");
    int i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        struct uuid id = uuid_new(), back;
        char text[CURSOR_LEN + 1];
        size_t at = unit_random_below(&random, CURSOR_LEN);

        cursor_write(id, text);
        assert_true(cursor_read(str_from(text), &back));
        assert_int_equal(uuid_cmp(id, back), 0);
        text[at] = text[at] == '!' ? '?' : '!';
        assert_false(cursor_read(str_from(text), &back));
    }
}

static void test_changed_cursors_are_refused(void **state)
{
    struct uuid id = {{1, 2, 3}}, back;
    char text[CURSOR_LEN + 1];

    (void)state;
    cursor_write(id, text);
    text[10] = text[10] == 'A' ? 'B' : 'A';
    assert_false(cursor_read(str_from(text), &back));
    assert_false(cursor_read(STR(""), &back));
    assert_false(cursor_read(STR("AAAA"), &back));
}

static void test_a_full_query(void **state)
{
    struct request r;
    struct params p;

    (void)state;
    assert_true(read_query(&r,
                           "status=queued,failed&status=pending&type=a%2Fb&queue=q&tag=a+b&"
                           "worker_id=w&error_code=lost&limit=7&created_after=2026-01-01T00:00:00Z"
                           "&workflow_id=01980000-0000-7000-8000-000000000000&",
                           PARAMS_FILTER | PARAMS_PAGE, &p));
    assert_int_equal(p.filter.states, 1u << JOB_QUEUED | 1u << JOB_RETRYING |
                                          1u << JOB_DEAD_LETTER | 1u << JOB_PENDING);
    assert_str(p.filter.type, "a/b");
    assert_str(p.filter.tag, "a b");
    assert_str(p.filter.error_code, "lost");
    assert_int_equal(p.limit, 7);
    assert_int_equal(p.filter.created_after_ms, INT64_C(1767225600000));
    assert_false(uuid_is_nil(p.filter.workflow_id));
    assert_true(p.has_filter);
    kit_request_free(&r);
}

static void expect_refusal(const char *query, unsigned allowed, unsigned status, const char *part)
{
    struct request r;
    struct params p;

    assert_false(read_query(&r, query, allowed, &p));
    assert_int_equal(r.reply.status, status);
    assert_true(kit_reply_has(&r, part));
    kit_request_free(&r);
}

static void test_what_is_refused(void **state)
{
    unsigned page = PARAMS_FILTER | PARAMS_PAGE;

    (void)state;
    expect_refusal("limit=1001", page, 422, "?limit");
    expect_refusal("limit=-1", page, 422, "?limit");
    expect_refusal("curser=x", page, 422, "did you mean \\\"cursor\\\"");
    expect_refusal("dry_run=true", page, 422, "?dry_run");
    expect_refusal("dry_run=1", PARAMS_BULK, 422, "true or false");
    expect_refusal("type=a", 0, 422, "?type");
    expect_refusal("cursor=abc", page, 400, "invalid_cursor");
    expect_refusal("type=%0", page, 400, "bad_path");
    expect_refusal("type=%00", page, 400, "NUL");
    expect_refusal("type=a&type=b", page, 422, "twice");
    expect_refusal("status=compleet", page, 422, "did you mean complete");
}

static void test_too_many_parameters(void **state)
{
    struct buf query = BUF_INIT;
    int i;

    (void)state;
    for (i = 0; i < 200; i++)
        buf_adds(&query, "status=queued&");
    expect_refusal(query.ptr, PARAMS_FILTER, 422, "more than 64");
    buf_free(&query);
}

static void test_the_link_keeps_the_query_and_cannot_be_broken_out_of(void **state)
{
    struct uuid id = {{9}};
    struct request r;
    char cursor[CURSOR_LEN + 1], expected[200];

    (void)state;
    r = kit_request("/x", NULL);
    r.path = STR("/x");
    r.query = STR("type=a>;b&cursor=old&limit=2");
    params_link_next(&r, id);
    cursor_write(id, cursor);
    snprintf(expected, sizeof expected, "</x?type=a%%3E;b&limit=2&cursor=%s>; rel=\"next\"",
             cursor);
    assert_string_equal(r.reply.headers[0].value, expected);
    assert_string_equal(r.reply.headers[1].value, cursor);
    kit_request_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursors_survive_and_are_checked),
        cmocka_unit_test(test_changed_cursors_are_refused),
        cmocka_unit_test(test_a_full_query),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_too_many_parameters),
        cmocka_unit_test(test_the_link_keeps_the_query_and_cannot_be_broken_out_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
