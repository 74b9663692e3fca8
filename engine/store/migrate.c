/* SPDX-License-Identifier: MIT
 * The migration runner: which are known, which are recorded, which are run. */
#include "store/migrate_priv.h"

#include "base/embed.h"

#include <sodium.h>
#include <string.h>

#define VERSION_DIGITS 4
#define HEX_LEN        (MIGRATION_CHECKSUM_LEN * 2 + 1)

/* "0001_jobs.sql" → 1. */
static int parse_version(const char *path, const char *name, int32_t *version, struct err *e)
{
    int64_t number = 0;

    if (strlen(name) <= VERSION_DIGITS || name[VERSION_DIGITS] != '_' ||
        !str_to_i64((struct str){name, VERSION_DIGITS}, &number) || number < 1)
        return err_set(e, ERR_MISMATCH, "%s: expected a name like 0001_what.sql", path);
    *version = (int32_t)number;
    return 0;
}

static int describe(const struct embedded *file, const char *folder, struct migration *m,
                    struct err *e)
{
    m->path = file->name;
    m->name = file->name + strlen(folder);
    m->sql = (struct str){file->start, (size_t)(file->end - file->start)};
    crypto_hash_sha256(m->checksum, (const unsigned char *)m->sql.ptr, m->sql.len);
    return parse_version(m->path, m->name, &m->version, e);
}

/* The migrations of one folder; they come sorted by name. */
static int list_known(const struct embedded *files, const char *folder, struct migration *known,
                      size_t *n, struct err *e)
{
    *n = 0;
    for (; files->name != NULL; files++) {
        struct migration *m = &known[*n];
        int rc;

        if (!str_starts(str_from(files->name), folder))
            continue;
        if (*n == MIGRATIONS_MAX)
            return err_set(e, ERR_LIMIT, "%s: more than %d migrations", folder, MIGRATIONS_MAX);
        rc = describe(files, folder, m, e);
        if (rc != 0)
            return rc;
        (*n)++;
        if (m->version != (int32_t)*n)
            return err_set(e, ERR_MISMATCH, "%s: found version %d, expected %zu (no gaps)", m->path,
                           m->version, *n);
    }
    return 0;
}

/* What is recorded must be the first part of what is known, with the same texts. */
static int check_records(const struct migration *known, size_t n_known,
                         const struct migration_record *records, size_t n, struct err *e)
{
    char found[HEX_LEN], expected[HEX_LEN];
    size_t i;

    for (i = 0; i < n; i++) {
        if (i >= n_known)
            return err_set(e, ERR_MISMATCH,
                           "the schema has version %d, this engine knows versions up to %zu: it "
                           "is too old for this store",
                           records[n - 1].version, n_known);
        if (records[i].version != known[i].version)
            return err_set(e, ERR_MISMATCH,
                           "%s: the schema records version %d where version %d was expected",
                           known[i].path, records[i].version, known[i].version);
        if (memcmp(records[i].checksum, known[i].checksum, MIGRATION_CHECKSUM_LEN) == 0)
            continue;
        sodium_bin2hex(found, sizeof found, records[i].checksum, MIGRATION_CHECKSUM_LEN);
        sodium_bin2hex(expected, sizeof expected, known[i].checksum, MIGRATION_CHECKSUM_LEN);
        return err_set(e, ERR_MISMATCH,
                       "%s: the store was migrated with another text: found sha256 %s, expected "
                       "%s",
                       known[i].path, found, expected);
    }
    return 0;
}

int store__migrate_from(const struct embedded *files, const struct migrate_target *target,
                        bool apply, store_migration_fn *each, void *context, size_t *pending,
                        struct err *e)
{
    struct migration known[MIGRATIONS_MAX];
    struct migration_record records[MIGRATIONS_MAX];
    size_t n_known = 0, n_records = 0, i;
    int rc = list_known(files, target->folder, known, &n_known, e);

    if (rc == 0)
        rc = target->load(target->context, records, &n_records, e);
    if (rc == 0)
        rc = check_records(known, n_known, records, n_records, e);
    *pending = 0;
    for (i = 0; rc == 0 && i < n_known; i++) {
        struct migration_status status = {.version = known[i].version, .name = known[i].name};

        if (i < n_records)
            status.applied_at = records[i].applied_at;
        else if (!apply)
            ++*pending;
        else
            rc = target->apply(target->context, &known[i], target->now, e);
        if (rc != 0)
            return err_prefix(e, "%s", known[i].path);
        if (i >= n_records && apply) {
            status.applied_at = target->now;
            status.applied_now = true;
        }
        if (each != NULL)
            each(context, &status);
    }
    return rc;
}

int store__migrate(const struct migrate_target *target, bool apply, store_migration_fn *each,
                   void *context, size_t *pending, struct err *e)
{
    return store__migrate_from(embedded_migrations, target, apply, each, context, pending, e);
}
