/* SPDX-License-Identifier: MIT
 * Tests of the executor as a process: the test plays the engine on the other end of its sockets. */
#include "executor_fixture.h"

#include "base/clock.h"
#include "base/io.h"
#include "exec/hostapi.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_job_is_run_and_answered(void **state)
{
    struct wire_msg m;
    struct play p;

    (void)state;
    start_ready(&p, 1);
    run_one(&p, H_echo, "{\"n\": 9223372036854775807, \"e\": []}", 0, &m);
    assert_int_equal(m.done.outcome, RUN_OK);
    assert_str(m.done.result, "{\"n\": 9223372036854775807, \"e\": []}");
    assert_null(m.done.error.ptr);
    assert_true(m.done.started_ns > 0 && m.done.ended_ns >= m.done.started_ns);
    assert_true(m.done.memory_kb > 0);
    assert_int_equal(m.done.retry_delay_ms, -1);
    run_one(&p, H_echo, NULL, 0, &m);
    assert_str(m.done.result, "null");
    assert_int_equal(atomic_load(&p.table->jobs_started), 2);
    drain_and_end(&p);
}

static void a_handler_sees_job_and_configuration(void **state)
{
    struct wire_msg m;
    struct play p;

    (void)state;
    start_ready(&p, 1);
    run_one(&p, H_tell, "{}", 0, &m);
    assert_int_equal(m.done.outcome, RUN_OK);
    assert_str(m.done.result,
               "{\"attempt\":1,\"claim\":2,\"step\":-1,"
               "\"id\":\"0190a0b0-0000-7000-8000-000000000001\",\"tags\":[],"
               "\"word\":\"gr\xC3\xBC\xC3\x9F\",\"left\":-1,\"cancelled\":0,\"workflow\":0}");
    drain_and_end(&p);
}

static void returned_values_become_outcomes(void **state)
{
    static const struct {
        uint32_t handler;
        const char *payload;
        enum run_outcome outcome;
        const char *error;
        int64_t delay_ms;
    } table[] = {
        {H_returns, "0", RUN_OK, NULL, -1},
        {H_returns, "1", RUN_ERROR, "bad \xEF\xBF\xBD bytes", 1500},
        {H_returns, "2", RUN_PERMANENT, "bad \xEF\xBF\xBD bytes", -1},
        {H_returns, "3", RUN_ERROR, "the handler returned CANCELLED without being asked", -1},
        {H_returns, "7", RUN_PERMANENT,
         "the handler returned 7, expected 0 (OK) to 3 (CANCELLED): bad \xEF\xBF\xBD bytes", -1},
        {H_silent, "1", RUN_ERROR, "the handler failed without giving a reason", -1},
        {H_silent, "2", RUN_PERMANENT, "the handler failed for good without giving a reason", -1},
        {H_bad_result, "null", RUN_BAD_RESULT,
         "the result is not JSON: line 1 column 6: found '}', expected a value", -1},
        {H_bad_result, "true", RUN_OK, NULL, -1},
        {H_forks, "null", RUN_OK, NULL, -1},
    };
    struct wire_msg m;
    struct play p;
    size_t i;

    (void)state;
    start_ready(&p, 2);
    for (i = 0; i < sizeof table / sizeof *table; i++) {
        run_one(&p, table[i].handler, table[i].payload, 0, &m);
        assert_int_equal(m.done.outcome, table[i].outcome);
        if (table[i].error == NULL)
            assert_null(m.done.error.ptr);
        else
            assert_str(m.done.error, table[i].error);
        assert_int_equal(m.done.retry_delay_ms, table[i].delay_ms);
    }
    assert_int_equal(atomic_load(&p.table->crash_cause), SLOTS_ALIVE); /* forks: not our exit */
    drain_and_end(&p);
}

static void a_large_payload_and_result_travel(void **state)
{
    size_t len = 900 * 1024;
    char *payload = malloc(len + 1);
    struct wire_msg m;
    struct play p;

    (void)state;
    assert_non_null(payload);
    memset(payload, 'x', len);
    payload[0] = payload[len - 1] = '"';
    payload[len] = '\0';
    start_ready(&p, 1);
    run_one(&p, H_echo, payload, 0, &m);
    assert_int_equal(m.done.result.len, len);
    assert_memory_equal(m.done.result.ptr, payload, len);
    run_one(&p, H_large_result, "null", 0, &m);
    assert_int_equal(m.done.outcome, RUN_OK);
    assert_int_equal(m.done.result.len, JOB_RESULT_MAX);
    drain_and_end(&p);
    free(payload);
}

