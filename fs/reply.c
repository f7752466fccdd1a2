// SPDX-License-Identifier: Apache-2.0
/* Each kind of answer once, and at most LOG_LINES lines a while of what went wrong. */
#include "fs/reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>

#include "cache/base/instant.h"

enum { LOG_LINES = 20 };
#define LOG_WHILE_NS (10 * INT64_C(1000000000))

/* An interrupt that is being handled has ended when this returns: the request may be freed then. */
static void settle(fuse_req_t req)
{
    fuse_req_interrupt_func(req, NULL, NULL);
}

int reply_entry(fuse_req_t req, const struct fuse_entry_param *entry)
{
    settle(req);
    return fuse_reply_entry(req, entry);
}

void reply_no_entry(fuse_req_t req, double timeout)
{
    if (timeout > 0)
        reply_entry(req, &(struct fuse_entry_param){.entry_timeout = timeout});
    else {
        settle(req);
        fuse_reply_err(req, ENOENT);
    }
}

void reply_attr(fuse_req_t req, const struct stat *st, double timeout)
{
    settle(req);
    fuse_reply_attr(req, st, timeout);
}

int reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
    settle(req);
    return fuse_reply_open(req, fi);
}

void reply_bytes(fuse_req_t req, const void *bytes, size_t len)
{
    settle(req);
    fuse_reply_buf(req, bytes, len);
}

void reply_link(fuse_req_t req, const char *target)
{
    settle(req);
    fuse_reply_readlink(req, target);
}

void reply_statfs(fuse_req_t req, const struct statvfs *st)
{
    settle(req);
    fuse_reply_statfs(req, st);
}

void reply_done(fuse_req_t req)
{
    settle(req);
    fuse_reply_err(req, 0);
}

void reply_not_needed(fuse_req_t req)
{
    settle(req);
    fuse_reply_err(req, ENOSYS);
}

void reply_xattr(fuse_req_t req, const void *bytes, size_t len, size_t room)
{
    settle(req);
    if (room == 0)
        fuse_reply_xattr(req, len);
    else if (len > room)
        fuse_reply_err(req, ERANGE);
    else
        fuse_reply_buf(req, bytes, len);
}

/* What a program can make sense of. ESTALE would make the kernel look the path up again; EAGAIN, try again.
 */
static int errno_to_show(int rc)
{
    switch (-rc) {
    case ECANCELED:
        return EINTR;
    case ESTALE:
    case EUCLEAN:
    case EAGAIN:
        return EIO;
    default:
        return -rc;
    }
}

static int is_trouble(int rc)
{
    return rc != -ENOENT && rc != -EPERM && rc != -EINVAL && rc != -ENAMETOOLONG && rc != -ENOTSUP &&
           rc != -ECANCELED;
}

void reply_log(const char *text)
{
    struct stat st;
    bool to_stderr = fstat(STDERR_FILENO, &st) == 0 && !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
    if (to_stderr)
        fprintf(stderr, "elidefs: %s\n", text);
    else
        syslog(LOG_DAEMON | LOG_WARNING, "elidefs: %s", text);
}

/* How many lines may be written now: 0, 1, or 2 where those left out are to be mentioned, too. */
static int lines_allowed(struct fs_log *log, unsigned *ret_left_out)
{
    int64_t now = clock_now_ns();
    int allowed = 1;
    pthread_mutex_lock(&log->lock);
    if (log->lines == 0 || now - log->start_ns > LOG_WHILE_NS) {
        *ret_left_out = log->left_out;
        allowed = log->left_out ? 2 : 1;
        log->start_ns = now;
        log->lines = log->left_out = 0;
    }
    if (log->lines++ >= LOG_LINES) {
        log->left_out++;
        allowed = 0;
    }
    pthread_mutex_unlock(&log->lock);
    return allowed;
}

static void log_some(struct fs_log *log, const char *text)
{
    unsigned left_out = 0;
    int allowed = lines_allowed(log, &left_out);
    if (allowed == 2) {
        char line[64];
        snprintf(line, sizeof line, "%u more errors were not logged", left_out);
        reply_log(line);
    }
    if (allowed)
        reply_log(text);
}

void reply_reason(struct fs *fs, fuse_req_t req, const struct error *err)
{
    if (err->code && err->text[0])
        errors_add(fs->errors, fuse_req_ctx(req)->uid, err->text);
}

void reply_error(struct fs *fs, fuse_req_t req, int rc, const struct error *err)
{
    if (err->code && err->text[0] && rc != -ECANCELED) {
        errors_add(fs->errors, fuse_req_ctx(req)->uid, err->text);
        if (is_trouble(rc))
            log_some(&fs->log, err->text);
    }
    if (rc != -ENODATA) /* `ls -l` asks every file for attributes it may lack */
        atomic_fetch_add_explicit(&fs->counters.errors, 1, memory_order_relaxed);
    settle(req);
    fuse_reply_err(req, errno_to_show(rc));
}
