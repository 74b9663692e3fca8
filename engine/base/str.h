/* SPDX-License-Identifier: MIT
 * Borrowed strings (`struct str`) and growing byte buffers (`struct buf`). */
#ifndef JOBMILL_BASE_STR_H
#define JOBMILL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes, not necessarily NUL-terminated. ptr == NULL means "absent". */
struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
/* For printf: "%.*s" with STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).ptr

struct str str_from(const char *text); /* NULL gives STR_NONE */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *text);
int str_cmp(struct str a, struct str b); /* bytewise; a prefix comes first */
bool str_starts(struct str a, const char *prefix);
struct str str_trim(struct str s); /* spaces, tabs, CR, LF at both ends */

/* Decimal integer over the whole of `s`; false on anything else or overflow. */
bool str_to_i64(struct str s, int64_t *out);

/* True when `s` is well-formed UTF-8 without NUL (RFC 3629: no surrogates, no overlongs). */
bool str_is_utf8(struct str s);

/* The nearest of `n` words to `s` by edit distance (at most 3), or NULL. For "did you mean". */
const char *str_nearest(struct str s, const char *const *words, size_t n);

/* A growing buffer. After an allocation failure `failed` stays true and appends do nothing, so
 * that a writer checks once, at the end. Always NUL-terminated when ptr is not NULL. */
struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    bool failed;
};

#define BUF_INIT ((struct buf){NULL, 0, 0, false})

void buf_free(struct buf *b); /* leaves an empty buffer */
void buf_reset(struct buf *b);
/* Makes room for `more` bytes and returns where to write them (NULL on failure). */
char *buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addstr(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_add_i64(struct buf *b, int64_t value);
struct str buf_str(const struct buf *b); /* borrowed until the next append */

#endif
