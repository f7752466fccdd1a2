// SPDX-License-Identifier: Apache-2.0
/* The threads that read the kernel's requests. */
#pragma once

#include "cache/base/error.h"

struct fuse_session;

/* Serves with `threads` threads until unmounted, or until `stop_fd` (an eventfd) becomes readable. All
 * threads have ended when it returns. 0, or -errno of a connection that broke. */
int loop_run(struct fuse_session *session, unsigned threads, int stop_fd, struct error *err);
