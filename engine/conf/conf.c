/* SPDX-License-Identifier: MIT
 * Configuration: from files and environment to one checked structure. */
#include "conf/conf.h"

#include "conf/conf_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *conf_where(struct conf_source source, char *out, size_t size)
{
    if (source.file == NULL)
        snprintf(out, size, "default: ");
    else if (source.line == 0)
        snprintf(out, size, "%s: ", source.file);
    else
        snprintf(out, size, "%s:%d: ", source.file, source.line);
    return out;
}

int conf__at(struct conf_source source, struct err *e)
{
    if (source.line == 0)
        return err_prefix(e, "%s", source.file != NULL ? source.file : "default");
    return err_prefix(e, "%s:%d", source.file, source.line);
}

int conf__set_global(struct conf_reading *r, const struct key_def *key, struct str value,
                     struct conf_source source)
{
    struct conf *conf = r->conf;

    if (conf__key_set(key, value, conf, &conf->arena, conf->base_dir, r->e) != 0)
        return conf__at(source, r->e);
    r->sources[key - conf__keys] = source;
    return 0;
}

static int apply_defaults(struct conf_reading *r)
{
    struct conf *conf = r->conf;
    int rc = 0, id;

    for (id = 0; id < SECTION_COUNT && rc == 0; id++)
        if (*conf__sections[id].named == '\0')
            rc = conf__key_defaults((enum section_id)id, conf, &conf->arena, conf->base_dir, r->e);
    return rc;
}

static int apply_files(struct conf_reading *r)
{
    const struct section *section;
    const struct setting *setting;
    int rc = 0;

    for (section = r->sections.all; section != NULL; section = section->next) {
        if (*conf__sections[section->id].named != '\0')
            continue;
        for (setting = section->settings; setting != NULL && rc == 0; setting = setting->next)
            rc = conf__set_global(r, setting->key, setting->value, setting->source);
    }
    return rc;
}

/* The folder that holds the configuration folder, links resolved. */
static int find_base(struct conf *conf, const char *dir, struct err *e)
{
    char real[PATH_MAX], *slash;

    if (realpath(dir, real) == NULL)
        return err_errno(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO,
                         "configuration folder %s", dir);
    slash = strrchr(real, '/');
    if (slash == real)
        slash++;
    *slash = '\0';
    conf->dir = arena_printf(&conf->arena, "%s", dir);
    conf->base_dir = arena_printf(&conf->arena, "%s", real);
    if (conf->dir == NULL || conf->base_dir == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    return 0;
}

static int read_all(struct conf_reading *r, const char *dir, char *const *environment)
{
    int rc = find_base(r->conf, dir, r->e);

    if (rc == 0)
        rc = conf__sections_read(&r->sections, dir, r->e);
    if (rc == 0)
        rc = apply_defaults(r);
    if (rc == 0)
        rc = apply_files(r);
    if (rc == 0)
        rc = conf__env_apply(r, environment);
    if (rc == 0)
        rc = conf__build_pools(r);
    if (rc == 0)
        rc = conf__build_handlers(r);
    if (rc == 0)
        rc = conf__check(r);
    return rc;
}

int conf_read(const char *dir, char *const *environment, struct conf **out, struct err *e)
{
    struct conf_reading *r = calloc(1, sizeof *r);
    struct err ignored;
    int rc;

    *out = NULL;
    if (r != NULL)
        r->conf = calloc(1, sizeof *r->conf);
    if (r == NULL || r->conf == NULL) {
        free(r);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    r->e = e != NULL ? e : &ignored;
    conf__sections_init(&r->sections, &r->conf->arena);
    rc = read_all(r, dir, environment);
    if (rc == 0)
        *out = r->conf;
    else
        conf_free(&r->conf);
    free(r);
    return rc;
}

void conf_free(struct conf **conf)
{
    if (*conf == NULL)
        return;
    arena_free(&(*conf)->arena);
    free(*conf);
    *conf = NULL;
}
