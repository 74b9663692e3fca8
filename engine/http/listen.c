/* SPDX-License-Identifier: MIT
 * Listening sockets. */
#include "http/listen.h"

#include "base/io.h"
#include "base/str.h"
#include "conf/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096

static bool is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;

        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        const uint8_t *mapped = in6->sin6_addr.s6_addr;

        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && mapped[12] == 127);
    }
    return sa->sa_family == AF_UNIX;
}

static void set_port(struct sockaddr *sa, unsigned port)
{
    if (sa->sa_family == AF_INET)
        ((struct sockaddr_in *)(void *)sa)->sin_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in6 *)(void *)sa)->sin6_port = htons((uint16_t)port);
}

static unsigned port_of(const struct sockaddr *sa)
{
    return sa->sa_family == AF_INET
               ? ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port)
               : ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port);
}

/* A bound, listening socket; -1 with errno set. `ai`'s port is filled in when it was 0. */
static int open_one(struct addrinfo *ai, bool several)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, saved;
    socklen_t len = ai->ai_addrlen;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (ai->ai_family == AF_INET6 && several)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, ai->ai_addr, &len) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void name_address(struct listeners *l, const struct addrinfo *ai)
{
    char host[NI_MAXHOST];

    if (getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(host, sizeof host, "localhost");
    snprintf(l->address, sizeof l->address, ai->ai_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
             port_of(ai->ai_addr));
}

/* Binds every address of the list. The first chooses the port when it is 0. An address that this
 * machine does not have (::1 without IPv6) is left out as long as another works. */
static int open_all(const char *address, struct addrinfo *list, struct listeners *l, struct err *e)
{
    struct addrinfo *ai;
    unsigned port = 0;
    int failure = 0;

    for (ai = list; ai != NULL && l->n < LISTEN_MAX; ai = ai->ai_next) {
        int fd;

        if (port != 0)
            set_port(ai->ai_addr, port);
        fd = open_one(ai, list->ai_next != NULL);
        if (fd < 0) {
            failure = errno;
            if (failure == EADDRNOTAVAIL || failure == EAFNOSUPPORT)
                continue;
            break;
        }
        if (l->n == 0)
            name_address(l, ai);
        port = port_of(ai->ai_addr);
        l->is_public |= !is_loopback(ai->ai_addr);
        l->fds[l->n++] = fd;
    }
    if (failure == 0 || (l->n > 0 && ai == NULL))
        return 0;
    errno = failure;
    return err_errno(e, failure == EADDRINUSE ? ERR_UNAVAILABLE : ERR_INVALID,
                     "cannot listen on %s", address);
}

static int open_tcp(const struct listen_address *where, const char *address, struct listeners *l,
                    struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char host[NI_MAXHOST], port[8];
    int rc;

    snprintf(host, sizeof host, "%.*s", STR_ARG(where->host));
    snprintf(port, sizeof port, "%u", (unsigned)where->port);
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0)
        return err_set(e, ERR_INVALID, "api.listen: there is no host \"%s\": %s", host,
                       gai_strerror(rc));
    rc = open_all(address, list, l, e);
    freeaddrinfo(list);
    return rc;
}

/* Removes a socket file that nobody answers on; refuses one that is in use and any other file. */
static int clear_stale(const struct sockaddr_un *sa, struct err *e)
{
    struct stat st;
    int fd, rc;

    if (lstat(sa->sun_path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_INVALID, "api.listen: %s exists and is not a socket", sa->sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, ERR_IO, "socket");
    rc = connect(fd, (const struct sockaddr *)sa, sizeof *sa);
    if (rc != 0 && errno == ECONNREFUSED)
        rc = unlink(sa->sun_path) == 0 ? 0 : err_errno(e, ERR_IO, "cannot remove %s", sa->sun_path);
    else
        rc = err_set(e, ERR_UNAVAILABLE, "cannot listen on %s: another server does", sa->sun_path);
    close(fd);
    return rc;
}

static int open_unix(const char *path, struct listeners *l, struct err *e)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd, rc;

    if (*path == '\0' || strlen(path) >= sizeof sa.sun_path)
        return err_set(e, ERR_INVALID,
                       "api.listen: the socket's path has %zu bytes, expected 1 to %zu",
                       strlen(path), sizeof sa.sun_path - 1);
    memcpy(sa.sun_path, path, strlen(path) + 1);
    rc = clear_stale(&sa, e);
    if (rc != 0)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, ERR_IO, "socket");
    l->fds[l->n++] = fd;
    /* before bind, so that there is no moment with wider rights */
    if (fchmod(fd, 0660) != 0 || bind(fd, (const struct sockaddr *)&sa, sizeof sa) != 0)
        return err_errno(e, ERR_INVALID, "cannot listen on unix:%s", path);
    memcpy(l->unix_path, sa.sun_path, sizeof sa.sun_path);
    if (chmod(path, 0660) != 0 || listen(fd, BACKLOG) != 0)
        return err_errno(e, ERR_IO, "cannot listen on unix:%s", path);
    snprintf(l->address, sizeof l->address, "unix:%s", path);
    return 0;
}

int listen_open(const char *address, struct listeners *out, struct err *e)
{
    struct listen_address where;
    const char *wrong = listen_parse(str_from(address), &where);
    int rc;

    *out = (struct listeners){.n = 0};
    if (wrong != NULL)
        return err_set(e, ERR_INVALID,
                       "api.listen is \"%s\": %s, expected host:port, [v6]:port or unix:PATH",
                       address, wrong);
    if (where.path.ptr != NULL)
        rc = open_unix(where.path.ptr, out, e); /* the address's tail, so it ends with its NUL */
    else
        rc = open_tcp(&where, address, out, e);
    if (rc != 0)
        listen_close(out);
    return rc;
}

void listen_close(struct listeners *l)
{
    size_t i;

    for (i = 0; i < l->n; i++)
        io_close(&l->fds[i]);
    l->n = 0;
    if (l->unix_path[0] != '\0')
        unlink(l->unix_path);
    l->unix_path[0] = '\0';
}
