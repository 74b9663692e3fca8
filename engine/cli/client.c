/* SPDX-License-Identifier: MIT
 * Requests over libcurl. */
#include "cli/client.h"

#include "base/io.h"
#include "cli/table.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000L
#define REQUEST_TIMEOUT_MS 60000L
#define TOKEN_MAX          4096
#define CURSOR_MAX         1024

struct client {
    CURL *curl;
    struct curl_slist *headers;
    struct buf base;   /* "http://host:port", without a slash at the end */
    char *unix_path;   /* NULL: TCP */
    const char *where; /* as the user gave it */
    struct buf answer;
    struct arena arena; /* of the answer */
    bool too_large;
    char next[CURSOR_MAX];
    bool replayed;
    bool as_json;
    char error[CURL_ERROR_SIZE];
};

/* --- opening -------------------------------------------------------------------------------- */

static int find_url(struct client *c, const struct cli_args *args)
{
    const char *url = cli_value(args, CLIENT_URL);
    size_t n;

    if (url == NULL)
        url = getenv("JOBMILL_URL");
    if (url == NULL || *url == '\0')
        url = CLIENT_URL_DEFAULT;
    c->where = url;
    if (strncmp(url, "unix:", 5) == 0 && url[5] != '\0') {
        c->unix_path = strdup(url + 5);
        buf_adds(&c->base, "http://localhost");
        return c->unix_path == NULL || c->base.failed ? CLI_FAILED : CLI_OK;
    }
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return cli_usage(args, "the URL \"%s\" is none, expected http://HOST:PORT or unix:PATH",
                         url);
    n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    buf_add(&c->base, url, n);
    return c->base.failed ? CLI_FAILED : CLI_OK;
}

static int add_header(struct client *c, const char *line)
{
    struct curl_slist *longer = curl_slist_append(c->headers, line);

    if (longer == NULL)
        return CLI_FAILED;
    c->headers = longer;
    return CLI_OK;
}

/* A token is one word: anything else could smuggle a header in. */
static int add_token(struct client *c, const struct cli_args *args, struct str token)
{
    struct buf line = BUF_INIT;
    size_t i;
    int code;

    for (i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return cli_usage(args, "the token has a blank or a character that is not ASCII");
    if (token.len == 0)
        return cli_usage(args, "the token is empty");
    buf_addf(&line, "Authorization: Bearer %.*s", STR_ARG(token));
    code = line.failed ? CLI_FAILED : add_header(c, line.ptr);
    buf_free(&line);
    return code;
}

static int find_token(struct client *c, const struct cli_args *args)
{
    const char *file = cli_value(args, CLIENT_TOKEN_FILE), *token = getenv("JOBMILL_TOKEN");
    struct buf text = BUF_INIT;
    struct err e = {.code = 0};
    int code;

    if (file == NULL && token != NULL && *token != '\0')
        return add_token(c, args, str_from(token));
    if (file == NULL)
        file = getenv("JOBMILL_TOKEN_FILE");
    if (file == NULL || *file == '\0')
        return CLI_OK;
    if (io_read_file(file, TOKEN_MAX, &text, &e) != 0)
        code = cli_usage(args, "the token file %s", e.text);
    else
        code = add_token(c, args, str_trim(buf_str(&text)));
    buf_free(&text);
    return code;
}

static int find_format(struct client *c, const struct cli_args *args)
{
    const char *format = cli_value(args, CLIENT_OUTPUT);

    c->as_json = format != NULL && strcmp(format, "json") == 0;
    if (format == NULL || c->as_json || strcmp(format, "text") == 0)
        return CLI_OK;
    return cli_usage(args, "-o: found \"%s\", expected text or json", format);
}

static size_t take_body(char *data, size_t size, size_t n, void *context)
{
    struct client *c = context;

    if (c->answer.len + size * n > CLIENT_ANSWER_MAX) {
        c->too_large = true;
        return 0;
    }
    buf_add(&c->answer, data, size * n);
    return c->answer.failed ? 0 : size * n;
}

/* "Name: value\r\n" */
static bool is_header(struct str line, const char *name, struct str *value)
{
    size_t n = strlen(name);

    if (line.len <= n || strncasecmp(line.ptr, name, n) != 0 || line.ptr[n] != ':')
        return false;
    *value = str_trim((struct str){line.ptr + n + 1, line.len - n - 1});
    return true;
}

static size_t take_header(char *data, size_t size, size_t n, void *context)
{
    struct client *c = context;
    struct str line = {data, size * n}, value;

    if (is_header(line, "X-Next-Cursor", &value) && value.len < sizeof c->next) {
        memcpy(c->next, value.ptr, value.len);
        c->next[value.len] = '\0';
    }
    if (is_header(line, "Idempotency-Replayed", &value))
        c->replayed = str_is(value, "true");
    return size * n;
}

/* No proxy and no redirects: the engine is spoken to directly or not at all. */
static int set_up_curl(struct client *c)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || (c->curl = curl_easy_init()) == NULL)
        return CLI_FAILED;
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, REQUEST_TIMEOUT_MS);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "jobmill/" JOBMILL_VERSION);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
    if (c->unix_path != NULL)
        curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->unix_path);
    return CLI_OK;
}

