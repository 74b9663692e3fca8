/* SPDX-License-Identifier: MIT
 * Files and descriptors. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK 65536

static int read_all(int fd, const char *path, size_t max_bytes, struct buf *out, struct err *e)
{
    size_t total = 0;

    for (;;) {
        char *to = buf_reserve(out, READ_CHUNK);
        ssize_t n;

        if (to == NULL)
            return err_set(e, ERR_NOMEM, "%s: out of memory", path);
        n = read(fd, to, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, "%s: cannot read", path);
        if (n == 0)
            return 0;
        total += (size_t)n;
        if (total > max_bytes)
            return err_set(e, ERR_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
        out->len += (size_t)n;
        out->ptr[out->len] = '\0';
    }
}

int io_read_file(const char *path, size_t max_bytes, struct buf *out, struct err *e)
{
    /* O_NONBLOCK: opening a FIFO must not hang */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int rc;

    if (fd < 0)
        return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: cannot open", path);
    if (fstat(fd, &st) != 0)
        rc = err_errno(e, ERR_IO, "%s: cannot stat", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, ERR_INVALID, "%s: not a regular file", path);
    else
        rc = read_all(fd, path, max_bytes, out, e);
    close(fd);
    return rc;
}

int io_write_all(int fd, struct str data, struct err *e)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.ptr, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, "cannot write");
        data.ptr += n;
        data.len -= (size_t)n;
    }
    return 0;
}

int io_write_file(const char *path, struct str data, unsigned mode, struct err *e)
{
    char temp[PATH_MAX];
    int fd, rc;

    if (snprintf(temp, sizeof temp, "%s.%d.tmp", path, (int)getpid()) >= (int)sizeof temp)
        return err_set(e, ERR_INVALID, "%s: path too long", path);
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0)
        return err_errno(e, ERR_IO, "%s: cannot create", temp);
    rc = io_write_all(fd, data, e);
    if (rc == 0 && fsync(fd) != 0)
        rc = err_errno(e, ERR_IO, "%s: cannot sync", temp);
    close(fd);
    if (rc == 0 && rename(temp, path) != 0)
        rc = err_errno(e, ERR_IO, "%s: cannot rename to %s", temp, path);
    if (rc != 0)
        unlink(temp);
    return rc;
}

int io_make_dirs(const char *path, struct err *e)
{
    char partial[PATH_MAX];
    size_t len = strlen(path), i;
    struct stat st;

    if (len == 0 || len >= sizeof partial)
        return err_set(e, ERR_INVALID, "folder name is empty or too long");
    memcpy(partial, path, len + 1);
    for (i = 1; i <= len; i++) {
        if (partial[i] != '/' && partial[i] != '\0')
            continue;
        partial[i] = '\0';
        if (mkdir(partial, 0750) != 0 && errno != EEXIST)
            return err_errno(e, ERR_IO, "%s: cannot create folder", partial);
        partial[i] = path[i];
    }
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "%s: exists and is not a folder", path);
    return 0;
}

int io_sealed_memfd(const char *name, struct str data, struct err *e)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int rc;

    if (fd < 0)
        return err_errno(e, ERR_IO, "memfd_create(%s)", name);
    rc = io_write_all(fd, data, e);
    if (rc == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        rc = err_errno(e, ERR_IO, "cannot seal memfd %s", name);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

void io_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
