/* SPDX-License-Identifier: MIT
 * Captured output: what an executor prints, cut into lines. */
#include "core/capture.h"

#include <errno.h>
#include <unistd.h>

#define READS_PER_CALL 4 /* a chatty process must not starve the others */

static void hand_out(struct capture *c, capture_fn line, void *context)
{
    if (c->len > 0)
        line(context, (struct str){c->line, c->len});
    c->len = 0;
}

static void add_byte(struct capture *c, char byte, capture_fn line, void *context)
{
    if (byte == '\n') {
        hand_out(c, line, context);
        c->cut = false;
        return;
    }
    if (c->cut)
        return;
    c->line[c->len++] = byte;
    if (c->len == sizeof c->line) {
        c->line[c->len - 3] = c->line[c->len - 2] = c->line[c->len - 1] = '.';
        hand_out(c, line, context);
        c->cut = true;
    }
}

bool capture_read(struct capture *c, int fd, capture_fn line, void *context)
{
    char bytes[4096];
    int round;

    for (round = 0; round < READS_PER_CALL; round++) {
        ssize_t n = read(fd, bytes, sizeof bytes), i;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0) {
            hand_out(c, line, context);
            return false;
        }
        for (i = 0; i < n; i++)
            add_byte(c, bytes[i], line, context);
    }
    return true;
}
