// SPDX-License-Identifier: Apache-2.0
/*
 * Objects that are kept gzip-encoded (Content-Encoding: gzip). Most stores hand out what they keep. Google's
 * unpack it on the way, and ignore ranges then, unless they are told that the reader would do it. Source:
 * Google Cloud Storage, "Transcoding of gzip-compressed files". Immutable; any thread.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "cache/store/http.h"

/* Does the reply say that it was unpacked on the way? */
bool encoding_is_undone(const struct http_reply *reply);
/* -EBADMSG, naming the encoding, if the reply is encoded or was unpacked. */
int encoding_check_none(const struct http_reply *reply, struct error *err);
