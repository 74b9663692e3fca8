/* SPDX-License-Identifier: MIT
 * Looking at an artifact through a short-lived process (law 5): the engine learns what a plugin or
 * script contains without loading it. */
#ifndef JOBMILL_CORE_PROBE_H
#define JOBMILL_CORE_PROBE_H

#include "conf/catalog.h"

#define PROBE_OUTPUT_MAX  (1024 * 1024)
#define PROBE_DEADLINE_MS 10000

/* Runs `exec_path probe file` and appends the JSON that it prints to `json`: a description, or an
 * object with `error` when it refuses the file. ERR_IO when the process cannot be started, ends
 * without an answer, prints more than PROBE_OUTPUT_MAX or takes longer than PROBE_DEADLINE_MS.
 * Any thread. */
int probe_run(const char *exec_path, const char *file, struct buf *json, struct err *e) MUST_CHECK;

/* A catalog_probe_fn; `context` points to the `char *` path of jobmill-exec. */
int probe_artifact(void *context, const char *file, enum handler_kind kind, struct arena *arena,
                   struct artifact *out, struct err *e) MUST_CHECK;

/* catalog_build with the jobmill-exec that the configuration means. */
int probe_catalog(const struct conf *conf, bool pin, struct catalog **out,
                  struct err *e) MUST_CHECK;

#endif
