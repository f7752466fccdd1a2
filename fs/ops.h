// SPDX-License-Identifier: Apache-2.0
/* The requests of the kernel that are answered, and by which part. Their user data is the struct fs. */
#pragma once

#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops ops_table;
