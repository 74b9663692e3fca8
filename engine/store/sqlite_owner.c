/* SPDX-License-Identifier: MIT
 * One process owns the database file (R21): the lock beside it. */
#include "store/sqlite_priv.h"

#include "base/clock.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 20

static int refuse(int fd, const char *path, struct err *e)
{
    char pid[24];
    ssize_t n = pread(fd, pid, sizeof pid, 0);
    struct str owner = str_trim((struct str){pid, n > 0 ? (size_t)n : 0});

    if (owner.len == 0)
        owner = STR("unknown");
    return err_set(e, ERR_UNAVAILABLE,
                   "%s: in use by process %.*s, and one process at a time may have it open", path,
                   STR_ARG(owner));
}

static int wait_for(int fd, const char *path, int64_t wait_ms, struct err *e)
{
    int64_t deadline = clock_mono_ns() + wait_ms * NS_PER_MS;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        struct timespec pause = {0, POLL_MS * NS_PER_MS};

        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, ERR_UNAVAILABLE, "%s: cannot lock", path);
        if (clock_mono_ns() >= deadline)
            return refuse(fd, path, e);
        nanosleep(&pause, NULL);
    }
    return 0;
}

/* The file stays when the lock is let go: removing it would let two processes hold "the" lock. */
int store__owner_lock(const char *path, int64_t wait_ms, struct err *e)
{
    char name[PATH_MAX], pid[24];
    int fd, rc, len;

    if (snprintf(name, sizeof name, "%s.lock", path) >= (int)sizeof name)
        return err_set(e, ERR_INVALID, "%s: path too long", path);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(e, ERR_UNAVAILABLE, "%s: cannot open", name);
    rc = wait_for(fd, path, wait_ms, e);
    len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (rc == 0 && (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len))
        rc = err_errno(e, ERR_UNAVAILABLE, "%s: cannot write", name);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}
