/* SPDX-License-Identifier: MIT
 * Group commit: the thread that writes new jobs. */
#include "core/submit.h"

#include "core/duties.h"
#include "core/thread.h"

#define BATCH_GROUPS 512  /* submissions in one transaction */
#define BATCH_ITEMS  4096 /* jobs in one transaction, unless a single submission has more */

/* Tells the queue about the jobs that are ready, and duties about the next that will be. */
static void announce(struct submit *s, const struct create_group *groups, size_t n)
{
    struct ready ready[BATCH_GROUPS];
    size_t n_ready = 0, g, i;

    for (g = 0; g < n; g++) {
        for (i = 0; i < groups[g].n; i++) {
            const struct create *c = &groups[g].items[i];
            const struct job *job = &c->job;

            if (c->outcome != CREATE_DONE)
                continue;
            if (job->state == JOB_PENDING) {
                duties_due_in(s->duties, job->scheduled_at - job->created_at);
                continue;
            }
            if (n_ready == BATCH_GROUPS) {
                s->queue->ops->push(s->queue, ready, n_ready);
                n_ready = 0;
            }
            ready[n_ready++] = (struct ready){job->id, job->type, job->queue,
                                              job_rank(job->scheduled_at, job->priority)};
        }
    }
    if (n_ready > 0)
        s->queue->ops->push(s->queue, ready, n_ready);
}

/* Commits submissions from `first` on as one transaction; returns the first one left over. */
static struct mail *commit_batch(struct submit *s, struct mail *first)
{
    struct create_group groups[BATCH_GROUPS];
    size_t n = 0, items = 0, i;
    struct mail *at, *next;
    struct err e = {0};
    int rc;

    for (at = first; at != NULL && n < BATCH_GROUPS; at = at->next) {
        const struct submission *one = (const struct submission *)at;

        if (n > 0 && items + one->group.n > BATCH_ITEMS)
            break;
        items += one->group.n;
        groups[n++] = one->group;
    }
    rc = s->store->ops->create(s->store, groups, n, &e);
    if (rc == 0)
        announce(s, groups, n);
    for (i = 0, at = first; i < n; i++, at = next) {
        struct submission *one = (struct submission *)at;

        next = at->next; /* `done` may free it */
        one->done(one, rc, &e);
    }
    return at;
}

static void *submit_run(void *context)
{
    struct submit *s = context;

    for (;;) {
        struct mail *waiting = mailbox_take(&s->inbox, BATCH_GROUPS, -1);

        if (waiting == NULL && mailbox_is_closed(&s->inbox))
            return NULL;
        pulse_busy(&s->pulse);
        while (waiting != NULL)
            waiting = commit_batch(s, waiting);
        pulse_idle(&s->pulse);
    }
}

int submit_start(struct submit *s, struct store *store, struct queue *queue, struct duties *duties,
                 size_t max_pending, struct err *e)
{
    int rc;

    s->store = store;
    s->queue = queue;
    s->duties = duties;
    s->pulse = (struct pulse){.name = "submit"};
    rc = mailbox_init(&s->inbox, max_pending, false, e);
    if (rc != 0)
        return rc;
    rc = thread_start(&s->thread, "submit", submit_run, s, e);
    if (rc != 0)
        mailbox_fini(&s->inbox);
    return rc;
}

int submit_post(struct submit *s, struct submission *one, struct err *e)
{
    if (mailbox_post(&s->inbox, &one->mail))
        return 0;
    if (mailbox_is_closed(&s->inbox))
        return err_set(e, ERR_UNAVAILABLE, "the engine is shutting down");
    return err_set(e, ERR_LIMIT, "too many jobs wait to be stored");
}

void submit_stop(struct submit *s)
{
    mailbox_close(&s->inbox);
    pthread_join(s->thread, NULL);
}

void submit_fini(struct submit *s)
{
    mailbox_fini(&s->inbox);
}
