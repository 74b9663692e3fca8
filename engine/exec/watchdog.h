/* SPDX-License-Identifier: MIT
 * The watchdog: ends the process when the engine's lease is over, whatever the handlers do (R5). */
#ifndef JOBMILL_EXEC_WATCHDOG_H
#define JOBMILL_EXEC_WATCHDOG_H

#include "base/err.h"
#include "ipc/slots.h"

/* Starts its thread, which lives as long as the process. */
int watchdog_start(struct slot_table *table, struct err *e) MUST_CHECK;

#endif
