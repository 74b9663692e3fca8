/* SPDX-License-Identifier: MIT
 * A Jobmill handler to start from. Put greet.so into the plugin folder, then:
 *   curl -H 'Content-Type: application/json' -d '{"type":"greet"}' localhost:8080/api/v1/jobs */
#include <jobmill.h>

#include <stdio.h>

/* One run of one job. Several threads may be in here at once, so everything is local. */
static int32_t greet(jobmill_job *job, void *state)
{
    jobmill_str word = jobmill_config(job, "greeting");
    const jobmill_meta *meta = jobmill_get_meta(job);
    size_t size = word.len + meta->id.len + 64;
    char *json = jobmill_alloc(job, size); /* freed by itself when the run is over */

    (void)state;
    if (json == NULL) {
        jobmill_error(job, jobmill_text("out of memory"));
        return JOBMILL_RETRY;
    }
    if (jobmill_cancelled(job)) /* ask often in long loops */
        return JOBMILL_CANCELLED;
    snprintf(json, size, "{\"said\":\"%.*s, job %.*s\"}", (int)word.len, word.ptr,
             (int)meta->id.len, meta->id.ptr);
    if (jobmill_result(job, jobmill_text(json)) != 0) {
        jobmill_error(job, jobmill_text("the greeting has characters that JSON must escape"));
        return JOBMILL_FAIL; /* trying again would not help */
    }
    return JOBMILL_OK;
}

static const jobmill_config_key keys[] = {
    {.key = "greeting",
     .type = JOBMILL_CONFIG_STRING,
     .default_value = "Hello",
     .text = "what to say (config.greeting in [handler greet])"},
};

static const jobmill_handler handlers[] = {
    {.job_type = "greet",
     .config = keys,
     .config_count = sizeof keys / sizeof *keys,
     .run = greet},
};

JOBMILL_PLUGIN("greet", "1.0", handlers);
