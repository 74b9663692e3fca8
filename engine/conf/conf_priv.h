/* SPDX-License-Identifier: MIT
 * What the steps of conf_read share. */
#ifndef JOBMILL_CONF_CONF_PRIV_H
#define JOBMILL_CONF_CONF_PRIV_H

#include "conf/keys_priv.h"
#include "conf/sections_priv.h"

struct conf_reading {
    struct conf *conf;
    struct sections sections;
    struct conf_source sources[KEY_COUNT]; /* of global keys; file NULL: the default */
    struct err *e;
};

/* Puts the place in front of what `e` says; returns its code. */
int conf__at(struct conf_source source, struct err *e);

/* One key of a global section, from wherever; remembers the source. */
int conf__set_global(struct conf_reading *r, const struct key_def *key, struct str value,
                     struct conf_source source) MUST_CHECK;

/* JOBMILL_* over what is there; DATABASE_URL and REDIS_URL under it. */
int conf__env_apply(struct conf_reading *r, char *const *environment) MUST_CHECK;

/* [pool NAME] and [handler TYPE] into the configuration. */
int conf__build_pools(struct conf_reading *r) MUST_CHECK;
int conf__build_handlers(struct conf_reading *r) MUST_CHECK;

/* What no single key can tell: combinations that cannot work. */
int conf__check(struct conf_reading *r) MUST_CHECK;

#endif
