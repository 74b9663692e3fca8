/* SPDX-License-Identifier: MIT
 * Combinations of settings that cannot work. */
#include "conf/conf_priv.h"
#include "conf/value.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define ALL_ROLES (CONF_ROLE_API | CONF_ROLE_WORKER | CONF_ROLE_SCHEDULER)

/* Puts the place of the key that was set in front; nothing for a default. */
static int refuse_at(const struct conf_reading *r, enum key_id id)
{
    return r->sources[id].file == NULL ? r->e->code : conf__at(r->sources[id], r->e);
}

static bool is_sqlite(const struct conf *conf)
{
    return str_starts(str_from(conf->store_url), "sqlite:");
}

static int check_store(const struct conf_reading *r)
{
    const struct conf *conf = r->conf;

    if (!is_sqlite(conf))
        return 0;
    if (conf->roles != ALL_ROLES) {
        err_set(r->e, ERR_INVALID,
                "engine.roles: found some of the roles with the store %s, expected all of api, "
                "worker, scheduler: one process holds an SQLite file",
                conf->store_url);
        return refuse_at(r, KEY_ID_engine_roles);
    }
    if (!str_starts(str_from(conf->queue_url), "store:")) {
        err_set(r->e, ERR_INVALID,
                "queue.url: found a queue other than store: with the store %s, expected store:",
                conf->store_url);
        return refuse_at(r, KEY_ID_queue_url);
    }
    return 0;
}

/* A public address without tokens would let anybody run jobs. */
static int check_listen(const struct conf_reading *r)
{
    const struct conf *conf = r->conf;
    struct listen_address address;

    if (listen_parse(str_from(conf->listen), &address) != NULL) {
        err_set(r->e, ERR_INVALID,
                "api.listen: found \"%s\", expected a unix socket's path of at "
                "most 107 bytes, the configuration's folder included",
                conf->listen);
        return refuse_at(r, KEY_ID_api_listen);
    }
    if (address.is_loopback || *conf->tokens_file != '\0')
        return 0;
    err_set(r->e, ERR_INVALID,
            "api.listen = %s is reachable from other machines: set api.tokens_file, or listen on "
            "127.0.0.1 or unix:PATH",
            conf->listen);
    return refuse_at(r, KEY_ID_api_listen);
}

static int check_tokens(const struct conf_reading *r)
{
    const char *path = r->conf->tokens_file;
    struct stat st;

    if (*path == '\0')
        return 0;
    if (stat(path, &st) != 0)
        err_errno(r->e, ERR_INVALID, "api.tokens_file: %s", path);
    else if (!S_ISREG(st.st_mode))
        err_set(r->e, ERR_INVALID, "api.tokens_file: %s: not a regular file", path);
    else
        return 0;
    return refuse_at(r, KEY_ID_api_tokens_file);
}

static int check_times(const struct conf_reading *r)
{
    const struct conf *conf = r->conf;
    char beat[VALUE_TEXT_MAX], lease[VALUE_TEXT_MAX];

    if (conf->beat_ms > conf->lease_ms / 3) {
        value_format_duration(conf->beat_ms, beat);
        value_format_duration(conf->lease_ms, lease);
        err_set(r->e, ERR_INVALID,
                "engine.beat: found %s with a lease of %s, expected at most a "
                "third of the lease",
                beat, lease);
        return refuse_at(r, r->sources[KEY_ID_engine_beat].file != NULL ? KEY_ID_engine_beat
                                                                        : KEY_ID_engine_lease);
    }
    return 0;
}

int conf__check(struct conf_reading *r)
{
    int rc = check_store(r);

    if (rc == 0)
        rc = check_listen(r);
    if (rc == 0)
        rc = check_tokens(r);
    if (rc == 0)
        rc = check_times(r);
    return rc;
}
