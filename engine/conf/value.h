/* SPDX-License-Identifier: MIT
 * Values as people write them: durations, sizes, numbers, yes and no; and listen addresses. Pure.
 */
#ifndef JOBMILL_CONF_VALUE_H
#define JOBMILL_CONF_VALUE_H

#include "base/str.h"

#define VALUE_TEXT_MAX 32

/* "500ms", "30s", "5m", "2h", "7d", "0"; a number needs its unit. False when it is anything else or
 * does not fit. */
bool value_duration(struct str text, int64_t *ms);

/* Bytes: "4096", "64KiB" or "64K", "1MiB" or "1M", "2GiB" or "2G" (all powers of 1024). */
bool value_size(struct str text, int64_t *bytes);

/* "100%" or "100". */
bool value_percent(struct str text, int32_t *percent);

/* "2" or "1.5", as percent: 200, 150. At most two decimals. */
bool value_factor(struct str text, int32_t *percent);

/* true, yes, on, 1; false, no, off, 0. */
bool value_bool(struct str text, bool *out);

/* A finite decimal number. */
bool value_real(struct str text, double *out);

/* The other way, in the largest unit that is exact: "90s", "1MiB". */
void value_format_duration(int64_t ms, char out[static VALUE_TEXT_MAX]);
void value_format_size(int64_t bytes, char out[static VALUE_TEXT_MAX]);

/* A listen address taken apart. The slices point into the text. */
struct listen_address {
    struct str host; /* without brackets; STR_NONE for a unix socket */
    struct str path; /* of a unix socket; STR_NONE otherwise */
    uint16_t port;
    bool is_v6;       /* was written in brackets */
    bool is_loopback; /* cannot be reached from other machines: 127.0.0.0/8, ::1, localhost, unix */
};

/* "host:port", "[v6]:port" or "unix:PATH" (1 to 107 bytes). NULL, or what is wrong with it. */
const char *listen_parse(struct str text, struct listen_address *out);

#endif
