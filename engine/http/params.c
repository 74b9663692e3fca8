/* SPDX-License-Identifier: MIT
 * Query parameters. */
#include "http/params.h"

#include "http/route.h"

#include <stdio.h>
#include <string.h>

#define CURSOR_VERSION 1
#define CURSOR_BYTES   18
#define PARAMS_MAX     64 /* in one query */
#define WORDS_MAX      16

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Tells a cursor that was mistyped or made up from one of ours. */
static uint8_t check_byte(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 2166136261u;
    size_t i;

    for (i = 0; i < n; i++)
        sum = (sum ^ bytes[i]) * 16777619u;
    return (uint8_t)(sum >> 24 ^ sum);
}

void cursor_write(struct uuid id, char out[static CURSOR_LEN + 1])
{
    uint8_t bytes[CURSOR_BYTES] = {CURSOR_VERSION};
    size_t i;

    memcpy(bytes + 1, id.bytes, sizeof id.bytes);
    bytes[CURSOR_BYTES - 1] = check_byte(bytes, CURSOR_BYTES - 1);
    for (i = 0; i < CURSOR_BYTES / 3; i++) {
        uint32_t word =
            (uint32_t)bytes[3 * i] << 16 | (uint32_t)bytes[3 * i + 1] << 8 | bytes[3 * i + 2];

        out[4 * i] = base64url[word >> 18];
        out[4 * i + 1] = base64url[word >> 12 & 63];
        out[4 * i + 2] = base64url[word >> 6 & 63];
        out[4 * i + 3] = base64url[word & 63];
    }
    out[CURSOR_LEN] = '\0';
}

bool cursor_read(struct str text, struct uuid *id)
{
    uint8_t bytes[CURSOR_BYTES];
    uint32_t word = 0;
    size_t i;

    if (text.len != CURSOR_LEN)
        return false;
    for (i = 0; i < CURSOR_LEN; i++) {
        const char *at = text.ptr[i] == '\0' ? NULL : strchr(base64url, text.ptr[i]);

        if (at == NULL)
            return false;
        word = word << 6 | (uint32_t)(at - base64url);
        if (i % 4 == 3) {
            bytes[i / 4 * 3] = (uint8_t)(word >> 16);
            bytes[i / 4 * 3 + 1] = (uint8_t)(word >> 8);
            bytes[i / 4 * 3 + 2] = (uint8_t)word;
            word = 0;
        }
    }
    memcpy(id->bytes, bytes + 1, sizeof id->bytes);
    return bytes[0] == CURSOR_VERSION &&
           bytes[CURSOR_BYTES - 1] == check_byte(bytes, CURSOR_BYTES - 1);
}

static void refuse_unknown(struct request *r, unsigned allowed, struct str name,
                           const char *pointer)
{
    const char *known[WORDS_MAX], *nearest;
    size_t n = 0;

    if (allowed & PARAMS_FILTER)
        for (; n < filter_words_n; n++)
            known[n] = filter_words[n];
    if (allowed & (PARAMS_PAGE | PARAMS_BULK))
        known[n++] = "limit";
    if (allowed & PARAMS_PAGE)
        known[n++] = "cursor";
    if (allowed & PARAMS_BULK)
        known[n++] = "dry_run";
    nearest = str_nearest(name, known, n);
    complain(r, PROBLEM_INVALID, pointer, "there is no such parameter here%s%s%s",
             nearest == NULL ? "" : ", did you mean \"", nearest == NULL ? "" : nearest,
             nearest == NULL ? "" : "\"?");
}

static void set_limit(struct request *r, unsigned allowed, struct str value, struct params *p)
{
    int64_t max = allowed & PARAMS_PAGE ? PAGE_MAX : INT32_MAX;

    if (!str_to_i64(value, &p->limit) || p->limit < 1 || p->limit > max)
        complain(r, PROBLEM_INVALID, "?limit", "found \"%.*s\", expected an integer from 1 to %lld",
                 (int)(value.len < 60 ? value.len : 60), value.ptr, (long long)max);
}

/* One decoded name and value. False when the reply is already made. */
static bool set_param(struct request *r, unsigned allowed, struct str name, struct str value,
                      struct params *p)
{
    char pointer[80];

    snprintf(pointer, sizeof pointer, "?%.*s", (int)(name.len < 60 ? name.len : 60), name.ptr);
    if ((allowed & PARAMS_FILTER) && filter_set(r, &p->filter, name, value, pointer)) {
        p->has_filter = true;
    } else if ((allowed & (PARAMS_PAGE | PARAMS_BULK)) && str_is(name, "limit")) {
        set_limit(r, allowed, value, p);
    } else if ((allowed & PARAMS_BULK) && str_is(name, "dry_run")) {
        p->dry_run = str_is(value, "true");
        if (!p->dry_run && !str_is(value, "false"))
            complain(r, PROBLEM_INVALID, pointer, "expected true or false");
    } else if ((allowed & PARAMS_PAGE) && str_is(name, "cursor")) {
        if (!cursor_read(value, &p->below)) {
            problem_reply(r, PROBLEM_BAD_CURSOR,
                          "the cursor is none that was given out; take it from X-Next-Cursor");
            return false;
        }
    } else {
        refuse_unknown(r, allowed, name, pointer);
    }
    return true;
}

