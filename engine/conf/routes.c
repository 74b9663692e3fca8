/* SPDX-License-Identifier: MIT
 * Routes: which handler of which artifact runs a job type, and the groups by pool. */
#include "conf/catalog_priv.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory");
}

int conf__draft_at(const struct draft *draft, struct err *e)
{
    if (draft->section != NULL)
        return conf__section_at(draft->section, e);
    return err_prefix(e, "%s: handler %.*s", draft->route.artifact->path.ptr,
                      STR_ARG(draft->handler->job_type));
}

static struct draft *new_draft(struct catalog_build *b)
{
    if (b->n_drafts == b->max_drafts) {
        err_set(b->e, ERR_INVALID, "found more than %zu job types, expected at most that many",
                b->max_drafts);
        return NULL;
    }
    return &b->drafts[b->n_drafts++];
}

static const struct artifact_handler *find_handler(const struct artifact *artifact, struct str name)
{
    size_t i;

    for (i = 0; i < artifact->n_handlers; i++)
        if (str_eq(artifact->handlers[i].job_type, name))
            return &artifact->handlers[i];
    return NULL;
}

static void list_handlers(const struct artifact *artifact, struct buf *out)
{
    size_t i;

    for (i = 0; i < artifact->n_handlers; i++)
        buf_addf(out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(artifact->handlers[i].job_type));
}

/* By `handler =`, else by type, else the only one. */
static int choose_handler(struct catalog_build *b, const struct handler_conf *section,
                          const struct artifact *artifact, const struct artifact_handler **out)
{
    bool named = section->handler_name.ptr != NULL;
    struct buf list = BUF_INIT;

    *out = find_handler(artifact, named ? section->handler_name : section->type);
    if (*out == NULL && !named && artifact->n_handlers == 1)
        *out = &artifact->handlers[0];
    if (*out != NULL)
        return 0;
    list_handlers(artifact, &list);
    if (named)
        err_set(b->e, ERR_INVALID, "handler = %.*s: %s has no such handler, expected one of: %s",
                STR_ARG(section->handler_name), artifact->path.ptr, buf_str(&list).ptr);
    else
        err_set(b->e, ERR_INVALID,
                "%s has several handlers and none is named %.*s, expected handler = one of: %s",
                artifact->path.ptr, STR_ARG(section->type), buf_str(&list).ptr);
    buf_free(&list);
    return conf__section_at(section, b->e);
}

static int route_section(struct catalog_build *b, const struct handler_conf *section,
                         const struct artifact *artifact)
{
    struct draft *draft = new_draft(b);
    int rc;

    if (draft == NULL)
        return b->e->code;
    rc = choose_handler(b, section, artifact, &draft->handler);
    if (rc != 0)
        return rc;
    draft->section = section;
    draft->pool = section->pool;
    draft->route = (struct route){
        .type = arena_str(&b->catalog->arena, section->type),
        .artifact = artifact,
        .handler_name = draft->handler->job_type,
        .timeout_ms = section->timeout_ms,
        .max_retries = section->max_retries,
        .retry = section->retry,
    };
    if (draft->route.type.ptr == NULL)
        return no_memory(b->e);
    return conf__route_config(b, draft);
}

/* Nobody claims the file: it registers what it declares. */
static int route_unclaimed(struct catalog_build *b, const struct artifact *artifact)
{
    int rc = 0;
    size_t i;

    for (i = 0; i < artifact->n_handlers && rc == 0; i++) {
        struct draft *draft = new_draft(b);

        if (draft == NULL)
            return b->e->code;
        draft->section = NULL;
        draft->pool = STR("default");
        draft->handler = &artifact->handlers[i];
        draft->route = (struct route){
            .type = artifact->handlers[i].job_type,
            .artifact = artifact,
            .handler_name = artifact->handlers[i].job_type,
            .timeout_ms = b->conf->timeout_ms,
            .max_retries = b->conf->max_retries,
            .retry = b->conf->retry,
        };
        rc = conf__route_config(b, draft);
    }
    return rc;
}

static int by_type(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;

    return str_cmp(x->route.type, y->route.type);
}

static void describe_claim(const struct draft *draft, struct buf *out)
{
    char where[512];

    if (draft->section != NULL)
        buf_addf(out, "%s[handler %.*s]", conf_where(draft->section->source, where, sizeof where),
                 STR_ARG(draft->section->type));
    else
        buf_addstr(out, draft->route.artifact->path);
}

static int refuse_double(struct catalog_build *b, const struct draft *first,
                         const struct draft *second)
{
    struct buf one = BUF_INIT, two = BUF_INIT;
    int rc;

    describe_claim(first, &one);
    describe_claim(second, &two);
    rc = err_set(b->e, ERR_INVALID,
                 "job type %.*s is claimed by %s and by %s, expected one: give one of the files "
                 "another type by a [handler TYPE] section, or move it away",
                 STR_ARG(first->route.type), buf_str(&one).ptr, buf_str(&two).ptr);
    buf_free(&one);
    buf_free(&two);
    return rc;
}

