/* SPDX-License-Identifier: MIT
 * Arenas: memory that is given back all at once. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_BLOCK 4000

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(ARENA_ALIGN) char data[];
};

static struct arena_block *block_new(struct arena *a, size_t need)
{
    size_t size = need > ARENA_BLOCK ? need : ARENA_BLOCK;
    struct arena_block *block = malloc(sizeof *block + size);

    if (block == NULL)
        return NULL;
    block->used = 0;
    block->size = size;
    if (a->blocks != NULL && need > ARENA_BLOCK) { /* keep filling the current small block */
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_block *block = a->blocks;
    size_t need = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    void *out;

    if (size > SIZE_MAX / 2)
        return NULL;
    if (need == 0)
        need = ARENA_ALIGN;
    if (block == NULL || block->size - block->used < need)
        block = block_new(a, need);
    if (block == NULL)
        return NULL;
    out = block->data + block->used;
    block->used += need;
    a->used_bytes += need;
    memset(out, 0, need);
    return out;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size)
        return NULL;
    return arena_alloc(a, n * size);
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy;

    if (s.ptr == NULL)
        return STR_NONE;
    copy = arena_alloc(a, s.len + 1);
    if (copy == NULL)
        return STR_NONE;
    memcpy(copy, s.ptr, s.len);
    return (struct str){copy, s.len};
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    char *out;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    out = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (out != NULL)
        vsnprintf(out, (size_t)n + 1, fmt, again);
    va_end(again);
    return out;
}

void arena_adopt(struct arena *into, struct arena *from)
{
    struct arena_block **last = &into->blocks;

    while (*last != NULL)
        last = &(*last)->next;
    *last = from->blocks;
    into->used_bytes += from->used_bytes;
    *from = ARENA_INIT;
}

void arena_free(struct arena *a)
{
    struct arena_block *block = a->blocks;

    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    *a = ARENA_INIT;
}
