/* SPDX-License-Identifier: MIT
 * Tests of writing JSON: exact output, and that any bytes give what both parsers accept. */
#include "json/write.h"

#include "json/scan.h"
#include "lib/json_oracle.h"
#include "lib/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void puts_commas(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    json_open(&b, '{');
    json_name(&b, "a");
    json_put_int(&b, INT64_MIN);
    json_name(&b, "b");
    json_open(&b, '[');
    json_put_bool(&b, true);
    json_put_bool(&b, false);
    json_open(&b, '[');
    json_close(&b, ']');
    json_open(&b, '{');
    json_close(&b, '}');
    json_put_str(&b, STR_NONE);
    json_put_str(&b, STR("{["));
    json_put_str(&b, STR(","));
    json_put_real(&b, 2);
    json_close(&b, ']');
    json_name(&b, "c");
    json_put_raw(&b, STR("{\"x\":1}"));
    json_name(&b, "d");
    json_put_raw(&b, STR_NONE);
    json_name(&b, "e");
    json_put_time(&b, 0);
    json_name(&b, "f");
    json_put_time(&b, 1500);
    json_close(&b, '}');
    assert_str(buf_str(&b), "{\"a\":-9223372036854775808,\"b\":[true,false,[],{},null,\"{[\",\",\","
                            "2.0],\"c\":{\"x\":1},\"d\":null,\"e\":null,"
                            "\"f\":\"1970-01-01T00:00:01.500Z\"}");
    buf_free(&b);
}

static void escapes(void **state)
{
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{"\"\\/", 3}, "\"\\\"\\\\/\""},
        {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {{"\x01\x1f\x7f", 3}, "\"\\u0001\\u001f\\u007f\""},
        {{"\xE2\x82\xAC\xF0\x9F\x98\x80", 7}, "\"\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {{"a\0b", 3},
         "\"a\xEF\xBF\xBD"
         "b\""},
        {{"\xFF", 1}, "\"\xEF\xBF\xBD\""},
        {{"\xC3", 1}, "\"\xEF\xBF\xBD\""},
        {{"\xE2\x82", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {{"\xED\xA0\x80", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {{"\xC3(", 2}, "\"\xEF\xBF\xBD(\""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT;

        json_put_str(&b, cases[i].in);
        assert_str(buf_str(&b), cases[i].out);
        buf_free(&b);
    }
}

static void reals_read_back(void **state)
{
    static const double values[] = {0.0,
                                    -0.0,
                                    1.0,
                                    -2.5,
                                    0.1,
                                    1.0 / 3,
                                    1e300,
                                    5e-324,
                                    1e21,
                                    123456,
                                    1e15,
                                    1e17,
                                    -1e-7,
                                    9007199254740993.0,
                                    1.7976931348623157e308};
    struct unit_random r = unit_random_start("json reals");
    int i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        struct buf b = BUF_INIT;
        double value, back;
        uint64_t bits = unit_random_next(&r);

        memcpy(&value, &bits, sizeof value);
        if (i < (int)(sizeof values / sizeof *values))
            value = values[i];
        json_put_real(&b, value);
        if (isfinite(value)) {
            assert_non_null(strpbrk(b.ptr, ".e")); /* a real stays a real */
            back = strtod(b.ptr, NULL);
            assert_memory_equal(&back, &value, sizeof value);
        } else {
            assert_str(buf_str(&b), "null");
        }
        buf_free(&b);
    }
}

/* Any bytes as names and values of one object. */
static void put_anything(struct buf *b, struct unit_random *r)
{
    int members = (int)unit_random_below(r, 6), i;

    json_open(b, '{');
    for (i = 0; i < members; i++) {
        char bytes[200], name[200];
        size_t len = unit_random_below(r, sizeof bytes), j;

        for (j = 0; j < len; j++)
            bytes[j] = (char)unit_random_next(r);
        for (j = 0; j < 20; j++)
            name[j] = (char)(1 + unit_random_below(r, 255));
        name[j++] = (char)('a' + i); /* names differ */
        name[j] = '\0';
        json_name(b, name);
        json_put_str(b, (struct str){bytes, len});
    }
    json_close(b, '}');
}

static void any_bytes_give_valid_json(void **state)
{
    struct unit_random r = unit_random_start("json write");
    int i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        struct buf b = BUF_INIT, why = BUF_INIT;

        put_anything(&b, &r);
        if (json_oracle(buf_str(&b), &why) != ORACLE_BOTH_ACCEPT)
            fail_msg("refused: %s\n%s", b.ptr, why.ptr == NULL ? "" : why.ptr);
        buf_free(&b);
        buf_free(&why);
    }
}

/* Well-formed text survives writing and scanning unchanged. */
static void text_survives(void **state)
{
    static const char text[] = "\x01\x1f \"\\/\b\f\n\r\t\x7f \xC2\x80\xE2\x82\xAC\xF0\x9F\x98\x80";
    struct arena arena = ARENA_INIT;
    struct buf b = BUF_INIT;
    struct json_doc doc;
    struct err e = {0};

    (void)state;
    json_put_str(&b, STR(text));
    assert_int_equal(json_scan(&arena, buf_str(&b), &doc, &e), 0);
    assert_str(json_text(&doc, doc.toks, &arena), text);
    buf_free(&b);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_commas),     cmocka_unit_test(escapes),
        cmocka_unit_test(reals_read_back), cmocka_unit_test(any_bytes_give_valid_json),
        cmocka_unit_test(text_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
