/* SPDX-License-Identifier: MIT
 * Tests of a job's states, outcomes and names. The tables here are written from the design, not
 * from the .def files that they check. */
#include "model/job.h"

#include "lib/unit.h"

#include <string.h>

#define STATES 7

static const enum job_state all[STATES] = {JOB_PENDING,  JOB_QUEUED,    JOB_RUNNING,
                                           JOB_RETRYING, JOB_COMPLETED, JOB_DEAD_LETTER,
                                           JOB_CANCELLED};

static void transition_table(void **state)
{
    static const struct {
        const char *from;
        const char *to[STATES + 1];
    } design[] = {
        {"pending", {"queued", "cancelled"}},
        {"retrying", {"queued", "cancelled"}},
        {"queued", {"running", "cancelled"}},
        {"running", {"completed", "cancelled", "retrying", "dead_letter", "queued"}},
        {"dead_letter", {"queued", "cancelled"}},
        {"completed", {NULL}},
        {"cancelled", {NULL}},
    };
    size_t i, j;

    (void)state;
    assert_int_equal(sizeof design / sizeof *design, JOB_STATE_END - 1);
    for (i = 0; i < STATES; i++) {
        enum job_state from;
        bool may[JOB_STATE_END] = {false};

        assert_true(job_state_parse(str_from(design[i].from), &from));
        for (j = 0; design[i].to[j] != NULL; j++) {
            enum job_state to;

            assert_true(job_state_parse(str_from(design[i].to[j]), &to));
            may[to] = true;
        }
        for (j = 0; j < STATES; j++)
            if (job_state_may(from, all[j]) != may[all[j]])
                fail_msg("%s to %s", design[i].from, job_state_name(all[j]));
    }
}

static void nonsense_states_move_nowhere(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < STATES; i++) {
        assert_false(job_state_may((enum job_state)0, all[i]));
        assert_false(job_state_may(all[i], (enum job_state)0));
        assert_false(job_state_may(JOB_STATE_END, all[i]));
        assert_false(job_state_may(all[i], JOB_STATE_END));
        assert_false(job_state_may(all[i], (enum job_state)1000));
    }
    assert_string_equal(job_state_name((enum job_state)0), "unknown");
    assert_string_equal(job_state_name(JOB_STATE_END), "unknown");
}

/* Stores write the codes: they never change. */
static void codes_are_for_ever(void **state)
{
    (void)state;
    assert_int_equal(JOB_PENDING, 1);
    assert_int_equal(JOB_QUEUED, 2);
    assert_int_equal(JOB_RUNNING, 3);
    assert_int_equal(JOB_RETRYING, 4);
    assert_int_equal(JOB_COMPLETED, 5);
    assert_int_equal(JOB_DEAD_LETTER, 6);
    assert_int_equal(JOB_CANCELLED, 7);
    assert_int_equal(RUN_OK, 1);
    assert_int_equal(RUN_ERROR, 2);
    assert_int_equal(RUN_PERMANENT, 3);
    assert_int_equal(RUN_TIMEOUT, 4);
    assert_int_equal(RUN_CRASH, 5);
    assert_int_equal(RUN_BAD_RESULT, 6);
    assert_int_equal(RUN_GIVEN_BACK, 7);
    assert_int_equal(RUN_LOST, 8);
    assert_int_equal(RUN_CANCELLED, 9);
}

static void names_and_finality(void **state)
{
    enum job_state parsed;
    size_t i;

    (void)state;
    for (i = 0; i < STATES; i++) {
        assert_true(job_state_parse(str_from(job_state_name(all[i])), &parsed));
        assert_int_equal(parsed, all[i]);
        assert_int_equal(job_state_is_final(all[i]),
                         all[i] == JOB_COMPLETED || all[i] == JOB_CANCELLED);
    }
    assert_false(job_state_parse(STR("failed"), &parsed)); /* an outcome, never at rest */
    assert_false(job_state_parse(STR("Queued"), &parsed));
    assert_false(job_state_parse(STR(""), &parsed));
    assert_string_equal(run_outcome_name(RUN_TIMEOUT), "timeout");
    assert_string_equal(run_outcome_name(RUN_OUTCOME_END), "unknown");
    assert_false(run_outcome_counts(RUN_OUTCOME_END));
    assert_false(run_outcome_counts((enum run_outcome)0));
}

/* A job in its second run of four (max_retries 3), exact back-off: 1 s, 2 s, 4 s. */
static struct job running_job(void)
{
    return (struct job){.state = JOB_RUNNING,
                        .attempt = 2,
                        .max_retries = 3,
                        .claims = 2,
                        .retry = {1000, 60000, 200, 0}};
}

