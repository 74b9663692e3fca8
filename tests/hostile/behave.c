/* SPDX-License-Identifier: MIT
 * A plugin with one handler for each thing that a handler may do, good or bad. */
#include <jobmill.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The payload as the result. */
static int32_t echo(jobmill_job *job, void *state)
{
    (void)state;
    return jobmill_result(job, jobmill_payload(job)) == 0 ? JOBMILL_OK : JOBMILL_FAIL;
}

/* Everything that the host tells, as the result. */
static int32_t tell(jobmill_job *job, void *state)
{
    const jobmill_meta *m = jobmill_get_meta(job);
    jobmill_str word = jobmill_config(job, "word"), none = jobmill_config(job, "nothing");
    char *text = jobmill_alloc(job, 1024);

    if (text == NULL || none.ptr != NULL || state == NULL)
        return JOBMILL_FAIL;
    snprintf(text, 1024,
             "{\"attempt\":%d,\"claim\":%lld,\"step\":%d,\"id\":\"%.*s\",\"tags\":%.*s,"
             "\"word\":\"%.*s\",\"left\":%lld,\"cancelled\":%d,\"workflow\":%d}",
             m->attempt, (long long)m->claim, m->step_index, (int)m->id.len, m->id.ptr,
             (int)m->tags.len, m->tags.ptr, (int)word.len, word.ptr == NULL ? "" : word.ptr,
             jobmill_remaining_ms(job) == INT64_MAX ? -1LL : (long long)jobmill_remaining_ms(job),
             jobmill_cancelled(job), m->workflow_id.ptr != NULL);
    return jobmill_result(job, jobmill_text(text)) == 0 ? JOBMILL_OK : JOBMILL_FAIL;
}

/* Returns the payload's first digit, with an error and a hint. */
static int32_t returns(jobmill_job *job, void *state)
{
    (void)state;
    jobmill_error(job, jobmill_text("bad \xFF bytes"));
    jobmill_retry_after(job, 1500);
    return *jobmill_payload(job).ptr - '0';
}

/* Says nothing and returns the payload's first digit. */
static int32_t silent(jobmill_job *job, void *state)
{
    (void)state;
    return *jobmill_payload(job).ptr - '0';
}

/* A result that is not JSON; then a good one when the payload is true. */
static int32_t bad_result(jobmill_job *job, void *state)
{
    (void)state;
    if (jobmill_result(job, jobmill_text("{\"a\":}")) == 0)
        return JOBMILL_FAIL;
    if (*jobmill_payload(job).ptr == 't')
        return jobmill_result(job, jobmill_text("2")) == 0 ? JOBMILL_OK : JOBMILL_FAIL;
    return JOBMILL_OK;
}

/* A result of more than 1 MiB is refused, one of just under is taken. */
static int32_t large_result(jobmill_job *job, void *state)
{
    size_t most = 1024 * 1024;
    char *text = jobmill_alloc(job, most + 1);

    (void)state;
    if (text == NULL)
        return JOBMILL_RETRY;
    memset(text, 'x', most + 1);
    text[0] = text[most] = '"';
    if (jobmill_result(job, (jobmill_str){text, most + 1}) == 0)
        return JOBMILL_FAIL;
    text[most - 1] = '"';
    return jobmill_result(job, (jobmill_str){text, most}) == 0 ? JOBMILL_OK : JOBMILL_FAIL;
}

static int32_t progress(jobmill_job *job, void *state)
{
    int i;

    (void)state;
    for (i = 0; i <= 1000; i++)
        jobmill_progress(job, i / 10.0, jobmill_text("step"));
    return JOBMILL_OK;
}

static int32_t chatter(jobmill_job *job, void *state)
{
    int i;

    (void)state;
    for (i = 0; i < 1000; i++)
        jobmill_log(job, JOBMILL_LOG_INFO, jobmill_text("line"));
    return JOBMILL_OK;
}

/* Until it is asked to stop, by asking. */
static int32_t spin(jobmill_job *job, void *state)
{
    (void)state;
    while (!jobmill_cancelled(job))
        usleep(1000);
    return JOBMILL_CANCELLED;
}

/* Until it is asked to stop, by waiting for the descriptor. */
static int32_t waits(jobmill_job *job, void *state)
{
    struct pollfd pfd = {.fd = jobmill_cancel_fd(job), .events = POLLIN};

    (void)state;
    if (poll(&pfd, 1, 30000) != 1 || !jobmill_cancelled(job))
        return JOBMILL_FAIL;
    return JOBMILL_CANCELLED;
}

