// SPDX-License-Identifier: Apache-2.0
/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. */
#include <errno.h>
#include <stdlib.h>

#include "cache/store/credentials.h"

int credentials_environment(const struct credential_lookup *lookup, struct keys *ret, struct error *err)
{
    const char *access = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
    if (lookup->profile || ((!access || !*access) && (!secret || !*secret)))
        return -ENOENT;
    if (keys_set(ret, access, secret, getenv("AWS_SESSION_TOKEN")))
        return error_set(
            err, EACCES,
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment are no usable pair of keys");
    return 0;
}
