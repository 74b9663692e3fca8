/* SPDX-License-Identifier: MIT
 * Configuration: what the .ini files of conf.d, the environment and the key table (keys.def) say,
 * checked and typed. Knows no artifact yet; catalog.h joins these sections with what the probes
 * found. */
#ifndef JOBMILL_CONF_CONF_H
#define JOBMILL_CONF_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "model/job.h"

#define CONF_POOLS_MAX      64
#define CONF_HANDLERS_MAX   1024
#define CONF_ROLE_API       1u
#define CONF_ROLE_WORKER    2u
#define CONF_ROLE_SCHEDULER 4u

/* Where a setting was written, for messages: "conf.d/10-x.ini:12" or "JOBMILL_API_LISTEN". */
struct conf_source {
    const char *file;
    int line; /* 0: an environment variable or a default */
};

struct conf_pair {
    struct str key, value;
    struct conf_source source;
};

struct pool_conf {
    struct str name;
    int32_t processes, threads;
    int64_t memory_bytes; /* 0: no limit; per process */
    struct conf_source source;
};

enum handler_kind { HANDLER_PLUGIN = 1, HANDLER_LUA };

/* One [handler TYPE] section. */
struct handler_conf {
    struct str type;
    enum handler_kind kind;
    struct str file;         /* as written */
    struct str path;         /* absolute, inside plugin_dir or lua_dir */
    struct str handler_name; /* `handler =`: which of the artifact's handlers; ptr NULL: by type,
                                else the only one */
    struct str pool;
    int64_t timeout_ms;
    int32_t max_retries;
    struct retry_policy retry;
    struct conf_pair *config; /* config.KEY = value */
    size_t n_config;
    struct conf_source source;
};

struct conf {
    struct arena arena;   /* owns everything below */
    const char *dir;      /* the configuration folder, as given */
    const char *base_dir; /* absolute folder that holds it; relative paths start here */

    /* [engine] */
    uint32_t roles;                              /* CONF_ROLE_… */
    const char *data_dir, *plugin_dir, *lua_dir; /* absolute */
    const char *exec_path; /* jobmill-exec; empty: beside this program, else in libexec */
    const char *node_id;   /* empty: kept in data_dir/node_id */
    enum log_level log_level;
    int64_t lease_ms, beat_ms, drain_ms, start_timeout_ms;

    /* [api] */
    const char *listen; /* host:port, [v6]:port, or unix:PATH */
    int64_t max_body_bytes;
    const char *tokens_file; /* absolute, or empty */
    bool accept_unknown_types;
    int32_t api_threads, max_connections;
    int64_t header_timeout_ms, request_timeout_ms, idle_timeout_ms;
    int32_t max_pending; /* creates waiting for a commit before 429 */

    /* [store] [queue] [retention] */
    const char *store_url, *queue_url;
    int64_t key_window_ms;
    int64_t keep_completed_ms, keep_cancelled_ms, keep_dead_ms; /* 0: for ever */

    /* [defaults]: what a handler section does not say */
    int32_t max_retries;
    int64_t timeout_ms;
    struct retry_policy retry;

    struct pool_conf *pools; /* at least "default" */
    size_t n_pools;
    struct handler_conf *handlers;
    size_t n_handlers;
};

/* Reads every *.ini of `dir` in lexical order, then the environment over it. ERR_INVALID with
 * file:line, found, expected; ERR_NOT_FOUND when there is no such folder. On success the caller
 * owns *out. */
int conf_read(const char *dir, char *const *environment, struct conf **out,
              struct err *e) MUST_CHECK;
void conf_free(struct conf **conf);

/* "file:line: " or "NAME: " for messages. */
const char *conf_where(struct conf_source source, char *out, size_t size);

#endif
