// SPDX-License-Identifier: Apache-2.0
/*
 * One profile out of the two files that AWS tools share: ~/.aws/credentials ([name]) and ~/.aws/config
 * ([profile name], [default]), or where AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE point. Keys in the
 * first file win. Thread rule: immutable after profile_load().
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "cache/store/keys.h"

struct profile {
    char *name;
    char *region, *endpoint_url, *ca_bundle; /* these and those below: NULL if not set */
    char *credential_process;
    char *role_arn, *web_identity_token_file, *role_session_name, *source_profile;
    bool sso;
    struct keys *keys; /* secret memory */
};

/* `name` NULL: $AWS_PROFILE, else "default", which may be missing. -ENOENT if a named profile is in neither
 * file; -EINVAL with file and line. */
int profile_load(const char *name, struct profile **ret, struct error *err);
void profile_free(struct profile *profile);
CLEANUP_DEFINE(struct profile, profile_free, cleanup_profile)
#define CLEANUP_PROFILE CLEANUP(cleanup_profile)
