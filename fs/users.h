// SPDX-License-Identifier: Apache-2.0
/* Who uses a mount: the processes whose working folder, root or open files lie in it, as far as /proc tells
 * this user. Any thread. */
#pragma once

#include "cache/base/buf.h"

/* Appends "bash (pid 123), less (pid 456)"; a few at most. Nothing if none can be told. */
void users_append(const char *mountpoint, unsigned major, unsigned minor, struct buf *buf);
