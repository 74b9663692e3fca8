/* SPDX-License-Identifier: MIT
 * Job type `flaky`: fails a given share of its runs, for watching retries and dead letters. */
#include <jobmill.h>

#include <jansson.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

__attribute__((format(printf, 2, 3))) static int32_t fail(jobmill_job *job, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    jobmill_error(job, jobmill_text(text));
    return JOBMILL_FAIL;
}

/* A number of the configuration, which the engine has checked; it need not end with a NUL. */
static double config_number(jobmill_job *job, const char *key)
{
    jobmill_str value = jobmill_config(job, key);
    char text[48];

    snprintf(text, sizeof text, "%.*s", (int)value.len, value.len > 0 ? value.ptr : "");
    return strtod(text, NULL);
}

/* Uniform in [0, 1); each run draws anew, whatever process it lands in. */
static double draw(void)
{
    uint64_t bits = 0;

    while (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        ;
    return (double)(bits >> 11) * 0x1p-53;
}

/* Fills in what the payload says, over the configuration. JOBMILL_OK or JOBMILL_FAIL. */
static int32_t read_payload(jobmill_job *job, double *rate, int *permanent)
{
    jobmill_str text = jobmill_payload(job);
    json_error_t error;
    json_t *payload = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &error);
    const json_t *given_rate = json_object_get(payload, "failure_rate");
    const json_t *given_permanent = json_object_get(payload, "permanent");
    int32_t outcome = JOBMILL_OK;

    *rate = given_rate != NULL ? json_number_value(given_rate) : config_number(job, "failure_rate");
    *permanent = json_is_true(given_permanent);
    if (payload == NULL)
        outcome = fail(job, "payload: %s", error.text);
    else if (!json_is_object(payload) && !json_is_null(payload))
        outcome = fail(job, "payload: found neither object nor null, expected one of them");
    else if (given_rate != NULL && !json_is_number(given_rate))
        outcome = fail(job, "payload.failure_rate: found no number, expected 0.0 to 1.0");
    else if (!(*rate >= 0 && *rate <= 1))
        outcome = fail(job, "%sfailure_rate: found %g, expected 0.0 to 1.0",
                       given_rate != NULL ? "payload." : "config.", *rate);
    else if (given_permanent != NULL && !json_is_boolean(given_permanent))
        outcome = fail(job, "payload.permanent: found no boolean, expected true or false");
    json_decref(payload);
    return outcome;
}

static int32_t run(jobmill_job *job, void *state)
{
    const jobmill_meta *meta = jobmill_get_meta(job);
    char text[128];
    double rate;
    int permanent;
    int32_t outcome = read_payload(job, &rate, &permanent);

    (void)state;
    if (outcome != JOBMILL_OK)
        return outcome;
    if (draw() < rate) {
        (void)fail(job, "failed on purpose: attempt %d, failure_rate %g%s", meta->attempt, rate,
                   permanent ? ", permanent" : "");
        return permanent ? JOBMILL_FAIL : JOBMILL_RETRY;
    }
    snprintf(text, sizeof text, "{\"attempt\":%d,\"failure_rate\":%.17g}", meta->attempt, rate);
    return jobmill_result(job, jobmill_text(text)) == 0 ? JOBMILL_OK : JOBMILL_FAIL;
}

static const jobmill_config_key keys[] = {
    {.key = "failure_rate",
     .default_value = "0.5",
     .text = "share of runs that fail when the payload does not say (0.0 to 1.0)",
     .type = JOBMILL_CONFIG_REAL}};

static const jobmill_handler handlers[] = {
    {.job_type = "flaky", .config_count = 1, .config = keys, .run = run}};

JOBMILL_PLUGIN("flaky", "1.0.0", handlers);
