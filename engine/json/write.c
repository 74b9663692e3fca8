/* SPDX-License-Identifier: MIT
 * Writing JSON into a buffer. */
#include "json/write.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void comma_if_due(struct buf *b)
{
    char last;

    if (b->len == 0)
        return;
    last = b->ptr[b->len - 1];
    if (last != '{' && last != '[' && last != ':' && last != ',')
        buf_addc(b, ',');
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != 0x7F;
}

/* Length of the UTF-8 sequence at p, 0 when malformed or NUL. */
static size_t sequence_len(const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;
    size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

    if (n > left || !str_is_utf8((struct str){p, n}))
        return 0;
    return n;
}

static void put_special(struct buf *b, unsigned char c)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    size_t i;

    for (i = 0; i + 1 < sizeof names - 1; i += 2) {
        if ((unsigned char)names[i] == c) {
            buf_addc(b, '\\');
            buf_addc(b, names[i + 1]);
            return;
        }
    }
    buf_addf(b, "\\u%04x", c);
}

void json_put_str(struct buf *b, struct str s)
{
    size_t i = 0;

    if (s.ptr == NULL) {
        json_put_raw(b, STR("null"));
        return;
    }
    comma_if_due(b);
    buf_addc(b, '"');
    while (i < s.len) {
        size_t from = i, n;

        while (i < s.len && is_plain((unsigned char)s.ptr[i]))
            i++;
        if (i > from)
            buf_add(b, s.ptr + from, i - from);
        if (i == s.len)
            break;
        n = sequence_len(s.ptr + i, s.len - i);
        if (n == 0)
            buf_adds(b, "\xEF\xBF\xBD");
        else if (n == 1)
            put_special(b, (unsigned char)s.ptr[i]);
        else
            buf_add(b, s.ptr + i, n);
        i += n == 0 ? 1 : n;
    }
    buf_addc(b, '"');
}

void json_put_int(struct buf *b, int64_t value)
{
    comma_if_due(b);
    buf_add_i64(b, value);
}

void json_put_bool(struct buf *b, bool value)
{
    json_put_raw(b, value ? STR("true") : STR("false"));
}

void json_put_real(struct buf *b, double value)
{
    char text[40];
    int digits;

    if (!isfinite(value)) {
        json_put_raw(b, STR("null"));
        return;
    }
    for (digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_put_raw(b, str_from(text));
    if (strpbrk(text, ".eE") == NULL) /* a real stays a real */
        buf_adds(b, ".0");
}

void json_put_raw(struct buf *b, struct str json)
{
    comma_if_due(b);
    buf_addstr(b, json.len == 0 ? STR("null") : json);
}

void json_put_time(struct buf *b, int64_t wall_ms)
{
    char text[TIME_TEXT_LEN + 1];

    if (wall_ms == 0) {
        json_put_raw(b, STR("null"));
        return;
    }
    time_format(wall_ms, text);
    comma_if_due(b);
    buf_addc(b, '"');
    buf_add(b, text, TIME_TEXT_LEN);
    buf_addc(b, '"');
}

void json_open(struct buf *b, char bracket)
{
    comma_if_due(b);
    buf_addc(b, bracket);
}

void json_close(struct buf *b, char bracket)
{
    buf_addc(b, bracket);
}

void json_name(struct buf *b, const char *name)
{
    json_put_str(b, str_from(name));
    buf_addc(b, ':');
}
