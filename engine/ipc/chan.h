/* SPDX-License-Identifier: MIT
 * Channels: one message per SOCK_SEQPACKET datagram; large ones travel as a sealed memfd. */
#ifndef JOBMILL_IPC_CHAN_H
#define JOBMILL_IPC_CHAN_H

#include "base/err.h"
#include "base/str.h"
#include "ipc/wire.h"

#define CHAN_INLINE_MAX  (64 * 1024)        /* larger messages go as a memfd */
#define CHAN_MESSAGE_MAX (16 * 1024 * 1024) /* nobody may send more */

/* A pair of connected, close-on-exec sockets. */
int chan_pair(int fds[static 2], struct err *e) MUST_CHECK;

/* Sends one message. ERR_LIMIT when `dont_wait` and the socket is full; ERR_IO when the other end
 * is gone. Any thread: datagrams never mix. `scratch` is the caller's, reused between calls. */
int chan_send(int fd, const struct wire_msg *msg, bool dont_wait, struct buf *scratch,
              struct err *e) MUST_CHECK;

/* Received bytes; strings of the message point into them until the next chan_recv or _fini. */
struct chan_in {
    char *inline_bytes; /* CHAN_INLINE_MAX, allocated at first use */
    void *map;          /* of the last memfd message */
    size_t map_len;
};

#define CHAN_IN_INIT ((struct chan_in){NULL, NULL, 0})

enum chan_got { CHAN_MESSAGE = 1, CHAN_NOTHING = 2, CHAN_CLOSED = 3 };

/* Receives one message into `in` and decodes it. Returns enum chan_got (CHAN_NOTHING only with
 * `dont_wait`), or ERR_INVALID for a malformed message, ERR_IO. */
int chan_recv(int fd, bool dont_wait, struct chan_in *in, struct wire_msg *out,
              struct err *e) MUST_CHECK;

void chan_in_fini(struct chan_in *in);

#endif
