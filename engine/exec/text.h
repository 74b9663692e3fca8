/* SPDX-License-Identifier: MIT
 * Text from handlers, made fit to send: valid UTF-8 without NUL, of bounded length. */
#ifndef JOBMILL_EXEC_TEXT_H
#define JOBMILL_EXEC_TEXT_H

#include "base/str.h"

/* Replaces the contents of `out` by at most `max_bytes` of `text`, cut between characters; what is
 * not UTF-8 becomes U+FFFD. An absent text becomes empty. */
void text_clean(struct buf *out, struct str text, size_t max_bytes);

#endif
