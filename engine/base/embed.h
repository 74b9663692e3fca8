/* SPDX-License-Identifier: MIT
 * Files that deploy/embed.sh builds into the engine: migrations and HTTP assets. */
#ifndef JOBMILL_BASE_EMBED_H
#define JOBMILL_BASE_EMBED_H

struct embedded {
    const char *name; /* path in the source tree, e.g. "migrations/sqlite/0001_jobs.sql" */
    const char *start, *end;
};

/* Each ends with a NULL name; in the order of their names. */
extern const struct embedded embedded_migrations[];
extern const struct embedded embedded_assets[];

#endif
