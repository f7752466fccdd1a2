// SPDX-License-Identifier: Apache-2.0
/* Where an S3 service answers: scheme://host[:port], nothing behind. Any thread. */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"

enum { ENDPOINT_HOST_BYTES = 270 };

struct endpoint {
    bool tls;
    char authority[ENDPOINT_HOST_BYTES]; /* host[:port], lower case, without the scheme's default port */
};

int endpoint_parse(const char *text, struct endpoint *ret, struct error *err);
/* True if the host is a number or "localhost": no bucket can be put in front of it. */
bool endpoint_is_plain_host(const struct endpoint *endpoint);
