/* SPDX-License-Identifier: MIT
 * jansson's reading of a JSON text, in the canonical form that json_oracle compares. */
#include "lib/json_oracle.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static void put_text(const char *text, size_t len, struct buf *out)
{
    buf_addf(out, "s%zu:", len);
    buf_add(out, text, len);
}

static void put_value(json_t *value, struct buf *out)
{
    const char *name;
    json_t *child;
    size_t i, name_len;

    switch (json_typeof(value)) {
    case JSON_NULL:
        buf_adds(out, "null");
        break;
    case JSON_FALSE:
        buf_adds(out, "false");
        break;
    case JSON_TRUE:
        buf_adds(out, "true");
        break;
    case JSON_INTEGER:
        buf_addf(out, "i%" PRId64 ";", (int64_t)json_integer_value(value));
        break;
    case JSON_REAL:
        buf_addf(out, "r%a;", json_real_value(value));
        break;
    case JSON_STRING:
        put_text(json_string_value(value), json_string_length(value), out);
        break;
    case JSON_ARRAY:
        buf_addf(out, "a%zu:", json_array_size(value));
        json_array_foreach(value, i, child) put_value(child, out);
        break;
    case JSON_OBJECT:
        buf_addf(out, "o%zu:", json_object_size(value));
        json_object_keylen_foreach(value, name, name_len, child)
        {
            put_text(name, name_len, out);
            put_value(child, out);
        }
        break;
    }
}

bool jansson_canonical(struct str text, struct buf *out)
{
    json_error_t error;
    json_t *root;

    /* jansson takes a NUL byte for the end of the text; no JSON has one */
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
        buf_adds(out, "NUL byte");
        return false;
    }
    root = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        buf_adds(out, error.text);
        return false;
    }
    put_value(root, out);
    json_decref(root);
    return true;
}
