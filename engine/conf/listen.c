/* SPDX-License-Identifier: MIT
 * Listen addresses as text. */
#include "conf/value.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_MAX      255
#define UNIX_PATH_MAX 107

static bool is_loopback(struct str host)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (str_is(host, "localhost"))
        return true;
    if (host.len >= sizeof copy)
        return false;
    memcpy(copy, host.ptr, host.len);
    copy[host.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, copy, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* Splits "host:port" at its last colon, outside of brackets. */
static bool split_port(struct str text, struct str *host, struct str *port)
{
    const char *colon = text.len == 0 ? NULL : memrchr(text.ptr, ':', text.len);

    if (colon == NULL)
        return false;
    *host = (struct str){text.ptr, (size_t)(colon - text.ptr)};
    *port = (struct str){colon + 1, text.len - host->len - 1};
    return true;
}

static bool is_v6(struct str host)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr v6;

    if (host.len >= sizeof copy)
        return false;
    memcpy(copy, host.ptr, host.len);
    copy[host.len] = '\0';
    return inet_pton(AF_INET6, copy, &v6) == 1;
}

static bool is_host_text(struct str host)
{
    size_t i;

    for (i = 0; i < host.len; i++) {
        char c = host.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_'))
            return false;
    }
    return host.len > 0 && host.len <= HOST_MAX;
}

const char *listen_parse(struct str text, struct listen_address *out)
{
    struct str port_text;
    int64_t port;

    *out = (struct listen_address){.host = STR_NONE, .path = STR_NONE};
    if (str_starts(text, "unix:")) {
        out->path = (struct str){text.ptr + 5, text.len - 5};
        out->is_loopback = true;
        return out->path.len >= 1 && out->path.len <= UNIX_PATH_MAX
                   ? NULL
                   : "a unix socket's path has 1 to 107 bytes";
    }
    if (!split_port(text, &out->host, &port_text))
        return "there is no port";
    if (!str_to_i64(port_text, &port) || port < 0 || port > UINT16_MAX || port_text.ptr[0] == '-')
        return "the port is not a number from 0 to 65535";
    out->port = (uint16_t)port;
    if (out->host.len >= 2 && out->host.ptr[0] == '[' && out->host.ptr[out->host.len - 1] == ']') {
        out->host = (struct str){out->host.ptr + 1, out->host.len - 2};
        out->is_v6 = true;
        if (!is_v6(out->host))
            return "there is no IPv6 address in the brackets";
    } else if (!is_host_text(out->host)) {
        return "the host is empty or not a name or an IPv4 address (IPv6 goes in brackets)";
    }
    out->is_loopback = is_loopback(out->host);
    return NULL;
}
