/* SPDX-License-Identifier: MIT
 * What the steps of catalog_build share: find the files, pin and probe them, route, group. */
#ifndef JOBMILL_CONF_CATALOG_PRIV_H
#define JOBMILL_CONF_CATALOG_PRIV_H

#include "conf/artifact_priv.h"

#define CATALOG_ARTIFACTS_MAX 1024
#define CATALOG_ROUTES_MAX    1024

/* A file on its way to being an artifact. */
struct candidate {
    struct artifact artifact;
    const char *real;                   /* its path without links */
    const struct handler_conf *section; /* the first one that names it; NULL: nobody does */
    struct arena arena;                 /* of the thread that probes it */
    struct err e;
};

/* A route and who asked for it. */
struct draft {
    struct route route;
    const struct handler_conf *section; /* NULL: the artifact itself */
    const struct artifact_handler *handler;
    struct str pool;
};

struct catalog_build {
    const struct conf *conf;
    struct catalog *catalog;
    bool pin;
    catalog_probe_fn probe;
    void *context;
    struct candidate *candidates; /* heap */
    size_t n_candidates, max_candidates;
    size_t *by_section;   /* heap; candidate of each handler section */
    struct draft *drafts; /* heap */
    size_t n_drafts, max_drafts;
    struct err *e;
};

int conf__find_artifacts(struct catalog_build *b) MUST_CHECK;
int conf__probe_artifacts(struct catalog_build *b) MUST_CHECK;
int conf__route_all(struct catalog_build *b) MUST_CHECK;
int conf__group_pools(struct catalog_build *b) MUST_CHECK;

/* Completes and checks one route's configuration: every key of the handler that was given or has a
 * default, in the handler's order, durations in ms. `section` NULL: nothing was given. */
int conf__route_config(struct catalog_build *b, struct draft *draft) MUST_CHECK;

/* "file:line: [handler TYPE]: " or the artifact's path in front of what the error says. */
int conf__draft_at(const struct draft *draft, struct err *e);
int conf__section_at(const struct handler_conf *section, struct err *e);

#endif
