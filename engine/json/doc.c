/* SPDX-License-Identifier: MIT
 * Reading a scanned document: texts, members and numbers of its tokens. */
#include "json/scan.h"

#include "json/scan_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REAL_TEXT_MAX 511 /* bytes; numbers longer than this are absurd */

bool json__parse_real(struct str digits, double *out)
{
    char copy[REAL_TEXT_MAX + 1]; /* strtod needs a terminated copy */

    if (digits.len >= sizeof copy)
        return false;
    memcpy(copy, digits.ptr, digits.len);
    copy[digits.len] = '\0';
    *out = strtod(copy, NULL);
    return isfinite(*out);
}

struct str json_raw(const struct json_doc *doc, const struct json_tok *tok)
{
    if (tok->kind == JSON_STRING)
        return (struct str){doc->text.ptr + tok->start - 1, (size_t)tok->len + 2};
    return (struct str){doc->text.ptr + tok->start, tok->len};
}

static size_t put_utf8(char *to, unsigned point)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xC0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xE0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3F));
        to[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3F));
    to[2] = (char)(0x80 | (point >> 6 & 0x3F));
    to[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

static unsigned hex_value(const char *p)
{
    unsigned value = 0;
    int i;

    for (i = 0; i < 4; i++)
        value = value << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return value;
}

/* Decodes the escape at `p` (on the backslash); returns how many bytes it took. */
static size_t decode_escape(const char *p, char *to, size_t *written)
{
    static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
    const char *named;
    unsigned point;

    if (p[1] != 'u') {
        named = strchr(from, p[1]);
        *to = named != NULL ? into[named - from] : p[1];
        *written = 1;
        return 2;
    }
    point = hex_value(p + 2);
    if (point < 0xD800 || point > 0xDBFF) {
        *written = put_utf8(to, point);
        return 6;
    }
    point = 0x10000 + ((point - 0xD800) << 10) + (hex_value(p + 8) - 0xDC00);
    *written = put_utf8(to, point);
    return 12;
}

struct str json_text(const struct json_doc *doc, const struct json_tok *tok, struct arena *arena)
{
    struct str raw = {doc->text.ptr + tok->start, tok->len};
    size_t i = 0, out = 0;
    char *text;

    if (!tok->escaped)
        return raw;
    text = arena_alloc(arena, raw.len + 1); /* decoding never grows */
    if (text == NULL)
        return STR_NONE;
    while (i < raw.len) {
        size_t written = 1;

        if (raw.ptr[i] == '\\') {
            i += decode_escape(raw.ptr + i, text + out, &written);
        } else {
            text[out] = raw.ptr[i++];
        }
        out += written;
    }
    return (struct str){text, out};
}

/* Compares without decoding the whole: an escape is decoded on its own. */
static bool name_is(struct str raw, bool escaped, const char *name)
{
    size_t i = 0;

    if (!escaped)
        return str_is(raw, name);
    while (i < raw.len) {
        char decoded[4];
        size_t written = 1;

        if (raw.ptr[i] == '\\')
            i += decode_escape(raw.ptr + i, decoded, &written);
        else
            decoded[0] = raw.ptr[i++];
        if (strncmp(name, decoded, written) != 0)
            return false;
        name += written;
    }
    return *name == '\0';
}

const struct json_tok *json_member(const struct json_doc *doc, const struct json_tok *object,
                                   const char *name)
{
    const struct json_tok *tok = object + 1;
    uint32_t i;

    for (i = 0; i < object->count; i++, tok = json_next(doc, tok + 1))
        if (name_is((struct str){doc->text.ptr + tok->start, tok->len}, tok->escaped, name))
            return tok + 1;
    return NULL;
}

bool json_double(const struct json_doc *doc, const struct json_tok *tok, double *out)
{
    return (tok->kind == JSON_INT || tok->kind == JSON_REAL) &&
           json__parse_real(json_raw(doc, tok), out);
}

bool json_int(const struct json_doc *doc, const struct json_tok *tok, int64_t *out)
{
    double real;

    if (tok->kind == JSON_INT)
        return str_to_i64(json_raw(doc, tok), out);
    if (tok->kind != JSON_REAL || !json_double(doc, tok, &real) || real != floor(real) ||
        fabs(real) > 9007199254740992.0)
        return false;
    *out = (int64_t)real;
    return true;
}

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {"null",     "false",    "true",     "an integer",
                                        "a number", "a string", "an array", "an object"};

    return names[kind];
}
