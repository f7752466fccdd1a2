// SPDX-License-Identifier: Apache-2.0
/* Links of /proc are compared by their text: following them would ask the mount's daemon. */
#include "fs/users.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/file.h"

enum { USERS_MAX = 5, COMM_MAX_BYTES = 64 };

static bool link_is_below(const char *link, const char *mountpoint)
{
    char target[PATH_MAX];
    ssize_t n = readlink(link, target, sizeof target - 1);
    size_t len = strlen(mountpoint);
    return n >= (ssize_t)len && memcmp(target, mountpoint, len) == 0 &&
           (n == (ssize_t)len || target[len] == '/');
}

static bool has_open_file(const char *process, const char *mountpoint)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR *dir = opendir(path);
    bool found = false;
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        snprintf(path, sizeof path, "/proc/%s/fd/%s", process, entry->d_name);
        found = link_is_below(path, mountpoint);
    }
    if (dir)
        closedir(dir);
    return found;
}

/* Mapped files keep a mount busy with no descriptor open. */
static bool has_mapping(const char *process, unsigned major, unsigned minor)
{
    char path[PATH_MAX], device[32], line[PATH_MAX + 128];
    snprintf(path, sizeof path, "/proc/%s/maps", process);
    snprintf(device, sizeof device, " %02x:%02x ", major, minor);
    FILE *file = fopen(path, "re");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = strstr(line, device) != NULL;
    if (file)
        fclose(file);
    return found;
}

static bool uses(const char *process, const char *mountpoint, unsigned major, unsigned minor)
{
    char cwd[PATH_MAX], root[PATH_MAX];
    snprintf(cwd, sizeof cwd, "/proc/%s/cwd", process);
    snprintf(root, sizeof root, "/proc/%s/root", process);
    return link_is_below(cwd, mountpoint) || link_is_below(root, mountpoint) ||
           has_open_file(process, mountpoint) || has_mapping(process, major, minor);
}

static void append_name(const char *process, struct buf *buf)
{
    CLEANUP_BUF struct buf comm = BUF_INIT;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%s/comm", process);
    file_read(path, COMM_MAX_BYTES, &comm, NULL);
    int len = (int)strcspn(buf_text(&comm), "\n");
    buf_printf(buf, "%s%.*s (pid %s)", buf->len ? ", " : "", len, buf_text(&comm), process);
}

void users_append(const char *mountpoint, unsigned major, unsigned minor, struct buf *buf)
{
    DIR *proc = opendir("/proc");
    int found = 0;
    for (struct dirent *entry; proc && found < USERS_MAX && (entry = readdir(proc));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == getpid() ||
            !uses(entry->d_name, mountpoint, major, minor))
            continue;
        append_name(entry->d_name, buf);
        found++;
    }
    if (proc)
        closedir(proc);
}
