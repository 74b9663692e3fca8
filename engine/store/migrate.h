/* SPDX-License-Identifier: MIT
 * Migrations of the store's schema, for `jobmill migrate [status]`. store_open uses the same
 * runner.
 *
 * Migrations are numbered without gaps, built into the engine, and recorded with the checksum of
 * their text. Each is applied in one transaction together with its record, so that a crash leaves
 * none of them by half. */
#ifndef JOBMILL_STORE_MIGRATE_H
#define JOBMILL_STORE_MIGRATE_H

#include "store/store.h"

struct migration_status {
    int32_t version;
    const char *name;   /* "0001_jobs.sql" */
    int64_t applied_at; /* ms since 1970 by the store's clock; 0: pending */
    bool applied_now;   /* by this call */
};

/* Called once for each migration, in the order of their versions. */
typedef void store_migration_fn(void *context, const struct migration_status *m);

/* With `apply`, brings the store up to date, creating it when there is none; without, changes and
 * creates nothing. `each` (may be NULL) is told of every migration that this engine knows. Takes
 * the store's lock for the time it needs.
 *
 * ERR_MISMATCH when the schema is newer than this engine, has a gap, or records another checksum
 * (file, found and expected are named); ERR_UNAVAILABLE when the store cannot be reached or is held
 * by a running engine; ERR_INVALID for a URL that this build does not support. */
int store_migrate(const struct store_options *options, bool apply, store_migration_fn *each,
                  void *context, struct err *e) MUST_CHECK;

#endif
