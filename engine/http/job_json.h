/* SPDX-License-Identifier: MIT
 * A job as clients see it. */
#ifndef JOBMILL_HTTP_JOB_JSON_H
#define JOBMILL_HTTP_JOB_JSON_H

#include "http/request.h"
#include "store/store_read.h"

/* The job as an object with every member, null where there is nothing. A running job shows the
 * latest progress that this node knows of. */
void job_json_put(struct request *r, struct buf *b, const struct job *job);

/* As job_json_put, but leaves the object open for more members. */
void job_json_open(struct request *r, struct buf *b, const struct job *job);

/* The reply becomes a page of jobs: a plain array. */
void job_json_page(struct request *r, const struct job_page *page);

void attempt_json_put(struct buf *b, const struct attempt_row *row);

/* Members that other answers have as well. */
void json_put_id(struct buf *b, const char *name, struct uuid id); /* nil: null */
void json_member_str(struct buf *b, const char *name, struct str value);
void json_member_int(struct buf *b, const char *name, int64_t value);
void json_member_int_or_null(struct buf *b, const char *name, int64_t value, int64_t none);
void json_member_time(struct buf *b, const char *name, int64_t wall_ms);
void json_member_bool(struct buf *b, const char *name, bool value);
void json_member_retry(struct buf *b, const struct retry_policy *retry); /* "backoff" */

#endif
