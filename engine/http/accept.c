/* SPDX-License-Identifier: MIT
 * New connections: accepted by a thread of our own and dealt to the daemons in turn, because
 * libmicrohttpd's own pool leaves them all on one thread. The same thread sweeps the deadlines. */
#include "base/clock.h"
#include "base/log.h"
#include "core/thread.h"
#include "http/http_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_EVERY_MS   500
#define EXHAUSTED_NAP_MS 100 /* without descriptors or memory */
#define ACCEPT_BURST     64  /* per listener, before the sweep gets its turn */

/* At the limit: an answer, and no more. What the client has sent already is taken, so that closing
 * does not reset the connection before the answer is read. */
static void turn_away(struct http *h, int fd)
{
    char ignored[4096];
    ssize_t n;

    n = send(fd, h->full_answer.ptr, h->full_answer.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n; /* it is only a courtesy */
    shutdown(fd, SHUT_WR);
    n = recv(fd, ignored, sizeof ignored, MSG_DONTWAIT);
    (void)n;
    close(fd);
}

static void deal(struct http *h, int fd, size_t *turn)
{
    int one = 1;

    if (atomic_load(&h->guard.open) >= h->connections_max) {
        turn_away(h, fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* fails on unix sockets: fine */
    atomic_fetch_add(&h->guard.open, 1);                        /* until guard_remove */
    if (!http__daemon_give(h->daemons[*turn], fd)) {
        atomic_fetch_sub(&h->guard.open, 1);
        log_warn("a connection could not be taken");
    }
    *turn = (*turn + 1) % h->n_daemons;
}

/* Takes what waits on one listener; false when the process ran out of something. */
static bool accept_burst(struct http *h, int listener, size_t *turn)
{
    int i;

    for (i = 0; i < ACCEPT_BURST; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0)
            deal(h, fd, turn);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return false;
        else if (errno != ECONNABORTED && errno != EINTR)
            return true;
    }
    return true;
}

static void *accept_run(void *context)
{
    struct http *h = context;
    struct pollfd fds[LISTEN_MAX + 1];
    size_t n = h->listeners.n, turn = 0, i;
    int64_t sweep_at = 0;

    for (i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = h->listeners.fds[i], .events = POLLIN};
    fds[n] = (struct pollfd){.fd = h->wake_fd, .events = POLLIN};
    while (!atomic_load(&h->stopping)) {
        /* without connections there is nothing to sweep, and nothing wakes an idle engine */
        bool watch = atomic_load(&h->guard.open) > 0, exhausted = false;

        if (poll(fds, n + 1, watch ? SWEEP_EVERY_MS : -1) > 0)
            for (i = 0; i < n; i++)
                if (fds[i].revents != 0 && !accept_burst(h, fds[i].fd, &turn))
                    exhausted = true;
        if (exhausted)
            poll(&fds[n], 1, EXHAUSTED_NAP_MS);
        if (clock_mono_ns() >= sweep_at) {
            guard_sweep(&h->guard);
            sweep_at = clock_mono_ns() + SWEEP_EVERY_MS * NS_PER_MS;
        }
    }
    return NULL;
}

int http__accept_start(struct http *h, struct err *e)
{
    int rc;

    h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->wake_fd < 0)
        return err_errno(e, ERR_IO, "eventfd");
    rc = thread_start(&h->acceptor, "http-accept", accept_run, h, e);
    h->accepting = rc == 0;
    return rc;
}

void http__accept_stop(struct http *h)
{
    uint64_t one = 1;
    ssize_t ignored;

    if (!h->accepting)
        return;
    ignored = write(h->wake_fd, &one, sizeof one);
    (void)ignored; /* cannot fail on a fresh counter */
    pthread_join(h->acceptor, NULL);
    h->accepting = false;
}