/* Asks only every 100 ms, so that it finds both reasons to stop at once. */
static int32_t leisurely(jobmill_job *job, void *state)
{
    (void)state;
    while (!jobmill_cancelled(job))
        usleep(100000);
    return JOBMILL_CANCELLED;
}

/* The descriptor must be quiet at the start of a run, whatever the run before it met. */
static int32_t quiet(jobmill_job *job, void *state)
{
    struct pollfd pfd = {.fd = jobmill_cancel_fd(job), .events = POLLIN};

    (void)state;
    return poll(&pfd, 1, 20) == 0 && !jobmill_cancelled(job) ? JOBMILL_OK : JOBMILL_FAIL;
}

/* Deaf to every request. */
static int32_t deaf(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    for (;;)
        pause();
    return JOBMILL_OK;
}

static int32_t crash(jobmill_job *job, void *state)
{
    volatile int *volatile nowhere = NULL;

    (void)job;
    (void)state;
    *nowhere = 1;
    return JOBMILL_OK;
}

static int32_t aborts(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    abort();
    return JOBMILL_OK;
}

static int overflow(volatile char *above)
{
    volatile char here[4096];

    here[0] = *above;
    if (here[0] == 0) /* never */
        return 0;
    return overflow(here) + here[0];
}

static int32_t stack(jobmill_job *job, void *state)
{
    volatile char start = 1;

    (void)job;
    (void)state;
    return overflow(&start);
}

static int32_t exits(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    exit(0);
    return JOBMILL_OK;
}

static int32_t ends_thread(jobmill_job *job, void *state)
{
    (void)job;
    (void)state;
    pthread_exit(NULL);
    return JOBMILL_OK;
}

/* The executor's sockets too, so that nobody can be told how the run ended. */
static int32_t closes_all(jobmill_job *job, void *state)
{
    int fd;

    (void)job;
    (void)state;
    for (fd = 0; fd < 1024; fd++)
        close(fd);
    return JOBMILL_OK;
}

/* A child that ends by exit() is nobody's crash. */
static int32_t forks(jobmill_job *job, void *state)
{
    int status;
    pid_t pid = fork();

    (void)job;
    (void)state;
    if (pid == 0)
        exit(3);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return JOBMILL_RETRY;
    return WIFEXITED(status) ? JOBMILL_OK : JOBMILL_FAIL;
}

static int32_t init_tell(jobmill_job *context, void **state)
{
    *state = jobmill_alloc(context, 16);
    jobmill_log(context, JOBMILL_LOG_INFO, jobmill_text("init of tell"));
    return *state == NULL;
}

static void fini_tell(jobmill_job *context, void *state)
{
    (void)context;
    (void)state;
    printf("fini of tell\n");
}

static int32_t init_refuses(jobmill_job *context, void **state)
{
    (void)state;
    jobmill_error(context, jobmill_text("no licence for this machine"));
    return 1;
}

static int32_t init_exits(jobmill_job *context, void **state)
{
    (void)context;
    (void)state;
    exit(0);
    return 0;
}

static const jobmill_config_key tell_keys[] = {
    {.key = "word", .default_value = "hello", .text = "a word"}};

static const jobmill_handler table[] = {
    {.job_type = "echo", .run = echo},
    {.job_type = "tell",
     .config_count = 1,
     .config = tell_keys,
     .init = init_tell,
     .run = tell,
     .fini = fini_tell},
    {.job_type = "returns", .run = returns},
    {.job_type = "silent", .run = silent},
    {.job_type = "bad_result", .run = bad_result},
    {.job_type = "large_result", .run = large_result},
    {.job_type = "progress", .run = progress},
    {.job_type = "chatter", .run = chatter},
    {.job_type = "spin", .run = spin},
    {.job_type = "waits", .run = waits},
    {.job_type = "leisurely", .run = leisurely},
    {.job_type = "quiet", .run = quiet},
    {.job_type = "deaf", .run = deaf},
    {.job_type = "crash", .run = crash},
    {.job_type = "aborts", .run = aborts},
    {.job_type = "stack", .run = stack},
    {.job_type = "exits", .run = exits},
    {.job_type = "ends_thread", .run = ends_thread},
    {.job_type = "closes_all", .run = closes_all},
    {.job_type = "forks", .run = forks},
    {.job_type = "single", .concurrency = JOBMILL_SINGLE_THREADED, .run = echo},
    {.job_type = "init_refuses", .init = init_refuses, .run = echo},
    {.job_type = "init_exits", .init = init_exits, .run = echo},
};

JOBMILL_PLUGIN("behave", "1.0", table);
