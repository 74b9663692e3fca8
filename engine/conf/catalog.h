/* SPDX-License-Identifier: MIT
 * The catalog: which job types this node can run, by which handler of which artifact, in which
 * pool. One generation's immutable result of configuration and probes. */
#ifndef JOBMILL_CONF_CATALOG_H
#define JOBMILL_CONF_CATALOG_H

#include "conf/conf.h"

/* What a probe said of an artifact (parsed from its JSON). */
struct artifact_key {
    struct str key, default_value, text;
    uint32_t type; /* JOBMILL_CONFIG_… */
    bool required;
};

struct artifact_handler {
    struct str job_type;
    bool single_threaded;
    struct artifact_key *keys;
    size_t n_keys;
};

struct artifact {
    struct str path;   /* as configured */
    struct str pinned; /* the copy that executors load, named by its hash */
    struct str hash;   /* sha256, hex */
    enum handler_kind kind;
    struct str name, version;
    unsigned abi_major, abi_minor, built_major, built_minor;
    struct artifact_handler *handlers;
    size_t n_handlers;
};

/* A job type and what runs it. */
struct route {
    struct str type;
    const struct artifact *artifact;
    struct str handler_name; /* the artifact's handler */
    uint32_t pool;           /* index into pools */
    uint32_t handler_index;  /* index within its pool's executors */
    int64_t timeout_ms;
    int32_t max_retries;
    struct retry_policy retry;
    struct conf_pair *config; /* complete: given values, then defaults; checked against the keys */
    size_t n_config;
    struct str config_hash; /* hex, of artifact hash and config */
};

struct catalog_pool {
    struct str name;
    int32_t processes, threads;
    int64_t memory_bytes;
    uint32_t *routes; /* indexes into routes, in handler_index order */
    size_t n_routes;
};

struct catalog {
    struct arena arena;
    struct artifact *artifacts;
    size_t n_artifacts;
    struct catalog_pool *pools; /* only those with routes; single-threaded handlers have been moved
                                   to pools of their own, one thread per process */
    size_t n_pools;
    struct route *routes; /* sorted by type */
    size_t n_routes;
};

/* Runs one probe on a pinned file; fills name … handlers of `out` in `arena`. Called from several
 * threads at once, each with an arena of its own. Errors may name `file`: the catalog puts the
 * configured path in its place. */
typedef int (*catalog_probe_fn)(void *context, const char *file, enum handler_kind kind,
                                struct arena *arena, struct artifact *out, struct err *e);

/* Pins every artifact that a section names or that lies unclaimed in plugin_dir or lua_dir (copy
 * to data_dir/artifacts/<hash>.so|.lua), probes each once, resolves handlers and checks their
 * configuration. With `pin` false nothing is written and `pinned` is the path itself: for looking
 * (`jobmill check`), not for running. ERR_INVALID naming the section's file:line, found and
 * expected. */
int catalog_build(const struct conf *conf, bool pin, catalog_probe_fn probe, void *context,
                  struct catalog **out, struct err *e) MUST_CHECK;
void catalog_free(struct catalog **catalog);

const struct route *catalog_find(const struct catalog *catalog, struct str type);

/* The configuration of one pool's executors, as JSON (docs/protocol.md): what they get as a sealed
 * memfd. */
void catalog_executor_config(const struct catalog *catalog, uint32_t pool, struct buf *out);

/* Parses a probe's JSON. `what` names the file in errors. */
int artifact_parse(struct str json, const char *what, struct arena *arena, struct artifact *out,
                   struct err *e) MUST_CHECK;

#endif
