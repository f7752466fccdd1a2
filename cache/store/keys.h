// SPDX-License-Identifier: Apache-2.0
/* One set of AWS keys. Wipe every copy with keys_done(). Any thread; a struct belongs to one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"

enum { KEYS_ACCESS_BYTES = 129, KEYS_SECRET_BYTES = 257, KEYS_TOKEN_BYTES = 8193 };

struct keys {
    char access[KEYS_ACCESS_BYTES];
    char secret[KEYS_SECRET_BYTES];
    char token[KEYS_TOKEN_BYTES]; /* "": none */
    int64_t expires_ns;           /* instant_now(); INT64_MAX: never */
};

/* `token` may be NULL. -EINVAL if a text is missing, too long, or holds what no header may. */
int keys_set(struct keys *keys, const char *access, const char *secret, const char *token);
/* From a JSON object {"AccessKeyId":, "SecretAccessKey":, token_name:, "Expiration":}, as credential
 * processes and the metadata services give it. `name` names the source in errors, which never quote the text.
 */
int keys_parse(struct keys *keys, const char *name, const char *json, size_t len, const char *token_name,
               struct error *err);
void keys_done(struct keys *keys);
#define CLEANUP_KEYS CLEANUP(keys_done)
