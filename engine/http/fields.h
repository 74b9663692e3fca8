/* SPDX-License-Identifier: MIT
 * Reading request objects: each kind of object has a table of its fields, and everything that is
 * wrong with one is complained about with its place. docs/fields.md is the reader's version. */
#ifndef JOBMILL_HTTP_FIELDS_H
#define JOBMILL_HTTP_FIELDS_H

#include "http/request.h"
#include "json/scan.h"

/* Where a value stands in the body; a chain on the stack, rendered only when needed. */
struct place {
    const struct place *up;
    const char *name; /* NULL: an element */
    size_t index;
};

enum field_kind {
    FIELD_NAME,   /* struct str: a type or queue name */
    FIELD_TEXT,   /* struct str: min to max bytes, no control characters */
    FIELD_INT,    /* struct field_int: min to max */
    FIELD_REAL,   /* struct field_real: min to max */
    FIELD_BOOL,   /* bool */
    FIELD_TIME,   /* struct field_int: RFC 3339 as ms since 1970 */
    FIELD_JSON,   /* struct str: any value as it was written */
    FIELD_TAGS,   /* struct str: array of tags, as JSON */
    FIELD_IDS,    /* struct field_ids: array of up to max ids */
    FIELD_OBJECT, /* an object whose own fields go into the same struct */
    FIELD_VALUE   /* const struct json_tok *: read by the caller */
};

struct field_int {
    bool given;
    int64_t value;
};

struct field_real {
    bool given;
    double value;
};

struct field_ids {
    struct uuid *ids; /* NULL: not given */
    size_t n;
};

struct field {
    struct str name;
    enum field_kind kind;
    size_t offset; /* of the value in the struct that is filled */
    int64_t min, max;
    const struct field *fields; /* FIELD_OBJECT */
    size_t n_fields;
};

#define FIELD(text, kind_, type, member, min_, max_)                                           \
    {                                                                                          \
        .name = {(text), sizeof(text) - 1}, .kind = (kind_), .offset = offsetof(type, member), \
        .min = (min_), .max = (max_)                                                           \
    }

/* Reads `object` by its table into `out` (zeroed by the caller). null counts as absent, except for
 * FIELD_JSON. Strings are slices of the body or live in the request's arena. */
void fields_read(struct request *r, const struct json_doc *doc, const struct json_tok *object,
                 const struct field *fields, size_t n, const struct place *at, void *out);

/* Scans the body. False when the reply is already made (400). An empty body gives *doc with
 * toks NULL when `optional`. */
bool fields_scan(struct request *r, bool optional, struct json_doc *doc) MUST_CHECK;

/* Notes a complaint about the value at `at`. */
void complain_at(struct request *r, enum problem_id id, const struct place *at, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

#endif
