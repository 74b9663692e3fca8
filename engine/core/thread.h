/* SPDX-License-Identifier: MIT
 * Starting the engine's threads: named, with every signal blocked. */
#ifndef JOBMILL_CORE_THREAD_H
#define JOBMILL_CORE_THREAD_H

#include "base/err.h"

#include <pthread.h>

/* `name` has at most 15 bytes. */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context,
                 struct err *e) MUST_CHECK;

#endif
