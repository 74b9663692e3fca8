/* SPDX-License-Identifier: MIT
 * JSON merge patch (RFC 7396). */
#ifndef JOBMILL_JSON_MERGE_H
#define JOBMILL_JSON_MERGE_H

#include "base/err.h"
#include "base/str.h"

/* Appends `target` as changed by `patch` to `out`. Both are JSON that json_scan accepts. Members
 * keep their order; 64-bit integers survive. ERR_INVALID, ERR_NOMEM. */
int json_merge(struct str target, struct str patch, struct buf *out, struct err *e) MUST_CHECK;

#endif
