// SPDX-License-Identifier: Apache-2.0
/*
 * What passes between libfuse and the kernel, where libfuse leaves out what it was asked for: up to 3.16 it
 * never tells the kernel that a directory may be asked for several names at once, so a name whose pages do
 * not come would keep all others of its directory waiting, beyond the reach of any signal. Any thread.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <stdbool.h>

/* Takes over the session's connection `fd`; its data is a struct fs. False: libfuse does not give it. */
bool wire_take(struct fuse_session *session, int fd);
