/* SPDX-License-Identifier: MIT
 * Values as people write them. */
#include "conf/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REAL_TEXT_MAX 64
#define FACTOR_MAX    INT64_C(10000000)

struct unit {
    const char *name;
    int64_t scale;
};

/* the first of equal scale is the one that is written */
static const struct unit duration_units[] = {
    {"d", INT64_C(86400000)}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit size_units[] = {{"GiB", INT64_C(1) << 30},
                                         {"G", INT64_C(1) << 30},
                                         {"MiB", INT64_C(1) << 20},
                                         {"M", INT64_C(1) << 20},
                                         {"KiB", INT64_C(1) << 10},
                                         {"K", INT64_C(1) << 10},
                                         {"", 1}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Digits, then one of the units. */
static bool scaled(struct str text, const struct unit *units, size_t n, int64_t *out)
{
    struct str digits = {text.ptr, 0}, unit;
    int64_t value;
    size_t i;

    while (digits.len < text.len && text.ptr[digits.len] >= '0' && text.ptr[digits.len] <= '9')
        digits.len++;
    unit = (struct str){text.ptr + digits.len, text.len - digits.len};
    if (!str_to_i64(digits, &value))
        return false;
    for (i = 0; i < n; i++) {
        if (!str_is(unit, units[i].name))
            continue;
        if (value > INT64_MAX / units[i].scale)
            return false;
        *out = value * units[i].scale;
        return true;
    }
    return false;
}

bool value_duration(struct str text, int64_t *ms)
{
    if (str_is(text, "0")) {
        *ms = 0;
        return true;
    }
    return scaled(text, duration_units, COUNT(duration_units), ms);
}

bool value_size(struct str text, int64_t *bytes)
{
    return scaled(text, size_units, COUNT(size_units), bytes);
}

bool value_percent(struct str text, int32_t *percent)
{
    int64_t value;

    if (text.len > 0 && text.ptr[text.len - 1] == '%')
        text.len--;
    if (!str_to_i64(text, &value) || value < 0 || value > INT32_MAX)
        return false;
    *percent = (int32_t)value;
    return true;
}

bool value_factor(struct str text, int32_t *percent)
{
    const char *point = text.len == 0 ? NULL : memchr(text.ptr, '.', text.len);
    struct str whole = text, part = STR("0");
    int64_t units, hundredths;

    if (point != NULL) {
        whole.len = (size_t)(point - text.ptr);
        part = (struct str){point + 1, text.len - whole.len - 1};
    }
    if (part.len < 1 || part.len > 2 || !str_to_i64(whole, &units) || units < 0 ||
        units > FACTOR_MAX || !str_to_i64(part, &hundredths) || hundredths < 0)
        return false;
    if (part.len == 1)
        hundredths *= 10;
    *percent = (int32_t)(units * 100 + hundredths);
    return true;
}

bool value_bool(struct str text, bool *out)
{
    static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};
    size_t i;

    for (i = 0; i < COUNT(words); i++) {
        if (str_is(text, words[i])) {
            *out = i >= COUNT(words) / 2;
            return true;
        }
    }
    return false;
}

bool value_real(struct str text, double *out)
{
    char copy[REAL_TEXT_MAX], *end;

    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "+-.0123456789eE") != text.len)
        return false;
    *out = strtod(copy, &end);
    return end == copy + text.len && isfinite(*out);
}

static void format_scaled(int64_t value, const struct unit *units, size_t n, char *out)
{
    size_t i = 0;

    while (i + 1 < n && (value == 0 || value % units[i].scale != 0))
        i++;
    snprintf(out, VALUE_TEXT_MAX, "%" PRId64 "%s", value / units[i].scale, units[i].name);
}

void value_format_duration(int64_t ms, char out[static VALUE_TEXT_MAX])
{
    if (ms == 0)
        snprintf(out, VALUE_TEXT_MAX, "0");
    else
        format_scaled(ms, duration_units, COUNT(duration_units), out);
}

void value_format_size(int64_t bytes, char out[static VALUE_TEXT_MAX])
{
    format_scaled(bytes, size_units, COUNT(size_units), out);
}
