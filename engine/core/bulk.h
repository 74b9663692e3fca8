/* SPDX-License-Identifier: MIT
 * Bulk operations by filter: replaying and purging dead letters page by page. */
#ifndef JOBMILL_CORE_BULK_H
#define JOBMILL_CORE_BULK_H

#include "store/store.h"

#define BULK_PAGE 200 /* jobs in one transaction */

/* Carries the oldest open bulk operation on by one page; *more tells whether to call again at once.
 * Each page is one transaction together with the operation's cursor, so that a crash repeats
 * nothing. An operation that can never succeed ends as BULK_FAILED with its error. */
int bulk_step(struct store *store, struct err *e, bool *more) MUST_CHECK;

/* A dead letter's payload as changed by a merge patch, in `arena`. False when it would be larger
 * than `max_bytes` or cannot be made. */
bool bulk_patch(struct str payload, struct str patch, size_t max_bytes, struct arena *arena,
                struct str *out, struct err *e) MUST_CHECK;

#endif
