/* SPDX-License-Identifier: MIT
 * A strict JSON scanner that keeps the text. */
#include "json/scan.h"

#include "json/scan_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRWISE_NAMES_MAX 12 /* above this, duplicate names are found by sorting */

struct scanner {
    struct str text;
    size_t at;
    struct arena *arena;
    struct json_tok *toks;
    uint32_t n, cap;
    uint32_t stack[JSON_DEPTH_MAX]; /* the open arrays and objects */
    uint32_t depth;
    struct err *e;
};

static int fail_at(struct scanner *s, size_t at, const char *found, const char *expected)
{
    size_t line = 1, column = 1, i;

    for (i = 0; i < at && i < s->text.len; i++) {
        column++;
        if (s->text.ptr[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return err_set(s->e, ERR_INVALID, "line %zu column %zu: found %s, expected %s", line, column,
                   found, expected);
}

/* Fails at the current byte, describing it. */
static int fail_here(struct scanner *s, const char *expected)
{
    char found[24] = "'?'";
    unsigned char c;

    if (s->at >= s->text.len)
        return fail_at(s, s->at, "the end of the text", expected);
    c = (unsigned char)s->text.ptr[s->at];
    if (c < 0x20 || c >= 0x7F)
        snprintf(found, sizeof found, "byte 0x%02x", c);
    else
        found[1] = (char)c;
    return fail_at(s, s->at, found, expected);
}

static void skip_space(struct scanner *s)
{
    while (s->at < s->text.len) {
        char c = s->text.ptr[s->at];

        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        s->at++;
    }
}

static struct json_tok *push(struct scanner *s, enum json_kind kind, size_t start)
{
    struct json_tok *tok;

    if (s->n == s->cap) {
        uint32_t cap = s->cap == 0 ? 32 : s->cap * 2;
        struct json_tok *grown = arena_array(s->arena, cap, sizeof *grown);

        if (grown == NULL) {
            err_set(s->e, ERR_NOMEM, "out of memory");
            return NULL;
        }
        if (s->n > 0)
            memcpy(grown, s->toks, s->n * sizeof *grown);
        s->toks = grown;
        s->cap = cap;
    }
    tok = &s->toks[s->n++];
    *tok = (struct json_tok){.kind = (uint8_t)kind, .start = (uint32_t)start, .end = s->n};
    return tok;
}

static int hex4(struct scanner *s, size_t at, unsigned *out)
{
    unsigned value = 0;
    size_t i;

    for (i = at; i < at + 4; i++) {
        char c = i < s->text.len ? s->text.ptr[i] : '\0';

        if (c >= '0' && c <= '9')
            value = value << 4 | (unsigned)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            value = value << 4 | (unsigned)((c | 32) - 'a' + 10);
        else
            return fail_at(s, at, "a broken \\u escape", "four hexadecimal digits");
    }
    *out = value;
    return 0;
}

/* s->at is on the 'u' of an escape. */
static int scan_unicode_escape(struct scanner *s)
{
    size_t at = s->at;
    unsigned unit, low;
    int rc = hex4(s, at + 1, &unit);

    if (rc != 0)
        return rc;
    s->at += 5;
    if (unit == 0)
        return fail_at(s, at - 1, "\\u0000", "text without NUL");
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return fail_at(s, at - 1, "a lone low surrogate", "a high surrogate before it");
    if (unit < 0xD800 || unit > 0xDBFF)
        return 0;
    if (s->at + 1 >= s->text.len || s->text.ptr[s->at] != '\\' || s->text.ptr[s->at + 1] != 'u')
        return fail_at(s, at - 1, "a lone high surrogate", "a low surrogate after it");
    rc = hex4(s, s->at + 2, &low);
    if (rc != 0)
        return rc;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail_at(s, at - 1, "a lone high surrogate", "a low surrogate after it");
    s->at += 6;
    return 0;
}

static int scan_escape(struct scanner *s)
{
    s->at++;
    if (s->at < s->text.len && s->text.ptr[s->at] == 'u')
        return scan_unicode_escape(s);
    if (s->at >= s->text.len || strchr("\"\\/bfnrt", s->text.ptr[s->at]) == NULL ||
        s->text.ptr[s->at] == '\0')
        return fail_here(s, "one of \" \\ / b f n r t u after a backslash");
    s->at++;
    return 0;
}

static int scan_string(struct scanner *s)
{
    struct json_tok *tok = push(s, JSON_STRING, s->at + 1);
    size_t open = s->at++;
    uint32_t index = s->n - 1;
    bool ascii = true, escaped = false;
    int rc;

    if (tok == NULL)
        return ERR_NOMEM;
    for (;;) {
        unsigned char c;

        if (s->at >= s->text.len)
            return fail_at(s, open, "a string that does not end", "a closing quote");
        c = (unsigned char)s->text.ptr[s->at];
        if (c == '"')
            break;
        if (c < 0x20)
            return fail_here(s, "an escape instead of a control character");
        ascii = ascii && c < 0x80;
        if (c != '\\') {
            s->at++;
            continue;
        }
        escaped = true;
        rc = scan_escape(s);
        if (rc != 0)
            return rc;
    }
    tok = &s->toks[index];
    tok->len = (uint32_t)(s->at - tok->start);
    tok->escaped = escaped;
    if (!ascii && !str_is_utf8((struct str){s->text.ptr + tok->start, tok->len}))
        return fail_at(s, open, "a string that is not UTF-8", "valid UTF-8");
    s->at++;
    return 0;
}

static size_t skip_digits(struct scanner *s)
{
    size_t from = s->at;

    while (s->at < s->text.len && s->text.ptr[s->at] >= '0' && s->text.ptr[s->at] <= '9')
        s->at++;
    return s->at - from;
}

static int scan_number(struct scanner *s)
{
    size_t from = s->at, digits;
    struct json_tok *tok = push(s, JSON_INT, from);
    struct str text;
    int64_t integer;
    double real;

    if (tok == NULL)
        return ERR_NOMEM;
    if (s->text.ptr[s->at] == '-')
        s->at++;
    digits = skip_digits(s);
    if (digits == 0)
        return fail_here(s, "a digit");
    if (digits > 1 && s->text.ptr[s->at - digits] == '0')
        return fail_at(s, from, "a number with a leading zero", "a number without one");
    if (s->at < s->text.len && s->text.ptr[s->at] == '.') {
        tok->kind = JSON_REAL;
        s->at++;
        if (skip_digits(s) == 0)
            return fail_here(s, "a digit after the decimal point");
    }
    if (s->at < s->text.len && (s->text.ptr[s->at] | 32) == 'e') {
        tok->kind = JSON_REAL;
        s->at++;
        if (s->at < s->text.len && (s->text.ptr[s->at] == '+' || s->text.ptr[s->at] == '-'))
            s->at++;
        if (skip_digits(s) == 0)
            return fail_here(s, "a digit in the exponent");
    }
    tok->len = (uint32_t)(s->at - from);
    text = (struct str){s->text.ptr + from, tok->len};
    if (tok->kind == JSON_INT ? !str_to_i64(text, &integer) : !json__parse_real(text, &real))
        return fail_at(s, from, "a number out of range",
                       tok->kind == JSON_INT ? "an integer that fits in 64 bits"
                                             : "a real that fits in a double");
    return 0;
}

static int scan_word(struct scanner *s)
{
    static const struct {
        struct str word;
        enum json_kind kind;
    } words[] = {{{"null", 4}, JSON_NULL}, {{"true", 4}, JSON_TRUE}, {{"false", 5}, JSON_FALSE}};
    size_t i;

    for (i = 0; i < 3; i++) {
        struct str word = words[i].word;

        if (s->text.len - s->at >= word.len &&
            memcmp(s->text.ptr + s->at, word.ptr, word.len) == 0) {
            struct json_tok *tok = push(s, words[i].kind, s->at);

            if (tok == NULL)
                return ERR_NOMEM;
            tok->len = (uint32_t)word.len;
            s->at += word.len;
            return 0;
        }
    }
    return fail_here(s, "a value");
}

/* A member's name and its colon. */
static int scan_name(struct scanner *s)
{
    int rc;

    skip_space(s);
    if (s->at >= s->text.len || s->text.ptr[s->at] != '"')
        return fail_here(s, "a member name in quotes");
    rc = scan_string(s);
    if (rc != 0)
        return rc;
    skip_space(s);
    if (s->at >= s->text.len || s->text.ptr[s->at] != ':')
        return fail_here(s, "':'");
    s->at++;
    return 0;
}

static int cmp_names(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    int c = str_cmp(*x, *y);

    return c != 0 ? c : (x->ptr > y->ptr) - (x->ptr < y->ptr);
}

static int fail_duplicate(struct scanner *s, const struct json_tok *tok, struct str name)
{
    char found[80];

    snprintf(found, sizeof found, "a second \"%.*s\"", (int)(name.len > 40 ? 40 : name.len),
             name.ptr);
    return fail_at(s, tok->start - 1, found, "each member name once");
}

#define NO_DUPLICATE (-1)
#define NO_MEMORY    (-2)

/* The index of a name that equals an earlier one, or NO_…. `names` is in document order. */
static int64_t find_duplicate(struct arena *arena, const struct str *names, uint32_t n)
{
    struct str *sorted;
    uint32_t i, j;

    if (n <= PAIRWISE_NAMES_MAX) {
        for (i = 1; i < n; i++)
            for (j = 0; j < i; j++)
                if (str_eq(names[i], names[j]))
                    return i;
        return NO_DUPLICATE;
    }
    sorted = arena_array(arena, n, sizeof *sorted);
    if (sorted == NULL)
        return NO_MEMORY;
    memcpy(sorted, names, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, cmp_names);
    for (i = 1; i < n; i++)
        if (str_eq(sorted[i - 1], sorted[i]))
            for (j = n; j-- > 0;)
                if (str_eq(names[j], sorted[i]))
                    return j;
    return NO_DUPLICATE;
}

static int check_names(struct scanner *s, uint32_t object)
{
    struct json_doc doc = {s->text, s->toks, s->n};
    struct str few[PAIRWISE_NAMES_MAX];
    uint32_t count = s->toks[object].count, i, at;
    struct str *names = few;
    int64_t twin;

    if (count < 2)
        return 0;
    if (count > PAIRWISE_NAMES_MAX)
        names = arena_array(s->arena, count, sizeof *names);
    if (names == NULL)
        return err_set(s->e, ERR_NOMEM, "out of memory");
    for (i = 0, at = object + 1; i < count; i++, at = s->toks[at + 1].end) {
        names[i] = json_text(&doc, &s->toks[at], s->arena);
        if (names[i].ptr == NULL)
            return err_set(s->e, ERR_NOMEM, "out of memory");
    }
    twin = find_duplicate(s->arena, names, count);
    if (twin == NO_MEMORY)
        return err_set(s->e, ERR_NOMEM, "out of memory");
    if (twin == NO_DUPLICATE)
        return 0;
    for (i = 0, at = object + 1; i < (uint32_t)twin; i++)
        at = s->toks[at + 1].end;
    return fail_duplicate(s, &s->toks[at], names[twin]);
}

static int open_container(struct scanner *s, enum json_kind kind)
{
    if (s->depth == JSON_DEPTH_MAX)
        return fail_at(s, s->at, "deeper nesting", "at most 64 levels");
    if (push(s, kind, s->at) == NULL)
        return ERR_NOMEM;
    s->stack[s->depth++] = s->n - 1;
    s->at++;
    return 0;
}

static int close_container(struct scanner *s)
{
    uint32_t index = s->stack[--s->depth];
    struct json_tok *tok = &s->toks[index];

    s->at++;
    tok->end = s->n;
    tok->len = (uint32_t)(s->at - tok->start);
    return tok->kind == JSON_OBJECT ? check_names(s, index) : 0;
}

/* One value, or only the opening of an array or object (then *opened). */
static int scan_value(struct scanner *s, bool *opened)
{
    char c;

    skip_space(s);
    *opened = false;
    if (s->at >= s->text.len)
        return fail_here(s, "a value");
    c = s->text.ptr[s->at];
    if (c == '{' || c == '[') {
        *opened = true;
        return open_container(s, c == '{' ? JSON_OBJECT : JSON_ARRAY);
    }
    if (c == '"')
        return scan_string(s);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    return scan_word(s);
}

/* After a value: closes what ends here, or steps over a comma to the next value. */
static int scan_after_value(struct scanner *s)
{
    while (s->depth > 0) {
        bool object = s->toks[s->stack[s->depth - 1]].kind == JSON_OBJECT;
        char closer = object ? '}' : ']';
        int rc;

        s->toks[s->stack[s->depth - 1]].count++;
        skip_space(s);
        if (s->at < s->text.len && s->text.ptr[s->at] == ',') {
            s->at++;
            return object ? scan_name(s) : 0;
        }
        if (s->at >= s->text.len || s->text.ptr[s->at] != closer)
            return fail_here(s, object ? "',' or '}'" : "',' or ']'");
        rc = close_container(s);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Right after an opening bracket: an empty container is a finished value. */
static int scan_first_inside(struct scanner *s, bool *finished)
{
    bool object = s->toks[s->stack[s->depth - 1]].kind == JSON_OBJECT;

    skip_space(s);
    *finished = s->at < s->text.len && s->text.ptr[s->at] == (object ? '}' : ']');
    if (*finished)
        return close_container(s);
    return object ? scan_name(s) : 0;
}

static int scan_document(struct scanner *s)
{
    do {
        bool opened, finished = true;
        int rc = scan_value(s, &opened);

        if (rc == 0 && opened)
            rc = scan_first_inside(s, &finished);
        if (rc == 0 && finished)
            rc = scan_after_value(s);
        if (rc != 0)
            return rc;
    } while (s->depth > 0);
    skip_space(s);
    if (s->at < s->text.len)
        return fail_here(s, "the end of the text");
    return 0;
}

int json_scan(struct arena *arena, struct str text, struct json_doc *out, struct err *e)
{
    struct err ignored;
    struct scanner s = {.text = text, .arena = arena, .e = e != NULL ? e : &ignored};
    int rc;

    if (text.len >= UINT32_MAX)
        return err_set(e, ERR_LIMIT, "found %zu bytes, expected less than 4 GiB", text.len);
    rc = scan_document(&s);
    if (rc == 0)
        *out = (struct json_doc){text, s.toks, s.n};
    return rc;
}
