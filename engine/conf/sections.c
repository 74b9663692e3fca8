/* SPDX-License-Identifier: MIT
 * The sections of all .ini files together. */
#include "conf/sections_priv.h"

#include "base/io.h"
#include "conf/ini_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HINT_MAX 64

void conf__sections_init(struct sections *s, struct arena *arena)
{
    *s = (struct sections){.arena = arena};
    s->last = &s->all;
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory");
}

static struct section *find(const struct sections *s, enum section_id id, struct str name)
{
    struct section *section;

    for (section = s->all; section != NULL; section = section->next)
        if (section->id == id && str_eq(section->name, name))
            return section;
    return NULL;
}

static int add(struct sections *s, const struct section_def *def, struct str name, int line,
               struct err *e)
{
    struct section *section = arena_alloc(s->arena, sizeof *section);

    if (section == NULL)
        return no_memory(e);
    *section = (struct section){
        .id = (enum section_id)(def - conf__sections),
        .name = arena_str(s->arena, name),
        .source = {s->file, line},
    };
    if (name.ptr != NULL && section->name.ptr == NULL)
        return no_memory(e);
    section->last = &section->settings;
    *s->last = section;
    s->last = &section->next;
    s->current = section;
    s->count[section->id]++;
    return 0;
}

/* "handler email" → "handler", "email". */
static void split_name(struct str whole, struct str *kind, struct str *name)
{
    size_t n = 0;

    while (n < whole.len && whole.ptr[n] != ' ' && whole.ptr[n] != '\t')
        n++;
    *kind = (struct str){whole.ptr, n};
    *name = str_trim((struct str){whole.ptr + n, whole.len - n});
    if (name->len == 0)
        *name = STR_NONE;
}

static int check_section(const struct section_def *def, struct str name, struct err *e)
{
    if (*def->named == '\0' && name.ptr != NULL)
        return err_set(e, ERR_INVALID, "found [%s %.*s], expected [%s] without a name", def->name,
                       STR_ARG(name), def->name);
    if (*def->named == '\0')
        return 0;
    if (name.ptr == NULL)
        return err_set(e, ERR_INVALID, "found [%s], expected [%s %s]", def->name, def->name,
                       def->named);
    if (job_check_name(name, "the section's name", e) != 0)
        return err_prefix(e, "[%s %.*s]", def->name, STR_ARG(name));
    return 0;
}

static int on_section(void *context, struct str whole, int line, struct err *e)
{
    struct sections *s = context;
    const struct section_def *def;
    const char *nearest = NULL;
    struct section *before;
    struct str kind, name;
    char hint[HINT_MAX], where[256];
    int rc;

    split_name(whole, &kind, &name);
    def = conf__section_find(kind, &nearest);
    if (def == NULL)
        return err_set(e, ERR_INVALID,
                       "unknown section [%.*s]%s, expected engine, api, store, queue, retention, "
                       "defaults, pool NAME or handler TYPE",
                       STR_ARG(whole), conf__hint(nearest, hint, sizeof hint));
    rc = check_section(def, name, e);
    if (rc != 0)
        return rc;
    before = find(s, (enum section_id)(def - conf__sections), name);
    if (before == NULL)
        return add(s, def, name, line, e);
    if (name.ptr != NULL)
        return err_set(e, ERR_INVALID,
                       "found [%.*s] a second time, expected it once (%sfirst here)",
                       STR_ARG(whole), conf_where(before->source, where, sizeof where));
    s->current = before;
    return 0;
}

/* Finds what a line's key means in the current section. */
static int resolve(const struct section *section, struct str key, struct setting *out,
                   struct err *e)
{
    const struct section_def *def = &conf__sections[section->id];
    const char *nearest = NULL;
    char hint[HINT_MAX];

    out->name = key;
    if (section->id == SECTION_handler && str_starts(key, "config.")) {
        out->name = (struct str){key.ptr + 7, key.len - 7};
        if (out->name.len == 0)
            return err_set(e, ERR_INVALID, "found \"config.\", expected config.KEY");
        return 0;
    }
    out->key = conf__key_find(section->id, key, &nearest);
    if (out->key != NULL)
        return 0;
    if (nearest == NULL && section->id == SECTION_handler)
        return err_set(e, ERR_INVALID,
                       "unknown key \"%.*s\" in [handler %.*s]; the handler's own keys are written "
                       "config.KEY",
                       STR_ARG(key), STR_ARG(section->name));
    return err_set(e, ERR_INVALID, "unknown key \"%.*s\" in [%s%s%s]%s", STR_ARG(key), def->name,
                   *def->named != '\0' ? " " : "", def->named,
                   conf__hint(nearest, hint, sizeof hint));
}

static const struct setting *find_setting(const struct section *section, const struct setting *like)
{
    const struct setting *found;

    for (found = section->settings; found != NULL; found = found->next)
        if (found->key == like->key && str_eq(found->name, like->name))
            return found;
    return NULL;
}

static int on_pair(void *context, struct str key, struct str value, int line, struct err *e)
{
    struct sections *s = context;
    struct setting parsed = {.value = value, .source = {s->file, line}}, *setting;
    const struct setting *before;
    char where[256];
    int rc = resolve(s->current, key, &parsed, e);

    if (rc != 0)
        return rc;
    before = find_setting(s->current, &parsed);
    if (before != NULL)
        return err_set(e, ERR_INVALID, "found %.*s a second time, expected it once (%sfirst here)",
                       STR_ARG(key), conf_where(before->source, where, sizeof where));
    setting = arena_alloc(s->arena, sizeof *setting);
    if (setting == NULL)
        return no_memory(e);
    *setting = parsed;
    setting->name = arena_str(s->arena, parsed.name);
    setting->value = arena_str(s->arena, value);
    if (setting->name.ptr == NULL || setting->value.ptr == NULL)
        return no_memory(e);
    *s->current->last = setting;
    s->current->last = &setting->next;
    s->current->n_config += setting->key == NULL;
    return 0;
}

/* --- files ---------------------------------------------------------------------------------- */

static int is_ini(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".ini") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_file(struct sections *s, const char *dir, const char *name, struct err *e)
{
    static const struct ini_events events = {on_section, on_pair};
    size_t n = strlen(dir);
    struct buf text = BUF_INIT;
    int rc;

    s->current = NULL;
    s->file = arena_printf(s->arena, "%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
    if (s->file == NULL)
        return no_memory(e);
    rc = io_read_file(s->file, INI_FILE_MAX, &text, e);
    if (rc == 0)
        rc = conf__ini_read(s->file, buf_str(&text), &events, s, e);
    buf_free(&text);
    return rc;
}

int conf__sections_read(struct sections *s, const char *dir, struct err *e)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_ini, by_bytes), i, rc = 0;

    if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_errno(e, ERR_NOT_FOUND, "configuration folder %s", dir);
    if (n < 0)
        return err_errno(e, ERR_IO, "configuration folder %s", dir);
    for (i = 0; i < n; i++) {
        if (rc == 0)
            rc = read_file(s, dir, entries[i]->d_name, e);
        free(entries[i]);
    }
    free(entries);
    return rc;
}
