/* SPDX-License-Identifier: MIT
 * A handler's own configuration: what was given, checked against the keys it declares. */
#include "conf/catalog_priv.h"

#include "conf/conf_priv.h"
#include "conf/value.h"

#include <inttypes.h>
#include <stdio.h>

#define KEYS_HINT_MAX 256

static const struct artifact_key *find_key(const struct artifact_handler *handler, struct str name)
{
    size_t i;

    for (i = 0; i < handler->n_keys; i++)
        if (str_eq(handler->keys[i].key, name))
            return &handler->keys[i];
    return NULL;
}

static const struct conf_pair *find_given(const struct handler_conf *section, struct str key)
{
    size_t i;

    for (i = 0; section != NULL && i < section->n_config; i++)
        if (str_eq(section->config[i].key, key))
            return &section->config[i];
    return NULL;
}

/* Names the nearest key, or all of them when none is near. */
static int refuse_unknown(struct catalog_build *b, const struct draft *draft,
                          const struct conf_pair *given)
{
    const struct artifact_handler *handler = draft->handler;
    const char *words[KEYS_HINT_MAX], *nearest;
    char hint[160];
    struct buf all = BUF_INIT;
    size_t n = 0;

    for (; n < handler->n_keys && n < KEYS_HINT_MAX; n++) {
        words[n] = handler->keys[n].key.ptr;
        buf_addf(&all, "%s%s", n > 0 ? ", " : "", words[n]);
    }
    nearest = n > 0 ? str_nearest(given->key, words, n) : NULL;
    err_set(b->e, ERR_INVALID, "unknown config.%.*s, expected %s%s%s", STR_ARG(given->key),
            n > 0 ? "one of: " : "no configuration", buf_str(&all).ptr,
            conf__hint(nearest, hint, sizeof hint));
    buf_free(&all);
    err_prefix(b->e, "[handler %.*s]", STR_ARG(draft->section->type));
    return conf__at(given->source, b->e);
}

/* A value as executors get it, in *out; false when it does not fit the type. `is_default`: the
 * plugin's own text, in which a duration without unit is ms. */
static bool normalise(uint32_t type, struct str value, bool is_default, char out[static 32],
                      struct str *result)
{
    int64_t integer;
    double real;
    bool yes;

    *result = value;
    switch (type) {
    case JOBMILL_CONFIG_INT:
        return str_to_i64(value, &integer);
    case JOBMILL_CONFIG_REAL:
        return value_real(value, &real);
    case JOBMILL_CONFIG_BOOL:
        *result = value_bool(value, &yes) && yes ? STR("true") : STR("false");
        return value_bool(value, &yes);
    case JOBMILL_CONFIG_DURATION:
        if (!value_duration(value, &integer) && !(is_default && str_to_i64(value, &integer)))
            return false;
        snprintf(out, 32, "%" PRId64, integer);
        *result = str_from(out);
        return true;
    default:
        return true;
    }
}

static const char *expected(uint32_t type)
{
    static const char *const texts[] = {"a text", "a whole number", "a number", "true or false",
                                        "a duration such as 500ms, 30s or 5m"};

    return texts[type];
}

static int refuse_value(struct catalog_build *b, const struct draft *draft,
                        const struct artifact_key *key, const struct conf_pair *given,
                        struct str value)
{
    if (given == NULL) {
        err_set(b->e, ERR_INVALID, "config.%.*s: found the default \"%.*s\", expected %s",
                STR_ARG(key->key), STR_ARG(value), expected(key->type));
        return conf__draft_at(draft, b->e);
    }
    err_set(b->e, ERR_INVALID, "[handler %.*s]: config.%.*s: found \"%.*s\", expected %s",
            STR_ARG(draft->section->type), STR_ARG(key->key), STR_ARG(value), expected(key->type));
    return conf__at(given->source, b->e);
}

static int refuse_missing(struct catalog_build *b, const struct draft *draft,
                          const struct artifact_key *key)
{
    err_set(b->e, ERR_INVALID, "config.%.*s is missing, expected %s%s%.*s%s", STR_ARG(key->key),
            expected(key->type), key->text.len > 0 ? " (" : "", STR_ARG(key->text),
            key->text.len > 0 ? ")" : "");
    if (draft->section == NULL)
        err_prefix(b->e, "it needs a section [handler %.*s]", STR_ARG(draft->route.type));
    return conf__draft_at(draft, b->e);
}

/* One key's value into the route; nothing when it has none and needs none. */
static int add_key(struct catalog_build *b, struct draft *draft, const struct artifact_key *key)
{
    struct route *route = &draft->route;
    const struct conf_pair *given = find_given(draft->section, key->key);
    struct str value = given != NULL ? given->value : key->default_value, checked;
    struct conf_pair *pair;
    char number[32];

    if (given == NULL && key->required && value.ptr == NULL)
        return refuse_missing(b, draft, key);
    if (value.ptr == NULL)
        return 0;
    if (!normalise(key->type, value, given == NULL, number, &checked))
        return refuse_value(b, draft, key, given, value);
    pair = &route->config[route->n_config++];
    pair->key = key->key;
    pair->value = arena_str(&b->catalog->arena, checked);
    pair->source = given != NULL ? given->source : (struct conf_source){NULL, 0};
    return pair->value.ptr == NULL ? err_set(b->e, ERR_NOMEM, "out of memory") : 0;
}

/* What decides whether two nodes run a type alike: the artifact, the handler, the values. */
static int hash_config(struct catalog_build *b, struct route *route)
{
    char hex[HASH_HEX_LEN + 1];
    struct buf text = BUF_INIT;
    size_t i;

    buf_addf(&text, "%s\n%.*s\n", route->artifact->hash.ptr, STR_ARG(route->handler_name));
    for (i = 0; i < route->n_config; i++)
        buf_addf(&text, "%zu:%.*s=%zu:%.*s\n", route->config[i].key.len,
                 STR_ARG(route->config[i].key), route->config[i].value.len,
                 STR_ARG(route->config[i].value));
    conf__hash_hex(buf_str(&text), hex);
    route->config_hash = text.failed ? STR_NONE : arena_str(&b->catalog->arena, str_from(hex));
    buf_free(&text);
    return route->config_hash.ptr == NULL ? err_set(b->e, ERR_NOMEM, "out of memory") : 0;
}

int conf__route_config(struct catalog_build *b, struct draft *draft)
{
    const struct artifact_handler *handler = draft->handler;
    int rc = 0;
    size_t i;

    for (i = 0; draft->section != NULL && i < draft->section->n_config; i++)
        if (find_key(handler, draft->section->config[i].key) == NULL)
            return refuse_unknown(b, draft, &draft->section->config[i]);
    draft->route.config =
        arena_array(&b->catalog->arena, handler->n_keys, sizeof(struct conf_pair));
    if (draft->route.config == NULL)
        return err_set(b->e, ERR_NOMEM, "out of memory");
    for (i = 0; i < handler->n_keys && rc == 0; i++)
        rc = add_key(b, draft, &handler->keys[i]);
    return rc != 0 ? rc : hash_config(b, &draft->route);
}
