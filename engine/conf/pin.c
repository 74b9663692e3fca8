/* SPDX-License-Identifier: MIT
 * Pinned copies of artifacts, named by their content: a replaced path would give the old library
 * to dlopen, and overwriting a mapped one corrupts it. */
#include "conf/artifact_priv.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(HASH_HEX_LEN == 2 * crypto_hash_sha256_BYTES, "the hash is SHA-256 in hex");

void conf__hash_hex(struct str data, char out[static HASH_HEX_LEN + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const unsigned char *)data.ptr, data.len);
    sodium_bin2hex(out, HASH_HEX_LEN + 1, hash, sizeof hash);
}

/* True when the file is there, whole and as it should be. */
static bool holds(const char *path, struct str content)
{
    struct buf present = BUF_INIT;
    bool same =
        io_read_file(path, content.len, &present, NULL) == 0 && str_eq(buf_str(&present), content);

    buf_free(&present);
    return same;
}

/* Whole or not at all, but not synced: after a crash of the machine `holds` finds out and the copy
 * is made again, and a dozen fsyncs would be most of the start-up time. */
static int write_copy(const char *path, struct str content, mode_t mode, struct err *e)
{
    char temp[PATH_MAX];
    int fd, rc;

    if (snprintf(temp, sizeof temp, "%s.XXXXXX", path) >= (int)sizeof temp)
        return err_set(e, ERR_INVALID, "%s: path too long", path);
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, ERR_IO, "%s: cannot create", temp);
    rc = io_write_all(fd, content, e);
    if (rc != 0)
        err_prefix(e, "%s", temp);
    else if (fchmod(fd, mode) != 0)
        rc = err_errno(e, ERR_IO, "%s: cannot set its mode", temp);
    close(fd);
    if (rc == 0 && rename(temp, path) != 0)
        rc = err_errno(e, ERR_IO, "%s: cannot rename to %s", temp, path);
    if (rc != 0)
        unlink(temp);
    return rc;
}

static int pin_content(const struct conf *conf, struct arena *arena, struct str content,
                       struct artifact *out, struct err *e)
{
    bool lua = out->kind == HANDLER_LUA;
    const char *folder = arena_printf(arena, "%s/artifacts", conf->data_dir);
    const char *path;
    int rc;

    if (folder == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    path = arena_printf(arena, "%s/%s.%s", folder, out->hash.ptr, lua ? "lua" : "so");
    if (path == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    out->pinned = str_from(path);
    if (holds(path, content))
        return 0;
    rc = io_make_dirs(folder, e);
    if (rc == 0)
        rc = write_copy(path, content, lua ? 0400 : 0500, e);
    return rc;
}

int conf__pin(const struct conf *conf, bool pin, struct arena *arena, struct artifact *out,
              struct err *e)
{
    char hex[HASH_HEX_LEN + 1];
    struct buf content = BUF_INIT;
    int rc = io_read_file(out->path.ptr, ARTIFACT_MAX_BYTES, &content, e);

    if (rc == 0) {
        conf__hash_hex(buf_str(&content), hex);
        out->hash = arena_str(arena, str_from(hex));
        out->pinned = out->path;
        if (out->hash.ptr == NULL)
            rc = err_set(e, ERR_NOMEM, "out of memory");
    }
    if (rc == 0 && pin)
        rc = pin_content(conf, arena, buf_str(&content), out, e);
    buf_free(&content);
    return rc;
}
