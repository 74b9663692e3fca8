/* SPDX-License-Identifier: MIT
 * The table of configuration keys, and how a key's value is read. */
#include "conf/keys_priv.h"

#include "conf/value.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OFFSET_engine(field)    offsetof(struct conf, field)
#define OFFSET_api(field)       offsetof(struct conf, field)
#define OFFSET_store(field)     offsetof(struct conf, field)
#define OFFSET_queue(field)     offsetof(struct conf, field)
#define OFFSET_retention(field) offsetof(struct conf, field)
#define OFFSET_defaults(field)  offsetof(struct conf, field)
#define OFFSET_pool(field)      offsetof(struct pool_conf, field)
#define OFFSET_handler(field)   offsetof(struct handler_conf, field)

const struct section_def conf__sections[SECTION_COUNT] = {
#define SECTION(name, named, text) {#name, named, text},
#include "conf/keys.def"
};

const struct key_def conf__keys[KEY_COUNT] = {
#define KEY(section, key, field, type, default_value, min, max, reloadable, text)           \
    {SECTION_##section, #key, OFFSET_##section(field), KEY_##type, default_value, min, max, \
     reloadable,        text},
#include "conf/keys.def"
};

static const struct {
    const char *name, *expected;
} types[] = {
#define TYPE(id, name, expected) {name, expected},
    KEY_TYPES(TYPE)
#undef TYPE
};

const char *conf__type_name(enum key_type type)
{
    return types[type].name;
}

const char *conf__hint(const char *nearest, char *out, size_t size)
{
    if (nearest == NULL)
        return "";
    snprintf(out, size, " (did you mean \"%s\"?)", nearest);
    return out;
}

const struct section_def *conf__section_find(struct str name, const char **nearest)
{
    const char *words[SECTION_COUNT];
    size_t i;

    for (i = 0; i < SECTION_COUNT; i++) {
        if (str_is(name, conf__sections[i].name))
            return &conf__sections[i];
        words[i] = conf__sections[i].name;
    }
    *nearest = str_nearest(name, words, SECTION_COUNT);
    return NULL;
}

const struct key_def *conf__key_find(enum section_id section, struct str name, const char **nearest)
{
    const char *words[KEY_COUNT];
    size_t i, n = 0;

    for (i = 0; i < KEY_COUNT; i++) {
        if (conf__keys[i].section != section)
            continue;
        if (str_is(name, conf__keys[i].name))
            return &conf__keys[i];
        words[n++] = conf__keys[i].name;
    }
    *nearest = str_nearest(name, words, n);
    return NULL;
}

void conf__key_env_name(const struct key_def *key, char out[static ENV_NAME_MAX])
{
    char *p;

    snprintf(out, ENV_NAME_MAX, "JOBMILL_%s_%s", conf__sections[key->section].name, key->name);
    for (p = out; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
}

/* --- reading values ------------------------------------------------------------------------- */

struct target {
    const struct key_def *key;
    struct arena *arena;
    const char *base_dir;
    void *member;
};

static void bounds_text(const struct key_def *key, char *out, size_t size)
{
    char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];

    *out = '\0';
    if (key->min == 0 && key->max == 0)
        return;
    if (key->type == KEY_DURATION) {
        value_format_duration(key->min, min);
        value_format_duration(key->max, max);
    } else if (key->type == KEY_SIZE) {
        value_format_size(key->min, min);
        value_format_size(key->max, max);
    } else {
        int64_t scale = key->type == KEY_FACTOR ? 100 : 1;

        snprintf(min, sizeof min, "%" PRId64, key->min / scale);
        snprintf(max, sizeof max, "%" PRId64, key->max / scale);
    }
    snprintf(out, size, ", from %s to %s", min, max);
}

static int refuse(const struct key_def *key, struct str value, const char *reason, struct err *e)
{
    char bounds[2 * VALUE_TEXT_MAX + 16];

    bounds_text(key, bounds, sizeof bounds);
    return err_set(e, ERR_INVALID, "%s.%s: found \"%.*s\"%s%s, expected %s%s",
                   conf__sections[key->section].name, key->name, STR_ARG(value),
                   *reason != '\0' ? ": " : "", reason, types[key->type].expected, bounds);
}

static bool set_int32(const struct target *t, int64_t value)
{
    if (value < t->key->min || value > t->key->max)
        return false;
    *(int32_t *)t->member = (int32_t)value;
    return true;
}

static bool set_int64(const struct target *t, int64_t value)
{
    if (value < t->key->min || value > t->key->max)
        return false;
    *(int64_t *)t->member = value;
    return true;
}

static bool set_number(const struct target *t, struct str value)
{
    int32_t percent;
    int64_t number;

    switch (t->key->type) {
    case KEY_INT:
        return str_to_i64(value, &number) && set_int32(t, number);
    case KEY_SIZE:
        return value_size(value, &number) && set_int64(t, number);
    case KEY_DURATION:
        return value_duration(value, &number) && set_int64(t, number);
    case KEY_PERCENT:
        return value_percent(value, &percent) && set_int32(t, percent);
    default:
        assert(t->key->type == KEY_FACTOR);
        return value_factor(value, &percent) && set_int32(t, percent);
    }
}

