// SPDX-License-Identifier: Apache-2.0
/* What is said of a version that was forgotten, whoever says it: its stub, or the series that tells which
 * are. */
#include <errno.h>

#include "cache/base/instant.h"
#include "index/base/manifest.h"

int manifest_say_forgotten(uint32_t version, int64_t time_ns, const char *author, const char *message,
                           struct error *err)
{
    enum { DATE_CHARS = 10 };
    CLEANUP_BUF struct buf time = BUF_INIT;
    instant_print(&time, time_ns);
    return error_set(err, ENOENT, "v%u was forgotten on %.*s by %s%s%s", version, DATE_CHARS, buf_text(&time),
                     author, *message ? ": " : "", message);
}
