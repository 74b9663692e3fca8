/* SPDX-License-Identifier: MIT
 * Mailboxes: a bounded, intrusive queue from many threads to one, or to several that share its
 * letters. What arrives while its reader is busy is the reader's next batch. */
#ifndef JOBMILL_BASE_MAILBOX_H
#define JOBMILL_BASE_MAILBOX_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First member of whatever is posted. */
struct mail {
    struct mail *next;
};

struct mailbox {
    pthread_mutex_t lock; /* protects everything below */
    pthread_cond_t arrived;
    struct mail *first, **last;
    size_t count, limit;
    int event_fd; /* readable while mail may be waiting; -1 unless asked for */
    bool closed;
    bool nudged; /* mailbox_nudge since the last take */
};

/* `limit` bounds the number of unread letters (0: none). With `with_event_fd` a reader can also
 * wait in epoll. */
int mailbox_init(struct mailbox *mb, size_t limit, bool with_event_fd, struct err *e) MUST_CHECK;
void mailbox_fini(struct mailbox *mb); /* must be empty and unused */

/* Appends; false when full or closed, and then the letter stays the caller's. */
bool mailbox_post(struct mailbox *mb, struct mail *letter) MUST_CHECK;

/* Takes up to `max` letters in order of arrival, waiting up to `timeout_ms` (-1: for ever, 0: not
 * at all) for the first. NULL on timeout, after mailbox_nudge, and for ever once closed and
 * empty. */
struct mail *mailbox_take(struct mailbox *mb, size_t max, int64_t timeout_ms);

/* Wakes the reader without a letter. */
void mailbox_nudge(struct mailbox *mb);

/* No more letters; the reader gets what is there and then NULL. Wakes one reader. */
void mailbox_close(struct mailbox *mb);
bool mailbox_is_closed(struct mailbox *mb);
size_t mailbox_count(struct mailbox *mb);

#endif
