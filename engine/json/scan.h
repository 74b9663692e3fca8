/* SPDX-License-Identifier: MIT
 * A strict JSON scanner that keeps the text: RFC 8259 to a flat array of tokens whose values are
 * slices of the input. Stricter than the RFC where handlers would suffer: no duplicate names, no
 * U+0000, integers within int64, finite reals, bounded depth. tests/unit/json compares it with
 * jansson. */
#ifndef JOBMILL_JSON_SCAN_H
#define JOBMILL_JSON_SCAN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define JSON_DEPTH_MAX 64

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INT,
    JSON_REAL,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* Tokens stand in document order; a member is its name (JSON_STRING) followed by its value. */
struct json_tok {
    uint8_t kind;    /* enum json_kind */
    uint8_t escaped; /* a string with backslashes: json_text must decode it */
    uint32_t start;  /* byte offset; of a string: after the quote */
    uint32_t len;    /* bytes; of a string: without quotes; of an array or object: to its bracket */
    uint32_t end;    /* index of the token after this value's last one */
    uint32_t count;  /* elements or members */
};

struct json_doc {
    struct str text;
    const struct json_tok *toks; /* toks[0] is the document's value */
    uint32_t n;
};

/* Scans the whole of `text` (at most 4 GiB - 1) into `out`, whose tokens live in `arena`.
 * ERR_INVALID with "line L column C: found X, expected Y"; ERR_NOMEM. */
int json_scan(struct arena *arena, struct str text, struct json_doc *out, struct err *e) MUST_CHECK;

/* The value as it was written, strings with their quotes. */
struct str json_raw(const struct json_doc *doc, const struct json_tok *tok);

/* A string's text: the slice itself, or decoded into `arena`. ptr NULL when out of memory. */
struct str json_text(const struct json_doc *doc, const struct json_tok *tok, struct arena *arena);

/* The value of member `name` of an object, or NULL. */
const struct json_tok *json_member(const struct json_doc *doc, const struct json_tok *object,
                                   const char *name);

/* An integer that fits in int64, or a real without fraction; false otherwise. */
bool json_int(const struct json_doc *doc, const struct json_tok *tok, int64_t *out);
bool json_double(const struct json_doc *doc, const struct json_tok *tok, double *out);

const char *json_kind_name(enum json_kind kind); /* "an object", "a string", … */

/* Walking: first child of an array or object (its name token for objects) is tok + 1, the next
 * sibling of a value `v` is doc->toks + v->end. */
static inline const struct json_tok *json_next(const struct json_doc *doc,
                                               const struct json_tok *tok)
{
    return doc->toks + tok->end;
}

#endif