static void an_unknown_handler_index_is_an_error(void **state)
{
    struct wire_msg m;
    struct play p;
    char expected[80];

    (void)state;
    start_ready(&p, 1);
    run_one(&p, 999, "null", 0, &m);
    assert_int_equal(m.done.outcome, RUN_ERROR);
    snprintf(expected, sizeof expected, "found handler index 999, expected less than %d",
             N_HANDLERS);
    assert_str(m.done.error, expected);
    drain_and_end(&p);
}

/* Many calls, few messages; the last value always arrives. */
static void progress_is_bounded_and_ends_with_the_latest(void **state)
{
    struct wire_msg m;
    struct play p;
    double last = -1;
    int count = 0;

    (void)state;
    start_ready(&p, 1);
    play_send_job(&p, 1, H_progress, "null", 0);
    for (play_recv(&p, &m); m.kind != WIRE_DONE; play_recv(&p, &m)) {
        if (m.kind == WIRE_LOG) /* of init */
            continue;
        assert_int_equal(m.kind, WIRE_PROGRESS);
        assert_str(m.progress.message, "step");
        last = m.progress.percent;
        count++;
    }
    assert_true(last == 100.0);
    assert_true(count < 100);
    drain_and_end(&p);
}

static void chatter_is_dropped_and_counted(void **state)
{
    struct wire_msg m;
    struct play p;
    int lines = 0;
    bool said = false;

    (void)state;
    start_ready(&p, 1);
    play_send_job(&p, 1, H_chatter, "null", 0);
    do {
        play_recv(&p, &m);
        if (m.kind != WIRE_LOG || m.log.seq != 1)
            continue;
        if (str_is(m.log.text, "line"))
            lines++;
        else
            said = said || m.log.level == JOBMILL_LOG_WARN;
    } while (m.kind != WIRE_DONE);
    assert_true(lines >= CALL_LOG_BURST && lines < 1000);
    assert_true(said);
    drain_and_end(&p);
}

static void crash_is_recorded(uint32_t handler, uint32_t cause, int signal_number, int exit_code)
{
    struct play p;
    int status;

    start_ready(&p, 2);
    play_send_job(&p, 77, handler, "null", 0);
    status = play_wait_end(&p);
    assert_int_equal(atomic_load(&p.table->crash_cause), cause);
    assert_int_equal(atomic_load(&p.table->crash_signal), signal_number);
    if (signal_number != 0) {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signal_number);
    } else {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), exit_code);
    }
    /* the guilty slot still names its run */
    assert_in_range(atomic_load(&p.table->crash_slot), 1, 2);
    assert_int_equal(atomic_load(&p.table->slots[atomic_load(&p.table->crash_slot) - 1].seq), 77);
    play_stop(&p);
}

static void whoever_ends_the_process_is_named(void **state)
{
    (void)state;
    crash_is_recorded(H_crash, SLOTS_SIGNAL, SIGSEGV, 0);
    crash_is_recorded(H_aborts, SLOTS_SIGNAL, SIGABRT, 0);
    crash_is_recorded(H_stack, SLOTS_SIGNAL, SIGSEGV, 0);
    crash_is_recorded(H_exits, SLOTS_EXIT_CALLED, 0, 71);
    crash_is_recorded(H_ends_thread, SLOTS_THREAD_ENDED, 0, 71);
}

static void leaves_when_the_fence_is_passed(void **state)
{
    struct play p;
    int64_t fence;
    int status;

    (void)state;
    start_ready(&p, 1);
    play_send_job(&p, 1, H_deaf, "null", 0);
    play_wait_running(&p, 1);
    fence = clock_boot_ns() + 300 * NS_PER_MS;
    atomic_store(&p.table->fence_ns, fence);
    status = play_wait_end(&p);
    assert_true(clock_boot_ns() >= fence);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 70);
    play_stop(&p);
}

static void leaves_when_a_socket_closes(void **state)
{
    struct play p;
    int i, status;

    (void)state;
    for (i = 0; i < 2; i++) {
        start_ready(&p, 2);
        play_send_job(&p, 1, H_deaf, "null", 0); /* deaf: it cannot be waited for */
        play_wait_running(&p, 1);
        io_close(i == 0 ? &p.job_fd : &p.control_fd);
        status = play_wait_end(&p);
        assert_true(WIFEXITED(status));
        play_stop(&p);
    }
}

static void refused(struct play *p, const char *says)
{
    struct err e = {.code = 0};
    struct wire_msg m;
    int status;

    play_control(p, &m);
    assert_int_equal(m.kind, WIRE_REFUSED);
    snprintf(e.text, sizeof e.text, "%.*s", STR_ARG(m.control.text));
    assert_says(e, says);
    status = play_wait_end(p);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 78);
    play_stop(p);
}

