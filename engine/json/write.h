/* SPDX-License-Identifier: MIT
 * Writing JSON into a buffer. Commas are the writer's business: every function that begins a value
 * or a member looks at what stands before it. */
#ifndef JOBMILL_JSON_WRITE_H
#define JOBMILL_JSON_WRITE_H

#include "base/str.h"

/* `s` as a JSON string; NUL and bytes that are not UTF-8 become U+FFFD, so that json_scan accepts
 * the output whatever came in. STR_NONE gives null. */
void json_put_str(struct buf *b, struct str s);
void json_put_int(struct buf *b, int64_t value);
void json_put_bool(struct buf *b, bool value);
void json_put_real(struct buf *b, double value);    /* reads back the same; not finite gives null */
void json_put_raw(struct buf *b, struct str json);  /* already JSON; STR_NONE or empty gives null */
void json_put_time(struct buf *b, int64_t wall_ms); /* RFC 3339, 0 gives null */

/* `{`, `}`, `[`, `]`, and a member's name with its colon; a comma first where one is due. */
void json_open(struct buf *b, char bracket);
void json_close(struct buf *b, char bracket);
void json_name(struct buf *b, const char *name);

#endif