/* The part of the query from *at to the next `&`; moves *at behind that. */
static struct str next_pair(struct str query, size_t *at)
{
    const char *end = memchr(query.ptr + *at, '&', query.len - *at);
    struct str pair = {query.ptr + *at,
                       end == NULL ? query.len - *at : (size_t)(end - query.ptr) - *at};

    *at += pair.len + 1;
    return pair;
}

static bool decode_pair(struct request *r, struct str pair, struct str *name, struct str *value)
{
    const char *equals = memchr(pair.ptr, '=', pair.len), *why;
    size_t name_len = equals == NULL ? pair.len : (size_t)(equals - pair.ptr);
    struct str raw = {pair.ptr + name_len, 0};

    if (equals != NULL)
        raw = (struct str){equals + 1, pair.len - name_len - 1};
    if (uri_unescape(&r->arena, (struct str){pair.ptr, name_len}, true, name, &why) &&
        uri_unescape(&r->arena, raw, true, value, &why))
        return true;
    problem_reply(r, PROBLEM_BAD_PATH, "the query %s", why);
    return false;
}

/* Was an earlier parameter called the same? */
static bool is_repeated(const struct str *names, size_t n, struct str name)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

bool params_read(struct request *r, unsigned allowed, struct params *out)
{
    struct str names[PARAMS_MAX];
    size_t at = 0, n = 0;

    *out = (struct params){.limit = allowed & PARAMS_PAGE ? PAGE_DEFAULT : 0};
    while (at < r->query.len) {
        struct str pair = next_pair(r->query, &at), value;

        if (pair.len == 0)
            continue;
        if (n == PARAMS_MAX) {
            complain(r, PROBLEM_INVALID, "?", "has more than %d parameters", PARAMS_MAX);
            break;
        }
        if (!decode_pair(r, pair, &names[n], &value))
            return false;
        if (is_repeated(names, n, names[n]) && !str_is(names[n], "status"))
            complain(r, PROBLEM_INVALID, "?", "\"%.*s\" is there twice, expected once",
                     (int)(names[n].len < 60 ? names[n].len : 60), names[n].ptr);
        else if (!set_param(r, allowed, names[n], value, out))
            return false;
        n++;
    }
    return !problem_complaints(r, false);
}

/* Copies part of a query into a Link header: nothing may end the <…> early. */
static void put_query_part(struct buf *b, struct str part)
{
    size_t i;

    for (i = 0; i < part.len; i++) {
        char c = part.ptr[i];

        if (c > ' ' && c < 0x7F && strchr("<>\"\\^`{|}", c) == NULL)
            buf_addc(b, c);
        else
            buf_addf(b, "%%%02X", (unsigned char)c);
    }
}

void params_link_next(struct request *r, struct uuid next)
{
    char *cursor = arena_alloc(&r->arena, CURSOR_LEN + 1);
    struct buf link = BUF_INIT;
    size_t at = 0;

    if (cursor == NULL)
        return;
    cursor_write(next, cursor);
    buf_addc(&link, '<');
    buf_addstr(&link, r->path);
    buf_addc(&link, '?');
    while (at < r->query.len) {
        struct str pair = next_pair(r->query, &at);

        if (pair.len == 0 || str_starts(pair, "cursor="))
            continue;
        put_query_part(&link, pair);
        buf_addc(&link, '&');
    }
    buf_addf(&link, "cursor=%s>; rel=\"next\"", cursor);
    reply_header(r, "Link", arena_str(&r->arena, buf_str(&link)).ptr);
    reply_header(r, "X-Next-Cursor", cursor);
    buf_free(&link);
}

bool params_list(struct request *r, const struct params *p, struct job_page *page)
{
    struct err e = {0};
    int rc = r->store->ops->read.list(r->store, &p->filter, p->below, (size_t)p->limit, &r->arena,
                                      page, &e);

    if (rc != 0)
        problem_reply_err(r, rc, &e);
    else if (page->more)
        params_link_next(r, page->next);
    return rc == 0;
}

bool params_id(struct request *r, struct uuid *id)
{
    struct str text = r->args[0];

    if (uuid_parse(text, id))
        return true;
    problem_reply(r, PROBLEM_BAD_ID, "\"%.*s\" is not an id, expected a UUID",
                  (int)(text.len < 80 ? text.len : 80), text.ptr);
    return false;
}
