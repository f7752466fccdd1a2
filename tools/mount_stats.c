// SPDX-License-Identifier: Apache-2.0
/* A child reads: who waits for a daemon that does not answer can only be killed. */
#include "tools/mount_stats.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"

enum { STATS_BYTES_MAX = 1 << 20, PATIENCE_MS = 5000 };

static void read_as_child(const char *path, int fd)
{
    struct buf stats = BUF_INIT;
    int rc = file_read(path, STATS_BYTES_MAX, &stats, NULL);
    if (!file_write_all(fd, &rc, sizeof rc) && !rc)
        file_write_all(fd, stats.data, stats.len);
    _exit(0);
}

/* All that comes until the other end is closed; -ETIMEDOUT. */
static int drain(int fd, struct buf *ret)
{
    int64_t until = clock_now_ns() + (int64_t)PATIENCE_MS * 1000000;
    char bytes[4096];
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int64_t left_ms = (until - clock_now_ns()) / 1000000;
        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) <= 0)
            return -ETIMEDOUT;
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            return n ? -EIO : 0;
        buf_append(ret, bytes, (size_t)n);
    }
}

/* 0, or what reading the file gave. */
static int read_patiently(const char *path, struct buf *ret)
{
    int ends[2], code = 0;
    if (pipe(ends))
        return -errno;
    pid_t child = fork();
    if (!child) {
        close(ends[0]);
        read_as_child(path, ends[1]);
    }
    close(ends[1]);
    CLEANUP_BUF struct buf all = BUF_INIT;
    int rc = child < 0 ? -EAGAIN : drain(ends[0], &all);
    close(ends[0]);
    if (child > 0 && rc)
        kill(child, SIGKILL);
    if (child > 0)
        waitpid(child, NULL, rc ? WNOHANG : 0);
    if (!rc && all.len < sizeof code)
        rc = -EIO;
    if (rc)
        return rc;
    memcpy(&code, all.data, sizeof code);
    buf_append(ret, all.data + sizeof code, all.len - sizeof code);
    return code;
}

char *mount_stats_user(uid_t uid)
{
    char text[4096];
    struct passwd entry, *found = NULL;
    getpwuid_r(uid, &entry, text, sizeof text, &found);
    return found ? mem_text(found->pw_name) : mem_printf("%u", uid);
}

static int explain(const struct mount_entry *mount, int rc, struct error *err)
{
    CLEANUP_FREE char *owner = mount_stats_user(mount->owner);
    if (rc == -ENOTCONN || rc == -ECONNABORTED)
        return error_set(err, ENOTCONN,
                         "%s is dead, its daemon has ended: \"elidefs umount %s\" takes it away",
                         mount->mountpoint, mount->mountpoint);
    if (rc == -EACCES && mount->owner != geteuid())
        return error_set(err, EACCES, "%s belongs to %s, who has not let others in (-o allow_other)",
                         mount->mountpoint, owner);
    if (rc == -ETIMEDOUT)
        return error_set(err, ETIMEDOUT, "%s does not answer: its daemon is stopped, or busy beyond measure",
                         mount->mountpoint);
    return error_set(err, -rc, "%s: %s", mount->mountpoint, strerror(-rc));
}

int mount_stats_read(const struct mount_entry *mount, struct buf *ret, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/.elidefs/stats", mount->mountpoint);
    int rc = read_patiently(path, ret);
    while (ret->len && ret->data[ret->len - 1] == '\n') /* the padding */
        buf_truncate(ret, ret->len - 1);
    return rc ? explain(mount, rc, err) : 0;
}

const char *mount_stats_text(const char *stats, const char *name, size_t *ret_len)
{
    size_t name_len = strlen(name);
    for (const char *at = stats; *at;) {
        size_t len = strcspn(at, "\n");
        if (len > name_len && !strncmp(at, name, name_len) && at[name_len] == ' ') {
            *ret_len = len - name_len - 1;
            return at + name_len + 1;
        }
        at += len + (at[len] == '\n');
    }
    return NULL;
}

unsigned long long mount_stats_number(const char *stats, const char *name)
{
    size_t len;
    const char *text = mount_stats_text(stats, name, &len);
    return text ? strtoull(text, NULL, 10) : 0;
}