int client_open(const struct cli_args *args, struct client **out)
{
    struct client *c = calloc(1, sizeof *c);
    int code;

    *out = NULL;
    code = c == NULL ? CLI_FAILED : find_format(c, args);
    if (code == CLI_OK)
        code = find_url(c, args);
    if (code == CLI_OK)
        code = add_header(c, "Content-Type: application/json");
    if (code == CLI_OK)
        code = add_header(c, "Expect:");
    if (code == CLI_OK)
        code = find_token(c, args);
    if (code == CLI_OK)
        code = set_up_curl(c);
    if (code == CLI_OK) {
        *out = c;
        return CLI_OK;
    }
    if (code == CLI_FAILED)
        fprintf(stderr, "jobmill: out of memory\n");
    client_close(&c);
    return code;
}

void client_close(struct client **client)
{
    struct client *c = *client;

    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    curl_slist_free_all(c->headers);
    buf_free(&c->base);
    buf_free(&c->answer);
    arena_free(&c->arena);
    free(c->unix_path);
    free(c);
    *client = NULL;
}

bool client_as_json(const struct client *client)
{
    return client->as_json;
}

/* --- calling -------------------------------------------------------------------------------- */

const struct json_tok *answer_member(const struct answer *a, const struct json_tok *object,
                                     const char *member)
{
    const struct json_tok *value;

    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    value = json_member(&a->doc, object, member);
    return value == NULL || value->kind == JSON_NULL ? NULL : value;
}

const char *answer_text(const struct answer *a, const struct json_tok *object, const char *member)
{
    const struct json_tok *value = answer_member(a, object, member);
    struct str text;

    if (value == NULL || value->kind != JSON_STRING)
        return "";
    text = arena_str(a->arena, json_text(&a->doc, value, a->arena));
    return text.ptr == NULL ? "" : text.ptr;
}

int64_t answer_int(const struct answer *a, const struct json_tok *object, const char *member)
{
    const struct json_tok *value = answer_member(a, object, member);
    int64_t number = 0;

    return value != NULL && json_int(&a->doc, value, &number) ? number : 0;
}

double answer_double(const struct answer *a, const struct json_tok *object, const char *member)
{
    const struct json_tok *value = answer_member(a, object, member);
    double number = 0;

    return value != NULL && json_double(&a->doc, value, &number) ? number : 0;
}

static const struct json_tok *problem_errors(const struct answer *problem)
{
    const struct json_tok *errors = answer_member(problem, problem->doc.toks, "errors");

    return errors != NULL && errors->kind == JSON_ARRAY ? errors : NULL;
}

