/* SPDX-License-Identifier: MIT
 * The JSON scanner judged by jansson. */
#include "lib/json_oracle.h"

#include "json/scan.h"

#include <inttypes.h>
#include <string.h>

static void put_text(const struct json_doc *doc, const struct json_tok *tok, struct arena *arena,
                     struct buf *out)
{
    struct str text = json_text(doc, tok, arena);

    buf_addf(out, "s%zu:", text.len);
    buf_addstr(out, text);
}

static void put_value(const struct json_doc *doc, const struct json_tok *tok, struct arena *arena,
                      struct buf *out);

static void put_children(const struct json_doc *doc, const struct json_tok *tok,
                         struct arena *arena, struct buf *out)
{
    const struct json_tok *child = tok + 1;
    uint32_t i;

    buf_addf(out, "%c%u:", tok->kind == JSON_OBJECT ? 'o' : 'a', tok->count);
    for (i = 0; i < tok->count; i++) {
        if (tok->kind == JSON_OBJECT) {
            put_text(doc, child, arena, out);
            child++;
        }
        put_value(doc, child, arena, out);
        child = json_next(doc, child);
    }
}

static void put_value(const struct json_doc *doc, const struct json_tok *tok, struct arena *arena,
                      struct buf *out)
{
    int64_t integer = 0;
    double real = 0;

    switch ((enum json_kind)tok->kind) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        buf_adds(out, json_kind_name((enum json_kind)tok->kind));
        break;
    case JSON_INT:
        if (json_int(doc, tok, &integer))
            buf_addf(out, "i%" PRId64 ";", integer);
        break;
    case JSON_REAL:
        if (json_double(doc, tok, &real))
            buf_addf(out, "r%a;", real);
        break;
    case JSON_STRING:
        put_text(doc, tok, arena, out);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        put_children(doc, tok, arena, out);
        break;
    }
}

static bool is_stricter_rule(const char *message)
{
    return strstr(message, "found deeper nesting") != NULL ||
           strstr(message, "expected a real that fits in a double") != NULL;
}

static enum oracle_verdict compare(struct arena *arena, struct str text, struct buf *ours,
                                   struct buf *theirs, struct buf *why)
{
    struct json_doc doc;
    struct err e = {0};
    bool accepted = json_scan(arena, text, &doc, &e) == 0;

    if (accepted != jansson_canonical(text, theirs)) {
        if (!accepted && is_stricter_rule(e.text))
            return ORACLE_STRICTER;
        buf_addf(why, "json_scan %s (%s), jansson says: ", accepted ? "accepts" : "refuses",
                 e.text);
        buf_addstr(why, buf_str(theirs));
        return ORACLE_DIFFER;
    }
    if (!accepted)
        return ORACLE_BOTH_REFUSE;
    put_value(&doc, doc.toks, arena, ours);
    if (str_eq(buf_str(ours), buf_str(theirs)))
        return ORACLE_BOTH_ACCEPT;
    buf_addf(why, "json_scan reads %s, jansson %s", ours->ptr, theirs->ptr);
    return ORACLE_DIFFER;
}

enum oracle_verdict json_oracle(struct str text, struct buf *why)
{
    struct arena arena = ARENA_INIT;
    struct buf ours = BUF_INIT, theirs = BUF_INIT;
    enum oracle_verdict verdict = compare(&arena, text, &ours, &theirs, why);

    arena_free(&arena);
    buf_free(&ours);
    buf_free(&theirs);
    return verdict;
}
