// SPDX-License-Identifier: Apache-2.0
/* Web identity, as Kubernetes pods have it (IRSA): a token in a file is changed for keys by AWS's token
 * service. Source: AWS STS API Reference, AssumeRoleWithWebIdentity. The token travels in the body, so that
 * no log of URLs holds it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "cache/store/credentials_http.h"
#include "cache/store/endpoint.h"
#include "cache/store/profile.h"
#include "cache/store/secret.h"
#include "cache/store/xml.h"

enum { TOKEN_BYTES = 20480, FORM_BYTES = 3 * TOKEN_BYTES + 4096, FILE_ROOM = 1 << 17, LIMIT_S = 10 };
static const char service[] = "the token service (web identity)";

struct role {
    const char *arn, *token_path, *session, *region;
    struct profile *profile; /* owned; the texts above may be its */
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* -ENOENT: not configured. */
static int find_role(const struct credential_lookup *lookup, struct role *role)
{
    struct error err;
    role->region = variable("AWS_REGION") ? variable("AWS_REGION") : variable("AWS_DEFAULT_REGION");
    if (!lookup->profile && variable("AWS_WEB_IDENTITY_TOKEN_FILE") && variable("AWS_ROLE_ARN")) {
        role->token_path = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
        role->arn = variable("AWS_ROLE_ARN");
        role->session = variable("AWS_ROLE_SESSION_NAME");
        return 0;
    }
    if (profile_load(lookup->profile, &role->profile, &err) < 0)
        return -ENOENT; /* the next source says why */
    role->token_path = role->profile->web_identity_token_file;
    role->arn = role->profile->role_arn;
    role->session = role->profile->role_session_name;
    role->region = role->region ? role->region : role->profile->region;
    return role->token_path && role->arn ? 0 : -ENOENT;
}

static void add_field(struct buf *form, const char *name, const char *value, size_t len)
{
    buf_printf(form, "&%s=", name);
    escape_append(form, value, len, "~", 0);
}

static int make_form(const struct role *role, struct buf *form, struct error *err)
{
    CLEANUP_SECRET_BUF struct buf token = BUF_INIT;
    buf_room(&token, FILE_ROOM);
    buf_room(form, FORM_BYTES);
    int rc = file_read(role->token_path, TOKEN_BYTES, &token, err);
    if (rc < 0)
        return rc;
    while (token.len && strchr("\r\n \t", token.data[token.len - 1]))
        token.len--;
    const char *session = role->session ? role->session : "elidefs";
    buf_text_append(form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
    add_field(form, "RoleArn", role->arn, strlen(role->arn));
    add_field(form, "RoleSessionName", session, strlen(session));
    add_field(form, "WebIdentityToken", (char *)token.data, token.len);
    return 0;
}

struct answer {
    struct keys *keys;
    char access[KEYS_ACCESS_BYTES], secret[KEYS_SECRET_BYTES], expires[64];
    char token[KEYS_TOKEN_BYTES];
};

static void keep(char *to, size_t cap, const char *text)
{
    if (strlen(text) < cap)
        strcpy(to, text);
}

static int take(void *ctx, const char *path, const char *text, struct error *err)
{
    static const char within[] =
        "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/";
    struct answer *answer = ctx;
    if (strncmp(path, within, sizeof within - 1))
        return 0;
    const char *name = path + sizeof within - 1;
    if (!strcmp(name, "AccessKeyId"))
        keep(answer->access, sizeof answer->access, text);
    else if (!strcmp(name, "SecretAccessKey"))
        keep(answer->secret, sizeof answer->secret, text);
    else if (!strcmp(name, "SessionToken"))
        keep(answer->token, sizeof answer->token, text);
    else if (!strcmp(name, "Expiration"))
        keep(answer->expires, sizeof answer->expires, text);
    return 0;
}

static int read_answer(const struct buf *body, struct keys *ret, struct error *err)
{
    struct answer *answer = secret_new(sizeof *answer);
    int rc = xml_read(service, body->data, body->len, take, answer, NULL);
    if (rc < 0 || keys_set(ret, answer->access, answer->secret, answer->token) ||
        instant_parse(answer->expires, strlen(answer->expires), &ret->expires_ns)) {
        keys_done(ret);
        rc = error_set(err, EACCES, "%s: the answer holds no usable keys", service);
    }
    secret_free(answer, sizeof *answer);
    return rc;
}

static int ask(const struct credential_lookup *lookup, const struct role *role, struct keys *ret,
               struct error *err)
{
    CLEANUP_SECRET_BUF struct buf form = BUF_INIT, body = BUF_INIT;
    const char *given = variable("AWS_ENDPOINT_URL_STS");
    CLEANUP_FREE char *endpoint =
        given ? mem_text(given)
              : mem_printf("https://sts.%s.amazonaws.com%s", role->region ? role->region : "us-east-1",
                           role->region && !strncmp(role->region, "cn-", 3) ? ".cn" : "");
    struct endpoint checked;
    int rc = endpoint_parse(endpoint, &checked, err);
    if (!rc)
        rc = make_form(role, &form, err);
    if (rc < 0)
        return rc;
    struct http_request request = {.method = "POST", .body = form.data, .body_len = form.len};
    request.url = mem_printf("%s://%s/", checked.tls ? "https" : "http", checked.authority);
    http_request_header(&request, "content-type: application/x-www-form-urlencoded");
    rc = credentials_ask(lookup, service, &request, LIMIT_S, &body, err);
    return rc < 0 ? rc : read_answer(&body, ret, err);
}

int credentials_web(const struct credential_lookup *lookup, struct keys *ret, struct error *err)
{
    struct role role = {0};
    int rc = find_role(lookup, &role);
    if (!rc) {
        rc = ask(lookup, &role, ret, err);
        if (rc == -ENOENT) /* it was asked for, so it should work */
            rc = error_recode(err, EACCES);
    }
    profile_free(role.profile);
    return rc;
}
