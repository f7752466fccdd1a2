// SPDX-License-Identifier: Apache-2.0
/*
 * Takes apart scheme, host and port by hand, and refuses all else that a URL may have: none of it would be
 * sent.
 */
#include "cache/store/endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad(const char *text, struct error *err)
{
    return error_set(err, EINVAL, "'%s' is no endpoint: expected http://host[:port] or https://host[:port]",
                     text);
}

static bool port_valid(const char *port)
{
    size_t len = strlen(port);
    return len && len <= 5 && strspn(port, "0123456789") == len && atoi(port) > 0 && atoi(port) < 65536;
}

static bool host_valid(const char *host, size_t len)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    static const char address[] = "0123456789abcdef:.";
    if (len > 2 && host[0] == '[' && host[len - 1] == ']')
        return strspn(host + 1, address) == len - 2;
    return len && len < 254 && strspn(host, name) >= len;
}

int endpoint_parse(const char *text, struct endpoint *ret, struct error *err)
{
    struct endpoint endpoint = {0};
    const char *rest = text;
    if (!strncasecmp(text, "https://", 8))
        endpoint.tls = true, rest += 8;
    else if (!strncasecmp(text, "http://", 7))
        rest += 7;
    else
        return bad(text, err);
    size_t len = strlen(rest);
    if (len && rest[len - 1] == '/')
        len--;
    if (!len || len >= sizeof endpoint.authority)
        return bad(text, err);
    for (size_t i = 0; i < len; i++)
        endpoint.authority[i] = (char)tolower((unsigned char)rest[i]);
    char *bracket = strrchr(endpoint.authority, ']');
    char *colon = strchr(bracket ? bracket : endpoint.authority, ':');
    size_t host_len = colon ? (size_t)(colon - endpoint.authority) : len;
    if (!host_valid(endpoint.authority, host_len) || (colon && !port_valid(colon + 1)))
        return bad(text, err);
    if (colon && atoi(colon + 1) == (endpoint.tls ? 443 : 80))
        *colon = 0;
    *ret = endpoint;
    return 0;
}

bool endpoint_is_plain_host(const struct endpoint *endpoint)
{
    size_t len = strcspn(endpoint->authority, ":");
    return *endpoint->authority == '[' || strspn(endpoint->authority, "0123456789.") == len ||
           (len == 9 && !strncmp(endpoint->authority, "localhost", 9));
}
