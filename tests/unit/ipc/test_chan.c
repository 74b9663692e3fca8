/* SPDX-License-Identifier: MIT
 * Tests of channels: small and large messages, full and closed sockets, memory files of a peer
 * that must not be trusted. */
#include "ipc/chan.h"

#include "base/io.h"
#include "lib/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    int fds[2];
    struct buf scratch;
    struct chan_in in;
    struct err e;
};

static int open_pair(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    return f == NULL || chan_pair(f->fds, &f->e) != 0;
}

static int close_pair(void **state)
{
    struct fixture *f = *state;

    io_close(&f->fds[0]);
    io_close(&f->fds[1]);
    buf_free(&f->scratch);
    chan_in_fini(&f->in);
    free(f);
    return 0;
}

static struct wire_msg log_line(struct str text)
{
    struct wire_msg msg = {.kind = WIRE_LOG};

    msg.log.seq = 7;
    msg.log.text = text;
    return msg;
}

static void a_message_arrives(void **state)
{
    struct fixture *f = *state;
    struct wire_msg msg = log_line(STR("hello")), got;

    assert_int_equal(chan_send(f->fds[0], &msg, false, &f->scratch, &f->e), 0);
    assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), CHAN_MESSAGE);
    assert_int_equal(got.kind, WIRE_LOG);
    assert_str(got.log.text, "hello");
    assert_int_equal(chan_recv(f->fds[1], true, &f->in, &got, &f->e), CHAN_NOTHING);
}

/* Around the bound, and the largest that may travel. */
static void large_messages_travel_as_memory_files(void **state)
{
    static const size_t sizes[] = {CHAN_INLINE_MAX - 64, CHAN_INLINE_MAX, CHAN_INLINE_MAX + 1,
                                   1024 * 1024, CHAN_MESSAGE_MAX - 64};
    struct fixture *f = *state;
    char *text = malloc(CHAN_MESSAGE_MAX);
    size_t i;

    assert_non_null(text);
    memset(text, 'x', CHAN_MESSAGE_MAX);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct wire_msg msg = log_line((struct str){text, sizes[i]}), got;

        assert_int_equal(chan_send(f->fds[0], &msg, false, &f->scratch, &f->e), 0);
        assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), CHAN_MESSAGE);
        assert_int_equal(got.log.text.len, sizes[i]);
        assert_memory_equal(got.log.text.ptr, text, sizes[i]);
    }
    free(text);
}

static void too_large_is_refused(void **state)
{
    struct fixture *f = *state;
    char *text = calloc(1, CHAN_MESSAGE_MAX);
    struct wire_msg msg = log_line((struct str){text, CHAN_MESSAGE_MAX});

    assert_non_null(text);
    assert_int_equal(chan_send(f->fds[0], &msg, false, &f->scratch, &f->e), ERR_INVALID);
    free(text);
}

static void a_full_socket_says_so(void **state)
{
    struct fixture *f = *state;
    struct wire_msg msg = log_line(STR("line"));
    int rc, sent = 0;

    do
        rc = chan_send(f->fds[0], &msg, true, &f->scratch, &f->e);
    while (rc == 0 && ++sent < 1000000);
    assert_int_equal(rc, ERR_LIMIT);
    assert_true(sent > 64); /* a window of jobs must fit */
}

static void the_end_is_seen_after_what_was_sent(void **state)
{
    struct fixture *f = *state;
    struct wire_msg msg = log_line(STR("last")), got;

    assert_int_equal(chan_send(f->fds[0], &msg, false, &f->scratch, &f->e), 0);
    io_close(&f->fds[0]);
    assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), CHAN_MESSAGE);
    assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), CHAN_CLOSED);
    assert_int_equal(chan_send(f->fds[1], &msg, false, &f->scratch, &f->e), ERR_IO);
}

static void send_raw(int socket, const char *bytes, size_t len, const int *fds, size_t n_fds)
{
    union {
        char bytes[CMSG_SPACE(3 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    char copy[64];
    struct iovec io = {copy, len};
    struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
    struct cmsghdr *c = &control.align;

    memcpy(copy, bytes, len);
    if (n_fds > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    }
    assert_int_equal(sendmsg(socket, &header, 0), (ssize_t)len);
}

static int next_free_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    close(fd);
    return fd;
}

/* A peer could change or shrink it while it is read. */
static void an_unsealed_memory_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct wire_msg got;
    int fd = memfd_create("unsealed", MFD_CLOEXEC), before;

    assert_int_equal(ftruncate(fd, 4096), 0);
    before = next_free_fd();
    send_raw(f->fds[0], "", 1, &fd, 1);
    assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), ERR_INVALID);
    assert_says(f->e, "not sealed");
    assert_int_equal(next_free_fd(), before);
    close(fd);
}

static void surplus_descriptors_are_closed(void **state)
{
    struct fixture *f = *state;
    struct wire_msg got;
    int fds[3], before;

    fds[0] = io_sealed_memfd("empty", STR(""), &f->e);
    fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    before = next_free_fd();
    send_raw(f->fds[0], "", 1, fds, 3);
    assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), ERR_INVALID);
    assert_int_equal(next_free_fd(), before);
    close(fds[0]);
    close(fds[1]);
    close(fds[2]);
}

static void garbage_is_refused_and_the_next_message_read(void **state)
{
    struct fixture *f = *state;
    struct wire_msg msg = log_line(STR("good")), got;

    send_raw(f->fds[0], "garbage", 7, NULL, 0);
    assert_int_equal(chan_send(f->fds[0], &msg, false, &f->scratch, &f->e), 0);
    assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), ERR_INVALID);
    assert_int_equal(chan_recv(f->fds[1], false, &f->in, &got, &f->e), CHAN_MESSAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_arrives),
        TEST(large_messages_travel_as_memory_files),
        TEST(too_large_is_refused),
        TEST(a_full_socket_says_so),
        TEST(the_end_is_seen_after_what_was_sent),
        TEST(an_unsealed_memory_file_is_refused),
        TEST(surplus_descriptors_are_closed),
        TEST(garbage_is_refused_and_the_next_message_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
