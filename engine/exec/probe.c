/* SPDX-License-Identifier: MIT
 * The probe: loads one artifact and describes it in JSON. The artifact may print, loop, exit or
 * crash: whatever it does, one JSON object comes out, short of _exit and SIGKILL. */
#include "exec/exec.h"

#include "base/io.h"
#include "exec/exec_priv.h"
#include "json/write.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROBE_TIMEOUT_S 5
#define STACK_BYTES     65536

/* What may have to be said when normal code cannot run any more; written before foreign code is
 * loaded, because signal handlers and atexit have no other way to it. */
static struct {
    int out_fd; /* the real stdout */
    pid_t pid;
    atomic_flag said; /* whoever sets it speaks and ends the process */
    struct buf too_slow, exited, crashed;
} last;

static const char *const config_types[] = {"string", "int", "real", "bool", "duration"};

static void put_error(struct buf *out, const char *file, const char *text)
{
    json_open(out, '{');
    json_name(out, "file");
    json_put_str(out, str_from(file));
    json_name(out, "error");
    json_put_str(out, str_from(text));
    json_close(out, '}');
    buf_addc(out, '\n');
}

/* Prepares {"error": "FILE what"}. */
static void prepare(struct buf *out, const char *file, const char *what)
{
    struct buf text = BUF_INIT;

    buf_addf(&text, "%s: %s", file, what);
    put_error(out, file, text.failed ? what : text.ptr);
    buf_free(&text);
}

/* Async-signal-safe. */
static _Noreturn void say(const struct buf *json, int code)
{
    size_t done = 0;
    ssize_t n = 0;

    while (atomic_flag_test_and_set(&last.said))
        pause(); /* another thread is about to end the process */
    while (done < json->len && (n = write(last.out_fd, json->ptr + done, json->len - done)) > 0)
        done += (size_t)n;
    _exit(done < json->len || json->failed ? EXEC_EXIT_BROKEN : code);
}

static void on_signal(int signal_number)
{
    if (getpid() == last.pid)
        say(&last.crashed, EXEC_EXIT_REFUSED);
    raise(signal_number); /* a child of the artifact: not our business */
}

static void on_exit_called(void)
{
    if (getpid() == last.pid)
        say(&last.exited, EXEC_EXIT_REFUSED);
}

/* A thread, because an artifact may block or take SIGALRM. */
static void *limit_time(void *unused)
{
    struct timespec limit = {.tv_sec = PROBE_TIMEOUT_S};

    (void)unused;
    while (nanosleep(&limit, &limit) != 0) {
    }
    say(&last.too_slow, EXEC_EXIT_REFUSED);
    return NULL;
}

static int start_limit(struct err *e)
{
    sigset_t all, old;
    pthread_t thread;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&thread, NULL, limit_time, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc == 0 ? 0 : err_set(e, ERR_NOMEM, "cannot start a thread: error %d", rc);
}

/* From here on stdout belongs to the artifact and goes to stderr. */
static int guard(const char *file, struct err *e)
{
    static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char stack_bytes[STACK_BYTES];
    stack_t stack = {.ss_sp = stack_bytes, .ss_size = sizeof stack_bytes};
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = SA_ONSTACK | SA_RESETHAND | SA_NODEFER};
    size_t i;

    prepare(&last.too_slow, file, "took longer than 5 s to load, expected less");
    prepare(&last.exited, file, "called exit() while it was loaded, expected it to return");
    prepare(&last.crashed, file, "crashed while it was loaded, expected it not to");
    last.pid = getpid();
    last.out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    /* lint: fd 1 stays open for whatever the artifact starts */
    if (last.out_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return err_errno(e, ERR_IO, "cannot redirect stdout");
    if (sigaltstack(&stack, NULL) != 0)
        return err_errno(e, ERR_IO, "sigaltstack");
    for (i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaction(caught[i], &action, NULL);
    if (atexit(on_exit_called) != 0)
        return err_set(e, ERR_NOMEM, "atexit: out of memory");
    return start_limit(e);
}

static void put_keys(struct buf *out, const struct report_handler *handler)
{
    size_t i;

    json_name(out, "config");
    json_open(out, '[');
    for (i = 0; i < handler->n_keys; i++) {
        const struct report_key *key = &handler->keys[i];

        json_open(out, '{');
        json_name(out, "key");
        json_put_str(out, key->key);
        json_name(out, "type");
        json_put_str(out, str_from(config_types[key->type]));
        json_name(out, "default");
        json_put_str(out, key->default_value);
        json_name(out, "required");
        json_put_bool(out, key->required);
        json_name(out, "text");
        json_put_str(out, key->text.ptr == NULL ? STR("") : key->text);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_handlers(struct buf *out, const struct artifact_report *report)
{
    size_t i;

    json_name(out, "handlers");
    json_open(out, '[');
    for (i = 0; i < report->n_handlers; i++) {
        json_open(out, '{');
        json_name(out, "type");
        json_put_str(out, report->handlers[i].job_type);
        json_name(out, "single_threaded");
        json_put_bool(out, report->handlers[i].single_threaded);
        put_keys(out, &report->handlers[i]);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_abi(struct buf *out, const struct artifact_report *report)
{
    json_name(out, "abi");
    json_open(out, '{');
    json_name(out, "major");
    json_put_int(out, report->abi_major);
    json_name(out, "minor");
    json_put_int(out, report->abi_minor);
    json_name(out, "built_major");
    json_put_int(out, report->built_major);
    json_name(out, "built_minor");
    json_put_int(out, report->built_minor);
    json_close(out, '}');
}

static void put_report(struct buf *out, const char *file, const struct artifact_report *report)
{
    json_open(out, '{');
    json_name(out, "file");
    json_put_str(out, str_from(file));
    json_name(out, "kind");
    json_put_str(out, report->kind);
    json_name(out, "name");
    json_put_str(out, report->name);
    json_name(out, "version");
    json_put_str(out, report->version);
    put_abi(out, report);
    put_handlers(out, report);
    json_close(out, '}');
    buf_addc(out, '\n');
}

static int report_plugin(const char *file, struct arena *arena, struct artifact_report *report,
                         struct err *e)
{
    struct plugin plugin;
    int rc = plugin_load(file, arena, &plugin, e);

    return rc != 0 ? rc : plugin_report(&plugin, arena, report, e);
}

static int report_script(const char *file, struct arena *arena, struct artifact_report *report,
                         struct err *e)
{
    int fd, rc = loader_open_file(file, &fd, e);

    if (rc != 0)
        return rc;
    io_close(&fd);
    return lua_vm_report(file, arena, report, e);
}

static bool is_script(const char *file)
{
    size_t len = strlen(file);

    return len >= 4 && strcmp(file + len - 4, ".lua") == 0;
}

int exec_probe(const char *file)
{
    struct artifact_report report = {.kind = STR_NONE};
    struct arena arena = ARENA_INIT;
    struct buf out = BUF_INIT;
    struct err e = {.code = 0};
    int rc = guard(file, &e);

    if (rc == 0 && is_script(file))
        rc = report_script(file, &arena, &report, &e);
    else if (rc == 0)
        rc = report_plugin(file, &arena, &report, &e);
    if (rc != 0)
        put_error(&out, file, e.text);
    else
        put_report(&out, file, &report);
    say(&out, rc != 0 ? EXEC_EXIT_REFUSED : EXEC_EXIT_OK); /* runs no destructors */
}
