// SPDX-License-Identifier: Apache-2.0
/*
 * Answers to the kernel; the one place of fs/ that logs. A request is answered exactly once and is gone
 * afterwards. The functions with a result give 0, or -errno when the kernel did not take the answer
 * (the request was interrupted): then what it would have kept must be given up by the caller. Any thread.
 */
#pragma once

#include <fuse_lowlevel.h>

#include "fs/fs.h"

int reply_entry(fuse_req_t req, const struct fuse_entry_param *entry);
/* No such name; the kernel may believe it for `timeout` seconds. */
void reply_no_entry(fuse_req_t req, double timeout);
void reply_attr(fuse_req_t req, const struct stat *st, double timeout);
int reply_open(fuse_req_t req, const struct fuse_file_info *fi);
void reply_bytes(fuse_req_t req, const void *bytes, size_t len);
void reply_link(fuse_req_t req, const char *target);
void reply_statfs(fuse_req_t req, const struct statvfs *st);
void reply_done(fuse_req_t req);
/* The kernel need not ask such a thing again: it goes on as if it had been answered. */
void reply_not_needed(fuse_req_t req);
/* An extended attribute or the list of them: its size if room is 0, -ERANGE if it does not fit. */
void reply_xattr(fuse_req_t req, const void *bytes, size_t len, size_t room);

/* `err` with a text goes to the caller's `.elidefs/errors`; damage and trouble with stores are logged, too.
 */
void reply_error(struct fs *fs, fuse_req_t req, int rc, const struct error *err);
/* Only records: for answers that are no errors to the kernel (a cached "no such name" with a reason). */
void reply_reason(struct fs *fs, fuse_req_t req, const struct error *err);
/* One line on stderr, or in the system log once there is no stderr. */
void reply_log(const char *text);
