/* SPDX-License-Identifier: MIT
 * Random bytes and UUIDs (version 7, RFC 9562). */
#ifndef JOBMILL_BASE_UUID_H
#define JOBMILL_BASE_UUID_H

#include "base/str.h"

#define UUID_TEXT_LEN 36

struct uuid {
    uint8_t bytes[16];
};

/* Fills from the kernel's generator; never fails on Linux >= 5.6, aborts if it does. */
void random_bytes(void *out, size_t len);
uint64_t random_u64(void);

/* A new version 7 id. Within one process ids are strictly increasing, whatever the clock does.
 * Any thread. */
struct uuid uuid_new(void);
/* The smallest id with this time; for range bounds. */
struct uuid uuid_floor(int64_t wall_ms);
int uuid_cmp(struct uuid a, struct uuid b);
bool uuid_is_nil(struct uuid id);
void uuid_format(struct uuid id, char out[static UUID_TEXT_LEN + 1]);
/* Canonical 8-4-4-4-12 text, either case. */
bool uuid_parse(struct str text, struct uuid *out);

#endif
