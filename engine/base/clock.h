/* SPDX-License-Identifier: MIT
 * Time: three clocks, and RFC 3339 text. Durations come from clock_mono_ns; what another process
 * compares comes from clock_boot_ns; clock_wall_ms is for a store's own clock and for logs. */
#ifndef JOBMILL_BASE_CLOCK_H
#define JOBMILL_BASE_CLOCK_H

#include "base/str.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

#define TIME_TEXT_LEN 24 /* 2026-01-31T12:34:56.789Z */

int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
int64_t clock_boot_ns(void); /* CLOCK_BOOTTIME */
int64_t clock_wall_ms(void); /* ms since 1970 UTC */

void clock_sleep_ms(int64_t ms); /* or until a signal is caught */

/* "2026-01-31T12:34:56.789Z" with a NUL. Times outside years 0–9999 are clamped. */
void time_format(int64_t wall_ms, char out[static TIME_TEXT_LEN + 1]);

/* RFC 3339 with `Z` or a numeric offset, fraction optional (cut to ms); years 1970 to 9999. False
 * when it is anything else. */
bool time_parse(struct str text, int64_t *wall_ms);

#endif
