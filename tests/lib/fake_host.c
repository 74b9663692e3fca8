/* SPDX-License-Identifier: MIT
 * A host table for tests of handlers. */
#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_job *fake_of(jobmill_job *job)
{
    return (struct fake_job *)(void *)job;
}

static jobmill_str fake_payload(jobmill_job *job)
{
    return jobmill_text(fake_of(job)->payload);
}

static const jobmill_meta *fake_meta(jobmill_job *job)
{
    return &fake_of(job)->meta;
}

static int32_t fake_result(jobmill_job *job, jobmill_str json)
{
    struct fake_job *fake = fake_of(job);

    if (fake->refuse_result)
        return -1;
    free(fake->result);
    fake->result = strndup(json.ptr, json.len);
    return fake->result == NULL ? -1 : 0;
}

static void keep(char to[FAKE_TEXT_MAX], jobmill_str text)
{
    size_t n = text.len < FAKE_TEXT_MAX ? text.len : FAKE_TEXT_MAX - 1;

    if (n > 0)
        memcpy(to, text.ptr, n);
    to[n] = '\0';
}

static void fake_error(jobmill_job *job, jobmill_str text)
{
    keep(fake_of(job)->error, text);
}

static void fake_retry_after(jobmill_job *job, int64_t delay_ms)
{
    fake_of(job)->retry_after_ms = delay_ms;
}

static void fake_progress(jobmill_job *job, double percent, jobmill_str message)
{
    fake_of(job)->percent = percent;
    fake_of(job)->progress_calls++;
    keep(fake_of(job)->message, message);
}

static void fake_log(jobmill_job *job, int32_t level, jobmill_str text)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct fake_job *fake = fake_of(job);
    size_t used = strlen(fake->log);

    snprintf(fake->log + used, sizeof fake->log - used, "%s: %.*s\n", names[level], (int)text.len,
             text.ptr);
}

static jobmill_str fake_config(jobmill_job *job, jobmill_str key)
{
    struct fake_job *fake = fake_of(job);
    int i;

    for (i = 0; i < FAKE_CONFIG_MAX && fake->config[i][0] != NULL; i++)
        if (strlen(fake->config[i][0]) == key.len &&
            memcmp(fake->config[i][0], key.ptr, key.len) == 0)
            return jobmill_text(fake->config[i][1]);
    return (jobmill_str){NULL, 0};
}

static int32_t fake_cancelled(jobmill_job *job)
{
    struct fake_job *fake = fake_of(job);

    if (fake->cancel_after < 0)
        return 0;
    return fake->cancel_after-- == 0 ? (fake->cancel_after = 0, 1) : 0;
}

static int32_t fake_cancel_fd(jobmill_job *job)
{
    (void)job;
    return -1;
}

static int64_t fake_remaining_ms(jobmill_job *job)
{
    return fake_of(job)->remaining_ms;
}

static void *fake_alloc(jobmill_job *job, size_t size)
{
    struct fake_job *fake = fake_of(job);

    if (fake->n_allocs == FAKE_ALLOCS_MAX)
        return NULL;
    return fake->allocs[fake->n_allocs++] = calloc(1, size == 0 ? 1 : size);
}

static const jobmill_host fake_host = {
    .struct_size = sizeof(jobmill_host),
    .abi_major = JOBMILL_ABI_MAJOR,
    .abi_minor = JOBMILL_ABI_MINOR,
    .payload = fake_payload,
    .meta = fake_meta,
    .result = fake_result,
    .error = fake_error,
    .retry_after = fake_retry_after,
    .progress = fake_progress,
    .log = fake_log,
    .config = fake_config,
    .cancelled = fake_cancelled,
    .cancel_fd = fake_cancel_fd,
    .remaining_ms = fake_remaining_ms,
    .alloc = fake_alloc,
};

void fake_job_init(struct fake_job *fake, const char *payload)
{
    *fake = (struct fake_job){
        .job.host = &fake_host,
        .payload = payload != NULL ? payload : "null",
        .cancel_after = -1,
        .remaining_ms = INT64_MAX,
        .retry_after_ms = -1,
        .percent = -1,
    };
    fake->meta = (jobmill_meta){
        .struct_size = sizeof(jobmill_meta),
        .attempt = 1,
        .max_retries = 3,
        .step_index = -1,
        .id = jobmill_text("01890000-0000-7000-8000-000000000001"),
        .type = jobmill_text("test"),
        .queue = jobmill_text("default"),
        .tags = jobmill_text("[\"a\",\"b\"]"),
        .claim = 1,
        .created_at_ms = INT64_C(1700000000000),
    };
}

void fake_job_fini(struct fake_job *fake)
{
    int i;

    for (i = 0; i < fake->n_allocs; i++)
        free(fake->allocs[i]);
    fake->n_allocs = 0;
    free(fake->result);
    fake->result = NULL;
}

int32_t fake_job_run(struct fake_job *fake, const jobmill_plugin *plugin)
{
    const jobmill_handler *handler = &plugin->handlers[0];
    void *state = NULL;
    int32_t outcome;

    if (handler->init != NULL && handler->init(&fake->job, &state) != 0)
        return -1;
    outcome = handler->run(&fake->job, state);
    if (handler->fini != NULL)
        handler->fini(&fake->job, state);
    return outcome;
}
