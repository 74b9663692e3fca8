/* SPDX-License-Identifier: MIT
 * Back-off: how long a failed job waits. */
#include "model/retry.h"

int64_t retry_delay_ms(const struct retry_policy *policy, int32_t attempt, uint64_t random)
{
    int64_t cap = policy->cap_ms < RETRY_DELAY_MAX_MS ? policy->cap_ms : RETRY_DELAY_MAX_MS;
    int64_t delay = policy->base_ms < cap ? policy->base_ms : cap, spread;
    int32_t i;

    if (policy->factor_pct > 100)
        for (i = 1; i < attempt && delay > 0 && delay < cap; i++)
            delay = (delay * policy->factor_pct + 99) / 100; /* rounded up: it always grows */
    if (delay > cap)
        delay = cap;
    spread = delay * policy->jitter_pct / 100;
    if (spread <= 0)
        return delay;
    return delay - spread + (int64_t)(random % ((uint64_t)spread + 1));
}
