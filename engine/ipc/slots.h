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

/* Why foreign code ended an executor. */
enum slots_cause {
    SLOTS_ALIVE = 0,       /* nothing was recorded */
    SLOTS_SIGNAL = 1,      /* a fatal signal: crash_signal, crash_address */
    SLOTS_EXIT_CALLED = 2, /* exit() */
    SLOTS_THREAD_ENDED = 3 /* pthread_exit() */
};

struct slot_table {
    _Atomic uint32_t n_slots;
    /* The engine moves this ahead while its lease is good; the executor's watchdog leaves with
     * _exit when CLOCK_BOOTTIME passes it. 0: not set yet. */
    _Atomic int64_t fence_ns;
    _Atomic uint64_t jobs_started;
    /* Who ended the process, written by its last words; the first cause stays. */
    _Atomic uint32_t crash_cause;  /* enum slots_cause */
    _Atomic uint32_t crash_signal; /* 0: none */
    _Atomic uint32_t crash_slot;   /* index + 1; 0: not a slot thread */
    _Atomic uint64_t crash_address;
    struct slot slots[SLOTS_MAX];
};

/* Makes the memory file (close-on-exec) and maps it. */
int slots_create(int *fd, struct slot_table **out, struct err *e) MUST_CHECK;
/* Maps one that was inherited; checks its size. */
int slots_map(int fd, struct slot_table **out, struct err *e) MUST_CHECK;
void slots_unmap(struct slot_table **table);

#endif
