/* SPDX-License-Identifier: MIT
 * A handler for the bench: its result is the moment at which it started (CLOCK_REALTIME, ns), so
 * that a client on the same machine can tell how long a job waited. */
#include <jobmill.h>

#include <stdio.h>
#include <time.h>

static int32_t run(jobmill_job *job, void *state)
{
    struct timespec now;
    char text[40];
    int n;

    (void)state;
    clock_gettime(CLOCK_REALTIME, &now);
    n = snprintf(text, sizeof text, "%lld%09ld", (long long)now.tv_sec, now.tv_nsec);
    jobmill_result(job, (jobmill_str){text, (size_t)n});
    return JOBMILL_OK;
}

static const jobmill_handler handlers[] = {
    {"stamp", JOBMILL_THREAD_SAFE, 0, NULL, NULL, run, NULL},
};

JOBMILL_PLUGIN("stamp", "1.0.0", handlers);
