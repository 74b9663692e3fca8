/* SPDX-License-Identifier: MIT
 *
 * jobmill.h - the one header that a Jobmill handler plugin needs. SDK 1.0.
 *
 * A plugin is a shared object with one exported function, written by JOBMILL_PLUGIN. Jobmill loads
 * it only in executor and probe processes, never in the engine.
 *
 * Rules of this interface, for both sides:
 *  - Strings are pointer and length, UTF-8, not necessarily NUL-terminated. Nobody frees the
 *    other's memory: what the host hands out lives until the call that received it returns; what a
 *    handler hands in is copied before the host function returns.
 *  - `run` may be called from several threads at once unless the handler says
 *    JOBMILL_SINGLE_THREADED. A job's host functions may be called only from the thread that runs
 *    it; the cancel_fd may be polled anywhere.
 *  - Structures only ever grow at their end. Each side tells the other its size, so that a plugin
 *    built against 1.0 runs in every later 1.x engine.
 *
 * Compiles as C99 and later and as C++11 and later. */
#ifndef JOBMILL_H
#define JOBMILL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JOBMILL_ABI_MAGIC UINT32_C(0x4C4D424A) /* "JBML" */
#define JOBMILL_ABI_MAJOR 1
#define JOBMILL_ABI_MINOR 0

/* ---- values ------------------------------------------------------------------------------- */

/* Since 1.0. A run of bytes. `ptr` NULL: absent. */
typedef struct jobmill_str {
    const char *ptr;
    size_t len;
} jobmill_str;

/* What `run` returns, since 1.0. Any other value counts as JOBMILL_FAIL. */
#define JOBMILL_OK        0 /* done; the result is recorded */
#define JOBMILL_RETRY     1 /* failed; try again after the back-off, or the hint of jobmill_retry */
#define JOBMILL_FAIL      2 /* failed for good: dead letter, whatever tries are left */
#define JOBMILL_CANCELLED 3 /* stopped because jobmill_cancelled() said so */

/* Log levels, since 1.0. */
#define JOBMILL_LOG_DEBUG 0
#define JOBMILL_LOG_INFO  1
#define JOBMILL_LOG_WARN  2
#define JOBMILL_LOG_ERROR 3

/* Concurrency classes of a handler, since 1.0. */
#define JOBMILL_THREAD_SAFE     0 /* many threads at once */
#define JOBMILL_SINGLE_THREADED 1 /* one run at a time in a process */

/* Types of configuration keys, since 1.0. Values arrive as text that was checked for the type. */
#define JOBMILL_CONFIG_STRING   0
#define JOBMILL_CONFIG_INT      1 /* decimal int64 */
#define JOBMILL_CONFIG_REAL     2 /* decimal floating point */
#define JOBMILL_CONFIG_BOOL     3 /* "true" or "false" */
#define JOBMILL_CONFIG_DURATION 4 /* delivered in milliseconds, decimal */

/* Facts about the job being run, since 1.0; valid until `run` returns. */
typedef struct jobmill_meta {
    uint32_t struct_size; /* of this structure, as the host knows it */
    int32_t attempt;      /* 1 for the first run */
    int32_t max_retries;  /* further runs after the first */
    int32_t priority;
    int32_t step_index; /* within a workflow; -1 outside of one */
    uint32_t reserved;
    jobmill_str id; /* UUID text */
    jobmill_str type;
    jobmill_str queue;
    jobmill_str idempotency_key; /* of the submission; ptr NULL: none */
    jobmill_str workflow_id;     /* ptr NULL: none */
    jobmill_str tags;            /* JSON array of strings */
    int64_t claim; /* counts every hand-out of this job; with `id` it names this run */
    int64_t created_at_ms; /* since 1970 UTC */
    int64_t timeout_ms; /* 0: none */
} jobmill_meta;

struct jobmill_host;

/* What a call receives, since 1.0: a job (in `run`) or the handler's own context (in `init` and
 * `fini`, where only log, config and alloc work). */
typedef struct jobmill_job {
    const struct jobmill_host *host;
    /* the host's own data follows */
} jobmill_job;

/* ---- the host's functions ----------------------------------------------------------------- */

