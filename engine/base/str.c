/* SPDX-License-Identifier: MIT
 * Borrowed strings and growing byte buffers. */
#include "base/str.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST_MAX_LEN      40
#define NEAREST_MAX_DISTANCE 3

struct str str_from(const char *text)
{
    return text == NULL ? STR_NONE : (struct str){text, strlen(text)};
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_from(text));
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

    if (c != 0)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str a, const char *prefix)
{
    size_t n = strlen(prefix);

    return a.len >= n && (n == 0 || memcmp(a.ptr, prefix, n) == 0);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_to_i64(struct str s, int64_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    size_t i = negative ? 1 : 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* Length of the well-formed sequence at `p` (of `left` bytes), or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned low = 0x80, high = 0xBF;
    size_t n, i;

    if (p[0] < 0x80)
        return p[0] == 0 ? 0 : 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        n = 2;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF)
        n = 3;
    else if (p[0] >= 0xF0 && p[0] <= 0xF4)
        n = 4;
    else
        return 0;
    if (p[0] == 0xE0)
        low = 0xA0;
    else if (p[0] == 0xED)
        high = 0x9F;
    else if (p[0] == 0xF0)
        low = 0x90;
    else if (p[0] == 0xF4)
        high = 0x8F;
    if (left < n || p[1] < low || p[1] > high)
        return 0;
    for (i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;

    while (i < s.len) {
        size_t n = utf8_sequence(p + i, s.len - i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

/* Levenshtein distance of two short strings; both at most NEAREST_MAX_LEN bytes. */
static unsigned edit_distance(struct str a, struct str b)
{
    unsigned row[NEAREST_MAX_LEN + 1];
    size_t i, j;

    for (j = 0; j <= b.len; j++)
        row[j] = (unsigned)j;
    for (i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (j = 1; j <= b.len; j++) {
            unsigned change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            unsigned best = row[j] < row[j - 1] ? row[j] : row[j - 1];

            diagonal = row[j];
            row[j] = best + 1 < change ? best + 1 : change;
        }
    }
    return row[b.len];
}

const char *str_nearest(struct str s, const char *const *words, size_t n)
{
    unsigned best = NEAREST_MAX_DISTANCE + 1;
    const char *found = NULL;
    size_t i;

    if (s.len > NEAREST_MAX_LEN)
        return NULL;
    for (i = 0; i < n; i++) {
        struct str word = str_from(words[i]);
        unsigned distance;

        if (word.len > NEAREST_MAX_LEN)
            continue;
        distance = edit_distance(s, word);
        if (distance < best && distance < word.len) {
            best = distance;
            found = words[i];
        }
    }
    return found;
}

void buf_free(struct buf *b)
{
    free(b->ptr);
    *b = BUF_INIT;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->ptr != NULL)
        b->ptr[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t more)
{
    size_t need, cap;
    char *grown;

    if (b->failed || more >= SIZE_MAX / 2 || b->len >= SIZE_MAX / 2 - more) {
        b->failed = true;
        return NULL;
    }
    need = b->len + more + 1;
    if (need > b->cap) {
        cap = b->cap < 128 ? 128 : b->cap;
        while (cap < need)
            cap *= 2;
        grown = realloc(b->ptr, cap);
        if (grown == NULL) {
            b->failed = true;
            return NULL;
        }
        b->ptr = grown;
        b->cap = cap;
    }
    return b->ptr + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    char *to = buf_reserve(b, len);

    if (to == NULL)
        return;
    if (len > 0)
        memcpy(to, data, len);
    b->len += len;
    b->ptr[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_addstr(struct buf *b, struct str s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    char *to;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    to = n < 0 ? NULL : buf_reserve(b, (size_t)n);
    if (to != NULL) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    } else {
        b->failed = true;
    }
    va_end(again);
}

void buf_add_i64(struct buf *b, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    buf_add(b, digits + at, sizeof digits - at);
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->ptr == NULL ? "" : b->ptr, b->len};
}
