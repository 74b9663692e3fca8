/* SPDX-License-Identifier: MIT
 * The environment as configuration. */
#include "conf/conf_priv.h"

#include <string.h>

#define PREFIX "JOBMILL_"
/* Seeds and switches of the test suites; whatever they are, they do not concern the engine. */
#define TEST_PREFIX "JOBMILL_TEST_"

/* Variables that belong to the command line or to the tests, not to a key. */
static const char *const other_names[] = {
    "JOBMILL_CONFIG",     /* the configuration folder, as -c */
    "JOBMILL_URL",        /* client: where the engine is, as --url */
    "JOBMILL_TOKEN",      /* client: the bearer token itself */
    "JOBMILL_TOKEN_FILE", /* client: the file that holds it, as --token-file */
    "JOBMILL_BUILD",      /* tests: the programs that are tested … */
    "JOBMILL_EXEC",       /* … jobmill-exec … */
    "JOBMILL_HOSTILE",    /* … and plugins to be refused */
};
#define N_OTHER (sizeof other_names / sizeof *other_names)

static bool is_global(const struct key_def *key)
{
    return *conf__sections[key->section].named == '\0';
}

/* Index of a key in `name`'s place, KEY_COUNT when none. */
static const struct key_def *find_key(struct str name)
{
    char full[ENV_NAME_MAX];
    size_t i;

    for (i = 0; i < KEY_COUNT; i++) {
        if (!is_global(&conf__keys[i]))
            continue;
        conf__key_env_name(&conf__keys[i], full);
        if (str_is(name, full))
            return &conf__keys[i];
    }
    return NULL;
}

static bool is_other(struct str name)
{
    size_t i;

    for (i = 0; i < N_OTHER; i++)
        if (str_is(name, other_names[i]))
            return true;
    return str_starts(name, TEST_PREFIX);
}

static int refuse_unknown(struct str name, struct err *e)
{
    char names[KEY_COUNT][ENV_NAME_MAX];
    const char *words[KEY_COUNT + N_OTHER];
    char hint[2 * ENV_NAME_MAX];
    size_t n = 0, i;

    for (i = 0; i < KEY_COUNT; i++) {
        if (!is_global(&conf__keys[i]))
            continue;
        conf__key_env_name(&conf__keys[i], names[i]);
        words[n++] = names[i];
    }
    for (i = 0; i < N_OTHER; i++)
        words[n++] = other_names[i];
    return err_set(e, ERR_INVALID,
                   "the environment has %.*s, expected JOBMILL_SECTION_KEY of a known key%s",
                   STR_ARG(name), conf__hint(str_nearest(name, words, n), hint, sizeof hint));
}

static int apply_variable(struct conf_reading *r, const char *variable)
{
    const char *equals = strchr(variable, '=');
    const struct key_def *key;
    struct str name, value;
    const char *copy;

    if (equals == NULL)
        return 0;
    name = (struct str){variable, (size_t)(equals - variable)};
    value = str_trim(str_from(equals + 1));
    key = find_key(name);
    if (key == NULL)
        return is_other(name) ? 0 : refuse_unknown(name, r->e);
    copy = arena_printf(&r->conf->arena, "%.*s", STR_ARG(name));
    if (copy == NULL)
        return err_set(r->e, ERR_NOMEM, "out of memory");
    if (!str_is_utf8(value))
        return err_set(r->e, ERR_INVALID, "%s: found bytes that are not UTF-8", copy);
    return conf__set_global(r, key, value, (struct conf_source){copy, 0});
}

/* The variables that other software agrees on: a URL or a bare host:port. */
static int apply_common(struct conf_reading *r, const char *variable, const char *name,
                        enum key_id id, const char *scheme)
{
    const struct key_def *key = &conf__keys[id];
    const char *value, *url;
    size_t n = strlen(name);

    if (strncmp(variable, name, n) != 0 || variable[n] != '=' || variable[n + 1] == '\0' ||
        r->sources[id].file != NULL)
        return 0;
    value = variable + n + 1;
    url = arena_printf(&r->conf->arena, "%s%s",
                       strchr(value, ':') != NULL && strstr(value, "://") == NULL &&
                               strncmp(value, "sqlite:", 7) != 0
                           ? scheme
                           : "",
                       value);
    if (url == NULL)
        return err_set(r->e, ERR_NOMEM, "out of memory");
    log_info("%s.url is taken from %s", conf__sections[key->section].name, name);
    return conf__set_global(r, key, str_from(url), (struct conf_source){name, 0});
}

int conf__env_apply(struct conf_reading *r, char *const *environment)
{
    char *const *v;
    int rc = 0;

    for (v = environment; v != NULL && *v != NULL && rc == 0; v++)
        if (strncmp(*v, PREFIX, sizeof PREFIX - 1) == 0)
            rc = apply_variable(r, *v);
    for (v = environment; v != NULL && *v != NULL && rc == 0; v++) {
        rc = apply_common(r, *v, "DATABASE_URL", KEY_ID_store_url, "postgresql://");
        if (rc == 0)
            rc = apply_common(r, *v, "REDIS_URL", KEY_ID_queue_url, "redis://");
    }
    return rc;
}