/* Entries are only ever appended. Call them through the wrappers below. */
typedef struct jobmill_host {
    uint32_t struct_size; /* as the engine knows it */
    uint16_t abi_major;
    uint16_t abi_minor;
    /* 1.0 */
    jobmill_str (*payload)(jobmill_job *job);
    const jobmill_meta *(*meta)(jobmill_job *job);
    int32_t (*result)(jobmill_job *job, jobmill_str json);
    void (*error)(jobmill_job *job, jobmill_str text);
    void (*retry_after)(jobmill_job *job, int64_t delay_ms);
    void (*progress)(jobmill_job *job, double percent, jobmill_str message);
    void (*log)(jobmill_job *job, int32_t level, jobmill_str text);
    jobmill_str (*config)(jobmill_job *job, jobmill_str key);
    int32_t (*cancelled)(jobmill_job *job);
    int32_t (*cancel_fd)(jobmill_job *job);
    int64_t (*remaining_ms)(jobmill_job *job);
    void *(*alloc)(jobmill_job *job, size_t size);
} jobmill_host;

/* ---- what a plugin describes --------------------------------------------------------------- */

/* A key that the operator may set as `config.KEY = value` in `[handler TYPE]`. Since 1.0. */
typedef struct jobmill_config_key {
    const char *key;           /* A-Z a-z 0-9 _ */
    const char *default_value; /* NULL: none */
    const char *text;          /* one line for the operator */
    uint32_t type;             /* JOBMILL_CONFIG_… */
    uint32_t required;         /* 1: the engine refuses to start without it */
} jobmill_config_key;

/* A handler. Since 1.0. Unused members are zero. */
typedef struct jobmill_handler {
    const char *job_type; /* what it runs when no section says otherwise */
    uint32_t concurrency; /* JOBMILL_THREAD_SAFE or JOBMILL_SINGLE_THREADED */
    uint32_t config_count;
    const jobmill_config_key *config;

    /* Optional; once per process before the first run. *state is handed to run and fini. Not 0:
     * the handler is refused with the text given to jobmill_error(). */
    int32_t (*init)(jobmill_job *context, void **state);
    /* Required; one run of one job. Returns JOBMILL_OK, _RETRY, _FAIL or _CANCELLED. */
    int32_t (*run)(jobmill_job *job, void *state);
    /* Optional; once, when the process ends in good order. A killed process does not call it. */
    void (*fini)(jobmill_job *context, void *state);
} jobmill_handler;

/* The descriptor. The first four members are the same in every version, for all time. */
typedef struct jobmill_plugin {
    uint32_t magic;       /* JOBMILL_ABI_MAGIC */
    uint32_t struct_size; /* sizeof(jobmill_plugin) as the plugin knows it */
    uint16_t abi_major;   /* JOBMILL_ABI_MAJOR */
    uint16_t abi_minor;   /* the oldest engine minor that this plugin accepts; 0: any */
    uint32_t handler_stride; /* sizeof(jobmill_handler) as the plugin knows it */
    uint32_t handler_count;
    uint32_t reserved;
    const jobmill_handler *handlers;
    const char *name;
    const char *version;
} jobmill_plugin;

/* The only symbol that a plugin exports. */
#define JOBMILL_ENTRY_NAME "jobmill_plugin_v1"
typedef const jobmill_plugin *(*jobmill_entry_fn)(void);

/* An ELF note with the ABI numbers, so that they can be read without running the plugin's code. */
#define JOBMILL_NOTE_SECTION ".note.jobmill"
#define JOBMILL_NOTE_NAME    "Jobmill"
#define JOBMILL_NOTE_TYPE    1
typedef struct jobmill_note {
    uint32_t name_size, desc_size, type;
    char name[8];
    uint32_t magic;
    uint16_t abi_major, abi_minor; /* as in the descriptor */
    uint16_t built_major, built_minor; /* of the header that it was built with */
} jobmill_note;

/* Use an engine entry that is newer than 1.0 without a check? Then say so before including this
 * header: #define JOBMILL_MIN_MINOR 1 refuses older engines at load time. */
#ifndef JOBMILL_MIN_MINOR
#define JOBMILL_MIN_MINOR 0
#endif

#ifdef __cplusplus
#define JOBMILL_EXTERN_C extern "C"
#else
#define JOBMILL_EXTERN_C extern
#endif

