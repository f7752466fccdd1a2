// SPDX-License-Identifier: Apache-2.0
/* The EC2 metadata service, version 2: a session token, the role's name, its keys. Source: Amazon EC2 User
 * Guide, "Use the Instance Metadata Service". Where nobody answers, this is no EC2 machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache/base/escape.h"
#include "cache/store/credentials_http.h"
#include "cache/store/secret.h"

enum { LIMIT_S = 1, ROLE_BYTES = 256 };
static const char service[] = "the EC2 metadata service";

static const char *base_url(void)
{
    const char *given = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    return given && *given ? given : "http://169.254.169.254";
}

static int ask(const struct credential_lookup *lookup, const char *token, const char *path, struct buf *buf,
               struct error *err)
{
    struct http_request request = {.method = token ? "GET" : "PUT", .no_proxy = true};
    const char *base = base_url();
    size_t len = strlen(base);
    request.url = mem_printf("%.*s%s", (int)(len && base[len - 1] == '/' ? len - 1 : len), base, path);
    if (token)
        http_request_header(&request, "X-aws-ec2-metadata-token: %s", token);
    else
        http_request_header(&request, "X-aws-ec2-metadata-token-ttl-seconds: 21600");
    return credentials_ask(lookup, service, &request, LIMIT_S, buf, err);
}

/* One line that may be part of a header or a path. */
static bool is_word(const struct buf *buf, size_t most)
{
    const char *text = buf_text(buf);
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~')
            return false;
    return buf->len && buf->len < most && strlen(text) == buf->len;
}

static int ask_role(const struct credential_lookup *lookup, const char *token, struct keys *ret,
                    struct error *err)
{
    static const char folder[] = "/latest/meta-data/iam/security-credentials/";
    CLEANUP_SECRET_BUF struct buf role = BUF_INIT, answer = BUF_INIT;
    CLEANUP_BUF struct buf path = BUF_INIT;
    int rc = ask(lookup, token, folder, &role, err);
    if (rc < 0)
        return rc;
    if (!is_word(&role, ROLE_BYTES))
        return error_set(err, EACCES, "%s: this machine has no single role", service);
    buf_text_append(&path, folder);
    escape_append(&path, buf_text(&role), role.len, "@+=,", 0);
    rc = ask(lookup, token, buf_text(&path), &answer, err);
    return rc < 0 ? rc : keys_parse(ret, service, (char *)answer.data, answer.len, "Token", err);
}

int credentials_metadata(const struct credential_lookup *lookup, struct keys *ret, struct error *err)
{
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    CLEANUP_SECRET_BUF struct buf token = BUF_INIT;
    if (disabled && !strcasecmp(disabled, "true"))
        return -ENOENT;
    int rc = ask(lookup, NULL, "/latest/api/token", &token, err);
    if (rc < 0)
        return rc == -EACCES ? -ENOENT : rc; /* something else lives at that address */
    if (!is_word(&token, KEYS_TOKEN_BYTES))
        return -ENOENT;
    return ask_role(lookup, buf_text(&token), ret, err);
}
