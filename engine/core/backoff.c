/* SPDX-License-Identifier: MIT
 * Back-off of the engine's own loops. */
#include "core/backoff.h"

#include "base/uuid.h"

int64_t backoff_next_ms(struct backoff *b)
{
    if (b->failures < INT32_MAX)
        b->failures++;
    return retry_delay_ms(&b->policy, b->failures, random_u64());
}

bool backoff_end(struct backoff *b)
{
    bool was_in_trouble = b->failures > 0;

    b->failures = 0;
    return was_in_trouble;
}
