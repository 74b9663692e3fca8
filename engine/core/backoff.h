/* SPDX-License-Identifier: MIT
 * Back-off of the engine's own loops: how long to wait after trouble, doubling, jittered (R9). */
#ifndef JOBMILL_CORE_BACKOFF_H
#define JOBMILL_CORE_BACKOFF_H

#include "model/retry.h"

#include <stdbool.h>

struct backoff {
    struct retry_policy policy;
    int32_t failures; /* in a row */
};

/* A constant: waits from `first` ms on, never longer than `cap`. Half of each is random, so that
 * nodes part company, and half is not, so that no loop spins. */
#define BACKOFF(first, cap)                                \
    {                                                      \
        .policy = {(first), (cap), 200, 50}, .failures = 0 \
    }

/* After one more failure: the ms to wait. */
int64_t backoff_next_ms(struct backoff *b);

/* After a success: starts over. True when there had been trouble. */
bool backoff_end(struct backoff *b);

#endif
