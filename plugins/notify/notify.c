/* SPDX-License-Identifier: MIT
 * Job type `notify`: renders a message from a template and delivers it to the log and, when one is
 * configured, to an outbox file that another program sends from. Shows a retry hint. */
#include <jobmill.h>

#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX       16384 /* bytes of a rendered message */
#define NAME_MAX_BYTES 64

/* A message being made; the strings belong to the payload. */
struct message {
    const char *channel, *to, *template;
    const json_t *data;
    char text[TEXT_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static int32_t fail(jobmill_job *job, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    jobmill_error(job, jobmill_text(text));
    return JOBMILL_FAIL;
}

/* ---- payload ------------------------------------------------------------------------------ */

/* An optional string member: stays as it is when absent or null. */
static int32_t read_string(jobmill_job *job, const json_t *payload, const char *name,
                           const char **out)
{
    const json_t *value = json_object_get(payload, name);

    if (value == NULL || json_is_null(value))
        return JOBMILL_OK;
    if (!json_is_string(value))
        return fail(job, "payload.%s: found no string, expected one", name);
    *out = json_string_value(value);
    return JOBMILL_OK;
}

static int32_t read_payload(jobmill_job *job, const json_t *payload, struct message *m)
{
    int32_t outcome;

    if (!json_is_object(payload) && !json_is_null(payload))
        return fail(job, "payload: found neither object nor null, expected one of them");
    outcome = read_string(job, payload, "channel", &m->channel);
    if (outcome == JOBMILL_OK)
        outcome = read_string(job, payload, "to", &m->to);
    if (outcome == JOBMILL_OK)
        outcome = read_string(job, payload, "template", &m->template);
    m->data = json_object_get(payload, "data");
    if (outcome == JOBMILL_OK && m->data != NULL && !json_is_object(m->data) &&
        !json_is_null(m->data))
        return fail(job, "payload.data: found no object, expected one");
    return outcome;
}

/* ---- rendering ---------------------------------------------------------------------------- */

static int32_t put(jobmill_job *job, struct message *m, const char *text, size_t len)
{
    if (len > TEXT_MAX - 1 - m->len)
        return fail(job, "message: found more than %d bytes, expected at most that", TEXT_MAX - 1);
    memcpy(m->text + m->len, text, len);
    m->len += len;
    m->text[m->len] = '\0';
    return JOBMILL_OK;
}

static int32_t put_value(jobmill_job *job, struct message *m, const char *name, const json_t *value)
{
    char *text;
    int32_t outcome;

    if (json_is_string(value))
        return put(job, m, json_string_value(value), json_string_length(value));
    if (json_is_object(value) || json_is_array(value))
        return fail(job, "payload.data.%s: found an object or array, expected text", name);
    text = json_dumps(value, JSON_ENCODE_ANY);
    outcome = text != NULL ? put(job, m, text, strlen(text)) : fail(job, "out of memory");
    free(text);
    return outcome;
}

/* What {{name}} stands for: a member of `data`, else a fact about the message. */
static int32_t put_named(jobmill_job *job, struct message *m, const char *name)
{
    const json_t *value = json_object_get(m->data, name);
    jobmill_str id = jobmill_get_meta(job)->id;

    if (value != NULL)
        return put_value(job, m, name, value);
    if (strcmp(name, "id") == 0)
        return put(job, m, id.ptr, id.len);
    if (strcmp(name, "channel") == 0)
        return put(job, m, m->channel, strlen(m->channel));
    if (strcmp(name, "to") == 0)
        return put(job, m, m->to, strlen(m->to));
    return fail(job, "payload.template: found {{%s}}, expected a member of payload.data", name);
}

/* The placeholder at `open` ("{{ name }}"); *next is behind it. */
static int32_t put_placeholder(jobmill_job *job, struct message *m, const char *open,
                               const char **next)
{
    const char *close = strstr(open, "}}"), *from = open + 2, *to;
    char name[NAME_MAX_BYTES];

    if (close == NULL)
        return fail(job, "payload.template: found {{ without }}, expected both");
    for (to = close; to > from && to[-1] == ' '; to--)
        ;
    while (from < to && *from == ' ')
        from++;
    if (from == to || (size_t)(to - from) >= sizeof name)
        return fail(job, "payload.template: found a name of %d bytes in {{}}, expected 1 to %d",
                    (int)(to - from), NAME_MAX_BYTES - 1);
    memcpy(name, from, (size_t)(to - from));
    name[to - from] = '\0';
    *next = close + 2;
    return put_named(job, m, name);
}

static int32_t render(jobmill_job *job, struct message *m)
{
    const char *at = m->template, *open;
    int32_t outcome = JOBMILL_OK;

    while (outcome == JOBMILL_OK && (open = strstr(at, "{{")) != NULL) {
        outcome = put(job, m, at, (size_t)(open - at));
        if (outcome == JOBMILL_OK)
            outcome = put_placeholder(job, m, open, &at);
    }
    return outcome == JOBMILL_OK ? put(job, m, at, strlen(at)) : outcome;
}

/* ---- delivery ----------------------------------------------------------------------------- */

/* One line of JSON for the outbox. `job` and `claim` let a reader drop what it has seen: a job may
 * run more than once. NULL when out of memory. */
static char *outbox_line(jobmill_job *job, const struct message *m)
{
    const jobmill_meta *meta = jobmill_get_meta(job);
    json_t *line = json_pack("{s:s%, s:I, s:s, s:s, s:s%}", "job", meta->id.ptr, meta->id.len,
                             "claim", (json_int_t)meta->claim, "channel", m->channel, "to", m->to,
                             "text", m->text, m->len);
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT), *grown = NULL;
    size_t len;

    json_decref(line);
    if (text == NULL)
        return NULL;
    len = strlen(text);
    grown = realloc(text, len + 2);
    if (grown == NULL) {
        free(text);
        return NULL;
    }
    grown[len] = '\n';
    grown[len + 1] = '\0';
    return grown;
}

/* A number of the configuration, which the engine has checked; it need not end with a NUL. */
static int64_t config_number(jobmill_job *job, const char *key)
{
    jobmill_str value = jobmill_config(job, key);
    char text[48];

    snprintf(text, sizeof text, "%.*s", (int)value.len, value.len > 0 ? value.ptr : "");
    return strtoll(text, NULL, 10);
}

/* The outbox may come back: try again, no sooner than the configuration says. */
static int32_t retry_later(jobmill_job *job, const char *path, const char *what)
{
    (void)fail(job, "config.outbox: %s: %s: %m", path, what);
    jobmill_retry_after(job, config_number(job, "retry_delay"));
    return JOBMILL_RETRY;
}

/* Appends with a single write, so that lines of parallel runs do not mix; O_NONBLOCK so that a FIFO
 * without a reader is an error instead of a hang. */
static int32_t append_to_outbox(jobmill_job *job, const char *path, const struct message *m)
{
    char *line = outbox_line(job, m);
    int32_t outcome = JOBMILL_OK;
    ssize_t written;
    int fd;

    if (line == NULL)
        return fail(job, "message: cannot be written as JSON, expected UTF-8 text");
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    if (fd < 0) {
        outcome = retry_later(job, path, "cannot open");
        goto out;
    }
    do
        written = write(fd, line, strlen(line));
    while (written < 0 && errno == EINTR);
    if (written < 0 || (size_t)written != strlen(line)) {
        if (written >= 0)
            errno = ENOSPC;
        outcome = retry_later(job, path, "cannot append");
    }
    close(fd);
out:
    free(line);
    return outcome;
}

/* A configured path, NUL-terminated; NULL when none is set or memory is out. */
static char *config_text(jobmill_job *job, const char *key)
{
    jobmill_str value = jobmill_config(job, key);
    char *text = value.len == 0 ? NULL : jobmill_alloc(job, value.len + 1);

    if (text != NULL)
        memcpy(text, value.ptr, value.len);
    return text;
}

static int32_t deliver(jobmill_job *job, const struct message *m)
{
    const char *outbox = config_text(job, "outbox");
    int32_t outcome = outbox != NULL ? append_to_outbox(job, outbox, m) : JOBMILL_OK;
    json_t *result;
    char *text;

    if (outcome != JOBMILL_OK)
        return outcome;
    jobmill_log(job, JOBMILL_LOG_INFO, (jobmill_str){m->text, m->len});
    result = json_pack("{s:s, s:s, s:b, s:s%}", "channel", m->channel, "to", m->to, "outbox",
                       outbox != NULL, "text", m->text, m->len);
    text = result == NULL ? NULL : json_dumps(result, JSON_COMPACT);
    if (text == NULL || jobmill_result(job, jobmill_text(text)) != 0)
        outcome = fail(job, "message: cannot be written as JSON, expected UTF-8 text");
    free(text);
    json_decref(result);
    return outcome;
}

static int32_t run(jobmill_job *job, void *state)
{
    jobmill_str text = jobmill_payload(job);
    struct message *m = jobmill_alloc(job, sizeof *m);
    json_error_t error;
    json_t *payload = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &error);
    int32_t outcome;

