/* SPDX-License-Identifier: MIT
 * Reading request objects, and the problems that come of it. */
#include "http/fields.h"

#include "unit/http/http_kit.h"

#include <string.h>

struct sample {
    struct str name, text, json, tags;
    struct field_int number, time;
    struct field_real share;
    struct field_ids ids;
    bool flag;
};

static const struct field inner_fields[] = {
    FIELD("share", FIELD_REAL, struct sample, share, 0, 1),
};

static const struct field sample_fields[] = {
    FIELD("name", FIELD_NAME, struct sample, name, 0, 0),
    FIELD("text", FIELD_TEXT, struct sample, text, 1, 5),
    FIELD("json", FIELD_JSON, struct sample, json, 0, 0),
    FIELD("tags", FIELD_TAGS, struct sample, tags, 0, 0),
    FIELD("number", FIELD_INT, struct sample, number, -5, 5),
    FIELD("time", FIELD_TIME, struct sample, time, 0, 0),
    FIELD("ids", FIELD_IDS, struct sample, ids, 0, 2),
    FIELD("flag", FIELD_BOOL, struct sample, flag, 0, 0),
    {.name = {"inner", 5}, .kind = FIELD_OBJECT, .fields = inner_fields, .n_fields = 1},
};

static struct sample read_sample(struct request *r, const char *body)
{
    struct sample out = {.flag = false};
    struct json_doc doc;

    *r = kit_request("/x", body);
    assert_true(fields_scan(r, false, &doc));
    fields_read(r, &doc, doc.toks, sample_fields, sizeof sample_fields / sizeof *sample_fields,
                NULL, &out);
    return out;
}

static void test_all_kinds(void **state)
{
    struct request r;
    struct sample s = read_sample(
        &r, "{\"na\\u006de\":\"a.b\",\"text\":\"\\u00e4\",\"json\":[1, 2],\"tags\":[\"\\u0061\"],"
            "\"number\":-5,\"time\":\"1970-01-01T00:00:01Z\",\"flag\":true,"
            "\"ids\":[\"01980000-0000-7000-8000-000000000000\"],\"inner\":{\"share\":1}}");

    (void)state;
    assert_int_equal(r.n_complaints, 0);
    assert_str(s.name, "a.b");
    assert_str(s.text, "\xc3\xa4");
    assert_str(s.json, "[1, 2]");
    assert_str(s.tags, "[\"a\"]");
    assert_true(s.number.given && s.number.value == -5);
    assert_int_equal(s.time.value, 1000);
    assert_int_equal(s.ids.n, 1);
    assert_true(s.flag && s.share.given);
    kit_request_free(&r);
}

static void test_null_is_absent(void **state)
{
    struct request r;
    struct sample s =
        read_sample(&r, "{\"name\":null,\"number\":null,\"tags\":null,\"json\":null}");

    (void)state;
    assert_int_equal(r.n_complaints, 0);
    assert_null(s.name.ptr);
    assert_false(s.number.given);
    assert_str(s.json, "null");
    kit_request_free(&r);
}

static void expect_complaint(const char *body, const char *pointer, const char *detail)
{
    struct request r;

    read_sample(&r, body);
    if (r.n_complaints != 1 || strcmp(r.complaints->pointer, pointer) != 0 ||
        strstr(r.complaints->detail, detail) == NULL)
        fail_msg("%s: %zu complaints, first %s: %s", body, r.n_complaints,
                 r.complaints == NULL ? "" : r.complaints->pointer,
                 r.complaints == NULL ? "" : r.complaints->detail);
    assert_true(problem_complaints(&r, false));
    assert_int_equal(r.reply.status, 422);
    assert_true(kit_reply_has(&r, "validation_failed"));
    kit_request_free(&r);
}

static void test_what_is_complained_about(void **state)
{
    (void)state;
    expect_complaint("[]", "", "expected an object");
    expect_complaint("{\"numbr\":1}", "/numbr", "did you mean \"number\"");
    expect_complaint("{\"a/b~c\":1}", "/a~1b~0c", "no such field");
    expect_complaint("{\"number\":6}", "/number", "found 6, expected an integer from -5 to 5");
    expect_complaint("{\"number\":1.5}", "/number", "an integer");
    expect_complaint("{\"number\":\"1\"}", "/number", "found \"1\"");
    expect_complaint("{\"name\":\"a b\"}", "/name", "0x20");
    expect_complaint("{\"text\":\"123456\"}", "/text", "6 bytes");
    expect_complaint("{\"text\":\"a\\n\"}", "/text", "control");
    expect_complaint("{\"tags\":[\"a\",{}]}", "/tags/1", "found an object, expected a string");
    expect_complaint("{\"ids\":[]}", "/ids", "1 to 2 ids");
    expect_complaint("{\"ids\":[7]}", "/ids/0", "UUID");
    expect_complaint("{\"flag\":0}", "/flag", "true or false");
    expect_complaint("{\"time\":\"now\"}", "/time", "RFC 3339");
    expect_complaint("{\"inner\":{\"share\":1.01}}", "/inner/share", "from 0 to 1");
    expect_complaint("{\"inner\":3}", "/inner", "an object");
}

static void test_complaints_are_bounded(void **state)
{
    struct buf body = BUF_INIT;
    struct request r;
    int i;

    (void)state;
    buf_addc(&body, '{');
    for (i = 0; i < 500; i++)
        buf_addf(&body, "%s\"f%d\":0", i > 0 ? "," : "", i);
    buf_addc(&body, '}');
    read_sample(&r, body.ptr);
    assert_int_equal(r.n_complaints, 500);
    assert_true(problem_complaints(&r, false));
    assert_true(kit_reply_has(&r, "and 499 more"));
    assert_true(kit_reply_has(&r, "/f99\""));
    assert_false(kit_reply_has(&r, "/f100\""));
    kit_request_free(&r);
    buf_free(&body);
}

static void test_bodies_that_are_not_json(void **state)
{
    struct request r = kit_request("/x", "{\"a\":\n tru}");
    struct json_doc doc;

    (void)state;
    assert_false(fields_scan(&r, false, &doc));
    assert_int_equal(r.reply.status, 400);
    assert_true(kit_reply_has(&r, "line 2"));
    kit_request_free(&r);
    r = kit_request("/x", NULL);
    assert_false(fields_scan(&r, false, &doc));
    assert_true(kit_reply_has(&r, "empty"));
    reply_reset(&r);
    assert_true(fields_scan(&r, true, &doc));
    assert_null(doc.toks);
    kit_request_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_null_is_absent),
        cmocka_unit_test(test_what_is_complained_about),
        cmocka_unit_test(test_complaints_are_bounded),
        cmocka_unit_test(test_bodies_that_are_not_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
