/* SPDX-License-Identifier: MIT
 * Tests of mailboxes: order, bounds, waking, closing, and many posters at once. */
#include "base/mailbox.h"

#include "base/clock.h"
#include "lib/unit.h"

#include <poll.h>
#include <stdlib.h>

#define POSTERS    4
#define PER_POSTER 20000

struct letter {
    struct mail mail; /* first */
    int poster, number;
};

static void open_box(struct mailbox *mb, size_t limit, bool with_event_fd)
{
    struct err e = {0};

    assert_int_equal(mailbox_init(mb, limit, with_event_fd, &e), 0);
}

static bool is_readable(const struct mailbox *mb)
{
    struct pollfd p = {.fd = mb->event_fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void keeps_order(void **state)
{
    struct letter letters[5] = {{{NULL}, 0, 0}};
    struct mailbox mb;
    struct mail *m;
    int i;

    (void)state;
    open_box(&mb, 0, false);
    for (i = 0; i < 5; i++) {
        letters[i].number = i;
        assert_true(mailbox_post(&mb, &letters[i].mail));
    }
    assert_int_equal(mailbox_count(&mb), 5);
    m = mailbox_take(&mb, 3, 0);
    for (i = 0; i < 3; i++, m = m->next)
        assert_ptr_equal(m, &letters[i].mail);
    assert_null(m);
    m = mailbox_take(&mb, 10, -1);
    assert_ptr_equal(m, &letters[3].mail);
    assert_ptr_equal(m->next, &letters[4].mail);
    assert_null(m->next->next);
    assert_int_equal(mailbox_count(&mb), 0);
    assert_null(mailbox_take(&mb, 10, 0));
    assert_true(mailbox_post(&mb, &letters[0].mail)); /* usable after being empty */
    assert_ptr_equal(mailbox_take(&mb, 1, 0), &letters[0].mail);
    mailbox_fini(&mb);
}

static void is_bounded(void **state)
{
    struct letter letters[3] = {{{NULL}, 0, 0}};
    struct mailbox mb;

    (void)state;
    open_box(&mb, 2, false);
    assert_true(mailbox_post(&mb, &letters[0].mail));
    assert_true(mailbox_post(&mb, &letters[1].mail));
    assert_false(mailbox_post(&mb, &letters[2].mail));
    assert_non_null(mailbox_take(&mb, 1, 0));
    assert_true(mailbox_post(&mb, &letters[2].mail));
    assert_non_null(mailbox_take(&mb, 9, 0));
    mailbox_fini(&mb);
}

static void waits_as_long_as_told(void **state)
{
    struct mailbox mb;
    int64_t start = clock_mono_ns(), took_ms;

    (void)state;
    open_box(&mb, 0, false);
    assert_null(mailbox_take(&mb, 1, 30));
    took_ms = (clock_mono_ns() - start) / NS_PER_MS;
    assert_in_range(took_ms, 30, 5000);
    mailbox_nudge(&mb);
    assert_null(mailbox_take(&mb, 1, -1)); /* returns at once, once */
    assert_null(mailbox_take(&mb, 1, 1));
    mailbox_fini(&mb);
}

static void descriptor_tells(void **state)
{
    struct letter letters[2] = {{{NULL}, 0, 0}};
    struct mailbox mb;

    (void)state;
    open_box(&mb, 0, true);
    assert_false(is_readable(&mb));
    assert_true(mailbox_post(&mb, &letters[0].mail));
    assert_true(mailbox_post(&mb, &letters[1].mail));
    assert_true(is_readable(&mb));
    assert_non_null(mailbox_take(&mb, 1, 0));
    assert_true(is_readable(&mb)); /* something is left */
    assert_non_null(mailbox_take(&mb, 1, 0));
    assert_false(is_readable(&mb));
    mailbox_nudge(&mb);
    assert_true(is_readable(&mb));
    assert_null(mailbox_take(&mb, 1, 0));
    assert_false(is_readable(&mb));
    mailbox_close(&mb);
    assert_true(is_readable(&mb));
    mailbox_fini(&mb);
    assert_int_equal(mb.event_fd, -1);
}

static void closes(void **state)
{
    struct letter letters[2] = {{{NULL}, 0, 0}};
    struct mailbox mb;

    (void)state;
    open_box(&mb, 0, false);
    assert_true(mailbox_post(&mb, &letters[0].mail));
    assert_false(mailbox_is_closed(&mb));
    mailbox_close(&mb);
    assert_true(mailbox_is_closed(&mb));
    assert_false(mailbox_post(&mb, &letters[1].mail));
    assert_ptr_equal(mailbox_take(&mb, 5, -1), &letters[0].mail);
    assert_null(mailbox_take(&mb, 5, -1));
    assert_null(mailbox_take(&mb, 5, -1));
    mailbox_fini(&mb);
}

struct poster {
    struct mailbox *mb;
    struct letter *letters;
};

static void *post_all(void *arg)
{
    struct poster *p = arg;
    int i;

    for (i = 0; i < PER_POSTER; i++)
        while (!mailbox_post(p->mb, &p->letters[i].mail))
            sched_yield();
    return NULL;
}

/* Takes until all letters came; each poster's letters arrive in its order. */
static void take_all(struct mailbox *mb)
{
    int next[POSTERS] = {0}, total = 0, poster;

    while (total < POSTERS * PER_POSTER) {
        struct mail *m = mailbox_take(mb, 64, 10000), *following;

        assert_non_null(m);
        for (; m != NULL; m = following, total++) {
            struct letter *l = (struct letter *)m;

            following = m->next;
            assert_int_equal(l->number, next[l->poster]++);
        }
    }
    for (poster = 0; poster < POSTERS; poster++)
        assert_int_equal(next[poster], PER_POSTER);
}

static void many_posters(void **state)
{
    struct letter *letters = calloc((size_t)POSTERS * PER_POSTER, sizeof *letters);
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    struct mailbox mb;
    int i, j;

    (void)state;
    assert_non_null(letters);
    open_box(&mb, 100, true);
    for (i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&mb, letters + (size_t)i * PER_POSTER};
        for (j = 0; j < PER_POSTER; j++) {
            posters[i].letters[j].poster = i;
            posters[i].letters[j].number = j;
        }
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    take_all(&mb);
    for (i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(mailbox_count(&mb), 0);
    mailbox_fini(&mb);
    free(letters);
}

struct reader {
    struct mailbox *mb;
    int taken;
};

/* Takes letters one by one until there will be none; hands the end on to the next reader. */
static void *take_some(void *arg)
{
    struct reader *r = arg;

    for (;;) {
        struct mail *m = mailbox_take(r->mb, 1, -1);

        if (m != NULL) {
            assert_int_equal(((struct letter *)m)->poster, 0);
            ((struct letter *)m)->poster = 1;
            r->taken++;
        } else if (mailbox_is_closed(r->mb)) {
            mailbox_close(r->mb);
            return NULL;
        }
    }
}

static void readers_share_the_letters(void **state)
{
    struct letter *letters = calloc(PER_POSTER, sizeof *letters);
    struct reader readers[POSTERS];
    pthread_t threads[POSTERS];
    struct mailbox mb;
    int i, total = 0;

    (void)state;
    assert_non_null(letters);
    open_box(&mb, 0, false);
    for (i = 0; i < POSTERS; i++) {
        readers[i] = (struct reader){&mb, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, take_some, &readers[i]), 0);
    }
    for (i = 0; i < PER_POSTER; i++)
        assert_true(mailbox_post(&mb, &letters[i].mail));
    mailbox_close(&mb);
    for (i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        total += readers[i].taken;
    }
    assert_int_equal(total, PER_POSTER);
    mailbox_fini(&mb);
    free(letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(waits_as_long_as_told),
        cmocka_unit_test(descriptor_tells),
        cmocka_unit_test(closes),
        cmocka_unit_test(many_posters),
        cmocka_unit_test(readers_share_the_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
