// SPDX-License-Identifier: Apache-2.0
/*
 * mount(2) where we may, fusermount3 where we may not, and one sentence for each way in which either refuses.
 * The mount is known again by its device number.
 */
#include "fs/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/buf.h"
#include "cache/base/memory.h"
#include "fs/fs.h"
#include "fs/fusermount.h"
#include "fs/mounts.h"
#include "fs/unmount.h"

static int check_free(const char *path, struct error *err)
{
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    struct stat st;
    int rc = unmount_dead(path, err);
    if (rc >= 0)
        rc = mounts_find(path, &entry, err);
    if (rc < 0)
        return rc;
    if (rc == 1 && strcmp(entry.type, MOUNTS_TYPE) == 0)
        return error_set(err, EBUSY, "%s: %s is mounted there already; `elidefs umount %s` takes it away",
                         path, entry.source, path);
    if (stat(path, &st) < 0)
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    return S_ISDIR(st.st_mode) ? 0 : error_set(err, ENOTDIR, "%s: is no folder", path);
}

static const char container_words[] =
    "a container is given what it needs by `docker run --device /dev/fuse --cap-add SYS_ADMIN`";

static void append_shared_options(struct buf *buf, const struct attach_options *options)
{
    buf_printf(buf, "max_read=%d%s%s", FS_READ_BYTES, options->allow_other ? ",allow_other" : "",
               options->check_modes ? ",default_permissions" : "");
}

static int mount_directly(const struct attach_options *options, const char *path, int *ret_fd)
{
    CLEANUP_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    CLEANUP_BUF struct buf data = BUF_INIT;
    buf_printf(&data, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,", fd, (unsigned)getuid(),
               (unsigned)getgid());
    append_shared_options(&data, options);
    if (mount(options->source, path, MOUNTS_TYPE, MS_RDONLY | MS_NOSUID | MS_NODEV, buf_text(&data)) < 0)
        return -errno;
    *ret_fd = steal_fd(&fd);
    return 0;
}

static int mount_with_helper(const struct attach_options *options, const char *path, int *ret_fd,
                             struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_text_append(&text, "ro,nosuid,nodev,");
    append_shared_options(&text, options);
    buf_text_append(&text, ",subtype=elidefs,fsname=");
    for (const char *at = options->source; *at; at++) {
        if (*at == ',' || *at == '\\')
            buf_u8(&text, '\\');
        buf_u8(&text, (uint8_t)*at);
    }
    struct error why = {0};
    int rc = fusermount_mount(path, buf_text(&text), ret_fd, &why);
    if (rc < 0 && options->allow_other && strstr(why.text, "user_allow_other"))
        return error_set(
            err, EPERM,
            "%s: this machine does not let users open their mounts to others; as root, add the line "
            "\"user_allow_other\" to /etc/fuse.conf, or mount as root",
            path);
    if (rc < 0 && geteuid() == 0)
        return error_set(
            err, EPERM,
            "%s: root may not mount here without CAP_SYS_ADMIN and a /dev/fuse that may be opened; %s", path,
            container_words);
    return rc < 0 ? error_copy(err, &why) : rc;
}

static int refuse(const char *path, int rc, struct error *err)
{
    if (rc == -ENOENT || rc == -ENODEV || rc == -ENXIO)
        return error_set(
            err, -rc, "cannot mount on %s: there is no /dev/fuse, which needs the kernel's module fuse; %s",
            path, container_words);
    return error_set(err, -rc, "cannot mount on %s: %s", path, strerror(-rc));
}

static int note_device(struct attach *attach, struct error *err)
{
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    int rc = mounts_find(attach->path, &entry, err);
    if (rc == 1 && strcmp(entry.type, MOUNTS_TYPE) == 0) {
        attach->major = entry.major;
        attach->minor = entry.minor;
        return 0;
    }
    return rc < 0 ? rc
                  : error_set(err, EIO, "%s: mounted, but not found in the list of mounts", attach->path);
}

int attach_mount(const struct attach_options *options, struct attach *ret, struct error *err)
{
    CLEANUP_FREE char *path = NULL;
    int rc = mounts_resolve(options->mountpoint, &path, err);
    if (rc == 0)
        rc = check_free(path, err);
    if (rc < 0)
        return rc;
    int fd = -1;
    rc = mount_directly(options, path, &fd);
    if (rc == -EPERM || rc == -EACCES) {
        rc = mount_with_helper(options, path, &fd, err);
        if (rc < 0)
            return rc;
    } else if (rc < 0) {
        return refuse(path, rc, err);
    }
    struct attach attach = {.fd = fd, .path = STEAL(path)};
    rc = note_device(&attach, err);
    if (rc < 0) {
        unmount_path(attach.path, true, NULL);
        close(fd);
        attach_done(&attach);
        return rc;
    }
    *ret = attach;
    return 0;
}

void attach_unmount(struct attach *attach)
{
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    if (!attach->path || mounts_find(attach->path, &entry, NULL) != 1)
        return;
    if (entry.major == attach->major && entry.minor == attach->minor)
        unmount_path(attach->path, true, NULL);
}

void attach_done(struct attach *attach)
{
    free(attach->path);
    attach->path = NULL;
}