static void add_details(const struct answer *problem, struct buf *text)
{
    const struct json_tok *errors = problem_errors(problem), *item;
    uint32_t i;

    if (errors == NULL)
        return;
    item = errors + 1;
    for (i = 0; i < errors->count; i++) {
        const char *pointer = answer_text(problem, item, "pointer");

        buf_adds(text, "\n  ");
        text_add_safe(text, str_from(pointer));
        buf_adds(text, *pointer != '\0' ? ": " : "");
        text_add_safe(text, str_from(answer_text(problem, item, "detail")));
        item = json_next(&problem->doc, item);
    }
}

static int code_of(long status)
{
    if (status == 404)
        return ERR_NOT_FOUND;
    return status == 429 || status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

/* application/problem+json as text, or the bare status when it is something else. */
static int describe_problem(long status, const struct answer *problem, struct err *e)
{
    const struct json_tok *top = problem->doc.toks, *errors = problem_errors(problem);
    const char *title = answer_text(problem, top, "title");
    const char *detail = answer_text(problem, top, "detail");
    const char *code = answer_text(problem, top, "code");
    struct buf text = BUF_INIT;
    int rc;

    text_add_safe(&text, str_from(*title != '\0' ? title : "the engine refused the request"));
    if (*detail != '\0' && strcmp(detail, title) != 0 && errors == NULL) {
        buf_adds(&text, ": ");
        text_add_safe(&text, str_from(detail));
    }
    buf_addf(&text, " (%ld%s", status, *code != '\0' ? " " : "");
    text_add_safe(&text, str_from(code));
    buf_addc(&text, ')');
    add_details(problem, &text);
    rc = err_set(e, code_of(status), "%s", buf_str(&text).ptr);
    buf_free(&text);
    return rc;
}

static int perform(struct client *c, const char *method, const char *path, struct str body,
                   struct err *e)
{
    struct buf url = BUF_INIT;
    CURLcode done;

    buf_addstr(&url, buf_str(&c->base));
    buf_adds(&url, path);
    if (url.failed) {
        buf_free(&url);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    buf_reset(&c->answer);
    c->too_large = c->replayed = false;
    c->next[0] = c->error[0] = '\0';
    curl_easy_setopt(c->curl, CURLOPT_URL, url.ptr);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c->curl, CURLOPT_POST, body.ptr != NULL ? 1L : 0L);
    if (body.ptr != NULL) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.ptr);
    } else {
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    }
    done = curl_easy_perform(c->curl);
    buf_free(&url);
    if (c->too_large)
        return err_set(e, ERR_LIMIT, "the answer is larger than %zu bytes", CLIENT_ANSWER_MAX);
    if (done == CURLE_OK)
        return 0;
    return err_set(e, ERR_UNAVAILABLE, "cannot reach the engine at %s: %s", c->where,
                   c->error[0] != '\0' ? c->error : curl_easy_strerror(done));
}

int client_call(struct client *c, const char *method, const char *path, struct str body,
                struct answer *out, struct err *e)
{
    long status = 0;
    bool is_json;
    int rc;

    arena_free(&c->arena);
    *out = (struct answer){.arena = &c->arena, .next = c->next};
    rc = perform(c, method, path, body, e);
    if (rc != 0)
        return rc;
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    is_json = json_scan(&c->arena, buf_str(&c->answer), &out->doc, NULL) == 0;
    if (!is_json)
        out->doc = (struct json_doc){.toks = NULL};
    out->replayed = c->replayed;
    if (status < 200 || status >= 300)
        return describe_problem(status, out, e);
    if (is_json)
        return 0;
    return err_set(e, ERR_UNAVAILABLE, "%s answered %ld but not in JSON: is it a Jobmill engine?",
                   c->where, status);
}

void client_add_escaped(struct buf *out, const char *value)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *value != '\0'; value++) {
        if (strchr(plain, *value) != NULL)
            buf_addc(out, *value);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*value);
    }
}

int client_fail(const struct err *e)
{
    fprintf(stderr, "jobmill: %s\n", e->text);
    return e->code == ERR_UNAVAILABLE ? CLI_UNAVAILABLE : CLI_FAILED;
}
