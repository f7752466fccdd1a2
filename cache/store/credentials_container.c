// SPDX-License-Identifier: Apache-2.0
/* The endpoint that ECS and EKS give a container. Source: AWS SDKs and Tools Reference Guide, "Container
 * credential provider". Plain HTTP only to the machine itself and to the addresses that guide names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/store/credentials_http.h"
#include "cache/store/secret.h"

enum { TOKEN_BYTES = 16384, FILE_ROOM = 1 << 17, LIMIT_S = 5 };

static bool may_ask(const char *url)
{
    static const char *const allowed[] = {"https://",
                                          "http://127.0.0.1",
                                          "http://localhost",
                                          "http://[::1]",
                                          "http://169.254.170.2",
                                          "http://169.254.170.23",
                                          "http://[fd00:ec2::23]"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        size_t len = strlen(allowed[i]);
        if (!strncmp(url, allowed[i], len) && (i == 0 || !url[len] || strchr(":/", url[len])))
            return true;
    }
    return false;
}

/* The text of a header that proves who asks; empty if none is wanted. */
static int read_token(struct buf *token, struct error *err)
{
    const char *path = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    buf_room(token, FILE_ROOM); /* no copies by growing */
    if (path && *path) {
        int rc = file_read(path, TOKEN_BYTES - 1, token, err);
        if (rc < 0)
            return rc;
    } else if (text && strlen(text) < TOKEN_BYTES) {
        buf_text_append(token, text);
    }
    while (token->len && strchr("\r\n \t", token->data[token->len - 1]))
        token->data[--token->len] = 0;
    if (strpbrk(buf_text(token), "\r\n"))
        return error_set(err, EACCES, "the container's authorization token has several lines");
    return 0;
}

int credentials_container(const struct credential_lookup *lookup, struct keys *ret, struct error *err)
{
    static const char name[] = "the container's credential endpoint";
    const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    CLEANUP_SECRET_BUF struct buf answer = BUF_INIT, token = BUF_INIT;
    struct http_request request = {.method = "GET", .no_proxy = true};
    if (relative && *relative == '/')
        request.url = mem_printf("http://169.254.170.2%s", relative);
    else if (full && *full)
        request.url = mem_text(full);
    else
        return -ENOENT;
    int rc = may_ask(request.url)
                 ? read_token(&token, err)
                 : error_set(err, EACCES, "%s: %s is neither https nor local", name, request.url);
    if (rc < 0) {
        http_request_done(&request);
        return rc;
    }
    if (token.len)
        http_request_header(&request, "Authorization: %s", buf_text(&token));
    rc = credentials_ask(lookup, name, &request, LIMIT_S, &answer, err);
    if (rc == -ENOENT) /* it was named, so it should answer */
        rc = error_recode(err, EACCES);
    return rc < 0 ? rc : keys_parse(ret, name, (char *)answer.data, answer.len, "Token", err);
}
