/* SPDX-License-Identifier: MIT
 * The plugin `default`. */
#include "../../../plugins/default/default.c"

#include "fixture.h"

static void test_receipts(void **state)
{
    (void)state;
    expect_run(
        "{\"b\":1,\"a\":[]}", JOBMILL_OK,
        "{\"kind\":\"object\",\"bytes\":14,\"crc32\":\"ab40050b\",\"members\":[\"b\",\"a\"]}");
    expect_run("[1,2]", JOBMILL_OK,
               "{\"kind\":\"array\",\"bytes\":5,\"crc32\":\"088b50bf\",\"items\":2}");
    expect_run("null", JOBMILL_OK, "{\"kind\":\"null\",\"bytes\":4,\"crc32\":\"25cbfc4f\"}");
    expect_reference_payloads(JOBMILL_OK);
}

static void test_checksum_is_the_usual_one(void **state)
{
    (void)state;
    assert_int_equal(crc32_of(jobmill_text("123456789")), 0xCBF43926);
    assert_int_equal(crc32_of(jobmill_text("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipts),
        cmocka_unit_test(test_checksum_is_the_usual_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
