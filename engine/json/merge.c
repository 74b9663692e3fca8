/* SPDX-License-Identifier: MIT
 * JSON merge patch (RFC 7396) by jansson. */
#include "json/merge.h"

#include <jansson.h>

static json_t *parse(struct str text, const char *what, struct err *e)
{
    json_error_t error;
    json_t *value =
        json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

    if (value == NULL)
        err_set(e, ERR_INVALID, "the %s is not JSON: %s", what, error.text);
    return value;
}

static int apply(json_t **target, json_t *patch);

/* One member of the patch: null removes, anything else is merged into what is there. */
static int apply_member(json_t *object, const char *name, json_t *patch)
{
    json_t *value;
    int rc;

    if (json_is_null(patch)) {
        json_object_del(object, name);
        return 0;
    }
    value = json_incref(json_object_get(object, name));
    rc = apply(&value, patch);
    if (rc == 0 && json_object_set(object, name, value) != 0)
        rc = ERR_NOMEM;
    json_decref(value);
    return rc;
}

/* Replaces *target (owned, may be NULL) by the merged value. The depth is bounded by the
 * patch's. */
static int apply(json_t **target, json_t *patch)
{
    const char *name;
    json_t *value;

    if (!json_is_object(patch)) {
        json_decref(*target);
        *target = json_incref(patch);
        return 0;
    }
    if (!json_is_object(*target)) {
        json_decref(*target);
        *target = json_object();
        if (*target == NULL)
            return ERR_NOMEM;
    }
    json_object_foreach(patch, name, value)
    {
        int rc = apply_member(*target, name, value);

        if (rc != 0)
            return rc;
    }
    return 0;
}

static int append(const char *bytes, size_t size, void *out)
{
    buf_add(out, bytes, size);
    return 0;
}

int json_merge(struct str target, struct str patch, struct buf *out, struct err *e)
{
    json_t *value = parse(target, "payload", e), *change = NULL;
    int rc = 0;

    if (value != NULL)
        change = parse(patch, "merge patch", e);
    if (change == NULL)
        rc = e->code;
    if (rc == 0)
        rc = apply(&value, change);
    if (rc == 0 && (json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0 ||
                    out->failed))
        rc = ERR_NOMEM;
    if (rc == ERR_NOMEM)
        err_set(e, rc, "out of memory");
    json_decref(value);
    json_decref(change);
    return rc;
}
