// SPDX-License-Identifier: Apache-2.0
/*
 * Whose mount it is tells mountinfo; whether its daemon still answers is asked by a child that can be given
 * up. A dead one is detached, a living one is taken away only when nobody uses it.
 */
#include "fs/unmount.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/buf.h"
#include "cache/base/memory.h"
#include "fs/fusermount.h"
#include "fs/mount.h"
#include "fs/mounts.h"
#include "fs/users.h"

enum { ANSWER_MS = 2000, BUSY_MS = 2000, BUSY_PAUSE_MS = 20 };

int unmount_path(const char *path, bool lazily, struct error *err)
{
    if (umount2(path, UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0)) == 0)
        return 0;
    if (errno == EPERM)
        return fusermount_unmount(path, lazily, err);
    return error_set(err, errno, "%s: %s", path, strerror(errno));
}

/* Asked by a child that can be given up: stat(2) of a mount whose daemon hangs does not return. */
static pid_t start_asking(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        struct stat st;
        _exit(stat(path, &st) < 0 && (errno == ENOTCONN || errno == ECONNABORTED));
    }
    return child;
}

static bool is_dead(const char *path)
{
    struct timespec pause = {.tv_nsec = 5000000};
    pid_t child = start_asking(path);
    int status = 0;
    for (int waited_ms = 0; child > 0 && waited_ms < ANSWER_MS; waited_ms += 5) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) && WEXITSTATUS(status) == 1;
        nanosleep(&pause, NULL);
    }
    if (child > 0)
        kill(child, SIGKILL);
    return false; /* it hangs, which is not dead */
}

int unmount_dead(const char *path, struct error *err)
{
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    int rc = mounts_find(path, &entry, err);
    if (rc <= 0 || strncmp(entry.type, "fuse", 4) != 0 || !is_dead(path))
        return rc < 0 ? rc : 0;
    if (strcmp(entry.type, MOUNTS_TYPE) != 0)
        return error_set(err, ENOTCONN, "%s: a dead mount of type %s lies here", path, entry.type);
    rc = unmount_path(path, true, err);
    return rc < 0 ? rc : 1;
}

/*
 * Whoever looks at all mounts or all processes (df, a monitor, another umount) holds each for a moment, and
 * so does a file that was closed just now: busy with nobody to name is worth another try.
 */
static int unmount_unused(const struct mounts_entry *entry, const char *path, struct error *err)
{
    struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * 1000000L};
    CLEANUP_BUF struct buf users = BUF_INIT;
    for (int waited_ms = 0; waited_ms < BUSY_MS; waited_ms += BUSY_PAUSE_MS) {
        int rc = unmount_path(path, false, err);
        if (rc != -EBUSY)
            return rc;
        users_append(path, entry->major, entry->minor, &users);
        if (users.len)
            break;
        nanosleep(&pause, NULL);
    }
    return error_set(err, EBUSY, "%s is in use%s%s", path, users.len ? " by " : "", buf_text(&users));
}

int fs_unmount(const char *mountpoint, struct error *err)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    int rc = mounts_resolve(mountpoint, &path, err);
    if (rc < 0)
        return rc;
    rc = unmount_dead(path, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = mounts_find(path, &entry, err);
    if (rc < 0)
        return rc;
    if (rc == 0 || strcmp(entry.type, MOUNTS_TYPE) != 0)
        return error_set(err, EINVAL, "%s: no elidefs mount", path);
    return unmount_unused(&entry, path, err);
}
