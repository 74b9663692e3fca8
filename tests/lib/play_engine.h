/* SPDX-License-Identifier: MIT
 * Plays the engine for tests: starts the real jobmill-exec and talks to it. */
#ifndef JOBMILL_TESTS_PLAY_ENGINE_H
#define JOBMILL_TESTS_PLAY_ENGINE_H

#include "ipc/chan.h"
#include "ipc/slots.h"

#include <sys/types.h>

#define PLAY_TIMEOUT_MS 30000 /* generous: sanitizers on a busy machine */

struct play {
    pid_t pid;
    int job_fd, control_fd, slots_fd, error_fd; /* error_fd: what it writes to 1 and 2 */
    struct slot_table *table;
    struct buf scratch;
    struct chan_in job_in, control_in;
};

/* $JOBMILL_EXEC, else build/jobmill-exec; fails the test when it is missing. */
const char *play_program(void);
/* The folder of the hostile plugins that belong to this test program. */
const char *play_hostile_dir(void);

/* Starts `jobmill-exec run` with this configuration. */
void play_start(struct play *p, const char *config_json);
/* Waits for READY or REFUSED. */
void play_control(struct play *p, struct wire_msg *out);
void play_expect_ready(struct play *p);

void play_send_job(struct play *p, uint64_t seq, uint32_t handler, const char *payload,
                   int64_t timeout_ms);
void play_send_control(struct play *p, enum wire_kind kind, uint64_t seq);
/* The next message from the job socket; fails the test when there is none in time. */
void play_recv(struct play *p, struct wire_msg *out);
/* The next DONE, whatever comes before it. */
void play_recv_done(struct play *p, struct wire_msg *out);

/* Waits until some slot runs `seq`. */
void play_wait_running(struct play *p, uint64_t seq);
/* Waits for the end and returns waitpid's status. */
int play_wait_end(struct play *p);
/* Ends the executor if it still runs and frees everything. */
void play_stop(struct play *p);

/* Runs `jobmill-exec ARGUMENT FILE`, collects its stdout; returns its exit code. */
int play_command(const char *argument, const char *file, struct buf *out);

#endif
