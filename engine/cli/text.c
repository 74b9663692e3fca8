/* SPDX-License-Identifier: MIT
 * Texts for terminals: made safe, measured, coloured; times as people say them. */
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* Length of the UTF-8 sequence at the start of `s` and its code point; 1 and -1 when broken. */
static size_t decode(struct str s, int32_t *code)
{
    static const uint8_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    unsigned char first = (unsigned char)s.ptr[0];
    size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4, i;

    *code = -1;
    if (n > s.len || (first != 0 && !str_is_utf8((struct str){s.ptr, n})))
        return 1;
    *code = n == 1 ? first : first & ~marks[n];
    for (i = 1; i < n; i++)
        *code = *code << 6 | (s.ptr[i] & 0x3F);
    return n;
}

/* Invisible characters that reorder the text around them. */
static bool is_bidi_control(int32_t code)
{
    return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

void text_add_safe(struct buf *out, struct str text)
{
    while (text.len > 0) {
        int32_t code;
        size_t n = decode(text, &code);

        if (code == '\n')
            buf_adds(out, "\\n");
        else if (code == '\t')
            buf_adds(out, "\\t");
        else if (code < 0)
            buf_addf(out, "\\x%02x", (unsigned)(unsigned char)text.ptr[0]);
        else if (code < 0x20 || (code >= 0x7F && code < 0xA0))
            buf_addf(out, "\\x%02x", (unsigned)code);
        else if (is_bidi_control(code))
            buf_addf(out, "\\u%04x", (unsigned)code);
        else
            buf_add(out, text.ptr, n);
        text = (struct str){text.ptr + n, text.len - n};
    }
}

size_t text_width(struct str text)
{
    size_t width = 0;

    while (text.len > 0) {
        int32_t code;
        size_t n = decode(text, &code);
        int columns = code < 0 ? 1 : wcwidth((wchar_t)code);

        width += columns < 0 ? 1 : (size_t)columns;
        text = (struct str){text.ptr + n, text.len - n};
    }
    return width;
}

bool text_wants_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return (no == NULL || *no == '\0') && (term == NULL || strcmp(term, "dumb") != 0) &&
           isatty(fileno(out));
}

const char *text_state_colour(const char *state)
{
    static const char *const colours[][2] = {
        {"completed", "\033[32m"}, {"running", "\033[36m"},     {"queued", "\033[34m"},
        {"retrying", "\033[33m"},  {"dead_letter", "\033[31m"}, {"cancelled", "\033[35m"},
    };
    size_t i;

    for (i = 0; i < sizeof colours / sizeof *colours; i++)
        if (strcmp(state, colours[i][0]) == 0)
            return colours[i][1];
    return "";
}

void text_relative(int64_t then_ms, int64_t now_ms, char out[static TEXT_RELATIVE_MAX])
{
    static const struct {
        int64_t ms;
        const char *unit;
    } steps[] = {{INT64_C(86400000), "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};
    int64_t distance = now_ms > then_ms ? now_ms - then_ms : then_ms - now_ms;
    size_t i = 0;

    if (distance < 1000) {
        snprintf(out, TEXT_RELATIVE_MAX, "now");
        return;
    }
    while (distance < steps[i].ms)
        i++;
    snprintf(out, TEXT_RELATIVE_MAX, now_ms > then_ms ? "%" PRId64 "%s ago" : "in %" PRId64 "%s",
             distance / steps[i].ms, steps[i].unit);
}
