/* SPDX-License-Identifier: MIT
 * Text from handlers, made fit to send. */
#include "exec/text.h"

#define REPLACEMENT STR("\xEF\xBF\xBD")

/* Length that the first byte of a sequence announces; 1 for a stray byte. */
static size_t announced_len(unsigned char c)
{
    if (c < 0xC2 || c > 0xF4)
        return 1;
    return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* The well-formed character at the start of `text`, or one byte of it as not `*valid`. */
static struct str first_character(struct str text, bool *valid)
{
    struct str c = {text.ptr, announced_len((unsigned char)*text.ptr)};

    *valid = c.len <= text.len && str_is_utf8(c);
    if (!*valid)
        c.len = 1;
    return c;
}

/* Where to cut well-formed text so that no character is split. */
static size_t cut_at(struct str text, size_t max_bytes)
{
    size_t at = max_bytes;

    if (text.len <= max_bytes)
        return text.len;
    while (at > 0 && ((unsigned char)text.ptr[at] & 0xC0) == 0x80)
        at--;
    return at;
}

void text_clean(struct buf *out, struct str text, size_t max_bytes)
{
    size_t at = 0;

    buf_reset(out);
    if (text.ptr == NULL)
        return;
    if (text.len > max_bytes + 4) /* nothing beyond can matter, and it may be huge */
        text.len = max_bytes + 4;
    if (str_is_utf8((struct str){text.ptr, cut_at(text, max_bytes)})) {
        buf_add(out, text.ptr, cut_at(text, max_bytes));
        return;
    }
    while (at < text.len) {
        bool valid;
        struct str c = first_character((struct str){text.ptr + at, text.len - at}, &valid);
        struct str put = valid ? c : REPLACEMENT;

        if (out->len + put.len > max_bytes)
            return;
        buf_addstr(out, put);
        at += c.len;
    }
}
