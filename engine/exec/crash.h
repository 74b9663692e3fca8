/* SPDX-License-Identifier: MIT
 * Last words: when foreign code kills the process or ends it, who did it is written into the slot
 * table before the process goes. */
#ifndef JOBMILL_EXEC_CRASH_H
#define JOBMILL_EXEC_CRASH_H

#include "base/err.h"
#include "ipc/slots.h"

/* Catches fatal signals and exit() from now on. While `loading`, exit() is answered by REFUSED on
 * `control_fd`. Once per process. */
int crash_install(struct slot_table *table, int control_fd, struct err *e) MUST_CHECK;
void crash_loaded(void);

/* Each thread that runs foreign code: gives it an alternate stack, so that a stack overflow can be
 * reported, and tells which slot it is (index + 1; 0: none). */
int crash_thread_enter(uint32_t slot, struct err *e) MUST_CHECK;
void crash_thread_leave(void);

/* Records that this thread's handler ended it, and leaves; does nothing in a forked child. For
 * pthread_cleanup_push. */
void crash_thread_ended(void *unused);

#endif
