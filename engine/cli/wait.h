/* SPDX-License-Identifier: MIT
 * Following jobs until they have ended, for `wait` and `enqueue --wait`. */
#ifndef JOBMILL_CLI_WAIT_H
#define JOBMILL_CLI_WAIT_H

#include "cli/client.h"

/* Polls until each of the n jobs is completed, cancelled or dead, or `timeout_ms` (-1: none) are
 * over. Shows progress on stderr (a bar on a terminal, a line per change otherwise), then one line
 * (or, with -o json, one object) per job on stdout. Returns the exit code: CLI_OK when all
 * completed. */
int wait_for_jobs(struct client *client, char *const *ids, size_t n, int64_t timeout_ms);

#endif
