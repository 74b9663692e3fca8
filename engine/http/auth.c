/* SPDX-License-Identifier: MIT
 * Bearer tokens. */
#include "http/auth.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define LOOK_EVERY_NS  NS_PER_S

struct token_list {
    size_t n;
    uint8_t hashes[][AUTH_HASH_LEN];
};

struct auth {
    char *path;            /* NULL: open to everybody */
    pthread_rwlock_t lock; /* protects `tokens` */
    struct token_list *tokens;
    _Atomic int64_t look_at_ns; /* when the file's time is compared next */
    struct timespec mtime;      /* of what was read last; only the thread that won look_at_ns */
};

void auth_hash_token(struct str token, char out[static 2 * AUTH_HASH_LEN + 1])
{
    uint8_t hash[AUTH_HASH_LEN];

    crypto_generichash(hash, sizeof hash, (const unsigned char *)token.ptr, token.len, NULL, 0);
    sodium_bin2hex(out, 2 * AUTH_HASH_LEN + 1, hash, sizeof hash);
}

/* One `name:hex` line; a name is for people. */
static bool parse_line(struct str line, uint8_t hash[static AUTH_HASH_LEN])
{
    const char *colon = memchr(line.ptr, ':', line.len);
    struct str hex;
    size_t got = 0;

    if (colon == NULL || colon == line.ptr)
        return false;
    hex = str_trim((struct str){colon + 1, line.len - (size_t)(colon + 1 - line.ptr)});
    return hex.len == 2 * AUTH_HASH_LEN &&
           sodium_hex2bin(hash, AUTH_HASH_LEN, hex.ptr, hex.len, NULL, &got, NULL) == 0 &&
           got == AUTH_HASH_LEN;
}

static int parse_tokens(const char *path, struct str text, struct token_list **out, struct err *e)
{
    struct token_list *list =
        calloc(1, sizeof *list + (text.len / (2 * AUTH_HASH_LEN) + 1) * AUTH_HASH_LEN);
    size_t at = 0, number = 0;

    if (list == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    while (at < text.len) {
        const char *newline = memchr(text.ptr + at, '\n', text.len - at);
        size_t end = newline == NULL ? text.len : (size_t)(newline - text.ptr);
        struct str line = str_trim((struct str){text.ptr + at, end - at});

        at = end + 1;
        number++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (!parse_line(line, list->hashes[list->n])) {
            free(list);
            return err_set(e, ERR_INVALID, "%s:%zu: not a token line, expected NAME:%d hex digits",
                           path, number, 2 * AUTH_HASH_LEN);
        }
        list->n++;
    }
    if (list->n == 0) {
        free(list);
        return err_set(e, ERR_INVALID, "%s: no token in it, expected lines NAME:HASH", path);
    }
    *out = list;
    return 0;
}

/* Reads the file and puts its tokens in place of the old ones; on failure those stay. */
static int load(struct auth *a, struct err *e)
{
    struct token_list *list = NULL, *old;
    struct buf text = BUF_INIT;
    struct stat st;
    int rc;

    if (stat(a->path, &st) != 0)
        return err_errno(e, ERR_NOT_FOUND, "%s", a->path);
    a->mtime = st.st_mtim;
    rc = io_read_file(a->path, FILE_MAX_BYTES, &text, e);
    if (rc == 0)
        rc = parse_tokens(a->path, buf_str(&text), &list, e);
    buf_free(&text);
    if (rc != 0)
        return rc;
    pthread_rwlock_wrlock(&a->lock);
    old = a->tokens;
    a->tokens = list;
    pthread_rwlock_unlock(&a->lock);
    free(old);
    return 0;
}

int auth_open(const char *path, struct auth **out, struct err *e)
{
    struct auth *a = calloc(1, sizeof *a);
    int rc = 0;

    if (a == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    pthread_rwlock_init(&a->lock, NULL);
    if (sodium_init() < 0)
        rc = err_set(e, ERR_IO, "libsodium cannot start");
    if (rc == 0 && path != NULL && *path != '\0') {
        a->path = strdup(path);
        rc = a->path == NULL ? err_set(e, ERR_NOMEM, "out of memory") : load(a, e);
        if (rc != 0)
            rc = err_prefix(e, "cannot read the tokens file");
    }
    if (rc != 0)
        auth_close(&a);
    *out = a;
    return rc;
}

void auth_close(struct auth **a)
{
    if (*a == NULL)
        return;
    pthread_rwlock_destroy(&(*a)->lock);
    free((*a)->tokens);
    free((*a)->path);
    free(*a);
    *a = NULL;
}

/* At most once a second, and by one thread, looks whether the file has changed. */
static void look_for_change(struct auth *a)
{
    int64_t now = clock_mono_ns(), due = atomic_load(&a->look_at_ns);
    struct err e = {0};
    struct stat st;

    if (now < due || !atomic_compare_exchange_strong(&a->look_at_ns, &due, now + LOOK_EVERY_NS))
        return;
    if (stat(a->path, &st) != 0 ||
        (st.st_mtim.tv_sec == a->mtime.tv_sec && st.st_mtim.tv_nsec == a->mtime.tv_nsec))
        return;
    if (load(a, &e) != 0)
        log_error("the tokens file is not used, the tokens before it stay: %s", e.text);
    else
        log_info("read the tokens file again file=%s", a->path);
}

bool auth_accepts(struct auth *a, struct str authorization)
{
    uint8_t hash[AUTH_HASH_LEN];
    struct str token;
    bool found = false;
    size_t i;

    if (a->path == NULL)
        return true;
    look_for_change(a);
    if (authorization.len < 7 || strncasecmp(authorization.ptr, "Bearer ", 7) != 0)
        return false;
    token = str_trim((struct str){authorization.ptr + 7, authorization.len - 7});
    crypto_generichash(hash, sizeof hash, (const unsigned char *)token.ptr, token.len, NULL, 0);
    pthread_rwlock_rdlock(&a->lock);
    for (i = 0; i < a->tokens->n; i++) /* all of them: the time must not tell which matched */
        found |= sodium_memcmp(hash, a->tokens->hashes[i], sizeof hash) == 0;
    pthread_rwlock_unlock(&a->lock);
    return found;
}
