/* SPDX-License-Identifier: MIT
 * Job type `compute`: counts the primes up to `iterations` with a segmented sieve. Shows bounded
 * memory, progress, and stopping when asked. */
#include <jobmill.h>

#include <jansson.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITERATIONS_MAX INT64_C(1000000000)
#define ROOT_MAX       31623 /* the square root of ITERATIONS_MAX, rounded up */
#define SEGMENT        65536 /* numbers sieved between two looks at the outside */

struct sieve {
    uint8_t composite[SEGMENT]; /* of the numbers from `low` */
    int64_t low;
    int32_t primes[4096]; /* those up to the root of the limit; 3401 lie below ROOT_MAX */
    size_t n_primes;
    int64_t count, largest;
};

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
static int64_t config_number(jobmill_job *job, const char *key)
{
    jobmill_str value = jobmill_config(job, key);
    char text[48];

    snprintf(text, sizeof text, "%.*s", (int)value.len, value.len > 0 ? value.ptr : "");
    return strtoll(text, NULL, 10);
}

/* payload.iterations, else the configuration's. JOBMILL_OK, or JOBMILL_FAIL with the reason. */
static int32_t read_iterations(jobmill_job *job, int64_t *out)
{
    jobmill_str text = jobmill_payload(job);
    json_error_t error;
    json_t *payload = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &error);
    const json_t *given = json_object_get(payload, "iterations");
    int32_t outcome = JOBMILL_OK;

    *out = config_number(job, "iterations");
    if (payload == NULL)
        outcome = fail(job, "payload: %s", error.text);
    else if (!json_is_object(payload) && !json_is_null(payload))
        outcome = fail(job, "payload: found neither object nor null, expected one of them");
    else if (given != NULL && !json_is_integer(given))
        outcome = fail(job, "payload.iterations: found no integer, expected one");
    else if (given != NULL)
        *out = json_integer_value(given);
    json_decref(payload);
    if (outcome == JOBMILL_OK && (*out < 1 || *out > ITERATIONS_MAX))
        outcome = fail(job, "%siterations: found %" PRId64 ", expected 1 to %" PRId64,
                       given != NULL ? "payload." : "config.", *out, ITERATIONS_MAX);
    return outcome;
}

static void find_small_primes(struct sieve *sieve)
{
    int32_t candidate;
    size_t i;

    for (candidate = 2; candidate <= ROOT_MAX; candidate++) {
        for (i = 0; i < sieve->n_primes; i++)
            if (candidate % sieve->primes[i] == 0 ||
                sieve->primes[i] * sieve->primes[i] > candidate)
                break;
        if (i == sieve->n_primes || candidate % sieve->primes[i] != 0)
            sieve->primes[sieve->n_primes++] = candidate;
    }
}

/* Counts the primes from sieve->low to `high`, at most SEGMENT numbers. */
static void sieve_segment(struct sieve *sieve, int64_t high)
{
    int64_t n;
    size_t i;

    memset(sieve->composite, 0, sizeof sieve->composite);
    for (i = 0; i < sieve->n_primes; i++) {
        int64_t prime = sieve->primes[i], multiple = prime * prime;

        if (multiple > high)
            break;
        if (multiple < sieve->low)
            multiple = (sieve->low + prime - 1) / prime * prime;
        for (; multiple <= high; multiple += prime)
            sieve->composite[multiple - sieve->low] = 1;
    }
    for (n = sieve->low; n <= high; n++) {
        if (n < 2 || sieve->composite[n - sieve->low])
            continue;
        sieve->count++;
        sieve->largest = n;
    }
}

static int32_t give_result(jobmill_job *job, int64_t iterations, const struct sieve *sieve)
{
    char text[160];

    snprintf(text, sizeof text,
             "{\"iterations\":%" PRId64 ",\"value\":%" PRId64 ",\"largest_prime\":%" PRId64 "}",
             iterations, sieve->count, sieve->largest);
    return jobmill_result(job, jobmill_text(text)) == 0 ? JOBMILL_OK : JOBMILL_FAIL;
}

static int32_t run(jobmill_job *job, void *state)
{
    struct sieve *sieve;
    int64_t iterations, high;
    int32_t outcome = read_iterations(job, &iterations);

    (void)state;
    if (outcome != JOBMILL_OK)
        return outcome;
    sieve = jobmill_alloc(job, sizeof *sieve);
    if (sieve == NULL) {
        jobmill_error(job, jobmill_text("out of memory for the sieve"));
        return JOBMILL_RETRY;
    }
    find_small_primes(sieve);
    for (sieve->low = 1; sieve->low <= iterations; sieve->low = high + 1) {
        if (jobmill_cancelled(job))
            return JOBMILL_CANCELLED;
        high = sieve->low + SEGMENT - 1;
        if (high > iterations)
            high = iterations;
        sieve_segment(sieve, high);
        jobmill_progress(job, 100.0 * (double)high / (double)iterations, jobmill_text("sieving"));
    }
    return give_result(job, iterations, sieve);
}

static const jobmill_config_key keys[] = {
    {.key = "iterations",
     .default_value = "100000",
     .text = "how far to count when the payload does not say (1 to 1000000000)",
     .type = JOBMILL_CONFIG_INT}};

static const jobmill_handler handlers[] = {
    {.job_type = "compute", .config_count = 1, .config = keys, .run = run}};

JOBMILL_PLUGIN("compute", "1.0.0", handlers);
