/* SPDX-License-Identifier: MIT
 * Back-off: how long a failed job waits. Pure. */
#ifndef JOBMILL_MODEL_RETRY_H
#define JOBMILL_MODEL_RETRY_H

#include <stdint.h>

#define RETRY_DELAY_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)

/* delay(n) = min(cap, base * factor^(n-1)), of which the last jitter percent are random. */
struct retry_policy {
    int64_t base_ms;
    int64_t cap_ms;
    int32_t factor_pct; /* 200 = doubling; 100–1000 */
    int32_t jitter_pct; /* 0 = exact, 100 = anything from 0 to the whole delay */
};

#define RETRY_POLICY_DEFAULT ((struct retry_policy){1000, 60000, 200, 100})

/* The wait before the run after `attempt` failed runs (attempt >= 1), in [0, cap_ms] and never
 * over RETRY_DELAY_MAX_MS. */
int64_t retry_delay_ms(const struct retry_policy *policy, int32_t attempt, uint64_t random);

#endif
