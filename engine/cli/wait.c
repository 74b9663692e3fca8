/* SPDX-License-Identifier: MIT
 * Following jobs until they have ended. */
#include "cli/wait.h"

#include "base/clock.h"
#include "cli/progress.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_FIRST_MS 20
#define POLL_LAST_MS  1000
#define OUTAGE_MAX_MS 15000 /* an engine that restarts is waited for */

struct waiting {
    struct client *client;
    struct followed *jobs;
    size_t n, n_ended;
    int64_t last_contact_ns;
    struct progress_view view;
};

static bool is_end(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "cancelled") == 0 ||
           strcmp(status, "dead_letter") == 0;
}

static void note_job(struct waiting *w, struct followed *f, const struct answer *a)
{
    const struct json_tok *job = a->doc.toks, *progress = answer_member(a, job, "progress");
    const char *status = answer_text(a, job, "status");
    bool moved = strcmp(status, f->status) != 0;

    snprintf(f->status, sizeof f->status, "%s", status);
    snprintf(f->message, sizeof f->message, "%s", answer_text(a, progress, "message"));
    snprintf(f->error, sizeof f->error, "%s", answer_text(a, job, "last_error"));
    f->percent = answer_double(a, progress, "percent");
    f->attempt = (int)answer_int(a, job, "attempt");
    if (is_end(status)) {
        f->has_ended = true;
        f->completed = strcmp(status, "completed") == 0;
        f->percent = 100;
        w->n_ended++;
        if (client_as_json(w->client))
            f->json = strndup(a->doc.text.ptr, a->doc.text.len);
    }
    if (moved)
        progress_moved(&w->view, f);
}

static int poll_job(struct waiting *w, struct followed *f, struct err *e)
{
    struct buf path = BUF_INIT;
    struct answer answer;
    int rc;

    buf_adds(&path, "/api/v1/jobs/");
    client_add_escaped(&path, f->id);
    rc = path.failed ? err_set(e, ERR_NOMEM, "out of memory")
                     : client_call(w->client, "GET", path.ptr, STR_NONE, &answer, e);
    buf_free(&path);
    if (rc != 0)
        return rc == ERR_UNAVAILABLE ? rc : err_prefix(e, "%s", f->id);
    w->last_contact_ns = clock_mono_ns();
    note_job(w, f, &answer);
    return 0;
}

/* One round over all that have not ended. An outage after the first contact is bridged. */
static int poll_all(struct waiting *w, struct err *e)
{
    size_t i;

    for (i = 0; i < w->n; i++) {
        int rc = w->jobs[i].has_ended ? 0 : poll_job(w, &w->jobs[i], e);

        if (rc == ERR_UNAVAILABLE && w->last_contact_ns != 0 &&
            clock_mono_ns() - w->last_contact_ns < OUTAGE_MAX_MS * NS_PER_MS)
            return 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

/* CLI_OK when all have ended, CLI_TIMED_OUT, or the code of an error that was printed. */
static int follow(struct waiting *w, int64_t timeout_ms)
{
    int64_t began_ns = clock_mono_ns(), pause_ms = POLL_FIRST_MS;
    struct err e = {.code = 0};

    for (;;) {
        int64_t left_ms;

        if (poll_all(w, &e) != 0) {
            progress_clear(&w->view);
            return client_fail(&e);
        }
        progress_show(&w->view, w->jobs, w->n, w->n_ended);
        if (w->n_ended == w->n)
            return CLI_OK;
        left_ms = timeout_ms - (clock_mono_ns() - began_ns) / NS_PER_MS;
        if (timeout_ms >= 0 && left_ms <= 0)
            return CLI_TIMED_OUT;
        sleep_ms(timeout_ms >= 0 && left_ms < pause_ms ? left_ms : pause_ms);
        pause_ms = pause_ms * 3 / 2 < POLL_LAST_MS ? pause_ms * 3 / 2 : POLL_LAST_MS;
    }
}

static int report(const struct waiting *w, int code)
{
    size_t i;

    for (i = 0; i < w->n; i++) {
        const struct followed *f = &w->jobs[i];

        if (code == CLI_OK && !f->completed)
            code = CLI_FAILED;
        if (!client_as_json(w->client))
            progress_result(f);
        else if (f->json != NULL)
            printf("%s\n", f->json);
    }
    if (code == CLI_TIMED_OUT)
        fprintf(stderr, "jobmill: the time is up and %zu of %zu jobs have not ended\n",
                w->n - w->n_ended, w->n);
    return code;
}

int wait_for_jobs(struct client *client, char *const *ids, size_t n, int64_t timeout_ms)
{
    struct waiting w = {.client = client, .jobs = calloc(n, sizeof *w.jobs), .n = n};
    size_t i;
    int code;

    if (w.jobs == NULL) {
        fprintf(stderr, "jobmill: out of memory\n");
        return CLI_FAILED;
    }
    for (i = 0; i < n; i++)
        w.jobs[i].id = ids[i];
    progress_init(&w.view, stderr);
    code = follow(&w, timeout_ms);
    progress_clear(&w.view);
    if (code == CLI_OK || code == CLI_TIMED_OUT)
        code = report(&w, code);
    for (i = 0; i < n; i++)
        free(w.jobs[i].json);
    free(w.jobs);
    return code;
}
