/* SPDX-License-Identifier: MIT
 * Random bytes and UUIDs. */
#include "base/uuid.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define POOL_BYTES 512

void random_bytes(void *out, size_t len)
{
    unsigned char *p = out;

    while (len > 0) {
        ssize_t got = getrandom(p, len, 0);

        if (got < 0) {
            assert(errno == EINTR);
            continue;
        }
        p += got;
        len -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;

    random_bytes(&value, sizeof value);
    return value;
}

static void put_be48(uint8_t *to, uint64_t value)
{
    int i;

    for (i = 5; i >= 0; i--) {
        to[i] = (uint8_t)value;
        value >>= 8;
    }
}

/* What keeps ids increasing within the process; `lock` protects all of it. */
static struct {
    pthread_mutex_t lock;
    uint64_t last_ms;
    uint16_t counter; /* the 12 bits of rand_a */
    unsigned char pool[POOL_BYTES];
    size_t pool_left;
} generator = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void pool_take_locked(void *out, size_t len)
{
    if (generator.pool_left < len) {
        random_bytes(generator.pool, sizeof generator.pool);
        generator.pool_left = sizeof generator.pool;
    }
    generator.pool_left -= len;
    memcpy(out, generator.pool + generator.pool_left, len);
}

struct uuid uuid_new(void)
{
    struct uuid id;
    uint64_t now = (uint64_t)clock_wall_ms();

    pthread_mutex_lock(&generator.lock);
    pool_take_locked(id.bytes + 8, 8);
    if (now > generator.last_ms) {
        generator.last_ms = now;
        pool_take_locked(&generator.counter, sizeof generator.counter);
        generator.counter &= 0x7FF; /* the upper half is room to count */
    } else if (++generator.counter > 0xFFF) {
        generator.counter = 0;
        generator.last_ms++;
    }
    put_be48(id.bytes, generator.last_ms);
    id.bytes[6] = (uint8_t)(0x70 | (generator.counter >> 8));
    id.bytes[7] = (uint8_t)generator.counter;
    pthread_mutex_unlock(&generator.lock);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3F) | 0x80);
    return id;
}

struct uuid uuid_floor(int64_t wall_ms)
{
    struct uuid id = {{0}};

    put_be48(id.bytes, wall_ms < 0 ? 0 : (uint64_t)wall_ms);
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    return id;
}

int uuid_cmp(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

bool uuid_is_nil(struct uuid id)
{
    return uuid_cmp(id, (struct uuid){{0}}) == 0;
}

static bool is_dash_place(int i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_format(struct uuid id, char out[static UUID_TEXT_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    int i, at = 0;

    for (i = 0; i < 16; i++) {
        if (is_dash_place(at))
            out[at++] = '-';
        out[at++] = hex[id.bytes[i] >> 4];
        out[at++] = hex[id.bytes[i] & 15];
    }
    out[at] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool uuid_parse(struct str text, struct uuid *out)
{
    struct uuid id;
    int at = 0, i;

    if (text.len != UUID_TEXT_LEN)
        return false;
    for (i = 0; i < 16; i++) {
        int high, low;

        if (is_dash_place(at) && text.ptr[at++] != '-')
            return false;
        high = hex_digit(text.ptr[at++]);
        low = hex_digit(text.ptr[at++]);
        if (high < 0 || low < 0)
            return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = id;
    return true;
}