static void accounting_table(void **state)
{
    static const struct {
        enum run_outcome outcome;
        int32_t attempt, crashes, losses; /* after */
        enum job_state next;
        int64_t delay_ms;
        const char *error_code;
    } rows[] = {
        {RUN_OK, 2, 0, 0, JOB_COMPLETED, 0, NULL},
        {RUN_ERROR, 2, 0, 0, JOB_RETRYING, 2000, "error"},
        {RUN_TIMEOUT, 2, 0, 0, JOB_RETRYING, 2000, "timeout"},
        {RUN_BAD_RESULT, 2, 0, 0, JOB_RETRYING, 2000, "bad_result"},
        {RUN_PERMANENT, 2, 0, 0, JOB_DEAD_LETTER, 0, "permanent"},
        {RUN_CRASH, 2, 1, 0, JOB_RETRYING, 2000, "crash"},
        {RUN_GIVEN_BACK, 1, 0, 0, JOB_QUEUED, 0, "given_back"},
        {RUN_LOST, 1, 0, 1, JOB_QUEUED, 0, "lost"},
        {RUN_CANCELLED, 2, 0, 0, JOB_CANCELLED, 0, "cancelled"},
    };
    size_t i;

    (void)state;
    assert_int_equal(sizeof rows / sizeof *rows, RUN_OUTCOME_END - 1);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct job job = running_job();
        struct run_verdict v = run_judge(&job, rows[i].outcome, -1, 42);

        assert_int_equal(v.next, rows[i].next);
        assert_int_equal(v.attempt, rows[i].attempt);
        assert_int_equal(v.crashes, rows[i].crashes);
        assert_int_equal(v.losses, rows[i].losses);
        assert_true(v.delay_ms == rows[i].delay_ms);
        assert_true(job_state_may(JOB_RUNNING, v.next));
        if (rows[i].error_code == NULL)
            assert_null(v.error_code);
        else
            assert_string_equal(v.error_code, rows[i].error_code);
    }
}

/* max_retries 2 is three runs, 0 is one. */
static void runs_are_counted(void **state)
{
    static const enum run_outcome counting[] = {RUN_ERROR, RUN_TIMEOUT, RUN_BAD_RESULT, RUN_CRASH};
    struct job job = running_job();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof counting / sizeof *counting; i++) {
        job.max_retries = 2;
        job.attempt = 1;
        assert_int_equal(run_judge(&job, counting[i], -1, 0).next, JOB_RETRYING);
        job.attempt = 2;
        assert_int_equal(run_judge(&job, counting[i], -1, 0).next, JOB_RETRYING);
        job.attempt = 3;
        assert_int_equal(run_judge(&job, counting[i], -1, 0).next, JOB_DEAD_LETTER);
        job.max_retries = 0;
        job.attempt = 1;
        assert_int_equal(run_judge(&job, counting[i], -1, 0).next, JOB_DEAD_LETTER);
        assert_true(run_judge(&job, counting[i], 5000, 0).delay_ms == 0);
    }
    job.attempt = 1;
    assert_int_equal(run_judge(&job, RUN_GIVEN_BACK, -1, 0).next, JOB_QUEUED);
    assert_int_equal(run_judge(&job, RUN_GIVEN_BACK, -1, 0).attempt, 0);
}

static void poison_and_lost(void **state)
{
    struct job job = running_job();
    struct run_verdict v;

    (void)state;
    job.max_retries = 1000;
    job.crashes = 1;
    assert_int_equal(run_judge(&job, RUN_CRASH, -1, 0).next, JOB_RETRYING);
    job.crashes = 2;
    v = run_judge(&job, RUN_CRASH, -1, 0);
    assert_int_equal(v.next, JOB_DEAD_LETTER);
    assert_string_equal(v.error_code, "poison");
    assert_int_equal(v.crashes, 3);
    job.losses = 3;
    assert_int_equal(run_judge(&job, RUN_LOST, -1, 0).next, JOB_QUEUED);
    job.losses = 4;
    v = run_judge(&job, RUN_LOST, -1, 0);
    assert_int_equal(v.next, JOB_DEAD_LETTER);
    assert_string_equal(v.error_code, "lost");
    assert_int_equal(v.losses, 5);
    assert_int_equal(v.attempt, 1);
}

/* A dead letter that was retried by hand keeps its losses: they must not condemn it when it fails
 * for another reason. */
