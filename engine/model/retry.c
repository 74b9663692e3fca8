/* SPDX-License-Identifier: MIT
 * Back-off: how long a failed job waits. */
#include "model/retry.h"

int64_t retry_delay_ms(const struct retry_policy *policy, int32_t attempt, uint64_t random)
{
    int64_t delay = policy->base_ms, spread;
    int32_t i;

    for (i = 1; i < attempt && delay < policy->cap_ms; i++) {
        delay = delay * policy->factor_pct / 100;
        if (policy->factor_pct <= 100)
            break;
    }
    if (delay > policy->cap_ms)
        delay = policy->cap_ms;
    spread = delay * policy->jitter_pct / 100;
    if (spread <= 0)
        return delay;
    return delay - spread + (int64_t)(random % ((uint64_t)spread + 1));
}
