/* SPDX-License-Identifier: MIT
 * Looking at an artifact through a short-lived process. */
#include "core/probe.h"

#include "base/clock.h"
#include "base/io.h"
#include "core/child_env.h"
#include "core/exec_path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_REFUSED 78
#define READ_CHUNK   16384

/* argv is `char *const *` by a rule older than const; posix_spawn does not write to it. */
static char *unconst(const char *text)
{
    char *out;

    memcpy(&out, &text, sizeof out);
    return out;
}

static int spawn(const char *exec_path, const char *file, int out_fd, pid_t *pid, struct err *e)
{
    char program[] = "jobmill-exec", mode[] = "probe", *environment[CHILD_ENV_MAX];
    char *const argv[] = {program, mode, unconst(file), NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    child_env_fill(environ, environment);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    posix_spawnattr_init(&attr);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    rc = posix_spawn(pid, exec_path, &actions, &attr, argv, environment);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    if (rc == 0)
        return 0;
    errno = rc;
    return err_errno(e, ERR_IO, "cannot start %s", exec_path);
}

/* Waits for output until the deadline; 1 = there is some (or the end), 0 = too late. */
static int wait_readable(int fd, int64_t deadline_ns, struct err *e)
{
    struct pollfd waited = {.fd = fd, .events = POLLIN};

    for (;;) {
        int64_t left_ms = (deadline_ns - clock_mono_ns()) / NS_PER_MS;
        int n = left_ms <= 0 ? 0 : poll(&waited, 1, (int)left_ms);

        if (n >= 0)
            return n;
        if (errno != EINTR)
            return err_errno(e, ERR_IO, "poll");
    }
}

static int read_answer(int fd, int64_t deadline_ns, struct buf *json, struct err *e)
{
    size_t start = json->len;

    for (;;) {
        char *to = buf_reserve(json, READ_CHUNK);
        int rc = wait_readable(fd, deadline_ns, e);
        ssize_t n;

        if (to == NULL)
            return err_set(e, ERR_NOMEM, "out of memory");
        if (rc == 0)
            return err_set(e, ERR_IO, "the probe took longer than %d s", PROBE_DEADLINE_MS / 1000);
        if (rc < 0)
            return rc;
        n = read(fd, to, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, "cannot read what the probe says");
        if (n == 0)
            return 0;
        json->len += (size_t)n;
        json->ptr[json->len] = '\0';
        if (json->len - start > PROBE_OUTPUT_MAX)
            return err_set(e, ERR_IO, "the probe printed more than %d bytes", PROBE_OUTPUT_MAX);
    }
}

/* Waits until the process is gone; kills its session at the deadline, or at once with `kill_now`.
 */
static int reap(pid_t pid, int64_t deadline_ns, bool kill_now)
{
    static const struct timespec short_wait = {0, 500000};
    int status = 0;
    pid_t got;

    for (;;) {
        got = waitpid(pid, &status, kill_now ? 0 : WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            return got == pid ? status : 0;
        if (!kill_now && clock_mono_ns() >= deadline_ns) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
            kill_now = true;
        }
        nanosleep(&short_wait, NULL);
    }
}

static int judge(int status, const struct buf *json, size_t start, struct err *e)
{
    if (WIFSIGNALED(status))
        return err_set(e, ERR_IO, "the probe was killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_REFUSED)
        return err_set(e, ERR_IO, "the probe ended with exit code %d, expected 0 or %d",
                       WEXITSTATUS(status), EXIT_REFUSED);
    if (json->len == start)
        return err_set(e, ERR_IO, "the probe ended with exit code %d and said nothing",
                       WEXITSTATUS(status));
    return 0;
}

int probe_run(const char *exec_path, const char *file, struct buf *json, struct err *e)
{
    int64_t deadline_ns = clock_mono_ns() + PROBE_DEADLINE_MS * NS_PER_MS;
    size_t start = json->len;
    struct err local = {.code = 0};
    int ends[2], status, rc;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(e, ERR_IO, "%s: pipe", file);
    rc = spawn(exec_path, file, ends[1], &pid, &local);
    io_close(&ends[1]);
    if (rc == 0) {
        rc = read_answer(ends[0], deadline_ns, json, &local);
        if (rc != 0) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
        }
        status = reap(pid, deadline_ns, rc != 0);
        if (rc == 0)
            rc = judge(status, json, start, &local);
    }
    io_close(&ends[0]);
    return rc == 0 ? 0 : err_set(e, rc, "%s: %s", file, local.text);
}

int probe_artifact(void *context, const char *file, enum handler_kind kind, struct arena *arena,
                   struct artifact *out, struct err *e)
{
    char *const *exec_path = context;
    struct buf json = BUF_INIT;
    int rc = probe_run(*exec_path, file, &json, e);

    (void)kind; /* the probe goes by the file's name, the catalog compares */
    if (rc == 0)
        rc = artifact_parse(str_trim(buf_str(&json)), file, arena, out, e);
    buf_free(&json);
    return rc;
}

int probe_catalog(const struct conf *conf, bool pin, struct catalog **out, struct err *e)
{
    char *exec_path;
    int rc;

    *out = NULL;
    rc = exec_path_find(conf, &exec_path, e);
    if (rc == 0)
        rc = catalog_build(conf, pin, probe_artifact, &exec_path, out, e);
    free(exec_path);
    return rc;
}
