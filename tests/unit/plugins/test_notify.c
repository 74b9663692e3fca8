/* SPDX-License-Identifier: MIT
 * The plugin `notify`. */
#include "../../../plugins/notify/notify.c"

#include "fixture.h"

static int32_t notify(struct fake_job *fake, const char *payload, const char *outbox)
{
    fake_job_init(fake, payload);
    fake->config[0][0] = "template";
    fake->config[0][1] = "Job {{id}} says hello on {{channel}}";
    fake->config[1][0] = "retry_delay";
    fake->config[1][1] = "5000";
    fake->config[2][0] = outbox != NULL ? "outbox" : NULL;
    fake->config[2][1] = outbox;
    return fake_job_run(fake, jobmill_plugin_v1());
}

static void test_messages(void **state)
{
    static const char *const cases[][2] = {
        {"{\"channel\":\"slack\"}",
         "info: Job 01890000-0000-7000-8000-000000000001 says hello on slack\n"},
        {"null", "info: Job 01890000-0000-7000-8000-000000000001 says hello on log\n"},
        {"{\"load_test\":true,\"index\":5}",
         "info: Job 01890000-0000-7000-8000-000000000001 says hello on log\n"},
        {"{\"to\":\"#ops\",\"template\":\"{{ to }}: {{name}} {{n}} {{b}} {{z}}!\",\"data\":"
         "{\"name\":\"Ad\xC3\xA9\",\"n\":42,\"b\":true,\"z\":null}}",
         "info: #ops: Ad\xC3\xA9 42 true null!\n"},
        {"{\"template\":\"plain } { text\"}", "info: plain } { text\n"},
    };
    struct fake_job fake;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(notify(&fake, cases[i][0], NULL), JOBMILL_OK);
        assert_string_equal(fake.log, cases[i][1]);
        fake_job_fini(&fake);
    }
}

static void test_refusals(void **state)
{
    static const char *const cases[][2] = {
        {"5", "payload: found neither object nor null, expected one of them"},
        {"{\"channel\":5}", "payload.channel: found no string, expected one"},
        {"{\"template\":[]}", "payload.template: found no string, expected one"},
        {"{\"data\":[]}", "payload.data: found no object, expected one"},
        {"{\"template\":\"{{who}}\"}",
         "payload.template: found {{who}}, expected a member of payload.data"},
        {"{\"template\":\"{{who\"}", "payload.template: found {{ without }}, expected both"},
        {"{\"template\":\"{{ }}\"}",
         "payload.template: found a name of 0 bytes in {{}}, expected 1 to 63"},
        {"{\"template\":\"{{a}}\",\"data\":{\"a\":[]}}",
         "payload.data.a: found an object or array, expected text"},
    };
    struct fake_job fake;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(notify(&fake, cases[i][0], NULL), JOBMILL_FAIL);
        assert_string_equal(fake.error, cases[i][1]);
        assert_string_equal(fake.log, "");
        fake_job_fini(&fake);
    }
}

static void test_long_messages_are_refused(void **state)
{
    static char payload[TEXT_MAX + 64];
    struct fake_job fake;

    (void)state;
    memset(payload, 'x', sizeof payload);
    memcpy(payload, "{\"template\":\"", 13);
    memcpy(payload + sizeof payload - 3, "\"}", 3);
    assert_int_equal(notify(&fake, payload, NULL), JOBMILL_FAIL);
    assert_string_equal(fake.error, "message: found more than 16383 bytes, expected at most that");
    fake_job_fini(&fake);
}

static void test_outbox(void **state)
{
    char dir[] = "/tmp/jobmill-notify-XXXXXX", path[64], lines[512] = "";
    struct fake_job fake;
    FILE *file;
    int i;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/outbox.jsonl", dir);
    for (i = 0; i < 2; i++) {
        assert_int_equal(notify(&fake, "{\"to\":\"x\",\"template\":\"a\\nb\"}", path), JOBMILL_OK);
        fake_job_fini(&fake);
    }
    file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(lines, 1, sizeof lines - 1, file) > 0);
    fclose(file);
#define LINE                                                                                    \
    "{\"job\":\"01890000-0000-7000-8000-000000000001\",\"claim\":1,\"channel\":\"log\",\"to\":" \
    "\"x\",\"text\":\"a\\nb\"}\n"
    assert_string_equal(lines, LINE LINE);
    unlink(path);
    rmdir(dir);
}

static void test_unavailable_outbox_is_tried_again(void **state)
{
    struct fake_job fake;

    (void)state;
    assert_int_equal(notify(&fake, "null", "/nonexistent/outbox"), JOBMILL_RETRY);
    assert_string_equal(
        fake.error, "config.outbox: /nonexistent/outbox: cannot open: No such file or directory");
    assert_int_equal(fake.retry_after_ms, 5000);
    fake_job_fini(&fake);
    assert_int_equal(notify(&fake, "null", "/dev/full"), JOBMILL_RETRY);
    assert_string_equal(fake.error,
                        "config.outbox: /dev/full: cannot append: No space left on device");
    fake_job_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_long_messages_are_refused),
        cmocka_unit_test(test_outbox),
        cmocka_unit_test(test_unavailable_outbox_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
