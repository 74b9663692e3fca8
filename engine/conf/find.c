/* SPDX-License-Identifier: MIT
 * The files that become artifacts: those that sections name, and those that lie unclaimed in
 * plugin_dir and lua_dir. */
#include "conf/catalog_priv.h"

#include "conf/conf_priv.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int conf__section_at(const struct handler_conf *section, struct err *e)
{
    err_prefix(e, "[handler %.*s]", STR_ARG(section->type));
    return conf__at(section->source, e);
}

/* The path without links, which must be a regular file inside `folder`. Heap. */
static int resolve(const char *folder, const char *path, char **out, struct err *e)
{
    char real_folder[PATH_MAX], real[PATH_MAX];
    struct stat st;
    size_t n;

    if (realpath(folder, real_folder) == NULL)
        return err_errno(e, ERR_INVALID, "%s", folder);
    if (realpath(path, real) == NULL)
        return err_errno(e, ERR_INVALID, "%s", path);
    n = strlen(real_folder);
    if (strncmp(real, real_folder, n) != 0 || (real[n] != '/' && n > 1))
        return err_set(e, ERR_INVALID, "%s: leads to %s, expected a file inside %s", path, real,
                       real_folder);
    if (stat(real, &st) != 0)
        return err_errno(e, ERR_INVALID, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "%s: found %s, expected a regular file", path,
                       S_ISDIR(st.st_mode) ? "a folder" : "something that is not a file");
    *out = strdup(real);
    return *out != NULL ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

/* Index of the candidate with that real path, n_candidates when there is none. */
static size_t find_candidate(const struct catalog_build *b, const char *real)
{
    size_t i;

    for (i = 0; i < b->n_candidates; i++)
        if (strcmp(b->candidates[i].real, real) == 0)
            break;
    return i;
}

/* Adds the file unless it is there; *index is where. */
static int add_candidate(struct catalog_build *b, const char *path, enum handler_kind kind,
                         const struct handler_conf *section, size_t *index)
{
    struct arena *arena = &b->catalog->arena;
    const char *folder = kind == HANDLER_LUA ? b->conf->lua_dir : b->conf->plugin_dir;
    struct candidate *c;
    char *real;
    int rc = resolve(folder, path, &real, b->e);

    if (rc != 0)
        return section != NULL ? conf__section_at(section, b->e) : rc;
    *index = find_candidate(b, real);
    if (*index < b->n_candidates)
        goto out;
    if (b->n_candidates == b->max_candidates) {
        rc = err_set(b->e, ERR_LIMIT, "found more than %zu plugins and scripts, expected fewer",
                     b->max_candidates);
        goto out;
    }
    c = &b->candidates[b->n_candidates++];
    *c = (struct candidate){.section = section, .arena = ARENA_INIT};
    c->artifact.kind = kind;
    c->real = arena_printf(arena, "%s", real);
    c->artifact.path = arena_str(arena, str_from(path));
    if (c->real == NULL || c->artifact.path.ptr == NULL)
        rc = err_set(b->e, ERR_NOMEM, "out of memory");
out:
    free(real);
    return rc;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), s = strlen(suffix);

    return name[0] != '.' && n > s && strcmp(name + n - s, suffix) == 0;
}

static int is_plugin(const struct dirent *entry)
{
    return has_suffix(entry->d_name, ".so");
}

static int is_script(const struct dirent *entry)
{
    return has_suffix(entry->d_name, ".lua");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entry(struct catalog_build *b, const char *folder, const char *name,
                     enum handler_kind kind)
{
    char path[PATH_MAX];
    size_t ignored;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return err_set(b->e, ERR_INVALID, "%s/%s: path too long", folder, name);
    return add_candidate(b, path, kind, NULL, &ignored);
}

/* A folder that is not there has no unclaimed files. */
static int add_unclaimed(struct catalog_build *b, const char *folder, enum handler_kind kind)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, kind == HANDLER_LUA ? is_script : is_plugin, by_bytes);
    int rc = 0, i;

    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0)
        return err_errno(b->e, ERR_INVALID, "%s", folder);
    for (i = 0; i < n; i++) {
        if (rc == 0)
            rc = add_entry(b, folder, entries[i]->d_name, kind);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int conf__find_artifacts(struct catalog_build *b)
{
    const struct conf *conf = b->conf;
    int rc = 0;
    size_t i;

    b->max_candidates = CATALOG_ARTIFACTS_MAX;
    b->candidates = calloc(b->max_candidates, sizeof *b->candidates);
    b->by_section = calloc(conf->n_handlers + 1, sizeof *b->by_section);
    if (b->candidates == NULL || b->by_section == NULL)
        return err_set(b->e, ERR_NOMEM, "out of memory");
    for (i = 0; i < conf->n_handlers && rc == 0; i++)
        rc = add_candidate(b, conf->handlers[i].path.ptr, conf->handlers[i].kind,
                           &conf->handlers[i], &b->by_section[i]);
    if (rc == 0)
        rc = add_unclaimed(b, conf->plugin_dir, HANDLER_PLUGIN);
    if (rc == 0)
        rc = add_unclaimed(b, conf->lua_dir, HANDLER_LUA);
    return rc;
}
