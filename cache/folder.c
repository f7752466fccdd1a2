// SPDX-License-Identifier: Apache-2.0
/* The folder holds what may be private data, and whoever can write in it could choose what others read. So it
 * belongs to one user, and an existing one is never given another mode: it may be someone's /tmp. */
#include "cache/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/home.h"

/* Tells backup programs to skip the folder: https://bford.info/cachedir/ */
static const char tag_name[] = "CACHEDIR.TAG";
static const char tag_text[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                               "# Made by elidefs. Everything here can be fetched again.\n";
static const char side_suffix[] = ".blocks";
static const size_t key_hex_len = SHA256_HEX_BYTES - 1;

struct folder {
    char *path;
    int fd;
    const char *warning;
};

static char *default_path(void)
{
    const char *own = getenv("ELIDEFS_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    if (own && *own)
        return mem_text(own);
    if (xdg && *xdg == '/')
        return mem_printf("%s/elidefs", xdg);
    CLEANUP_FREE char *home = home_folder();
    return mem_printf("%s/.cache/elidefs", home ? home : "/var/cache");
}

static int check_owner(int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return error_set(err, errno, "cache folder %s: %s", path, strerror(errno));
    if (st.st_uid != geteuid())
        return error_set(err, EACCES, "cache folder %s belongs to user %u, not to you (%u)", path,
                         (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, EACCES, "cache folder %s may be written by others: chmod 700 it first", path);
    return 0;
}

static const char *warning_of(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs))
        return NULL;
    switch ((unsigned long)fs.f_type) {
    case TMPFS_MAGIC:
        return "the cache folder is in memory (tmpfs): it uses up RAM and is lost at the next boot";
    case NFS_SUPER_MAGIC:
        return "the cache folder is on NFS: cached reads cross the network";
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
        return "the cache folder is on an SMB share: cached reads cross the network";
    case FUSE_SUPER_MAGIC:
        return "the cache folder is on a FUSE file system: cached reads pass through a second daemon";
    default:
        return NULL;
    }
}

/* Best effort: a folder without the tag works as well. */
static void write_tag(int fd)
{
    CLEANUP_CLOSE int tag = openat(fd, tag_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (tag >= 0)
        file_write_all(tag, tag_text, sizeof tag_text - 1);
}

int folder_open(const char *path, struct folder **ret, struct error *err)
{
    CLEANUP_FREE char *wanted = path ? mem_text(path) : default_path();
    int rc = file_make_folders(wanted, 0700, err);
    if (rc)
        return error_within(err, rc, "cache folder");
    CLEANUP_CLOSE int fd = open(wanted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, errno, "cache folder %s: %s", wanted, strerror(errno));
    rc = check_owner(fd, wanted, err);
    if (rc)
        return rc;
    CLEANUP_FREE char *real = realpath(wanted, NULL); /* a daemon leaves the current folder */
    if (!real)
        return error_set(err, errno, "cache folder %s: %s", wanted, strerror(errno));
    write_tag(fd);
    struct folder *folder = MEM_NEW(struct folder);
    folder->warning = warning_of(fd);
    folder->path = STEAL(real);
    folder->fd = steal_fd(&fd);
    *ret = folder;
    return 0;
}

void folder_free(struct folder *folder)
{
    if (!folder)
        return;
    close(folder->fd);
    free(folder->path);
    free(folder);
}

const char *folder_path(const struct folder *folder)
{
    return folder->path;
}

int folder_fd(const struct folder *folder)
{
    return folder->fd;
}

const char *folder_warning(const struct folder *folder)
{
    return folder->warning;
}

int folder_space(const struct folder *folder, uint64_t *ret_free, uint64_t *ret_total)
{
    struct statvfs fs;
    if (fstatvfs(folder->fd, &fs))
        return -errno;
    *ret_free = (uint64_t)fs.f_bavail * fs.f_frsize;
    *ret_total = (uint64_t)fs.f_blocks * fs.f_frsize;
    return 0;
}

void folder_name(const uint8_t key[SHA256_BYTES], enum folder_file which, char ret[FOLDER_NAME_BYTES])
{
    hex_print(key, 1, ret);
    ret[2] = '/';
    hex_print(key + 1, 1, ret + 3);
    ret[5] = '/';
    hex_print(key, SHA256_BYTES, ret + 6);
    if (which == FOLDER_SIDE)
        memcpy(ret + 6 + key_hex_len, side_suffix, sizeof side_suffix);
}

int folder_key(const char *name, uint8_t ret_key[SHA256_BYTES], enum folder_file *ret_which)
{
    size_t len = strlen(name);
    if (len < key_hex_len || hex_parse(name, key_hex_len, ret_key, SHA256_BYTES))
        return -EINVAL;
    const char *suffix = name + key_hex_len;
    if (*suffix && strcmp(suffix, side_suffix) != 0)
        return -EINVAL;
    *ret_which = *suffix ? FOLDER_SIDE : FOLDER_DATA;
    return 0;
}

static int make_folders_of(const struct folder *folder, char *name)
{
    for (int slash = 2; slash <= 5; slash += 3) {
        name[slash] = 0;
        int rc = mkdirat(folder->fd, name, 0700) && errno != EEXIST ? -errno : 0;
        name[slash] = '/';
        if (rc)
            return rc;
    }
    return 0;
}

int folder_open_file(const struct folder *folder, const uint8_t key[SHA256_BYTES], enum folder_file which,
                     int create)
{
    char name[FOLDER_NAME_BYTES];
    folder_name(key, which, name);
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
    int fd = openat(folder->fd, name, flags, 0600);
    if (fd < 0 && errno == ENOENT && create) {
        int rc = make_folders_of(folder, name);
        if (rc)
            return rc;
        fd = openat(folder->fd, name, flags, 0600);
    }
    return fd < 0 ? -errno : fd;
}
