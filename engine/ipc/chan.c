/* SPDX-License-Identifier: MIT
 * Channels: one message per SOCK_SEQPACKET datagram. */
#include "ipc/chan.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int chan_pair(int fds[static 2], struct err *e)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return err_errno(e, ERR_IO, "socketpair");
    return 0;
}

static int send_datagram(int fd, struct msghdr *header, bool dont_wait, struct err *e)
{
    ssize_t n;

    do
        n = sendmsg(fd, header, MSG_NOSIGNAL | (dont_wait ? MSG_DONTWAIT : 0));
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 0;
    if (errno == EAGAIN || errno == ENOBUFS)
        return err_set(e, ERR_LIMIT, "the socket is full");
    return err_errno(e, ERR_IO, "sendmsg");
}

/* Passes `fd_to_pass` along with one marker byte. */
static int send_fd(int fd, int fd_to_pass, bool dont_wait, struct err *e)
{
    char marker = 0;
    struct iovec io = {&marker, 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr header = {.msg_iov = &io,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd_to_pass, sizeof(int));
    return send_datagram(fd, &header, dont_wait, e);
}

int chan_send(int fd, const struct wire_msg *msg, bool dont_wait, struct buf *scratch,
              struct err *e)
{
    struct iovec io;
    struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
    int memfd, rc;

    buf_reset(scratch);
    wire_encode(msg, scratch);
    if (scratch->failed)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (scratch->len > CHAN_MESSAGE_MAX)
        return err_set(e, ERR_INVALID, "message of %zu bytes, expected at most %d", scratch->len,
                       CHAN_MESSAGE_MAX);
    if (scratch->len <= CHAN_INLINE_MAX) {
        io = (struct iovec){scratch->ptr, scratch->len};
        return send_datagram(fd, &header, dont_wait, e);
    }
    memfd = io_sealed_memfd("jobmill-message", buf_str(scratch), e);
    if (memfd < 0)
        return memfd;
    rc = send_fd(fd, memfd, dont_wait, e);
    close(memfd);
    return rc;
}

static void drop_map(struct chan_in *in)
{
    if (in->map != NULL)
        munmap(in->map, in->map_len);
    in->map = NULL;
}

/* Takes the first passed descriptor and closes any others. */
static int take_fd(struct msghdr *header)
{
    struct cmsghdr *c;
    int first = -1;

    for (c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        size_t i, n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            if (first < 0)
                first = fd;
            else
                close(fd);
        }
    }
    return first;
}

static int map_memfd(int fd, struct chan_in *in, struct str *bytes, struct err *e)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    void *map;

    if (seals < 0 || (seals & SEALS) != SEALS)
        return err_set(e, ERR_INVALID, "a message's memory file is not sealed");
    if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > CHAN_MESSAGE_MAX)
        return err_set(e, ERR_INVALID, "a message's memory file has a size out of bounds");
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_errno(e, ERR_IO, "cannot map a message");
    in->map = map;
    in->map_len = (size_t)st.st_size;
    *bytes = (struct str){map, in->map_len};
    return 0;
}

/* The message's bytes, from the datagram or from the memory file that came with it. */
static int read_bytes(struct msghdr *header, size_t got, struct chan_in *in, struct str *bytes,
                      struct err *e)
{
    int fd = take_fd(header);
    int rc = 0;

    if ((header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        rc = err_set(e, ERR_INVALID, "a message is larger than %d bytes", CHAN_INLINE_MAX);
    else if (fd >= 0)
        rc = map_memfd(fd, in, bytes, e);
    else
        *bytes = (struct str){in->inline_bytes, got};
    io_close(&fd);
    return rc;
}

int chan_recv(int fd, bool dont_wait, struct chan_in *in, struct wire_msg *out, struct err *e)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec io;
    struct msghdr header = {.msg_iov = &io,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct str bytes;
    ssize_t n;
    int rc;

    drop_map(in);
    if (in->inline_bytes == NULL)
        in->inline_bytes = malloc(CHAN_INLINE_MAX);
    if (in->inline_bytes == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    io = (struct iovec){in->inline_bytes, CHAN_INLINE_MAX};
    do
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | (dont_wait ? MSG_DONTWAIT : 0));
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return CHAN_NOTHING;
    if (n < 0 && errno == ECONNRESET)
        return CHAN_CLOSED;
    if (n < 0)
        return err_errno(e, ERR_IO, "recvmsg");
    if (n == 0)
        return CHAN_CLOSED;
    rc = read_bytes(&header, (size_t)n, in, &bytes, e);
    if (rc == 0)
        rc = wire_decode(bytes, out, e);
    return rc == 0 ? CHAN_MESSAGE : rc;
}

void chan_in_fini(struct chan_in *in)
{
    drop_map(in);
    free(in->inline_bytes);
    *in = CHAN_IN_INIT;
}
