// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/json.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, false, "print each mount as a line of JSON"},
    {NULL, 0, NULL, false, NULL},
};

enum { STATS_BYTES_MAX = 1 << 20 };

static void print_json(const struct mount_entry *mount, const char *stats)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    buf_text_append(&line, "{\"mountpoint\":");
    json_write_text(&line, mount->mountpoint, strlen(mount->mountpoint));
    buf_text_append(&line, ",\"dataset\":");
    json_write_text(&line, mount->url, strlen(mount->url));
    for (const char *at = stats; *at;) { /* lines "name value" */
        size_t len = strcspn(at, "\n"), name = strcspn(at, " \n");
        if (name < len) {
            buf_u8(&line, ',');
            json_write_text(&line, at, name);
            buf_u8(&line, ':');
            json_write_text(&line, at + name + 1, len - name - 1);
        }
        at += len + (at[len] == '\n');
    }
    buf_u8(&line, '}');
    puts(buf_text(&line));
}

static void print(const struct mount_entry *mount, bool json, const char *stats)
{
    if (json)
        print_json(mount, stats);
    else
        printf("%s on %s\n%s\n", mount->url, mount->mountpoint, stats);
}

static int print_mount(const struct mount_entry *mount, bool json, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/.elidefs/stats", mount->mountpoint);
    CLEANUP_BUF struct buf stats = BUF_INIT;
    int rc = file_read(path, STATS_BYTES_MAX, &stats, err);
    if (rc)
        return rc;
    while (stats.len && stats.data[stats.len - 1] == '\n') /* the padding */
        stats.data[--stats.len] = 0;
    print(mount, json, buf_text(&stats));
    return 0;
}

/* One mount of many may belong to somebody else or end just now: that hides no other. */
static void print_any(const struct mount_entry *mount, bool json)
{
    struct error err = {0};
    if (!print_mount(mount, json, &err))
        return;
    CLEANUP_FREE char *reason = mem_printf("error %s", err.text);
    print(mount, json, reason);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    int rc = mount_list_read(&mounts, err);
    bool json = arguments_flag(arguments, "json");
    if (rc)
        return rc;
    if (arguments->count) {
        CLEANUP_FREE char *rest = NULL;
        const struct mount_entry *mount = mount_list_find(&mounts, arguments->positional[0], &rest);
        if (!mount)
            return error_set(err, ENOENT, "%s: no data set is mounted there", arguments->positional[0]);
        return print_mount(mount, json, err);
    }
    if (!mounts.count)
        fputs("no data set is mounted\n", stderr);
    for (size_t i = 0; i < mounts.count; i++)
        print_any(&mounts.entries[i], json);
    return 0;
}

const struct command command_status = {
    .name = "status",
    .synopsis = "[MOUNTPOINT] [OPTION]...",
    .summary = "lists what is mounted, and how its cache and store are doing",
    .description = "Prints each mounted data set with its counters: versions, requests and bytes asked of "
                   "the store, what the "
                   "cache holds, and whether the disk failed.",
    .options = options,
    .least = 0,
    .most = 1,
    .run = run,
};
