/* SPDX-License-Identifier: MIT
 * Reading request objects by tables of fields. */
#include "http/fields.h"

#include "base/clock.h"
#include "json/write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define POINTER_MAX 512
#define KNOWN_MAX   32
#define SHOWN_BYTES 60 /* of a value that is complained about */

/* Where the values of one field go. */
struct reader {
    struct request *r;
    const struct json_doc *doc;
    void *out;
};

/* Appends "/name" with ~ and / escaped (RFC 6901), outermost first. */
static void put_pointer(struct buf *b, const struct place *at)
{
    const char *p;

    if (at == NULL)
        return;
    put_pointer(b, at->up);
    if (at->name == NULL) {
        buf_addf(b, "/%zu", at->index);
        return;
    }
    buf_addc(b, '/');
    for (p = at->name; *p != '\0'; p++) {
        if (*p == '~' || *p == '/')
            buf_adds(b, *p == '~' ? "~0" : "~1");
        else
            buf_addc(b, *p);
    }
}

void complain_at(struct request *r, enum problem_id id, const struct place *at, const char *fmt,
                 ...)
{
    struct buf pointer = BUF_INIT;
    char detail[POINTER_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    put_pointer(&pointer, at);
    complain(r, id, pointer.ptr == NULL ? "" : pointer.ptr, "%s", detail);
    buf_free(&pointer);
}

/* "found 12, expected a string". Long values are cut. */
static void expected(const struct reader *in, const struct json_tok *tok, const struct place *at,
                     const char *what)
{
    struct str raw = json_raw(in->doc, tok);

    if (tok->kind == JSON_ARRAY || tok->kind == JSON_OBJECT)
        complain_at(in->r, PROBLEM_INVALID, at, "found %s, expected %s",
                    json_kind_name((enum json_kind)tok->kind), what);
    else
        complain_at(in->r, PROBLEM_INVALID, at, "found %.*s%s, expected %s",
                    (int)(raw.len < SHOWN_BYTES ? raw.len : SHOWN_BYTES), raw.ptr,
                    raw.len < SHOWN_BYTES ? "" : "…", what);
}

/* The text of a string; complains and returns false when it is not one. */
static bool take_text(const struct reader *in, const struct json_tok *tok, const struct place *at,
                      struct str *out)
{
    if (tok->kind != JSON_STRING) {
        expected(in, tok, at, "a string");
        return false;
    }
    *out = json_text(in->doc, tok, &in->r->arena);
    return out->ptr != NULL;
}

static void read_name(const struct reader *in, const struct json_tok *tok, const struct place *at,
                      struct str *out)
{
    struct str text;
    struct err e;

    if (!take_text(in, tok, at, &text))
        return;
    if (job_check_name(text, at->name, &e) != 0)
        complain_at(in->r, PROBLEM_INVALID, at, "%s", e.text);
    *out = text;
}

static bool has_control(struct str s)
{
    size_t i;

    for (i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
            return true;
    return false;
}

static void read_text(const struct reader *in, const struct json_tok *tok, const struct field *f,
                      const struct place *at, struct str *out)
{
    struct str text;

    if (!take_text(in, tok, at, &text))
        return;
    if ((int64_t)text.len < f->min || (int64_t)text.len > f->max)
        complain_at(in->r, PROBLEM_INVALID, at, "has %zu bytes, expected %lld to %lld", text.len,
                    (long long)f->min, (long long)f->max);
    else if (has_control(text))
        complain_at(in->r, PROBLEM_INVALID, at, "has a control character, expected printable text");
    *out = text;
}

static void read_int(const struct reader *in, const struct json_tok *tok, const struct field *f,
                     const struct place *at, struct field_int *out)
{
    char what[80];

    if ((tok->kind == JSON_INT || tok->kind == JSON_REAL) && json_int(in->doc, tok, &out->value) &&
        out->value >= f->min && out->value <= f->max) {
        out->given = true;
        return;
    }
    snprintf(what, sizeof what, "an integer from %lld to %lld", (long long)f->min,
             (long long)f->max);
    expected(in, tok, at, what);
}

static void read_real(const struct reader *in, const struct json_tok *tok, const struct field *f,
                      const struct place *at, struct field_real *out)
{
    char what[80];

    if (json_double(in->doc, tok, &out->value) && out->value >= (double)f->min &&
        out->value <= (double)f->max) {
        out->given = true;
        return;
    }
    snprintf(what, sizeof what, "a number from %lld to %lld", (long long)f->min, (long long)f->max);
    expected(in, tok, at, what);
}

static void read_time(const struct reader *in, const struct json_tok *tok, const struct place *at,
                      struct field_int *out)
{
    static const char what[] = "a time like 2026-01-31T12:34:56Z (RFC 3339, 1970 to 9999)";
    struct str text;

    out->given =
        tok->kind == JSON_STRING && take_text(in, tok, at, &text) && time_parse(text, &out->value);
    if (!out->given)
        expected(in, tok, at, what);
}

/* Writes the tags as a JSON array of its own, so that it is the same however it was spelled. */
static void read_tags(const struct reader *in, const struct json_tok *tok, const struct place *at,
                      struct str *out)
{
    const struct json_tok *item = tok + 1;
    struct buf b = BUF_INIT;
    uint32_t i;

    if (tok->kind != JSON_ARRAY || tok->count > JOB_TAGS_MAX) {
        expected(in, tok, at, "an array of at most 16 tags");
        return;
    }
    if (tok->count == 0)
        return;
    json_open(&b, '[');
    for (i = 0; i < tok->count; i++, item = json_next(in->doc, item)) {
        struct place here = {.up = at, .index = i};
        struct str text;
        struct err e;

        if (!take_text(in, item, &here, &text))
            continue;
        if (job_check_tag(text, &e) != 0)
            complain_at(in->r, PROBLEM_INVALID, &here, "%s", e.text);
        json_put_str(&b, text);
    }
    json_close(&b, ']');
    *out = arena_str(&in->r->arena, buf_str(&b));
    buf_free(&b);
}

static void read_ids(const struct reader *in, const struct json_tok *tok, const struct field *f,
                     const struct place *at, struct field_ids *out)
{
    const struct json_tok *item = tok + 1;
    char what[80];
    uint32_t i;

    if (tok->kind != JSON_ARRAY || tok->count == 0 || tok->count > f->max) {
        snprintf(what, sizeof what, "an array of 1 to %lld ids", (long long)f->max);
        expected(in, tok, at, what);
        return;
    }
    out->ids = arena_array(&in->r->arena, tok->count, sizeof *out->ids);
    for (i = 0; out->ids != NULL && i < tok->count; i++, item = json_next(in->doc, item)) {
        struct place here = {.up = at, .index = i};

        if (item->kind != JSON_STRING ||
            !uuid_parse(json_text(in->doc, item, &in->r->arena), &out->ids[out->n++]))
            expected(in, item, &here, "a job id (UUID)");
    }
}

static void read_value(const struct reader *in, const struct json_tok *tok, const struct field *f,
                       const struct place *at)
{
    void *to = (char *)in->out + f->offset;

    switch (f->kind) {
    case FIELD_NAME:
        read_name(in, tok, at, to);
        break;
    case FIELD_TEXT:
        read_text(in, tok, f, at, to);
        break;
    case FIELD_INT:
        read_int(in, tok, f, at, to);
        break;
    case FIELD_REAL:
        read_real(in, tok, f, at, to);
        break;
    case FIELD_BOOL:
        *(bool *)to = tok->kind == JSON_TRUE;
        if (tok->kind != JSON_TRUE && tok->kind != JSON_FALSE)
            expected(in, tok, at, "true or false");
        break;
    case FIELD_TIME:
        read_time(in, tok, at, to);
        break;
    case FIELD_JSON:
        *(struct str *)to = json_raw(in->doc, tok);
        break;
    case FIELD_TAGS:
        read_tags(in, tok, at, to);
        break;
    case FIELD_IDS:
        read_ids(in, tok, f, at, to);
        break;
    case FIELD_OBJECT:
        fields_read(in->r, in->doc, tok, f->fields, f->n_fields, at, in->out);
        break;
    case FIELD_VALUE:
        *(const struct json_tok **)to = tok;
        break;
    }
}

static void complain_unknown(struct request *r, struct str name, const struct field *fields,
                             size_t n, const struct place *at)
{
    const char *known[KNOWN_MAX], *nearest;
    struct place here = {.up = at, .name = arena_str(&r->arena, name).ptr};
    size_t i;

    for (i = 0; i < n && i < KNOWN_MAX; i++)
        known[i] = fields[i].name.ptr;
    nearest = str_nearest(name, known, i);
    if (here.name == NULL)
        here.name = "?";
    if (nearest != NULL)
        complain_at(r, PROBLEM_INVALID, &here, "there is no such field, did you mean \"%s\"?",
                    nearest);
    else
        complain_at(r, PROBLEM_INVALID, &here, "there is no such field");
}

static const struct field *find_field(struct str name, const struct field *fields, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (str_eq(name, fields[i].name))
            return &fields[i];
    return NULL;
}

void fields_read(struct request *r, const struct json_doc *doc, const struct json_tok *object,
                 const struct field *fields, size_t n, const struct place *at, void *out)
{
    struct reader in = {r, doc, out};
    const struct json_tok *tok = object + 1;
    uint32_t i;

    if (object->kind != JSON_OBJECT) {
        expected(&in, object, at, "an object");
        return;
    }
    for (i = 0; i < object->count; i++, tok = json_next(doc, tok + 1)) {
        struct str name = json_text(doc, tok, &r->arena);
        const struct field *f = find_field(name, fields, n);
        struct place here = {.up = at};

        if (f == NULL) {
            complain_unknown(r, name, fields, n, at);
            continue;
        }
        here.name = f->name.ptr;
        if (tok[1].kind != JSON_NULL || f->kind == FIELD_JSON)
            read_value(&in, tok + 1, f, &here);
    }
}

bool fields_scan(struct request *r, bool optional, struct json_doc *doc)
{
    struct str body = buf_str(&r->body);
    struct err e;

    *doc = (struct json_doc){.toks = NULL};
    if (body.len == 0 && optional)
        return true;
    if (body.len == 0) {
        problem_reply(r, PROBLEM_BAD_JSON, "the body is empty, expected a JSON object");
        return false;
    }
    if (json_scan(&r->arena, body, doc, &e) == 0)
        return true;
    if (e.code == ERR_INVALID)
        problem_reply(r, PROBLEM_BAD_JSON, "the body is not JSON: %s", e.text);
    else
        problem_reply_err(r, e.code, &e);
    return false;
}
