// SPDX-License-Identifier: Apache-2.0
/* Copies of fixed size, checked once as they come in, so that nobody who signs has to look at them again. */
#include "cache/store/keys.h"

#include <errno.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/json.h"

/* Visible ASCII only: these texts go into a header. */
static int set(char *to, size_t cap, const char *from)
{
    size_t len = strlen(from);
    if (len >= cap)
        return -EINVAL;
    for (size_t i = 0; i < len; i++)
        if (from[i] <= ' ' || from[i] > '~')
            return -EINVAL;
    memcpy(to, from, len + 1);
    return 0;
}

int keys_set(struct keys *keys, const char *access, const char *secret, const char *token)
{
    memset(keys, 0, sizeof *keys);
    keys->expires_ns = INT64_MAX;
    if (!access || !*access || !secret || !*secret)
        return -EINVAL;
    if (set(keys->access, sizeof keys->access, access) || set(keys->secret, sizeof keys->secret, secret) ||
        set(keys->token, sizeof keys->token, token ? token : "")) {
        keys_done(keys);
        return -EINVAL;
    }
    return 0;
}

int keys_parse(struct keys *keys, const char *name, const char *json, size_t len, const char *token_name,
               struct error *err)
{
    CLEANUP_JSON struct json *tree = NULL;
    if (json_parse(name, json, len, &tree, NULL) < 0)
        return error_set(err, EACCES, "%s: the answer is not JSON", name);
    if (keys_set(keys, json_get_text(tree, "AccessKeyId"), json_get_text(tree, "SecretAccessKey"),
                 json_get_text(tree, token_name)))
        return error_set(err, EACCES, "%s: the answer holds no usable AccessKeyId and SecretAccessKey", name);
    const char *expires = json_get_text(tree, "Expiration");
    if (expires && *expires && instant_parse(expires, strlen(expires), &keys->expires_ns)) {
        keys_done(keys);
        return error_set(err, EACCES, "%s: Expiration is not a time", name);
    }
    return 0;
}

void keys_done(struct keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}
