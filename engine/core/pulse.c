/* SPDX-License-Identifier: MIT
 * Pulses: what each loop of the engine is doing. */
#include "core/pulse.h"

#include "base/clock.h"

void pulse_busy(struct pulse *p)
{
    atomic_store_explicit(&p->busy_since_ns, clock_mono_ns(), memory_order_relaxed);
}

void pulse_idle(struct pulse *p)
{
    atomic_store_explicit(&p->busy_since_ns, 0, memory_order_relaxed);
}

int64_t pulse_busy_ms(struct pulse *p)
{
    int64_t since = atomic_load_explicit(&p->busy_since_ns, memory_order_relaxed);

    return since == 0 ? 0 : (clock_mono_ns() - since) / NS_PER_MS;
}
