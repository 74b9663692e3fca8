/* SPDX-License-Identifier: MIT
 * Checking what a loaded plugin says of itself: its descriptor, handlers and configuration keys. */
#ifndef JOBMILL_EXEC_DESCRIPTOR_H
#define JOBMILL_EXEC_DESCRIPTOR_H

#include "exec/loader.h"

/* Checks the descriptor and copies its handlers into `arena`; fills name, version and handlers of
 * `out`. Errors name the member, found and expected, but not the file. Pointers in the descriptor
 * are trusted to be NULL or valid: a probe that dies here refuses the file as well. */
int descriptor_read(const jobmill_plugin *d, struct arena *arena, struct plugin *out,
                    struct err *e) MUST_CHECK;

#endif
