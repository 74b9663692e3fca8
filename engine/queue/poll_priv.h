/* SPDX-License-Identifier: MIT
 * The queue `store:` as queue.c opens it. */
#ifndef JOBMILL_QUEUE_POLL_PRIV_H
#define JOBMILL_QUEUE_POLL_PRIV_H

#include "queue/queue.h"

int queue__poll_open(struct queue **out, struct err *e) MUST_CHECK;

#endif
