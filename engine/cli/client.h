/* SPDX-License-Identifier: MIT
 * The client's side of the REST interface: requests over libcurl, problems as readable errors. */
#ifndef JOBMILL_CLI_CLIENT_H
#define JOBMILL_CLI_CLIENT_H

#include "cli/cli.h"
#include "json/scan.h"

#define CLIENT_URL_DEFAULT "http://127.0.0.1:8080"
#define CLIENT_ANSWER_MAX  ((size_t)256 * 1024 * 1024)

/* The first options of every client command; its own follow from CLIENT_OPTIONS_N. */
enum client_option { CLIENT_URL, CLIENT_TOKEN_FILE, CLIENT_OUTPUT, CLIENT_OPTIONS_N };
#define CLIENT_OPTIONS                                                                \
    {"url", 'u', "URL",                                                               \
     "where the engine is: http://HOST:PORT or unix:PATH (default: $JOBMILL_URL, "    \
     "else " CLIENT_URL_DEFAULT ")"},                                                 \
        {"token-file", '\0', "FILE",                                                  \
         "file with the bearer token (default: $JOBMILL_TOKEN itself, else the file " \
         "$JOBMILL_TOKEN_FILE)"},                                                     \
    {                                                                                 \
        "output", 'o', "FORMAT", "text (the default) or json"                         \
    }

#define CLIENT_EXITS                                                                            \
    "Exit codes: 0 done, 1 the engine said no, 2 wrong command line, 69 the engine cannot be\n" \
    "reached or is not able to answer."

struct client;

/* Reads options and environment; connects to nothing yet. CLI_OK, or the exit code after the error
 * was printed. */
int client_open(const struct cli_args *args, struct client **out);
void client_close(struct client **client);
bool client_as_json(const struct client *client);

/* What came back: an object or array, in toks[0]. All of it is the client's until its next call. */
struct answer {
    struct arena *arena;
    struct json_doc doc;
    const char *next; /* X-Next-Cursor, "" on the last page */
    bool replayed;    /* Idempotency-Replayed */
};

/* One request. `body` is JSON, or STR_NONE. ERR_UNAVAILABLE when nobody answers, or with 429 and
 * 5xx; ERR_NOT_FOUND with 404; ERR_INVALID with any other refusal. The text is the problem's, with
 * each of its details. */
int client_call(struct client *client, const char *method, const char *path, struct str body,
                struct answer *out, struct err *e) MUST_CHECK;

/* Percent-encodes `value` for a path or query. */
void client_add_escaped(struct buf *out, const char *value);

/* Prints the error; the exit code that suits it. */
int client_fail(const struct err *e);

/* A member's text, number or value in one of the answer's objects; "", 0, NULL when it is missing,
 * null or of another kind. `object` may be NULL. */
const char *answer_text(const struct answer *a, const struct json_tok *object, const char *member);
int64_t answer_int(const struct answer *a, const struct json_tok *object, const char *member);
double answer_double(const struct answer *a, const struct json_tok *object, const char *member);
const struct json_tok *answer_member(const struct answer *a, const struct json_tok *object,
                                     const char *member);

#endif