static void old_losses_do_not_condemn(void **state)
{
    struct job job = running_job();

    (void)state;
    job.losses = JOB_LOSSES_MAX;
    assert_int_equal(run_judge(&job, RUN_ERROR, -1, 0).next, JOB_RETRYING);
    assert_int_equal(run_judge(&job, RUN_GIVEN_BACK, -1, 0).next, JOB_QUEUED);
    assert_int_equal(run_judge(&job, RUN_OK, -1, 0).next, JOB_COMPLETED);
}

/* However a run ends without counting, the claims bound the loop. */
static void claims_are_capped(void **state)
{
    struct job job = running_job();
    struct run_verdict v;

    (void)state;
    job.claims = JOB_CLAIMS_MAX - 1;
    assert_int_equal(run_judge(&job, RUN_GIVEN_BACK, -1, 0).next, JOB_QUEUED);
    job.claims = JOB_CLAIMS_MAX;
    v = run_judge(&job, RUN_GIVEN_BACK, -1, 0);
    assert_int_equal(v.next, JOB_DEAD_LETTER);
    assert_string_equal(v.error_code, "lost");
    assert_int_equal(run_judge(&job, RUN_LOST, -1, 0).next, JOB_DEAD_LETTER);
    assert_int_equal(run_judge(&job, RUN_OK, -1, 0).next, JOB_COMPLETED);
}

static void hint_beats_back_off(void **state)
{
    struct job job = running_job();

    (void)state;
    assert_true(run_judge(&job, RUN_ERROR, 0, 0).delay_ms == 0);
    assert_true(run_judge(&job, RUN_ERROR, 123456, 0).delay_ms == 123456);
    assert_true(run_judge(&job, RUN_ERROR, INT64_MAX, 0).delay_ms == RETRY_DELAY_MAX_MS);
    assert_true(run_judge(&job, RUN_ERROR, INT64_MIN, 0).delay_ms == 2000);
}

static void checks_names(void **state)
{
    char longest[JOB_NAME_MAX + 1];
    struct err e = {0};
    int c;

    (void)state;
    memset(longest, 'n', sizeof longest);
    assert_int_equal(job_check_name((struct str){longest, JOB_NAME_MAX}, "type", &e), 0);
    assert_int_equal(job_check_name((struct str){longest, JOB_NAME_MAX + 1}, "type", &e),
                     ERR_INVALID);
    assert_string_equal(e.text, "type has 129 bytes, expected 1 to 128");
    assert_int_equal(job_check_name(STR(""), "queue", &e), ERR_INVALID);
    assert_string_equal(e.text, "queue has 0 bytes, expected 1 to 128");
    assert_int_equal(job_check_name(STR("a b"), "type", &e), ERR_INVALID);
    assert_string_equal(e.text, "type has byte 0x20 at offset 1, expected A-Z a-z 0-9 . _ - : /");
    assert_int_equal(job_check_tag(STR("a;b"), &e), ERR_INVALID);
    assert_string_equal(e.text,
                        "tag has byte 0x3b at offset 1, expected A-Z a-z 0-9 . _ - : / = or "
                        "space");
    assert_int_equal(job_check_tag(STR("env=prod eu"), &e), 0);
    for (c = 0; c < 256; c++) {
        char byte = (char)c;
        bool plain = c != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789._-:/",
                                      c) != NULL;

        assert_int_equal(job_check_name((struct str){&byte, 1}, "type", NULL),
                         plain ? 0 : ERR_INVALID);
        assert_int_equal(job_check_tag((struct str){&byte, 1}, NULL),
                         plain || c == '=' || c == ' ' ? 0 : ERR_INVALID);
    }
}

static void rank_ages(void **state)
{
    (void)state;
    assert_true(job_rank(1000, 0) == 1000);
    assert_true(job_rank(1000, 1) < job_rank(1000, 0));
    assert_true(job_rank(1000, 1) == job_rank(1000 + JOB_PRIORITY_STEP_MS, 2));
    assert_true(job_rank(1000, -1) > job_rank(1000 + JOB_PRIORITY_STEP_MS - 1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transition_table),   cmocka_unit_test(nonsense_states_move_nowhere),
        cmocka_unit_test(codes_are_for_ever), cmocka_unit_test(names_and_finality),
        cmocka_unit_test(accounting_table),   cmocka_unit_test(runs_are_counted),
        cmocka_unit_test(poison_and_lost),    cmocka_unit_test(old_losses_do_not_condemn),
        cmocka_unit_test(claims_are_capped),  cmocka_unit_test(hint_beats_back_off),
        cmocka_unit_test(checks_names),       cmocka_unit_test(rank_ages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
