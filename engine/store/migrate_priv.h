/* SPDX-License-Identifier: MIT
 * The migration runner as the stores see it. */
#ifndef JOBMILL_STORE_MIGRATE_PRIV_H
#define JOBMILL_STORE_MIGRATE_PRIV_H

#include "store/migrate.h"

#define MIGRATIONS_MAX         256
#define MIGRATION_CHECKSUM_LEN 32

struct migration {
    int32_t version;
    const char *path, *name; /* "migrations/sqlite/0001_jobs.sql", "0001_jobs.sql" */
    struct str sql;
    uint8_t checksum[MIGRATION_CHECKSUM_LEN];
};

/* What a store has recorded. */
struct migration_record {
    int32_t version;
    uint8_t checksum[MIGRATION_CHECKSUM_LEN];
    int64_t applied_at;
};

/* A store that can be migrated. */
struct migrate_target {
    const char *folder; /* "migrations/sqlite/" */
    void *context;
    int64_t now; /* what `apply` records */
    /* Up to MIGRATIONS_MAX records by ascending version; none when the store is new. */
    int (*load)(void *context, struct migration_record *records, size_t *n, struct err *e);
    /* Runs the text and writes the record, in one transaction. */
    int (*apply)(void *context, const struct migration *m, int64_t now, struct err *e);
};

/* Checks what the target has recorded against what is built in; with `apply` runs what is pending.
 * *pending counts what is left. */
int store__migrate(const struct migrate_target *target, bool apply, store_migration_fn *each,
                   void *context, size_t *pending, struct err *e) MUST_CHECK;

/* The same over a given table, for tests. */
struct embedded;
int store__migrate_from(const struct embedded *files, const struct migrate_target *target,
                        bool apply, store_migration_fn *each, void *context, size_t *pending,
                        struct err *e) MUST_CHECK;

#endif
