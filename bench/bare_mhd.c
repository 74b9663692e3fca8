/* SPDX-License-Identifier: MIT
 * The yardstick of the HTTP benchmark: a bare libmicrohttpd server, one epoll thread, that answers
 * every POST with 201 and the bytes of FILE. Usage: bare_mhd PORT FILE (port 0: a free one). Says
 * its port on standard output. */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS_MAX 4096
#define ANSWER_MAX      65536

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **req_cls)
{
    static int seen;
    struct MHD_Response *response = cls;

    (void)url;
    (void)method;
    (void)version;
    (void)data;
    if (*req_cls == NULL) {
        *req_cls = &seen;
        return MHD_YES;
    }
    if (*data_len > 0) {
        *data_len = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_CREATED, response);
}

/* The headers that the engine sends, with the file as body. NULL when there is no such file. */
static struct MHD_Response *make_response(const char *path)
{
    static char body[ANSWER_MAX];
    struct MHD_Response *response;
    FILE *file = fopen(path, "rbe");
    size_t len;

    if (file == NULL)
        return NULL;
    len = fread(body, 1, sizeof body, file);
    fclose(file);
    response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return NULL;
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "X-Request-Id", "00000000-00000000");
    MHD_add_response_header(response, "Location",
                            "/api/v1/jobs/01980000-0000-7000-8000-000000000000");
    return response;
}

static struct MHD_Daemon *start(long port, struct MHD_Response *response)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, (unsigned short)port, NULL, NULL, on_request, response,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
    const union MHD_DaemonInfo *info;

    if (daemon == NULL)
        return NULL;
    info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    printf("%u\n", info == NULL ? (unsigned)port : (unsigned)info->port);
    fflush(stdout);
    return daemon;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long port = argc == 3 ? strtol(argv[1], &end, 10) : -1;
    struct MHD_Response *response;
    struct MHD_Daemon *daemon;
    sigset_t stop;
    int sig;

    if (port < 0 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: bare_mhd PORT FILE\n");
        return 2;
    }
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    response = make_response(argv[2]);
    daemon = response == NULL ? NULL : start(port, response);
    if (daemon == NULL) {
        perror("bare_mhd: cannot start");
        return 1;
    }
    sigwait(&stop, &sig);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return 0;
}
