/* SPDX-License-Identifier: MIT
 * What a probe said of an artifact: from its JSON to structures. The probe ran foreign code, so
 * nothing in it is believed. */
#include "conf/artifact_priv.h"

#include "json/scan.h"

#include <string.h>

#define HANDLERS_MAX 256
#define KEYS_MAX     64

static const char *const type_names[] = {
    [JOBMILL_CONFIG_STRING] = "string",     [JOBMILL_CONFIG_INT] = "int",
    [JOBMILL_CONFIG_REAL] = "real",         [JOBMILL_CONFIG_BOOL] = "bool",
    [JOBMILL_CONFIG_DURATION] = "duration",
};
#define N_TYPES (sizeof type_names / sizeof *type_names)

struct parsing {
    struct json_doc doc;
    struct arena *arena; /* for what stays */
    struct err *e;
};

const char *conf__config_type_name(uint32_t type)
{
    return type < N_TYPES ? type_names[type] : "unknown";
}

static int wrong(struct parsing *p, const char *name, const struct json_tok *found,
                 const char *expected)
{
    return err_set(p->e, ERR_INVALID, "%s: found %s, expected %s", name,
                   found == NULL ? "nothing" : json_kind_name((enum json_kind)found->kind),
                   expected);
}

static int copy_text(struct parsing *p, const struct json_tok *tok, struct str *out)
{
    *out = arena_str(p->arena, json_text(&p->doc, tok, p->arena));
    return out->ptr == NULL ? err_set(p->e, ERR_NOMEM, "out of memory") : 0;
}

static int read_text(struct parsing *p, const struct json_tok *object, const char *name,
                     struct str *out)
{
    const struct json_tok *tok = json_member(&p->doc, object, name);

    if (tok == NULL || tok->kind != JSON_STRING)
        return wrong(p, name, tok, "a text");
    return copy_text(p, tok, out);
}

static int read_bool(struct parsing *p, const struct json_tok *object, const char *name, bool *out)
{
    const struct json_tok *tok = json_member(&p->doc, object, name);

    if (tok == NULL || (tok->kind != JSON_TRUE && tok->kind != JSON_FALSE))
        return wrong(p, name, tok, "true or false");
    *out = tok->kind == JSON_TRUE;
    return 0;
}

static int read_array(struct parsing *p, const struct json_tok *object, const char *name,
                      uint32_t least, uint32_t most, const struct json_tok **out)
{
    const struct json_tok *tok = json_member(&p->doc, object, name);

    if (tok == NULL || tok->kind != JSON_ARRAY)
        return wrong(p, name, tok, "an array");
    if (tok->count < least || tok->count > most)
        return err_set(p->e, ERR_INVALID, "%s: found %u, expected %u to %u", name,
                       (unsigned)tok->count, (unsigned)least, (unsigned)most);
    *out = tok;
    return 0;
}

static int read_unsigned(struct parsing *p, const struct json_tok *object, const char *name,
                         unsigned *out)
{
    const struct json_tok *tok = json_member(&p->doc, object, name);
    int64_t value;

    if (tok == NULL || tok->kind != JSON_INT || !json_int(&p->doc, tok, &value) || value < 0 ||
        value > UINT16_MAX)
        return wrong(p, name, tok, "a number from 0 to 65535");
    *out = (unsigned)value;
    return 0;
}

static int read_key_type(struct parsing *p, const struct json_tok *object, uint32_t *out)
{
    struct str name;
    uint32_t i;
    int rc = read_text(p, object, "type", &name);

    if (rc != 0)
        return rc;
    for (i = 0; i < N_TYPES; i++) {
        if (str_is(name, type_names[i])) {
            *out = i;
            return 0;
        }
    }
    return err_set(p->e, ERR_INVALID,
                   "type: found \"%.*s\", expected string, int, real, bool or "
                   "duration",
                   STR_ARG(name));
}

static int read_key(struct parsing *p, const struct json_tok *object, struct artifact_key *key)
{
    const struct json_tok *def;
    int rc;

    if (object->kind != JSON_OBJECT)
        return wrong(p, "item", object, "an object");
    rc = read_text(p, object, "key", &key->key);
    if (rc == 0)
        rc = read_key_type(p, object, &key->type);
    if (rc == 0)
        rc = read_text(p, object, "text", &key->text);
    if (rc == 0)
        rc = read_bool(p, object, "required", &key->required);
    if (rc != 0)
        return rc;
    def = json_member(&p->doc, object, "default");
    key->default_value = STR_NONE;
    if (def == NULL || def->kind == JSON_NULL)
        return 0;
    if (def->kind != JSON_STRING)
        return wrong(p, "default", def, "a text or null");
    return copy_text(p, def, &key->default_value);
}

