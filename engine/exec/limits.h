/* SPDX-License-Identifier: MIT
 * What an executor process may do and how it is tied to its engine: set once, at its start. */
#ifndef JOBMILL_EXEC_LIMITS_H
#define JOBMILL_EXEC_LIMITS_H

#include "base/err.h"

#include <stddef.h>

/* A session of its own, death with the engine, no core dumps, no new privileges, default signals;
 * descriptors from 3 on do not reach the children of handlers. */
int limits_detach(struct err *e) MUST_CHECK;

/* Bounds the writable memory of the process. */
int limits_memory(size_t bytes, struct err *e) MUST_CHECK;

#endif
