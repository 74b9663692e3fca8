/* SPDX-License-Identifier: MIT
 * A handler that keeps an effect ledger outside the system: one line per run, appended to the file
 * in config.file before the run ends. Tests judge the engine's records by it. */
#include <jobmill.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct ledger {
    int fd;
};

static int32_t ledger_init(jobmill_job *context, void **state)
{
    jobmill_str file = jobmill_config(context, "file");
    struct ledger *l = jobmill_alloc(context, sizeof *l);
    char *path = jobmill_alloc(context, file.len + 1);

    if (l == NULL || path == NULL)
        return 1;
    memcpy(path, file.ptr, file.len);
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (l->fd < 0) {
        jobmill_error(context, jobmill_text("cannot open config.file"));
        return 1;
    }
    *state = l;
    return 0;
}

static double number(const json_t *payload, const char *name)
{
    return json_number_value(json_object_get(payload, name));
}

static void spin_us(double us)
{
    struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)(us * 1000)};

    if (us > 0)
        nanosleep(&pause, NULL);
}

static int32_t ledger_run(jobmill_job *job, void *state)
{
    const struct ledger *l = state;
    const jobmill_meta *meta = jobmill_get_meta(job);
    jobmill_str text = jobmill_payload(job);
    json_t *payload = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
    char line[160], result[64];
    uint32_t nonce, dice;
    int fails, n;

    if (getrandom(&nonce, sizeof nonce, 0) < 0 || getrandom(&dice, sizeof dice, 0) < 0)
        abort();
    fails = dice < number(payload, "fail_rate") * 4294967296.0;
    spin_us(number(payload, "work_us"));
    json_decref(payload);
    n = snprintf(line, sizeof line, "%.*s %lld %d %u %s\n", (int)meta->id.len, meta->id.ptr,
                 (long long)meta->claim, (int)meta->attempt, nonce, fails ? "fail" : "ok");
    if (write(l->fd, line, (size_t)n) != n)
        abort();
    n = snprintf(result, sizeof result, "{\"nonce\":%u}", nonce);
    jobmill_result(job, (jobmill_str){result, (size_t)n});
    jobmill_error(job, jobmill_text("the dice said so"));
    return fails ? JOBMILL_RETRY : JOBMILL_OK;
}

static const jobmill_config_key keys[] = {
    {"file", NULL, "the ledger", JOBMILL_CONFIG_STRING, 1},
};

static const jobmill_handler handlers[] = {
    {"ledger", JOBMILL_THREAD_SAFE, 1, keys, ledger_init, ledger_run, NULL},
};

JOBMILL_PLUGIN("ledger", "1.0.0", handlers);
