/* SPDX-License-Identifier: MIT
 * The HTTP server: REST over libmicrohttpd. */
#ifndef JOBMILL_HTTP_HTTP_H
#define JOBMILL_HTTP_HTTP_H

#include "base/err.h"
#include "conf/conf.h"

struct engine;
struct http;

/* Listens on conf->listen and serves until http_stop; both arguments must live that long. When it
 * returns 0, <data_dir>/run/api.addr says where it listens ("host:port", "unix:PATH"). ERR_INVALID
 * on an address that is malformed, or public without a tokens file; ERR_UNAVAILABLE when the
 * address is in use. */
int http_start(struct engine *engine, const struct conf *conf, struct http **out,
               struct err *e) MUST_CHECK;

/* From now on creates get 503 with Retry-After and so does /ready; reads go on. Any thread. */
void http_drain(struct http *h);

/* Answers what is under way and closes everything. The engine must still complete what was
 * submitted to it. */
void http_stop(struct http **h);

#endif
