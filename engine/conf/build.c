/* SPDX-License-Identifier: MIT
 * [pool NAME] and [handler TYPE] sections as typed structures. */
#include "conf/conf_priv.h"

#include <string.h>

static int no_memory(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory");
}

/* Everything that the section says through the key table, into `object`. */
static int apply_settings(struct conf_reading *r, const struct section *section, void *object)
{
    const struct setting *setting;

    for (setting = section->settings; setting != NULL; setting = setting->next) {
        if (setting->key != NULL && conf__key_set(setting->key, setting->value, object,
                                                  &r->conf->arena, r->conf->base_dir, r->e) != 0)
            return conf__at(setting->source, r->e);
    }
    return 0;
}

/* --- pools ---------------------------------------------------------------------------------- */

static int build_pool(struct conf_reading *r, struct pool_conf *pool, struct str name,
                      const struct section *section)
{
    int rc;

    pool->name = name;
    rc = conf__key_defaults(SECTION_pool, pool, &r->conf->arena, r->conf->base_dir, r->e);
    if (rc != 0 || section == NULL)
        return rc;
    pool->source = section->source;
    return apply_settings(r, section, pool);
}

int conf__build_pools(struct conf_reading *r)
{
    struct conf *conf = r->conf;
    const struct section *section;
    bool has_default = false;
    int rc = 0;

    conf->pools =
        arena_array(&conf->arena, r->sections.count[SECTION_pool] + 1, sizeof *conf->pools);
    if (conf->pools == NULL)
        return no_memory(r->e);
    for (section = r->sections.all; section != NULL && rc == 0; section = section->next) {
        if (section->id != SECTION_pool)
            continue;
        has_default = has_default || str_is(section->name, "default");
        rc = build_pool(r, &conf->pools[conf->n_pools++], section->name, section);
        if (rc == 0 && conf->n_pools + !has_default > CONF_POOLS_MAX) {
            err_set(r->e, ERR_INVALID, "found more than %d pools, expected at most that many",
                    CONF_POOLS_MAX);
            rc = conf__at(section->source, r->e);
        }
    }
    if (rc == 0 && !has_default)
        rc = build_pool(r, &conf->pools[conf->n_pools++], STR("default"), NULL);
    return rc;
}

/* --- handlers ------------------------------------------------------------------------------- */

static const struct setting *find_setting(const struct section *section, enum key_id id)
{
    const struct setting *setting;

    for (setting = section->settings; setting != NULL; setting = setting->next)
        if (setting->key == &conf__keys[id])
            return setting;
    return NULL;
}

static int choose_artifact(struct conf_reading *r, const struct section *section,
                           struct handler_conf *handler)
{
    const struct setting *plugin = find_setting(section, KEY_ID_handler_plugin);
    const struct setting *lua = find_setting(section, KEY_ID_handler_lua);
    const char *path;

    if (plugin == NULL && lua == NULL) {
        err_set(r->e, ERR_INVALID,
                "[handler %.*s]: found neither plugin nor lua, expected one of them",
                STR_ARG(section->name));
        return conf__at(section->source, r->e);
    }
    if (plugin != NULL && lua != NULL) {
        err_set(r->e, ERR_INVALID, "[handler %.*s]: found both plugin and lua, expected one",
                STR_ARG(section->name));
        return conf__at(lua->source, r->e);
    }
    handler->kind = plugin != NULL ? HANDLER_PLUGIN : HANDLER_LUA;
    path = arena_printf(&r->conf->arena, "%s/%.*s",
                        plugin != NULL ? r->conf->plugin_dir : r->conf->lua_dir,
                        STR_ARG(handler->file));
    handler->path = str_from(path);
    return path == NULL ? no_memory(r->e) : 0;
}

static int copy_config(struct conf_reading *r, const struct section *section,
                       struct handler_conf *handler)
{
    const struct setting *setting;

    handler->config = arena_array(&r->conf->arena, section->n_config, sizeof *handler->config);
    if (handler->config == NULL)
        return no_memory(r->e);
    for (setting = section->settings; setting != NULL; setting = setting->next)
        if (setting->key == NULL)
            handler->config[handler->n_config++] =
                (struct conf_pair){setting->name, setting->value, setting->source};
    return 0;
}

static int check_pool(struct conf_reading *r, const struct section *section,
                      const struct handler_conf *handler)
{
    const struct setting *said = find_setting(section, KEY_ID_handler_pool);
    const char *names[CONF_POOLS_MAX + 1] = {NULL};
    char hint[192];
    size_t i;

    for (i = 0; i < r->conf->n_pools; i++) {
        if (str_eq(r->conf->pools[i].name, handler->pool))
            return 0;
        names[i] = r->conf->pools[i].name.ptr;
    }
    err_set(r->e, ERR_INVALID,
            "handler.pool: found \"%.*s\", expected a pool with a section [pool "
            "%.*s]%s",
            STR_ARG(handler->pool), STR_ARG(handler->pool),
            conf__hint(str_nearest(handler->pool, names, i), hint, sizeof hint));
    return conf__at(said != NULL ? said->source : section->source, r->e);
}

static int build_handler(struct conf_reading *r, const struct section *section,
                         struct handler_conf *handler)
{
    const struct conf *conf = r->conf;
    int rc;

    *handler = (struct handler_conf){
        .type = section->name,
        .handler_name = STR_NONE,
        .timeout_ms = conf->timeout_ms,
        .max_retries = conf->max_retries,
        .retry = conf->retry,
        .source = section->source,
    };
    rc = conf__key_defaults(SECTION_handler, handler, &r->conf->arena, conf->base_dir, r->e);
    if (rc == 0)
        rc = apply_settings(r, section, handler);
    if (rc == 0)
        rc = choose_artifact(r, section, handler);
    if (rc == 0)
        rc = copy_config(r, section, handler);
    if (rc == 0)
        rc = check_pool(r, section, handler);
    return rc;
}

int conf__build_handlers(struct conf_reading *r)
{
    struct conf *conf = r->conf;
    size_t n = r->sections.count[SECTION_handler];
    const struct section *section;
    int rc = 0;

    if (n > CONF_HANDLERS_MAX)
        return err_set(r->e, ERR_INVALID, "%s: found %zu handlers, expected at most %d", conf->dir,
                       n, CONF_HANDLERS_MAX);
    conf->handlers = arena_array(&conf->arena, n, sizeof *conf->handlers);
    if (conf->handlers == NULL)
        return no_memory(r->e);
    for (section = r->sections.all; section != NULL && rc == 0; section = section->next)
        if (section->id == SECTION_handler)
            rc = build_handler(r, section, &conf->handlers[conf->n_handlers++]);
    return rc;
}
