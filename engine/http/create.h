/* SPDX-License-Identifier: MIT
 * From a request object to a job that can be stored. */
#ifndef JOBMILL_HTTP_CREATE_H
#define JOBMILL_HTTP_CREATE_H

#include "http/fields.h"

/* Fills `out` from the job object at `at`; what is wrong is complained about. *has_type is false
 * when there is no type at all (which is not complained about). The body's hash is not set. */
void create_read(struct request *r, const struct json_doc *doc, const struct json_tok *object,
                 const struct place *at, struct create *out, bool *has_type);

/* The hash by which a replay is told from another request under the same key. */
void create_hash(struct str body, uint8_t out[static STORE_HASH_LEN]);

/* Replies with the complaints, listing the known types when one was unknown. May block. */
void create_refuse(struct request *r);

/* Answers 503 (or what else `rc` means), saying what the client can know about its jobs. */
void create_reply_failure(struct request *r, int rc, const char *error);

#endif
