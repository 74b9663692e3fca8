/* SPDX-License-Identifier: MIT
 * This node: its lasting name, and the lock that tells whether executors of an earlier engine on
 * the same data folder still live. */
#ifndef JOBMILL_CORE_NODE_H
#define JOBMILL_CORE_NODE_H

#include "conf/conf.h"

/* engine.node_id, else the name kept in <data_dir>/node_id, made up at the first start. */
int node_id_get(const struct conf *conf, char out[static JOB_NAME_MAX + 1],
                struct err *e) MUST_CHECK;

/* Waits up to `wait_ms` until no executor of an earlier engine holds <data_dir>/executors.lock,
 * then holds it; *fd is handed on to every executor. ERR_UNAVAILABLE when they do not leave. */
int node_hold(const char *data_dir, int64_t wait_ms, int *fd, struct err *e) MUST_CHECK;

#endif