static void a_start_that_fails_says_why(void **state)
{
    char json[PATH_MAX + 512];
    struct play p;

    (void)state;
    start(&p, 1, "init_refuses");
    refused(&p, "init of init_refuses returned 1, expected 0: no licence for this machine");
    start(&p, 1, "init_exits");
    refused(&p, "called exit() while it was loaded");
    start(&p, 1, "unknown");
    refused(&p, "found no handler unknown");
    start(&p, 2, "single");
    refused(&p, "single is single-threaded: found 2 threads, expected 1");
    play_start(&p, "{\"version\":1");
    refused(&p, "executor configuration: line 1");
    snprintf(json, sizeof json,
             "{\"version\":1,\"pool\":\"p\",\"threads\":1,\"memory_bytes\":0,\"handlers\":[{"
             "\"type\":\"t\",\"kind\":\"plugin\",\"file\":\"%s/wrong_magic.so\",\"handler\":\"t\","
             "\"config\":{}}]}",
             play_hostile_dir());
    play_start(&p, json);
    refused(&p, "handler t: ");
}

static void a_lua_script_that_fails_says_why(void **state)
{
    char folder[PATH_MAX - 32], path[PATH_MAX], json[PATH_MAX + 256];
    struct err e;
    struct play p;

    (void)state;
    unit_folder_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/bad.lua", folder);
    assert_int_equal(io_write_file(path, STR("return {handle = \n"), 0600, &e), 0);
    snprintf(json, sizeof json,
             "{\"version\":1,\"pool\":\"p\",\"threads\":3,\"memory_bytes\":0,\"handlers\":[{"
             "\"type\":\"bad\",\"kind\":\"lua\",\"file\":\"%s\",\"handler\":\"bad\"}]}",
             path);
    play_start(&p, json);
    refused(&p, "handler bad: ");
    unit_folder_remove(folder);
}

static void lua_runs_in_every_slot(void **state)
{
    char folder[PATH_MAX - 32], path[PATH_MAX], json[PATH_MAX + 256];
    struct wire_msg m;
    struct err e;
    struct play p;
    int i;

    (void)state;
    unit_folder_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/good.lua", folder);
    assert_int_equal(io_write_file(path,
                                   STR("return {handle = function(job) return {ok = true} end}\n"),
                                   0600, &e),
                     0);
    snprintf(json, sizeof json,
             "{\"version\":1,\"pool\":\"p\",\"threads\":4,\"memory_bytes\":0,\"handlers\":[{"
             "\"type\":\"good\",\"kind\":\"lua\",\"file\":\"%s\",\"handler\":\"good\"}]}",
             path);
    play_start(&p, json);
    play_expect_ready(&p);
    for (i = 0; i < 40; i++) {
        run_one(&p, 0, "{}", 0, &m);
        assert_str(m.done.result, "{\"ok\":true}");
    }
    drain_and_end(&p);
    unit_folder_remove(folder);
}

/* Only what the engine passed, and none of it for the handlers' children. */
static void descriptors_are_close_on_exec(void **state)
{
    char path[64];
    struct play p;
    int fd;

    (void)state;
    start_ready(&p, 2);
    for (fd = 3; fd < 30; fd++) {
        struct buf info = BUF_INIT;
        struct err e;

        snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)p.pid, fd);
        if (io_read_file(path, 4096, &info, &e) == 0) {
            const char *flags = strstr(info.ptr, "flags:");

            assert_non_null(flags);
            assert_true(strtol(flags + 6, NULL, 8) & O_CLOEXEC);
        }
        buf_free(&info);
    }
    drain_and_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_run_and_answered),
        cmocka_unit_test(a_handler_sees_job_and_configuration),
        cmocka_unit_test(returned_values_become_outcomes),
        cmocka_unit_test(a_large_payload_and_result_travel),
        cmocka_unit_test(an_unknown_handler_index_is_an_error),
        cmocka_unit_test(progress_is_bounded_and_ends_with_the_latest),
        cmocka_unit_test(chatter_is_dropped_and_counted),
        cmocka_unit_test(whoever_ends_the_process_is_named),
        cmocka_unit_test(leaves_when_the_fence_is_passed),
        cmocka_unit_test(leaves_when_a_socket_closes),
        cmocka_unit_test(a_start_that_fails_says_why),
        cmocka_unit_test(a_lua_script_that_fails_says_why),
        cmocka_unit_test(lua_runs_in_every_slot),
        cmocka_unit_test(descriptors_are_close_on_exec),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
