/* SPDX-License-Identifier: MIT
 * The engine's parts in one place; only engine.c and serve.c see them together. */
#ifndef JOBMILL_CORE_ENGINE_PRIV_H
#define JOBMILL_CORE_ENGINE_PRIV_H

#include "core/dispatch.h"
#include "core/duties.h"
#include "core/engine.h"
#include "core/finish.h"
#include "core/fleet.h"
#include "core/heartbeat.h"
#include "core/submit.h"

struct engine {
    const struct conf *conf;
    struct store *store;
    struct queue *queue;
    struct catalog *catalog;
    struct duties duties;
    struct fleet fleet;
    struct finish_thread finish;
    struct heartbeat heartbeat;
    struct submit submit;
    struct dispatch dispatch;
    int hold_fd; /* lock that every executor shares: the next engine waits until they are gone */
    _Atomic int health; /* enum engine_health, but for STALLED */
};

#endif
