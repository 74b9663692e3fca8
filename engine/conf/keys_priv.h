/* SPDX-License-Identifier: MIT
 * The table of configuration keys (keys.def) as data, and how a key's value is read. */
#ifndef JOBMILL_CONF_KEYS_PRIV_H
#define JOBMILL_CONF_KEYS_PRIV_H

#include "conf/conf.h"

/* TYPE(id, manual's name, what is expected) */
#define KEY_TYPES(TYPE)                                                          \
    TYPE(STRING, "text", "a text")                                               \
    TYPE(NAME, "name", "1 to 128 of A-Z a-z 0-9 . _ - : /")                      \
    TYPE(NAME_OR_EMPTY, "name", "1 to 128 of A-Z a-z 0-9 . _ - : /, or nothing") \
    TYPE(PATH, "path", "a path")                                                 \
    TYPE(ARTIFACT, "file", "a file's name without leading / and without ..")     \
    TYPE(INT, "number", "a whole number")                                        \
    TYPE(SIZE, "size", "bytes such as 4096, 64KiB or 1MiB")                      \
    TYPE(DURATION, "duration", "a duration such as 500ms, 30s, 5m, 2h or 7d")    \
    TYPE(PERCENT, "percent", "a percentage such as 50%")                         \
    TYPE(FACTOR, "factor", "a factor such as 2 or 1.5")                          \
    TYPE(ROLES, "roles", "a list of api, worker, scheduler")                     \
    TYPE(LOG_LEVEL, "level", "debug, info, warn or error")                       \
    TYPE(UNKNOWN_TYPES, "choice", "refuse or accept")                            \
    TYPE(LISTEN, "address", "host:port, [v6]:port or unix:PATH")                 \
    TYPE(STORE_URL, "url", "a store's URL such as sqlite:")

enum key_type {
#define TYPE(id, name, expected) KEY_##id,
    KEY_TYPES(TYPE)
#undef TYPE
};

enum section_id {
#define SECTION(name, named, text) SECTION_##name,
#include "conf/keys.def"
    SECTION_COUNT
};

enum key_id {
#define KEY(section, key, ...) KEY_ID_##section##_##key,
#include "conf/keys.def"
    KEY_COUNT
};

struct section_def {
    const char *name;
    const char *named; /* what stands behind it in the brackets, e.g. "TYPE"; "" for none */
    const char *text;
};

struct key_def {
    enum section_id section;
    const char *name;
    size_t offset; /* into the section's structure */
    enum key_type type;
    const char *default_value;
    int64_t min, max;
    bool reloadable; /* may differ between generations; the others need a new start */
    const char *text;
};

extern const struct section_def conf__sections[SECTION_COUNT];
extern const struct key_def conf__keys[KEY_COUNT]; /* by enum key_id, section by section */

/* NULL when there is none; `nearest` then is a suggestion or NULL. */
const struct section_def *conf__section_find(struct str name, const char **nearest);
const struct key_def *conf__key_find(enum section_id section, struct str name,
                                     const char **nearest);

/* Reads `value` into the key's member of `object`. Paths are completed with `base_dir`. The error
 * says "SECTION.KEY: found X, expected Y". */
int conf__key_set(const struct key_def *key, struct str value, void *object, struct arena *arena,
                  const char *base_dir, struct err *e) MUST_CHECK;

/* Puts every default of the section into `object`. */
int conf__key_defaults(enum section_id section, void *object, struct arena *arena,
                       const char *base_dir, struct err *e) MUST_CHECK;

const char *conf__type_name(enum key_type type);

/* The variable that overrides a key of an unnamed section: JOBMILL_API_LISTEN. */
#define ENV_NAME_MAX 64
void conf__key_env_name(const struct key_def *key, char out[static ENV_NAME_MAX]);

/* For "did you mean": " (did you mean \"x\"?)", or nothing without a suggestion. Valid until the
 * arguments' owner goes; `out` is used for the text. */
const char *conf__hint(const char *nearest, char *out, size_t size);

#endif
