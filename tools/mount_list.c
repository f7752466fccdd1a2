// SPDX-License-Identifier: Apache-2.0
/*
 * Parses mountinfo; then walks a path component by component as the kernel would, but asks no mount for
 * anything.
 */
#include "tools/mount_list.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/buf.h"
#include "cache/base/file.h"
#include "cache/base/memory.h"

enum { LINKS_MAX = 40 }; /* as the kernel follows */

/* ---- mountinfo ---- */

/* mountinfo writes space, tab, newline and backslash as \ooo (proc(5)). */
static char *unescape(const char *text, size_t len)
{
    char *out = mem_copy(text, len), *to = out;
    for (const char *from = out, *end = out + len; from < end;) {
        if (*from == '\\' && end - from >= 4 && strspn(from + 1, "01234567") >= 3) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
    return out;
}

static const char *field(const char *line, int number)
{
    for (; number && line; number--) {
        line = strchr(line, ' ');
        line += line != NULL;
    }
    return line;
}

/* "rw,user_id=1000,group_id=1000,allow_other" */
static uid_t owner_of(const char *options)
{
    static const char name[] = "user_id=";
    const char *at = strstr(options, name);
    return at ? (uid_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

/* "36 35 98:0 /root /mount/point options ... - fstype source options" */
static void take_line(struct mount_list *list, const char *line)
{
    const char *point = field(line, 4), *dash = strstr(line, " - ");
    if (!point || !dash || strncmp(dash + 3, "fuse.elidefs ", 13))
        return;
    const char *source = dash + 16;
    mem_grow(&list->entries, &list->cap, list->count + 1, sizeof *list->entries);
    list->entries[list->count++] = (struct mount_entry){.mountpoint = unescape(point, strcspn(point, " ")),
                                                        .url = unescape(source, strcspn(source, " ")),
                                                        .owner = owner_of(source + strcspn(source, " "))};
}

int mount_list_read(struct mount_list *ret, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = file_read("/proc/self/mountinfo", 64 << 20, &text, err);
    if (rc)
        return rc;
    mount_list_parse(ret, buf_text(&text));
    return 0;
}

void mount_list_parse(struct mount_list *ret, const char *mountinfo)
{
    while (*mountinfo) {
        size_t len = strcspn(mountinfo, "\n");
        CLEANUP_FREE char *line = mem_copy(mountinfo, len);
        take_line(ret, line);
        mountinfo += len + (mountinfo[len] == '\n');
    }
}

void mount_list_done(struct mount_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].mountpoint);
        free(list->entries[i].url);
    }
    free(list->entries);
}

/* ---- where a path leads ---- */

static const struct mount_entry *innermost(const struct mount_list *list, const char *path)
{
    const struct mount_entry *best = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct mount_entry *entry = &list->entries[i];
        size_t len = strlen(entry->mountpoint);
        bool inside = !strncmp(path, entry->mountpoint, len) && (path[len] == '/' || !path[len]);
        if (inside && (!best || len >= strlen(best->mountpoint))) /* the last one lies on top */
            best = entry;
    }
    return best;
}

struct walk {
    const struct mount_list *list;
    struct buf at;  /* where it has come to: absolute, no link outside of a mount, "" at the top */
    char *left;     /* what is still to be walked; owned */
    unsigned links; /* followed */
};

static void go_up(struct walk *walk)
{
    const char *text = buf_text(&walk->at), *slash = strrchr(text, '/');
    buf_truncate(&walk->at, slash ? (size_t)(slash - text) : 0);
}

/* Puts the link's target in front of what is left. False: it is no link. */
static bool follow(struct walk *walk, const char *rest)
{
    char target[PATH_MAX];
    ssize_t len = readlink(buf_text(&walk->at), target, sizeof target - 1);
    if (len <= 0 || walk->links == LINKS_MAX)
        return false;
    target[len] = 0;
    char *left = mem_printf("%s/%s", target, rest);
    free(walk->left);
    walk->left = left;
    walk->links++;
    go_up(walk);
    if (*target == '/')
        buf_clear(&walk->at);
    return true;
}

static void walk_all(struct walk *walk)
{
    const char *at = walk->left;
    while (*(at += strspn(at, "/"))) {
        size_t len = strcspn(at, "/");
        const char *name = at;
        at += len;
        if (len == 1 && *name == '.')
            continue;
        if (len == 2 && !memcmp(name, "..", 2)) {
            go_up(walk);
            continue;
        }
        buf_u8(&walk->at, '/');
        buf_append(&walk->at, name, len);
        if (!innermost(walk->list, buf_text(&walk->at)) && follow(walk, at))
            at = walk->left;
    }
}

/* The shell's name of the current folder, which remembers the links that led there. */
static char *current_folder(void)
{
    const char *shell = getenv("PWD");
    struct stat here, there;
    if (shell && *shell == '/' && !stat(".", &here) && !stat(shell, &there) && here.st_dev == there.st_dev &&
        here.st_ino == there.st_ino)
        return mem_text(shell);
    char *folder = getcwd(NULL, 0);
    return folder ? folder : mem_text("");
}

const struct mount_entry *mount_list_find(const struct mount_list *list, const char *path, char **ret_rest)
{
    CLEANUP_FREE char *here = *path == '/' ? mem_text("") : current_folder();
    struct walk walk = {.list = list, .at = BUF_INIT, .left = mem_printf("%s/%s", here, path)};
    walk_all(&walk);
    const struct mount_entry *mount = innermost(list, buf_text(&walk.at));
    if (mount) {
        const char *rest = buf_text(&walk.at) + strlen(mount->mountpoint);
        *ret_rest = mem_text(rest + (*rest == '/'));
    }
    free(walk.left);
    buf_done(&walk.at);
    return mount;
}

int mount_list_refuse(const struct mount_list *list, const char *path, struct error *err)
{
    CLEANUP_BUF struct buf others = BUF_INIT;
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&others, "%s%s", i ? ", " : "; data sets are mounted on ", list->entries[i].mountpoint);
    return error_set(err, ENOENT, "%s: no data set is mounted there%s", path, buf_text(&others));
}
