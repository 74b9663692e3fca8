/* SPDX-License-Identifier: MIT
 * The pool that runs what may block. */
#include "http/work.h"

#include "core/thread.h"

static void *work_run(void *context)
{
    struct work *w = context;

    for (;;) {
        struct request *r = (struct request *)mailbox_take(&w->inbox, 1, -1);

        if (r != NULL) {
            void (*work)(struct request *) = r->work;

            r->work = NULL;
            work(r);
            request_resume(r);
        } else if (mailbox_is_closed(&w->inbox)) {
            mailbox_close(&w->inbox); /* wakes the next worker, which ends too */
            return NULL;
        }
    }
}

int work_start(struct work *w, struct err *e)
{
    int rc = mailbox_init(&w->inbox, WORK_PENDING_MAX, false, e);

    if (rc != 0)
        return rc;
    for (w->n = 0; w->n < WORK_THREADS; w->n++) {
        rc = thread_start(&w->threads[w->n], "http-work", work_run, w, e);
        if (rc != 0) {
            work_stop(w);
            return rc;
        }
    }
    return 0;
}

void work_stop(struct work *w)
{
    size_t i;

    mailbox_close(&w->inbox);
    for (i = 0; i < w->n; i++)
        pthread_join(w->threads[i], NULL);
    mailbox_fini(&w->inbox);
    w->n = 0;
}

bool work_post(struct work *w, struct request *r)
{
    return mailbox_post(&w->inbox, &r->mail);
}
