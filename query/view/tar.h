// SPDX-License-Identifier: Apache-2.0
/*
 * Headers of tar archives, as POSIX.1-2001 has them (pax, "ustar"): what stands before a member's bytes.
 *
 *     | pax header 512 | records, padded to 512 |  ustar header 512 | bytes, padded to 512 |  ...  | 1,024
 * zeros |
 *     `-- only where ustar cannot say it: a name of over 100 bytes or not in ASCII, 8 GiB and more
 *
 * Where there is a pax header, it says the time to the nanosecond, too, for there GNU tar compares it so.
 *
 * All members are regular files of mode 0644 and of nobody in particular (0:0, no names), so an archive is a
 * function of names, sizes, times and bytes. How long a header is does not depend on the time. Pure; any
 * thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

enum { TAR_BLOCK_BYTES = 512, TAR_END_BYTES = 1024 };

struct tar_member {
    const char *name; /* relative, 1 to 255 bytes */
    uint64_t size;    /* at most INT64_MAX */
    int64_t time_ns;  /* since 1970; what a header cannot say is said as near as it can be */
};
size_t tar_header_bytes(const struct tar_member *member);
void tar_header_append(const struct tar_member *member, struct buf *buf);
/* Zeros behind its bytes. */
size_t tar_padding(const struct tar_member *member);