/* Once per plugin, at file scope. `table` is an array of jobmill_handler. */
#define JOBMILL_PLUGIN(plugin_name, plugin_version, table)                                         \
    __attribute__((section(JOBMILL_NOTE_SECTION), aligned(4), used)) static const jobmill_note     \
        jobmill_note_v1 = {8,                                                                      \
                           12,                                                                     \
                           JOBMILL_NOTE_TYPE,                                                      \
                           {'J', 'o', 'b', 'm', 'i', 'l', 'l', '\0'},                              \
                           JOBMILL_ABI_MAGIC,                                                      \
                           JOBMILL_ABI_MAJOR,                                                      \
                           JOBMILL_MIN_MINOR,                                                      \
                           JOBMILL_ABI_MAJOR,                                                      \
                           JOBMILL_ABI_MINOR};                                                     \
    JOBMILL_EXTERN_C __attribute__((visibility("default"))) const jobmill_plugin                   \
        *jobmill_plugin_v1(void);                                                                  \
    const jobmill_plugin *jobmill_plugin_v1(void)                                                  \
    {                                                                                              \
        static const jobmill_plugin descriptor = {JOBMILL_ABI_MAGIC,                               \
                                                  sizeof(jobmill_plugin),                          \
                                                  JOBMILL_ABI_MAJOR,                               \
                                                  JOBMILL_MIN_MINOR,                               \
                                                  sizeof(jobmill_handler),                         \
                                                  sizeof(table) / sizeof((table)[0]),              \
                                                  0,                                               \
                                                  table,                                           \
                                                  plugin_name,                                     \
                                                  plugin_version};                                 \
        return &descriptor;                                                                        \
    }                                                                                              \
    typedef int jobmill_plugin_needs_a_semicolon

/* ---- what a handler calls ------------------------------------------------------------------ */

/* Text literals and C strings as jobmill_str. Since 1.0. */
static inline jobmill_str jobmill_text(const char *text)
{
    jobmill_str s = {text, 0};

    if (text != NULL)
        while (text[s.len] != '\0')
            s.len++;
    return s;
}

/* The submitted JSON, byte for byte; "null" when there was none. Never absent. Since 1.0. */
static inline jobmill_str jobmill_payload(jobmill_job *job)
{
    return job->host->payload(job);
}

/* Facts about this job. Since 1.0. */
static inline const jobmill_meta *jobmill_get_meta(jobmill_job *job)
{
    return job->host->meta(job);
}

/* Sets the result, a JSON text of at most 1 MiB; the last one counts, and only with JOBMILL_OK.
 * Returns 0, or -1 when it is not valid JSON or too large: then nothing was set. Since 1.0. */
static inline int32_t jobmill_result(jobmill_job *job, jobmill_str json)
{
    return job->host->result(job, json);
}

/* Says why the run fails (kept up to 4 KiB). Since 1.0. */
static inline void jobmill_error(jobmill_job *job, jobmill_str text)
{
    job->host->error(job, text);
}

/* With JOBMILL_RETRY: wait this long, at most 7 days, instead of the back-off. Since 1.0. */
static inline void jobmill_retry_after(jobmill_job *job, int64_t delay_ms)
{
    job->host->retry_after(job, delay_ms);
}

/* How far the run is: 0–100, and a short message (may be absent). Cheap to call often: the engine
 * keeps the latest. Since 1.0. */
static inline void jobmill_progress(jobmill_job *job, double percent, jobmill_str message)
{
    job->host->progress(job, percent, message);
}

/* A line in the engine's log, with this job's id. Since 1.0. */
static inline void jobmill_log(jobmill_job *job, int32_t level, jobmill_str text)
{
    job->host->log(job, level, text);
}

/* A configuration value, or its default; absent when neither is there. Since 1.0. */
static inline jobmill_str jobmill_config(jobmill_job *job, const char *key)
{
    return job->host->config(job, jobmill_text(key));
}

/* 1 when this run should stop: timeout, cancel or shutdown. Ask often in long loops, then return
 * JOBMILL_CANCELLED. Since 1.0. */
static inline int32_t jobmill_cancelled(jobmill_job *job)
{
    return job->host->cancelled(job);
}

/* A descriptor that becomes readable when jobmill_cancelled() becomes 1, for poll(2). Do not read
 * or close it. -1 when there is none. Since 1.0. */
static inline int32_t jobmill_cancel_fd(jobmill_job *job)
{
    return job->host->cancel_fd(job);
}

/* Milliseconds until the timeout of this run; INT64_MAX without one, 0 when it has passed.
 * Since 1.0. */
static inline int64_t jobmill_remaining_ms(jobmill_job *job)
{
    return job->host->remaining_ms(job);
}

/* Zeroed memory, aligned for any type, that is freed by itself when the call returns (in `init`:
 * when the process ends). NULL when there is none. Since 1.0. */
static inline void *jobmill_alloc(jobmill_job *job, size_t size)
{
    return job->host->alloc(job, size);
}

#ifdef __cplusplus
}
#endif

#endif
