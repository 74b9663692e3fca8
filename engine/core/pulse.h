/* SPDX-License-Identifier: MIT
 * Pulses: what each loop of the engine is doing, so that /ready can tell a loop that waits for work
 * from one that is stuck (R34). */
#ifndef JOBMILL_CORE_PULSE_H
#define JOBMILL_CORE_PULSE_H

#include <stdatomic.h>
#include <stdint.h>

struct pulse {
    const char *name;
    _Atomic int64_t busy_since_ns; /* CLOCK_MONOTONIC; 0 while the loop waits */
};

void pulse_busy(struct pulse *p);
void pulse_idle(struct pulse *p);
/* How long the current piece of work has taken; 0 while idle. Any thread. */
int64_t pulse_busy_ms(struct pulse *p);

#endif
