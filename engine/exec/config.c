/* SPDX-License-Identifier: MIT
 * The executor configuration: from the JSON that the engine wrote (docs/protocol.md) to entries. */
#include "exec/exec_priv.h"

#include "json/scan.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define CONFIG_VERSION 1

struct reader {
    struct json_doc doc;
    struct exec_config *out;
    struct err *e;
};

static int wrong(struct reader *r, const char *name, const struct json_tok *found,
                 const char *expected)
{
    return err_set(r->e, ERR_INVALID, "%s: found %s, expected %s", name,
                   found == NULL ? "nothing" : json_kind_name((enum json_kind)found->kind),
                   expected);
}

static int read_int(struct reader *r, const struct json_tok *object, const char *name,
                    int64_t least, int64_t most, int64_t *value)
{
    const struct json_tok *tok = json_member(&r->doc, object, name);

    if (tok == NULL || tok->kind != JSON_INT || !json_int(&r->doc, tok, value))
        return wrong(r, name, tok, "an integer");
    if (*value < least || *value > most)
        return err_set(r->e, ERR_INVALID, "%s: found %lld, expected %lld to %lld", name,
                       (long long)*value, (long long)least, (long long)most);
    return 0;
}

/* A NUL-terminated copy. */
static int copy_text(struct reader *r, const struct json_tok *tok, struct str *out)
{
    *out = arena_str(&r->out->arena, json_text(&r->doc, tok, &r->out->arena));
    return out->ptr == NULL ? err_set(r->e, ERR_NOMEM, "out of memory") : 0;
}

static int read_text(struct reader *r, const struct json_tok *object, const char *name,
                     struct str *out)
{
    const struct json_tok *tok = json_member(&r->doc, object, name);

    if (tok == NULL || tok->kind != JSON_STRING || tok->len == 0)
        return wrong(r, name, tok, "a text");
    return copy_text(r, tok, out);
}

/* {"key":"value",…}; may be missing. */
static int read_pairs(struct reader *r, const struct json_tok *object, struct exec_entry *entry)
{
    const struct json_tok *config = json_member(&r->doc, object, "config"), *name;
    struct call_pair *pairs;

    if (config == NULL)
        return 0;
    if (config->kind != JSON_OBJECT)
        return wrong(r, "config", config, "an object");
    pairs = arena_array(&r->out->arena, config->count, sizeof *pairs);
    if (pairs == NULL)
        return err_set(r->e, ERR_NOMEM, "out of memory");
    entry->config = pairs;
    name = config + 1;
    for (; entry->n_config < config->count; entry->n_config++) {
        struct call_pair *pair = &pairs[entry->n_config];
        int rc;

        if ((name + 1)->kind != JSON_STRING)
            return wrong(r, "config", name + 1, "a text as each value");
        rc = copy_text(r, name, &pair->key);
        if (rc == 0)
            rc = copy_text(r, name + 1, &pair->value);
        if (rc != 0)
            return rc;
        name = json_next(&r->doc, name + 1);
    }
    return 0;
}

static int read_kind(struct reader *r, const struct json_tok *object, struct exec_entry *entry)
{
    struct str kind;
    int rc = read_text(r, object, "kind", &kind);

    if (rc != 0)
        return rc;
    entry->lua = str_is(kind, "lua");
    if (!entry->lua && !str_is(kind, "plugin"))
        return err_set(r->e, ERR_INVALID, "kind: found \"%.*s\", expected plugin or lua",
                       STR_ARG(kind));
    return 0;
}

static int read_entry(struct reader *r, const struct json_tok *object, struct exec_entry *entry)
{
    struct str file;
    int rc;

    if (object->kind != JSON_OBJECT)
        return wrong(r, "entry", object, "an object");
    rc = read_text(r, object, "type", &entry->type);
    if (rc == 0)
        rc = read_kind(r, object, entry);
    if (rc == 0)
        rc = read_text(r, object, "file", &file);
    if (rc == 0 && file.ptr[0] != '/')
        rc = err_set(r->e, ERR_INVALID, "file: found %s, expected an absolute path", file.ptr);
    if (rc == 0)
        rc = read_text(r, object, "handler", &entry->handler_name);
    if (rc != 0)
        return rc;
    entry->file = file.ptr;
    return read_pairs(r, object, entry);
}

static int read_entries(struct reader *r)
{
    const struct json_tok *list = json_member(&r->doc, r->doc.toks, "handlers"), *item;
    struct exec_config *out = r->out;

    if (list == NULL || list->kind != JSON_ARRAY)
        return wrong(r, "handlers", list, "an array");
    if (list->count < 1 || list->count > EXEC_ENTRIES_MAX)
        return err_set(r->e, ERR_INVALID, "handlers: found %u, expected 1 to %d",
                       (unsigned)list->count, EXEC_ENTRIES_MAX);
    out->entries = arena_array(&out->arena, list->count, sizeof *out->entries);
    if (out->entries == NULL)
        return err_set(r->e, ERR_NOMEM, "out of memory");
    item = list + 1;
    for (; out->n_entries < list->count; out->n_entries++) {
        int rc = read_entry(r, item, &out->entries[out->n_entries]);

        if (rc != 0)
            return err_prefix(r->e, "handlers[%zu]", out->n_entries);
        item = json_next(&r->doc, item);
    }
    return 0;
}

static int read_document(struct reader *r)
{
    const struct json_tok *top = r->doc.toks;
    int64_t version, threads, memory;
    int rc;

    if (top->kind != JSON_OBJECT)
        return wrong(r, "document", top, "an object");
    rc = read_int(r, top, "version", CONFIG_VERSION, CONFIG_VERSION, &version);
    if (rc == 0)
        rc = read_text(r, top, "pool", &r->out->pool);
    if (rc == 0)
        rc = read_int(r, top, "threads", 1, SLOTS_MAX, &threads);
    if (rc == 0)
        rc = read_int(r, top, "memory_bytes", 0, INT64_MAX, &memory);
    if (rc != 0)
        return rc;
    r->out->threads = (uint32_t)threads;
    r->out->memory_bytes = (size_t)memory;
    return read_entries(r);
}

int exec__config_parse(struct str json, struct exec_config *out, struct err *e)
{
    struct reader r = {.out = out, .e = e};
    struct arena tokens = ARENA_INIT;
    int rc;

    *out = (struct exec_config){.arena = ARENA_INIT};
    rc = json_scan(&tokens, json, &r.doc, e);
    if (rc == 0)
        rc = read_document(&r);
    arena_free(&tokens);
    if (rc == 0)
        return 0;
    exec__config_fini(out);
    return err_prefix(e, "executor configuration");
}

/* Not through /proc: that is closed to a process that is not dumpable. */
int exec__config_read(int fd, struct exec_config *out, struct err *e)
{
    struct stat st;
    void *map;
    int rc;

    if (fstat(fd, &st) != 0)
        return err_errno(e, ERR_IO, "executor configuration (descriptor %d)", fd);
    if (st.st_size <= 0 || st.st_size > EXEC_CONFIG_MAX)
        return err_set(e, ERR_INVALID, "executor configuration: found %lld bytes, expected 1 to %d",
                       (long long)st.st_size, EXEC_CONFIG_MAX);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_errno(e, ERR_IO, "cannot map the executor configuration");
    rc = exec__config_parse((struct str){map, (size_t)st.st_size}, out, e);
    munmap(map, (size_t)st.st_size);
    return rc;
}

void exec__config_fini(struct exec_config *config)
{
    arena_free(&config->arena);
    *config = (struct exec_config){.arena = ARENA_INIT};
}
