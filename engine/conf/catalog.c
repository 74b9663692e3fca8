/* SPDX-License-Identifier: MIT
 * The catalog: building it step by step, and looking into it. */
#include "conf/catalog.h"

#include "conf/catalog_priv.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

#define EXECUTOR_CONFIG_VERSION 1

static int build_all(struct catalog_build *b)
{
    int rc = conf__find_artifacts(b);

    if (rc == 0)
        rc = conf__probe_artifacts(b);
    if (rc == 0)
        rc = conf__route_all(b);
    if (rc == 0)
        rc = conf__group_pools(b);
    return rc;
}

static void build_fini(struct catalog_build *b)
{
    size_t i;

    for (i = 0; i < b->n_candidates; i++)
        arena_free(&b->candidates[i].arena);
    free(b->candidates);
    free(b->by_section);
    free(b->drafts);
}

int catalog_build(const struct conf *conf, bool pin, catalog_probe_fn probe, void *context,
                  struct catalog **out, struct err *e)
{
    struct err ignored;
    struct catalog_build b = {
        .conf = conf,
        .catalog = calloc(1, sizeof *b.catalog),
        .pin = pin,
        .probe = probe,
        .context = context,
        .e = e != NULL ? e : &ignored,
    };
    int rc;

    *out = NULL;
    if (b.catalog == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    rc = build_all(&b);
    build_fini(&b);
    if (rc == 0)
        *out = b.catalog;
    else
        catalog_free(&b.catalog);
    return rc;
}

void catalog_free(struct catalog **catalog)
{
    if (*catalog == NULL)
        return;
    arena_free(&(*catalog)->arena);
    free(*catalog);
    *catalog = NULL;
}

const struct route *catalog_find(const struct catalog *catalog, struct str type)
{
    size_t low = 0, high = catalog->n_routes;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = str_cmp(catalog->routes[middle].type, type);

        if (c == 0)
            return &catalog->routes[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void put_member(struct buf *out, const char *name, struct str value)
{
    json_name(out, name);
    json_put_str(out, value);
}

static void put_handler(struct buf *out, const struct route *route)
{
    size_t i;

    json_open(out, '{');
    put_member(out, "type", route->type);
    put_member(out, "kind", route->artifact->kind == HANDLER_LUA ? STR("lua") : STR("plugin"));
    put_member(out, "file", route->artifact->pinned);
    put_member(out, "handler", route->handler_name);
    json_name(out, "config");
    json_open(out, '{');
    for (i = 0; i < route->n_config; i++)
        put_member(out, route->config[i].key.ptr, route->config[i].value);
    json_close(out, '}');
    json_close(out, '}');
}

void catalog_executor_config(const struct catalog *catalog, uint32_t pool, struct buf *out)
{
    const struct catalog_pool *p = &catalog->pools[pool];
    size_t i;

    json_open(out, '{');
    json_name(out, "version");
    json_put_int(out, EXECUTOR_CONFIG_VERSION);
    put_member(out, "pool", p->name);
    json_name(out, "threads");
    json_put_int(out, p->threads);
    json_name(out, "memory_bytes");
    json_put_int(out, p->memory_bytes);
    json_name(out, "handlers");
    json_open(out, '[');
    for (i = 0; i < p->n_routes; i++)
        put_handler(out, &catalog->routes[p->routes[i]]);
    json_close(out, ']');
    json_close(out, '}');
}
