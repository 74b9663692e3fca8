/* SPDX-License-Identifier: MIT
 * Pinning and probing the files, a few at once. */
#include "conf/catalog_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define PROBES_AT_ONCE 4

struct crew {
    struct catalog_build *b;
    atomic_size_t next; /* candidate that nobody has taken */
};

static const char *base_name(struct str path)
{
    const char *slash = strrchr(path.ptr, '/');

    return slash == NULL ? path.ptr : slash + 1;
}

/* A probe knows the pinned copy only: put the name that people know in its place. */
static void replace_name(struct err *e, const char *from, const char *to)
{
    char old[ERR_TEXT_MAX];
    const char *found;

    memcpy(old, e->text, sizeof old);
    found = strstr(old, from);
    if (found != NULL)
        err_set(e, e->code, "%.*s%s%s", (int)(found - old), old, to, found + strlen(from));
}

static void name_error(struct candidate *c)
{
    const struct artifact *a = &c->artifact;

    if (a->pinned.ptr != NULL && !str_eq(a->pinned, a->path)) {
        replace_name(&c->e, a->pinned.ptr, a->path.ptr);
        replace_name(&c->e, base_name(a->pinned), base_name(a->path));
    }
    if (strstr(c->e.text, a->path.ptr) == NULL)
        err_prefix(&c->e, "%s", a->path.ptr);
}

/* A script without a name was named by its pinned file, the hash. */
static int rename_script(struct candidate *c)
{
    struct artifact *a = &c->artifact;
    struct str stem = str_from(base_name(a->path));
    size_t i;

    if (a->kind != HANDLER_LUA || str_eq(a->pinned, a->path) || stem.len <= 4)
        return 0;
    stem.len -= 4; /* ".lua" */
    stem = arena_str(&c->arena, stem);
    if (stem.ptr == NULL)
        return err_set(&c->e, ERR_NOMEM, "out of memory");
    if (str_eq(a->name, a->hash))
        a->name = stem;
    for (i = 0; i < a->n_handlers; i++)
        if (str_eq(a->handlers[i].job_type, a->hash))
            a->handlers[i].job_type = stem;
    return 0;
}

static int probe_one(struct catalog_build *b, struct candidate *c)
{
    enum handler_kind kind = c->artifact.kind;
    int rc = conf__pin(b->conf, b->pin, &c->arena, &c->artifact, &c->e);

    if (rc == 0)
        rc = b->probe(b->context, c->artifact.pinned.ptr, kind, &c->arena, &c->artifact, &c->e);
    if (rc == ERR_IO || rc == ERR_NOT_FOUND)
        rc = ERR_INVALID; /* whatever a probe stumbles over is a wrong file */
    if (rc == 0 && c->artifact.kind != kind)
        rc = err_set(&c->e, ERR_INVALID, "found a %s, expected a %s",
                     c->artifact.kind == HANDLER_LUA ? "script" : "plugin",
                     kind == HANDLER_LUA ? "script" : "plugin");
    if (rc == 0)
        rc = rename_script(c);
    if (rc != 0)
        name_error(c);
    return rc;
}

static void *work(void *argument)
{
    struct crew *crew = argument;
    size_t i;

    while ((i = atomic_fetch_add(&crew->next, 1)) < crew->b->n_candidates) {
        struct candidate *c = &crew->b->candidates[i];
        int rc = probe_one(crew->b, c);

        if (rc != 0)
            c->e.code = rc;
    }
    return NULL;
}

/* The calling thread is one of the crew, so that it gets done without any other. */
static void probe_all(struct catalog_build *b)
{
    struct crew crew = {.b = b};
    pthread_t threads[PROBES_AT_ONCE - 1];
    size_t n = 0;

    while (n < PROBES_AT_ONCE - 1 && n + 1 < b->n_candidates &&
           pthread_create(&threads[n], NULL, work, &crew) == 0)
        n++;
    work(&crew);
    while (n > 0)
        pthread_join(threads[--n], NULL);
}

int conf__probe_artifacts(struct catalog_build *b)
{
    struct catalog *catalog = b->catalog;
    size_t i;

    probe_all(b);
    catalog->artifacts = arena_array(&catalog->arena, b->n_candidates, sizeof *catalog->artifacts);
    if (catalog->artifacts == NULL)
        return err_set(b->e, ERR_NOMEM, "out of memory");
    for (i = 0; i < b->n_candidates; i++) {
        struct candidate *c = &b->candidates[i];

        if (c->e.code != 0) {
            *b->e = c->e;
            if (c->e.code == ERR_NOT_FOUND || c->e.code == ERR_LIMIT)
                b->e->code = ERR_INVALID; /* it went away or grew meanwhile */
            return c->section != NULL ? conf__section_at(c->section, b->e) : b->e->code;
        }
        catalog->artifacts[catalog->n_artifacts++] = c->artifact;
        arena_adopt(&catalog->arena, &c->arena);
    }
    return 0;
}
