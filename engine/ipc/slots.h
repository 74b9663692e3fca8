/* SPDX-License-Identifier: MIT
 * The slot table: memory that an executor shares with the engine, so that what runs where can be
 * read whatever state the process is in. A memfd of fixed size; every field is atomic and none is
 * trusted. */
#ifndef JOBMILL_IPC_SLOTS_H
#define JOBMILL_IPC_SLOTS_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>

#define SLOTS_MAX 64

/* One slot = one thread of an executor. Written by the executor but for `cancel`. */
struct slot {
    _Alignas(64) _Atomic uint64_t seq; /* the run in this slot; 0: idle */
    _Atomic int64_t started_ns;        /* CLOCK_BOOTTIME */
    _Atomic uint32_t cancel;           /* 1: asked to stop */
};

struct slot_table {
    _Atomic uint32_t n_slots;
    /* The engine moves this ahead while its lease is good; the executor's watchdog leaves with
     * _exit when CLOCK_BOOTTIME passes it. 0: not set yet. */
    _Atomic int64_t fence_ns;
    _Atomic uint64_t jobs_started;
    /* The last fatal signal, written by the executor's signal handler; 0: none. */
    _Atomic uint32_t crash_signal;
    _Atomic uint32_t crash_slot; /* index + 1; 0: not a slot thread */
    _Atomic uint64_t crash_address;
    struct slot slots[SLOTS_MAX];
};

/* Makes the memory file (close-on-exec) and maps it. */
int slots_create(int *fd, struct slot_table **out, struct err *e) MUST_CHECK;
/* Maps one that was inherited; checks its size. */
int slots_map(int fd, struct slot_table **out, struct err *e) MUST_CHECK;
void slots_unmap(struct slot_table **table);

#endif
