/* SPDX-License-Identifier: MIT
 * The plugins of an executor: each file loaded once, each entry's handler found and initialised. */
#include "exec/exec_priv.h"

#include <stdlib.h>
#include <string.h>

/* The plugin of this file, loaded at its first use. */
static int get_plugin(struct executor *x, const char *file, const struct plugin **out,
                      struct err *e)
{
    size_t i;
    int rc;

    for (i = 0; i < x->n_plugins; i++) {
        if (strcmp(x->plugins[i].file, file) == 0) {
            *out = &x->plugins[i];
            return 0;
        }
    }
    rc = plugin_load(file, &x->config.arena, &x->plugins[x->n_plugins], e);
    if (rc == 0)
        *out = &x->plugins[x->n_plugins++];
    return rc;
}

static int find_handler(struct executor *x, struct exec_entry *entry, struct err *e)
{
    const struct plugin *plugin;
    const jobmill_handler *handler;
    int rc = get_plugin(x, entry->file, &plugin, e);

    if (rc != 0)
        return rc;
    handler = plugin_find(plugin, entry->handler_name);
    if (handler == NULL)
        return err_set(e, ERR_NOT_FOUND,
                       "%s: found no handler %.*s, expected one of its %zu "
                       "handlers (the first is %s)",
                       entry->file, STR_ARG(entry->handler_name), plugin->n_handlers,
                       plugin->handlers[0].job_type);
    if (handler->concurrency == JOBMILL_SINGLE_THREADED && x->config.threads > 1)
        return err_set(e, ERR_INVALID,
                       "%s: handler %s is single-threaded: found %u threads, "
                       "expected 1",
                       entry->file, handler->job_type, (unsigned)x->config.threads);
    entry->handler = *handler;
    return 0;
}

/* Runs init, if there is one; its text becomes part of the refusal. */
static int init_handler(struct executor *x, struct exec_entry *entry, struct err *e)
{
    struct call *context = arena_alloc(&x->config.arena, sizeof *context);
    int32_t returned = 0;

    if (context == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    call_init(context, x->job_fd);
    context->config = entry->config;
    context->n_config = entry->n_config;
    if (entry->handler.init != NULL)
        returned = entry->handler.init(&context->job, &entry->state);
    if (returned != 0)
        return err_set(e, ERR_INVALID, "%s: init of %s returned %d, expected 0: %s", entry->file,
                       entry->handler.job_type, returned,
                       context->error.len > 0 ? context->error.ptr : "it gave no reason");
    entry->context = context;
    return 0;
}

int exec__load(struct executor *x, struct err *e)
{
    size_t i;

    x->plugins = calloc(x->config.n_entries, sizeof *x->plugins);
    if (x->plugins == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < x->config.n_entries; i++) {
        struct exec_entry *entry = &x->config.entries[i];
        int rc = 0;

        if (!entry->lua)
            rc = find_handler(x, entry, e);
        if (rc == 0 && !entry->lua)
            rc = init_handler(x, entry, e);
        if (rc != 0)
            return err_prefix(e, "handler %.*s", STR_ARG(entry->type));
    }
    return 0;
}

void exec__unload(struct executor *x)
{
    size_t i;

    for (i = x->config.n_entries; i-- > 0;) {
        struct exec_entry *entry = &x->config.entries[i];

        if (entry->context == NULL)
            continue;
        if (entry->handler.fini != NULL)
            entry->handler.fini(&entry->context->job, entry->state);
        call_fini(entry->context);
    }
}