static int read_keys(struct parsing *p, const struct json_tok *object, struct artifact_handler *h)
{
    const struct json_tok *list, *item;
    int rc = read_array(p, object, "config", 0, KEYS_MAX, &list);

    if (rc != 0)
        return rc;
    h->keys = arena_array(p->arena, list->count, sizeof *h->keys);
    if (h->keys == NULL)
        return err_set(p->e, ERR_NOMEM, "out of memory");
    item = list + 1;
    for (; h->n_keys < list->count; h->n_keys++) {
        rc = read_key(p, item, &h->keys[h->n_keys]);
        if (rc != 0)
            return err_prefix(p->e, "config[%zu]", h->n_keys);
        item = json_next(&p->doc, item);
    }
    return 0;
}

static int read_handler(struct parsing *p, const struct json_tok *object,
                        struct artifact_handler *h)
{
    int rc;

    if (object->kind != JSON_OBJECT)
        return wrong(p, "item", object, "an object");
    rc = read_text(p, object, "type", &h->job_type);
    if (rc == 0)
        rc = job_check_name(h->job_type, "type", p->e);
    if (rc == 0)
        rc = read_bool(p, object, "single_threaded", &h->single_threaded);
    if (rc == 0)
        rc = read_keys(p, object, h);
    return rc;
}

static int read_handlers(struct parsing *p, const struct json_tok *top, struct artifact *out)
{
    const struct json_tok *list, *item;
    int rc = read_array(p, top, "handlers", 1, HANDLERS_MAX, &list);

    if (rc != 0)
        return rc;
    out->handlers = arena_array(p->arena, list->count, sizeof *out->handlers);
    if (out->handlers == NULL)
        return err_set(p->e, ERR_NOMEM, "out of memory");
    item = list + 1;
    for (out->n_handlers = 0; out->n_handlers < list->count; out->n_handlers++) {
        rc = read_handler(p, item, &out->handlers[out->n_handlers]);
        if (rc != 0)
            return err_prefix(p->e, "handlers[%zu]", out->n_handlers);
        item = json_next(&p->doc, item);
    }
    return 0;
}

static int read_kind(struct parsing *p, const struct json_tok *top, enum handler_kind *out)
{
    struct str kind;
    int rc = read_text(p, top, "kind", &kind);

    if (rc != 0)
        return rc;
    *out = str_is(kind, "lua") ? HANDLER_LUA : HANDLER_PLUGIN;
    if (!str_is(kind, "lua") && !str_is(kind, "plugin"))
        return err_set(p->e, ERR_INVALID, "kind: found \"%.*s\", expected plugin or lua",
                       STR_ARG(kind));
    return 0;
}

static int read_abi(struct parsing *p, const struct json_tok *top, struct artifact *out)
{
    const struct json_tok *abi = json_member(&p->doc, top, "abi");
    int rc;

    if (abi == NULL || abi->kind != JSON_OBJECT)
        return wrong(p, "abi", abi, "an object");
    rc = read_unsigned(p, abi, "major", &out->abi_major);
    if (rc == 0)
        rc = read_unsigned(p, abi, "minor", &out->abi_minor);
    if (rc == 0)
        rc = read_unsigned(p, abi, "built_major", &out->built_major);
    if (rc == 0)
        rc = read_unsigned(p, abi, "built_minor", &out->built_minor);
    return rc;
}

/* The probe's refusal is passed on as it is: it names the file, what was found and expected. */
static int refusal(struct parsing *p, const struct json_tok *error, const char *what)
{
    struct str text;
    int rc = copy_text(p, error, &text);

    if (rc != 0)
        return rc;
    if (str_starts(text, what))
        return err_set(p->e, ERR_INVALID, "%.*s", STR_ARG(text));
    return err_set(p->e, ERR_INVALID, "%s: %.*s", what, STR_ARG(text));
}

static int read_document(struct parsing *p, struct artifact *out)
{
    const struct json_tok *top = p->doc.toks;
    int rc = read_kind(p, top, &out->kind);

    if (rc == 0)
        rc = read_text(p, top, "name", &out->name);
    if (rc == 0)
        rc = read_text(p, top, "version", &out->version);
    if (rc == 0 && out->kind == HANDLER_PLUGIN)
        rc = read_abi(p, top, out);
    if (rc == 0)
        rc = read_handlers(p, top, out);
    return rc;
}

int artifact_parse(struct str json, const char *what, struct arena *arena, struct artifact *out,
                   struct err *e)
{
    struct parsing p = {.arena = arena, .e = e};
    struct arena tokens = ARENA_INIT;
    const struct json_tok *error;
    int rc = json_scan(&tokens, json, &p.doc, e);

    if (rc == 0 && p.doc.toks->kind != JSON_OBJECT)
        rc = wrong(&p, "document", p.doc.toks, "an object");
    if (rc == 0) {
        error = json_member(&p.doc, p.doc.toks, "error");
        if (error != NULL && error->kind == JSON_STRING) {
            rc = refusal(&p, error, what);
            arena_free(&tokens);
            return rc;
        }
        rc = read_document(&p, out);
    }
    arena_free(&tokens);
    return rc != 0 ? err_prefix(e, "%s: the probe's answer", what) : 0;
}
