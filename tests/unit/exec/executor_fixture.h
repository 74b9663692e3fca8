/* SPDX-License-Identifier: MIT
 * An executor with the handlers of tests/hostile/behave.c, for tests that play its engine. */
#ifndef JOBMILL_TESTS_EXECUTOR_FIXTURE_H
#define JOBMILL_TESTS_EXECUTOR_FIXTURE_H

#include "lib/play_engine.h"
#include "lib/unit.h"

#include <sys/wait.h>

/* The handlers of tests/hostile/behave.c, in the order of the configuration. */
/* clang-format off */
#define HANDLERS(X)                                                                               \
    X(echo) X(tell) X(returns) X(silent) X(bad_result) X(large_result) X(progress) X(chatter)     \
    X(spin) X(waits) X(quiet) X(deaf) X(leisurely) X(crash) X(aborts) X(stack) X(exits)           \
    X(ends_thread) X(forks)
/* clang-format on */

enum {
#define X(name) H_##name,
    HANDLERS(X)
#undef X
        N_HANDLERS
};

static void add_entry(struct buf *json, const char *handler)
{
    buf_addf(json,
             "%s{\"type\":\"%s\",\"kind\":\"plugin\",\"file\":\"%s/behave.so\",\"handler\":\"%s\","
             "\"config\":{\"word\":\"gr\\u00fc\\u00df\"}}",
             json->ptr[json->len - 1] == '[' ? "" : ",", handler, play_hostile_dir(), handler);
}

static void start(struct play *p, int threads, const char *only)
{
    struct buf json = BUF_INIT;

    buf_addf(&json,
             "{\"version\":1,\"pool\":\"p\",\"threads\":%d,\"memory_bytes\":0,\"handlers\":[",
             threads);
    if (only != NULL)
        add_entry(&json, only);
#define X(name)       \
    if (only == NULL) \
        add_entry(&json, #name);
    HANDLERS(X)
#undef X
    buf_adds(&json, "]}");
    play_start(p, json.ptr);
    buf_free(&json);
}

static void start_ready(struct play *p, int threads)
{
    start(p, threads, NULL);
    play_expect_ready(p);
}

static void run_one(struct play *p, uint32_t handler, const char *payload, int64_t timeout_ms,
                    struct wire_msg *done)
{
    static uint64_t seq;

    play_send_job(p, ++seq, handler, payload, timeout_ms);
    play_recv_done(p, done);
    assert_int_equal(done->done.seq, seq);
}

static void drain_and_end(struct play *p)
{
    int status;

    play_send_control(p, WIRE_DRAIN, 0);
    status = play_wait_end(p);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    play_stop(p);
}

#endif
