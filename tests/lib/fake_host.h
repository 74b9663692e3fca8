/* SPDX-License-Identifier: MIT
 * A host table for tests of handlers: it keeps what a run said, and hands out what the test set. */
#ifndef JOBMILL_TESTS_FAKE_HOST_H
#define JOBMILL_TESTS_FAKE_HOST_H

#include <jobmill.h>

#define FAKE_TEXT_MAX   4096
#define FAKE_CONFIG_MAX 8
#define FAKE_ALLOCS_MAX 64

struct fake_job {
    jobmill_job job; /* first: the host functions cast */
    jobmill_meta meta;
    const char *payload;
    const char *config[FAKE_CONFIG_MAX][2]; /* key, value; ends with NULL */
    int32_t cancel_after; /* cancelled() answers 0 so many times, then 1; -1: always 0 */
    int64_t remaining_ms;

    char *result; /* NULL: none */
    int refuse_result;
    char error[FAKE_TEXT_MAX];
    int64_t retry_after_ms; /* -1: no hint */
    double percent;         /* the latest; -1: none */
    int progress_calls;
    char message[FAKE_TEXT_MAX];
    char log[FAKE_TEXT_MAX]; /* "info: text\n" and so on */
    void *allocs[FAKE_ALLOCS_MAX];
    int n_allocs;
};

/* A job of type "test", attempt 1, payload as given (NULL: "null"). */
void fake_job_init(struct fake_job *fake, const char *payload);
void fake_job_fini(struct fake_job *fake);

/* Runs handler 0 of a plugin once: init, run, fini. */
int32_t fake_job_run(struct fake_job *fake, const jobmill_plugin *plugin);

#endif
