/* SPDX-License-Identifier: MIT
 * Arenas: memory that is given back all at once (a request, a batch, a job). */
#ifndef JOBMILL_BASE_ARENA_H
#define JOBMILL_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* handed out, for bounds */
};

#define ARENA_INIT ((struct arena){NULL, 0})

/* Zeroed memory aligned for any type, or NULL when there is none. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc));
/* As arena_alloc(n * size), NULL on overflow. */
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((malloc));
/* A NUL-terminated copy of `s`. STR_NONE stays STR_NONE; on failure ptr is NULL. */
struct str arena_str(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Moves everything that `from` holds into `into`; `from` is empty and usable again. For threads
 * that each fill an arena of their own for one owner. */
void arena_adopt(struct arena *into, struct arena *from);
void arena_free(struct arena *a); /* everything; the arena is empty and usable again */

#endif
