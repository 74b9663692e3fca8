/* SPDX-License-Identifier: MIT
 * The sections of all .ini files together, as written: every key known, nothing said twice, no
 * value looked at yet. */
#ifndef JOBMILL_CONF_SECTIONS_PRIV_H
#define JOBMILL_CONF_SECTIONS_PRIV_H

#include "conf/keys_priv.h"

struct setting {
    struct setting *next;
    const struct key_def *key; /* NULL: config.NAME of a handler */
    struct str name, value;    /* without the "config." */
    struct conf_source source;
};

/* [api] of several files is one section; [pool X] and [handler X] stand once. */
struct section {
    struct section *next;
    enum section_id id;
    struct str name; /* X; STR_NONE for a section without */
    struct conf_source source;
    struct setting *settings, **last;
    size_t n_config;
};

struct sections {
    struct arena *arena;
    struct section *all, **last; /* in order of appearance */
    struct section *current;
    const char *file; /* being read */
    size_t count[SECTION_COUNT];
};

void conf__sections_init(struct sections *s, struct arena *arena);

/* Reads every *.ini of the folder in lexical order; hidden files and editors' leftovers are not
 * looked at. ERR_NOT_FOUND when there is no such folder. */
int conf__sections_read(struct sections *s, const char *dir, struct err *e) MUST_CHECK;

#endif
