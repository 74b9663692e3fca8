/* SPDX-License-Identifier: MIT
 * Plays the engine for tests: starts the real jobmill-exec and talks to it. */
#include "lib/play_engine.h"

#include "base/clock.h"
#include "base/io.h"
#include "lib/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *play_program(void)
{
    const char *program = getenv("JOBMILL_EXEC");

    if (program == NULL)
        program = "build/jobmill-exec";
    if (access(program, X_OK) != 0)
        fail_msg("found no program %s (JOBMILL_EXEC), expected jobmill-exec", program);
    return program;
}

const char *play_hostile_dir(void)
{
    static char dir[PATH_MAX];
    const char *given = getenv("JOBMILL_HOSTILE");
    char self[PATH_MAX];
    ssize_t n;

    if (given != NULL)
        return given;
    /* build/FLAVOUR/obj/tests/unit/exec/test_x → build/FLAVOUR/obj/tests/hostile */
    n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    for (n = 0; n < 3; n++)
        *strrchr(self, '/') = '\0';
    assert_true(snprintf(dir, sizeof dir, "%s/hostile", self) < (int)sizeof dir);
    return dir;
}

/* In the child: puts the descriptors where the executor expects them. */
static _Noreturn void become_executor(const int from[static 4], int output, const char *program)
{
    int high[5], i;

    for (i = 0; i < 4; i++) /* out of the way of their own targets */
        high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 100);
    high[4] = fcntl(output, F_DUPFD_CLOEXEC, 100);
    dup2(high[4], STDOUT_FILENO);
    dup2(high[4], STDERR_FILENO);
    for (i = 0; i < 4; i++)
        dup2(high[i], 3 + i);
    execl(program, program, "run", (char *)NULL);
    _exit(127);
}

void play_start(struct play *p, const char *config_json)
{
    const char *program = play_program();
    int job[2], control[2], output[2], config;
    struct err e;

    *p = (struct play){.pid = -1};
    assert_int_equal(chan_pair(job, &e), 0);
    assert_int_equal(chan_pair(control, &e), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    assert_int_equal(slots_create(&p->slots_fd, &p->table, &e), 0);
    config = io_sealed_memfd("config", str_from(config_json), &e);
    assert_true(config >= 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0)
        become_executor((int[]){job[1], control[1], config, p->slots_fd}, output[1], program);
    p->job_fd = job[0];
    p->control_fd = control[0];
    p->error_fd = output[0];
    close(job[1]);
    close(control[1]);
    close(output[1]);
    close(config);
}

static void wait_readable(int fd, const char *what)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    if (poll(&pfd, 1, PLAY_TIMEOUT_MS) != 1)
        fail_msg("found no message on the %s socket in time, expected one", what);
}

void play_control(struct play *p, struct wire_msg *out)
{
    struct err e = {.text = "closed"};

    wait_readable(p->control_fd, "control");
    if (chan_recv(p->control_fd, true, &p->control_in, out, &e) != CHAN_MESSAGE)
        fail_msg("control socket: %s", e.text);
}

void play_expect_ready(struct play *p)
{
    struct wire_msg msg;

    play_control(p, &msg);
    if (msg.kind != WIRE_READY)
        fail_msg("found %s (%.*s), expected READY", wire_kind_name(msg.kind),
                 (int)msg.control.text.len, msg.control.text.ptr);
    assert_int_equal(msg.control.version, WIRE_VERSION);
}

void play_send_job(struct play *p, uint64_t seq, uint32_t handler, const char *payload,
                   int64_t timeout_ms)
{
    struct wire_msg msg = {.kind = WIRE_JOB};
    struct err e;

    msg.job = (struct wire_job){.seq = seq,
                                .handler = handler,
                                .attempt = 1,
                                .max_retries = 3,
                                .priority = 7,
                                .step_index = -1,
                                .claim = 2,
                                .timeout_ms = timeout_ms,
                                .created_at_ms = 1234567890123,
                                .id = STR("0190a0b0-0000-7000-8000-000000000001"),
                                .type = STR("test"),
                                .queue = STR("default"),
                                .payload = str_from(payload)};
    if (chan_send(p->job_fd, &msg, false, &p->scratch, &e) != 0)
        fail_msg("cannot send a job: %s", e.text);
}

void play_send_control(struct play *p, enum wire_kind kind, uint64_t seq)
{
    struct wire_msg msg = {.kind = kind};
    struct err e;

    msg.control.version = WIRE_VERSION;
    msg.control.seq = seq;
    if (chan_send(p->control_fd, &msg, false, &p->scratch, &e) != 0)
        fail_msg("cannot send %s: %s", wire_kind_name(kind), e.text);
}

void play_recv(struct play *p, struct wire_msg *out)
{
    struct err e = {.text = "closed"};

    wait_readable(p->job_fd, "job");
    if (chan_recv(p->job_fd, true, &p->job_in, out, &e) != CHAN_MESSAGE)
        fail_msg("job socket: %s", e.text);
}

void play_recv_done(struct play *p, struct wire_msg *out)
{
    do
        play_recv(p, out);
    while (out->kind != WIRE_DONE);
}

static void pause_briefly(void)
{
    static const struct timespec ms = {.tv_nsec = NS_PER_MS};

    nanosleep(&ms, NULL);
}

void play_wait_running(struct play *p, uint64_t seq)
{
    int64_t end = clock_mono_ns() + PLAY_TIMEOUT_MS * NS_PER_MS;
    int i;

    while (clock_mono_ns() < end) {
        for (i = 0; i < SLOTS_MAX; i++)
            if (atomic_load(&p->table->slots[i].seq) == seq)
                return;
        pause_briefly();
    }
    fail_msg("run %llu did not start in time", (unsigned long long)seq);
}

int play_wait_end(struct play *p)
{
    int64_t end = clock_mono_ns() + PLAY_TIMEOUT_MS * NS_PER_MS;
    int status;

    while (clock_mono_ns() < end) {
        if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
            p->pid = -1;
            return status;
        }
        pause_briefly();
    }
    fail_msg("the executor did not end in time");
    return -1;
}

void play_stop(struct play *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    io_close(&p->job_fd);
    io_close(&p->control_fd);
    io_close(&p->slots_fd);
    io_close(&p->error_fd);
    slots_unmap(&p->table);
    buf_free(&p->scratch);
    chan_in_fini(&p->job_in);
    chan_in_fini(&p->control_in);
}

int play_command(const char *argument, const char *file, struct buf *out)
{
    const char *program = play_program();
    int output[2], status;
    char chunk[4096];
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(output[1], STDOUT_FILENO);
        execl(program, program, argument, file, (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    while ((n = read(output[0], chunk, sizeof chunk)) > 0)
        buf_add(out, chunk, (size_t)n);
    close(output[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
