/* SPDX-License-Identifier: MIT
 * This node: its lasting name, and the lock that its executors share. */
#include "core/node.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define WAIT_STEP_MS 5

static int make_up(const char *path, char out[static JOB_NAME_MAX + 1], struct err *e)
{
    char host[64] = "node", text[JOB_NAME_MAX + 2];

    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "node");
    snprintf(out, JOB_NAME_MAX + 1, "%s-%08x", host, (unsigned)random_u64());
    snprintf(text, sizeof text, "%s\n", out);
    return io_write_file(path, str_from(text), 0640, e);
}

static int read_kept(const char *path, char out[static JOB_NAME_MAX + 1], struct err *e)
{
    struct buf text = BUF_INIT;
    struct str id;
    int rc = io_read_file(path, 4096, &text, e);

    if (rc == 0) {
        id = str_trim(buf_str(&text));
        rc = job_check_name(id, path, e);
    }
    if (rc == 0)
        snprintf(out, JOB_NAME_MAX + 1, "%.*s", STR_ARG(id));
    buf_free(&text);
    return rc;
}

int node_id_get(const struct conf *conf, char out[static JOB_NAME_MAX + 1], struct err *e)
{
    char path[PATH_MAX];
    int rc;

    if (conf->node_id != NULL && conf->node_id[0] != '\0') {
        rc = job_check_name(str_from(conf->node_id), "engine.node_id", e);
        if (rc == 0)
            snprintf(out, JOB_NAME_MAX + 1, "%s", conf->node_id);
        return rc;
    }
    if (snprintf(path, sizeof path, "%s/node_id", conf->data_dir) >= (int)sizeof path)
        return err_set(e, ERR_INVALID, "engine.data_dir is too long");
    rc = read_kept(path, out, e);
    return rc == ERR_NOT_FOUND ? make_up(path, out, e) : rc;
}

int node_hold(const char *data_dir, int64_t wait_ms, int *fd, struct err *e)
{
    int64_t until = clock_mono_ns() + wait_ms * NS_PER_MS;
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/executors.lock", data_dir) >= (int)sizeof path)
        return err_set(e, ERR_INVALID, "engine.data_dir is too long");
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(e, ERR_IO, "%s", path);
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, ERR_IO, "cannot lock %s", path);
        if (clock_mono_ns() >= until)
            return err_set(e, ERR_UNAVAILABLE,
                           "%s: executors of an earlier engine are still alive after %lld ms", path,
                           (long long)wait_ms);
        clock_sleep_ms(WAIT_STEP_MS);
    }
    return 0;
}
