/* SPDX-License-Identifier: MIT
 * Files and descriptors: whole-file reads, atomic writes, sealed memory files. */
#ifndef JOBMILL_BASE_IO_H
#define JOBMILL_BASE_IO_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

/* Appends the file's bytes to `out`. ERR_NOT_FOUND, ERR_LIMIT over `max_bytes`, ERR_INVALID when
 * it is not a regular file, ERR_IO. */
int io_read_file(const char *path, size_t max_bytes, struct buf *out, struct err *e) MUST_CHECK;

/* Writes a temporary file beside `path`, syncs it and renames it over `path`. */
int io_write_file(const char *path, struct str data, unsigned mode, struct err *e) MUST_CHECK;

/* Writes all of `data`, retrying on EINTR and short writes. */
int io_write_all(int fd, struct str data, struct err *e) MUST_CHECK;

/* Creates the folder and its missing parents with mode 0750. */
int io_make_dirs(const char *path, struct err *e) MUST_CHECK;

/* A close-on-exec memory file holding `data`, sealed against every change; -code on failure. */
int io_sealed_memfd(const char *name, struct str data, struct err *e) MUST_CHECK;

/* Closes *fd if it is >= 0 and sets it to -1. */
void io_close(int *fd);

#endif
