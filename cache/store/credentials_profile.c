// SPDX-License-Identifier: Apache-2.0
/* Keys that stand in the shared files. What those files may also ask for, but we do not do, is said plainly.
 */
#include <errno.h>

#include "cache/store/credentials.h"
#include "cache/store/profile.h"

int credentials_profile(const struct credential_lookup *lookup, struct keys *ret, struct error *err)
{
    CLEANUP_PROFILE struct profile *profile = NULL;
    int rc = profile_load(lookup->profile, &profile, err);
    if (rc < 0)
        return error_recode(err, EACCES); /* a missing profile is no reason to look elsewhere */
    if (profile->keys && !profile->role_arn) {
        *ret = *profile->keys;
        return 0;
    }
    if (profile->credential_process || profile->web_identity_token_file)
        return -ENOENT;
    if (profile->sso || profile->role_arn)
        return error_set(
            err, EACCES,
            "profile '%s' uses %s, which needs the AWS tool: add a profile with credential_process = aws "
            "configure export-credentials --profile %s",
            profile->name, profile->role_arn ? "role_arn" : "SSO", profile->name);
    return -ENOENT;
}
