/* SPDX-License-Identifier: MIT
 * What an artifact (plugin or script) says of itself; the probe prints it as JSON. */
#ifndef JOBMILL_EXEC_REPORT_H
#define JOBMILL_EXEC_REPORT_H

#include "base/arena.h"
#include "base/str.h"

#define REPORT_HANDLERS_MAX 256 /* per artifact */
#define REPORT_KEYS_MAX     64  /* per handler */

struct report_key {
    struct str key, default_value, text; /* default_value.ptr NULL: none */
    uint32_t type;                       /* JOBMILL_CONFIG_… */
    bool required;
};

struct report_handler {
    struct str job_type;
    bool single_threaded;
    struct report_key *keys;
    size_t n_keys;
};

struct artifact_report {
    struct str kind; /* "plugin" or "lua" */
    struct str name, version;
    unsigned abi_major, abi_minor, built_major, built_minor; /* of a plugin */
    struct report_handler *handlers;
    size_t n_handlers;
};

#endif
