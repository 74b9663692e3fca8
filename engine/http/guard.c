/* SPDX-License-Identifier: MIT
 * What protects the server from its clients: deadlines and refusals. */
#include "http/guard.h"

#include "base/clock.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define PHASE_BITS  3
#define PHASE_MASK  7
#define NO_DEADLINE (INT64_MAX >> PHASE_BITS)

int guard_init(struct guard *g, const struct conf *conf, struct err *e)
{
    pthread_mutex_init(&g->lock, NULL);
    g->header_ns = conf->header_timeout_ms * NS_PER_MS;
    g->request_ns = conf->request_timeout_ms * NS_PER_MS;
    g->idle_ns = conf->idle_timeout_ms * NS_PER_MS;
    problem_fixed(PROBLEM_TIMEOUT, "the request did not arrive in time", &g->timeout_answer);
    if (g->timeout_answer.failed)
        return err_set(e, ERR_NOMEM, "out of memory");
    return 0;
}

void guard_fini(struct guard *g)
{
    buf_free(&g->timeout_answer);
    pthread_mutex_destroy(&g->lock);
}

static int64_t state_of(const struct guard *g, enum conn_phase phase)
{
    int64_t deadline = NO_DEADLINE;

    if (phase == CONN_NEW || phase == CONN_HEADERS)
        deadline = clock_mono_ns() + g->header_ns;
    else if (phase == CONN_BODY || phase == CONN_SENDING)
        deadline = clock_mono_ns() + g->request_ns;
    else if (phase == CONN_IDLE)
        deadline = clock_mono_ns() + g->idle_ns;
    return deadline << PHASE_BITS | phase;
}

struct conn *guard_add(struct guard *g, int fd)
{
    struct conn *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->guard = g;
    c->fd = fd;
    atomic_init(&c->state, state_of(g, CONN_NEW));
    pthread_mutex_lock(&g->lock);
    c->next = g->first;
    if (c->next != NULL)
        c->next->prev = c;
    g->first = c;
    pthread_mutex_unlock(&g->lock);
    return c;
}

void guard_remove(struct guard *g, struct conn *c)
{
    atomic_fetch_sub(&g->open, 1);
    if (c == NULL)
        return;
    pthread_mutex_lock(&g->lock);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        g->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    pthread_mutex_unlock(&g->lock);
    free(c);
}

bool conn_enter(struct conn *c, enum conn_phase phase)
{
    int64_t now, next;

    if (c == NULL)
        return true;
    next = state_of(c->guard, phase);
    now = atomic_load(&c->state);
    do {
        if ((now & PHASE_MASK) == CONN_EXPIRED)
            return false;
    } while (!atomic_compare_exchange_weak(&c->state, &now, next));
    return true;
}

static void end_expired(const struct guard *g, struct conn *c, int64_t now)
{
    int64_t seen = atomic_load(&c->state);
    int phase = (int)(seen & PHASE_MASK);

    if (phase == CONN_EXPIRED || seen >> PHASE_BITS > now ||
        !atomic_compare_exchange_strong(&c->state, &seen, CONN_EXPIRED))
        return;
    if (phase == CONN_NEW || phase == CONN_HEADERS || phase == CONN_BODY)
        send(c->fd, g->timeout_answer.ptr, g->timeout_answer.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(c->fd, SHUT_RDWR);
}

/* I/O under the lock, against the habit: the lock is what keeps the descriptor from being closed
 * and reused meanwhile, and neither call can block. */
void guard_sweep(struct guard *g)
{
    int64_t now = clock_mono_ns();
    struct conn *c;

    pthread_mutex_lock(&g->lock);
    for (c = g->first; c != NULL; c = c->next)
        end_expired(g, c, now);
    pthread_mutex_unlock(&g->lock);
}

/* --- headers -------------------------------------------------------------------------------- */

struct header_scan {
    struct request_headers *headers;
    int n_lengths, n_encodings, n_hosts, n_tokens, n_keys;
    const char *bad; /* what is wrong with a header's name */
};

static bool is_token(struct str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.len > 0;
}

static bool name_is(struct str name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.ptr, wanted, name.len) == 0;
}

static void note_header(struct header_scan *scan, struct str name, struct str value)
{
    struct request_headers *h = scan->headers;

    if (name_is(name, "Content-Length")) {
        scan->n_lengths++;
        h->content_length = value;
    } else if (name_is(name, "Transfer-Encoding")) {
        scan->n_encodings++;
        h->transfer_encoding = value;
    } else if (name_is(name, "Host")) {
        scan->n_hosts++;
    } else if (name_is(name, "Content-Type")) {
        h->content_type = value;
    } else if (name_is(name, "Authorization")) {
        scan->n_tokens++;
        h->authorization = value;
    } else if (name_is(name, "Idempotency-Key")) {
        scan->n_keys++;
        h->idempotency_key = value;
    } else if (name_is(name, "X-Request-Id")) {
        h->request_id = value;
    } else if (name_is(name, "Expect")) {
        h->expect = value;
    }
}

static enum MHD_Result see_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                  size_t key_size, const char *value, size_t value_size)
{
    struct header_scan *scan = cls;
    struct str name = {key, key_size};

    (void)kind;
    if (!is_token(name)) {
        scan->bad = "a header name has a character that is not allowed, expected a token";
        return MHD_NO;
    }
    note_header(scan, name, (struct str){value == NULL ? "" : value, value_size});
    return MHD_YES;
}

static bool is_digits(struct str s)
{
    int64_t value;

    return s.len > 0 && s.ptr[0] != '-' && str_to_i64(s, &value);
}

/* What makes the message's length or target doubtful, or NULL. */
static const char *find_doubt(const struct header_scan *scan, const char *version)
{
    const struct request_headers *h = scan->headers;

    if (scan->bad != NULL)
        return scan->bad;
    if (scan->n_lengths > 1)
        return "more than one Content-Length, expected at most one";
    if (scan->n_encodings > 1)
        return "more than one Transfer-Encoding, expected at most one";
    if (scan->n_lengths > 0 && scan->n_encodings > 0)
        return "Content-Length together with Transfer-Encoding, expected one of them";
    if (scan->n_lengths > 0 && !is_digits(h->content_length))
        return "the Content-Length is not a decimal number";
    if (scan->n_encodings > 0 && !name_is(h->transfer_encoding, "chunked"))
        return "the Transfer-Encoding is not one that is known here, expected chunked";
    if (scan->n_encodings > 0 && strcmp(version, "HTTP/1.1") != 0)
        return "a Transfer-Encoding needs HTTP/1.1";
    if (scan->n_hosts > 1)
        return "more than one Host, expected one";
    if (scan->n_tokens > 1 || scan->n_keys > 1)
        return "more than one Authorization or Idempotency-Key, expected at most one";
    return NULL;
}

bool guard_read_headers(struct request *r, const char *version)
{
    struct header_scan scan = {.headers = &r->headers};
    const char *doubt;

    MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, see_header, &scan);
    doubt = find_doubt(&scan, version);
    if (doubt == NULL)
        return true;
    problem_reply(r, PROBLEM_AMBIGUOUS, "%s", doubt);
    r->reply.close = true;
    return false;
}