    (void)state;
    if (payload == NULL || m == NULL) {
        json_decref(payload);
        return fail(job, "payload: %s", payload == NULL ? error.text : "out of memory");
    }
    m->channel = "log";
    m->to = "";
    m->template = config_text(job, "template");
    if (m->template == NULL)
        m->template = "";
    outcome = read_payload(job, payload, m);
    if (outcome == JOBMILL_OK)
        outcome = render(job, m);
    if (outcome == JOBMILL_OK)
        outcome = deliver(job, m);
    json_decref(payload);
    return outcome;
}

static const jobmill_config_key keys[] = {
    {.key = "template",
     .default_value = "Job {{id}} says hello on {{channel}}",
     .text = "the message when the payload has no template",
     .type = JOBMILL_CONFIG_STRING},
    {.key = "outbox",
     .text = "file that gets each message as one line of JSON; none when absent",
     .type = JOBMILL_CONFIG_STRING},
    {.key = "retry_delay",
     .default_value = "5s",
     .text = "wait before the next try when the outbox cannot be written",
     .type = JOBMILL_CONFIG_DURATION}};

static const jobmill_handler handlers[] = {
    {.job_type = "notify", .config_count = 3, .config = keys, .run = run}};

JOBMILL_PLUGIN("notify", "1.0.0", handlers);