static int sort_routes(struct catalog_build *b)
{
    struct catalog *catalog = b->catalog;
    size_t i;

    qsort(b->drafts, b->n_drafts, sizeof *b->drafts, by_type);
    for (i = 1; i < b->n_drafts; i++)
        if (str_eq(b->drafts[i - 1].route.type, b->drafts[i].route.type))
            return refuse_double(b, &b->drafts[i - 1], &b->drafts[i]);
    catalog->routes = arena_array(&catalog->arena, b->n_drafts, sizeof *catalog->routes);
    return catalog->routes == NULL ? no_memory(b->e) : 0;
}

int conf__route_all(struct catalog_build *b)
{
    int rc = 0;
    size_t i;

    b->max_drafts = CATALOG_ROUTES_MAX;
    b->drafts = calloc(b->max_drafts, sizeof *b->drafts);
    if (b->drafts == NULL)
        return no_memory(b->e);
    for (i = 0; i < b->conf->n_handlers && rc == 0; i++)
        rc = route_section(b, &b->conf->handlers[i], &b->catalog->artifacts[b->by_section[i]]);
    for (i = 0; i < b->n_candidates && rc == 0; i++)
        if (b->candidates[i].section == NULL)
            rc = route_unclaimed(b, &b->catalog->artifacts[i]);
    return rc != 0 ? rc : sort_routes(b);
}

/* --- pools ---------------------------------------------------------------------------------- */

static const struct pool_conf *find_pool(const struct conf *conf, struct str name)
{
    size_t i;

    for (i = 0; i < conf->n_pools; i++)
        if (str_eq(conf->pools[i].name, name))
            return &conf->pools[i];
    return NULL;
}

/* The pool of that name, made when it is not there yet. NULL when out of memory. */
static struct catalog_pool *get_pool(struct catalog *catalog, const struct pool_conf *like,
                                     struct str name)
{
    struct catalog_pool *pool;
    size_t i;

    for (i = 0; i < catalog->n_pools; i++)
        if (str_eq(catalog->pools[i].name, name))
            return &catalog->pools[i];
    pool = &catalog->pools[catalog->n_pools];
    *pool = (struct catalog_pool){
        .name = arena_str(&catalog->arena, name),
        .processes = like->processes,
        .threads = like->threads,
        .memory_bytes = like->memory_bytes,
        .routes = NULL,
    };
    if (pool->name.ptr == NULL)
        return NULL;
    catalog->n_pools++;
    return pool;
}

/* A handler that is not thread-safe gets processes of its own with one thread each. */
static int place_route(struct catalog_build *b, const struct draft *draft, struct route *route)
{
    struct catalog *catalog = b->catalog;
    const struct pool_conf *conf = find_pool(b->conf, draft->pool);
    struct str name = draft->pool;
    struct catalog_pool *pool;

    if (conf == NULL) {
        err_set(b->e, ERR_INVALID, "pool %.*s does not exist, expected a section [pool %.*s]",
                STR_ARG(name), STR_ARG(name));
        return conf__draft_at(draft, b->e);
    }
    if (draft->handler->single_threaded)
        name = str_from(
            arena_printf(&catalog->arena, "%.*s/%.*s", STR_ARG(name), STR_ARG(route->type)));
    pool = name.ptr == NULL ? NULL : get_pool(catalog, conf, name);
    if (pool == NULL)
        return no_memory(b->e);
    if (draft->handler->single_threaded)
        pool->threads = 1;
    route->pool = (uint32_t)(pool - catalog->pools);
    route->handler_index = (uint32_t)pool->n_routes++;
    return 0;
}

int conf__group_pools(struct catalog_build *b)
{
    struct catalog *catalog = b->catalog;
    size_t i;

    catalog->pools = arena_array(&catalog->arena, b->n_drafts, sizeof *catalog->pools);
    if (catalog->pools == NULL)
        return no_memory(b->e);
    for (i = 0; i < b->n_drafts; i++) {
        int rc;

        catalog->routes[i] = b->drafts[i].route;
        rc = place_route(b, &b->drafts[i], &catalog->routes[i]);
        if (rc != 0)
            return rc;
    }
    catalog->n_routes = b->n_drafts;
    for (i = 0; i < catalog->n_pools; i++) {
        struct catalog_pool *pool = &catalog->pools[i];

        pool->routes = arena_array(&catalog->arena, pool->n_routes, sizeof *pool->routes);
        if (pool->routes == NULL)
            return no_memory(b->e);
    }
    for (i = 0; i < catalog->n_routes; i++)
        catalog->pools[catalog->routes[i].pool].routes[catalog->routes[i].handler_index] =
            (uint32_t)i;
    return 0;
}
