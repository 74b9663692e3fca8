/* SPDX-License-Identifier: MIT
 * What the conformance suite of the stores stands on: opening a store of the kind under test, a
 * clock that tests move, short ways to make, claim and end jobs. Everything fails the test itself.
 *
 * The kind is chosen by JOBMILL_TEST_STORE (default: sqlite); a new store adds an opener to the
 * table in store_kit.c and passes the suite unchanged. */
#ifndef JOBMILL_TESTS_STORE_KIT_H
#define JOBMILL_TESTS_STORE_KIT_H

#include "lib/unit.h"
#include "store/store.h"

#define KIT_KEY_WINDOW_MS 60000
#define KIT_LEASE_MS      15000
#define KIT_START_MS      INT64_C(1800000000000) /* what the clock shows when a kit is opened */

struct kit {
    struct store *s;
    struct arena arena; /* for whatever a test reads; freed by kit_close */
    char dir[256];      /* the store's own folder, removed by kit_close */
    struct uuid life;   /* incarnation of worker "w1", registered by kit_open */
};

/* cmocka's set-up and tear-down: *state is a struct kit. The tear-down checks the counts. */
int kit_setup(void **state);
int kit_teardown(void **state);

void kit_open(struct kit *k); /* a new store */
void kit_reopen(
    struct kit *k); /* the same store, closed and opened again; "w1" is not registered */
void kit_close(struct kit *k);
int kit_try_open(const char *dir, struct store **out, struct err *e);

/* The store's clock. */
void kit_clock_set(int64_t now_ms);
void kit_clock_add(int64_t ms);
int64_t kit_now(void);

/* A create of type "t" in the default queue, due now, with 2 retries and exact back-off of 1 s. */
struct create kit_item(const char *type);
/* Creates one job and returns its id; `item` is left with its outcome. */
struct uuid kit_create_item(struct kit *k, struct create *item);
struct uuid kit_create(struct kit *k, const char *type);
struct uuid kit_create_in(struct kit *k, const char *type, int64_t delay_ms);

/* Jobs claimed by worker "w1". */
struct job *kit_claim(struct kit *k, const char *type, size_t max, size_t *n);
struct job kit_claim_one(struct kit *k, const char *type); /* there must be one */
struct claim_request kit_request(struct kit *k, const struct lane *lanes, size_t n, size_t max);

/* The ending of a run by the rules of run_judge; started 10 ms ago. */
struct finish kit_ending(const struct job *job, enum run_outcome outcome);
struct finish kit_finish(struct kit *k, const struct job *job, enum run_outcome outcome);

/* Brings a new job of the type into a state by the shortest way. */
struct uuid kit_job_in(struct kit *k, const char *type, enum job_state state);

struct job kit_get(struct kit *k, struct uuid id); /* it must exist */
bool kit_exists(struct kit *k, struct uuid id);
enum job_state kit_state(struct kit *k, struct uuid id);
struct attempt_row *kit_attempts(struct kit *k, struct uuid id, size_t *n);
struct worker_beat kit_beat(const char *id, struct uuid life);
size_t kit_register(struct kit *k, const char *id, struct uuid life);
size_t kit_promote(struct kit *k);
int64_t kit_count(struct kit *k, const char *type, enum job_state state); /* by stats */

/* The counts of unfinished states are what a walk over all jobs finds, and those of final states
 * no less. */
void kit_check_counts(struct kit *k);

#define kit_ok(call)                                      \
    do {                                                  \
        struct err e = {0};                               \
        if ((call) != 0)                                  \
            fail_msg("%s: %d %s", #call, e.code, e.text); \
    } while (0)

#define assert_uuid_eq(a, b) assert_int_equal(uuid_cmp(a, b), 0)

#endif
