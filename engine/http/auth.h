/* SPDX-License-Identifier: MIT
 * Bearer tokens: a file with one `name:hash` per line, the hash being the hex BLAKE2b-256 of the
 * token. The file is read again when it changes. */
#ifndef JOBMILL_HTTP_AUTH_H
#define JOBMILL_HTTP_AUTH_H

#include "base/err.h"
#include "base/str.h"

#define AUTH_HASH_LEN 32

struct auth;

/* An empty `path` means that no token is asked for. ERR_INVALID with path:line when the file is
 * malformed or has no token. */
int auth_open(const char *path, struct auth **out, struct err *e) MUST_CHECK;
void auth_close(struct auth **a);

/* Does the value of an Authorization header name a token of the file? Any thread. */
bool auth_accepts(struct auth *a, struct str authorization);

/* The line's second half for `token`: lower-case hex. */
void auth_hash_token(struct str token, char out[static 2 * AUTH_HASH_LEN + 1]);

#endif