/* NULL when out of memory. */
static const char *complete_path(const struct target *t, struct str value)
{
    if (value.len == 0 || value.ptr[0] == '/')
        return arena_printf(t->arena, "%.*s", STR_ARG(value));
    if (str_starts(value, "./"))
        value = (struct str){value.ptr + 2, value.len - 2};
    return arena_printf(t->arena, "%s%s%.*s", t->base_dir, strcmp(t->base_dir, "/") == 0 ? "" : "/",
                        STR_ARG(value));
}

/* "sqlite:var/x.db" and "unix:run/x.sock" name files as well. */
static const char *complete_url(const struct target *t, struct str value, const char *scheme)
{
    size_t n = strlen(scheme);
    struct str path;
    const char *whole;

    if (!str_starts(value, scheme) || value.len == n || value.ptr[n] == ':')
        return arena_printf(t->arena, "%.*s", STR_ARG(value));
    path = (struct str){value.ptr + n, value.len - n};
    whole = complete_path(t, path);
    return whole == NULL ? NULL : arena_printf(t->arena, "%s%s", scheme, whole);
}

static bool set_text(const struct target *t, struct str value)
{
    const char **member = t->member;

    if (t->key->type == KEY_PATH)
        *member = complete_path(t, value);
    else if (t->key->type == KEY_LISTEN)
        *member = complete_url(t, value, "unix:");
    else if (t->key->type == KEY_STORE_URL)
        *member = complete_url(t, value, "sqlite:");
    else
        *member = arena_printf(t->arena, "%.*s", STR_ARG(value));
    return *member != NULL;
}

static bool is_inside(struct str path)
{
    size_t start = 0, i;

    if (path.len == 0 || path.ptr[0] == '/')
        return false;
    for (i = 0; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/')
            continue;
        if (i - start == 2 && path.ptr[start] == '.' && path.ptr[start + 1] == '.')
            return false;
        start = i + 1;
    }
    return true;
}

static bool set_roles(struct str value, uint32_t *roles)
{
    static const char *const names[] = {"api", "worker", "scheduler"};
    uint32_t found = 0;
    size_t i;

    while (value.len > 0) {
        const char *comma = memchr(value.ptr, ',', value.len);
        size_t n = comma == NULL ? value.len : (size_t)(comma - value.ptr);
        struct str word = str_trim((struct str){value.ptr, n});

        for (i = 0; i < 3 && !str_is(word, names[i]); i++)
            continue;
        if (i == 3)
            return false;
        found |= 1u << i;
        n += comma != NULL;
        value = (struct str){value.ptr + n, value.len - n};
    }
    *roles = found;
    return found != 0;
}

static bool set_choice(const struct target *t, struct str value)
{
    if (t->key->type == KEY_ROLES)
        return set_roles(value, t->member);
    if (t->key->type == KEY_LOG_LEVEL)
        return log_level_parse(value, t->member);
    assert(t->key->type == KEY_UNKNOWN_TYPES);
    *(bool *)t->member = str_is(value, "accept");
    return str_is(value, "accept") || str_is(value, "refuse");
}

static bool set_str(const struct target *t, struct str value)
{
    struct str copy = arena_str(t->arena, value);

    *(struct str *)t->member = copy;
    return copy.ptr != NULL;
}

int conf__key_set(const struct key_def *key, struct str value, void *object, struct arena *arena,
                  const char *base_dir, struct err *e)
{
    struct target t = {key, arena, base_dir, (char *)object + key->offset};
    struct listen_address address;
    const char *reason;
    bool stored;

    switch (key->type) {
    case KEY_LISTEN:
        reason = listen_parse(value, &address);
        if (reason != NULL)
            return refuse(key, value, reason, e);
        stored = set_text(&t, value);
        break;
    case KEY_STORE_URL:
    case KEY_STRING:
    case KEY_PATH:
        stored = set_text(&t, value);
        break;
    case KEY_NAME:
    case KEY_NAME_OR_EMPTY:
        if ((key->type == KEY_NAME || value.len > 0) && job_check_name(value, "value", NULL) != 0)
            return refuse(key, value, "", e);
        stored = key->type == KEY_NAME ? set_str(&t, value) : set_text(&t, value);
        break;
    case KEY_ARTIFACT:
        if (!is_inside(value))
            return refuse(key, value, "", e);
        stored = set_str(&t, value);
        break;
    case KEY_ROLES:
    case KEY_LOG_LEVEL:
    case KEY_UNKNOWN_TYPES:
        return set_choice(&t, value) ? 0 : refuse(key, value, "", e);
    default:
        return set_number(&t, value) ? 0 : refuse(key, value, "", e);
    }
    return stored ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

int conf__key_defaults(enum section_id section, void *object, struct arena *arena,
                       const char *base_dir, struct err *e)
{
    int rc = 0;
    size_t i;

    for (i = 0; i < KEY_COUNT && rc == 0; i++) {
        const struct key_def *key = &conf__keys[i];

        if (key->section == section && key->default_value != NULL)
            rc = conf__key_set(key, str_from(key->default_value), object, arena, base_dir, e);
    }
    return rc;
}
