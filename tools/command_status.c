// SPDX-License-Identifier: Apache-2.0
/* What a mount tells in .elidefs/stats, in a person's words; and what of it makes reads slow. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/file.h"
#include "cache/base/json.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"counters", 0, NULL, false, "print every counter of the mount as it is"},
    {"json", 0, NULL, false, "print each mount as a line of JSON, with every counter"},
    {NULL, 0, NULL, false, NULL},
};

enum { STATS_BYTES_MAX = 1 << 20, MANY_RETRIES_PERCENT = 5 };

/* ---- stats: lines "name value" ---- */

/* The value of a line, as long as *ret_len; NULL if there is none. */
static const char *stat_text(const char *stats, const char *name, size_t *ret_len)
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

static unsigned long long stat_number(const char *stats, const char *name)
{
    size_t len;
    const char *text = stat_text(stats, name, &len);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void print_json(const struct mount_entry *mount, const char *stats)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    buf_text_append(&line, "{\"mountpoint\":");
    json_write_text(&line, mount->mountpoint, strlen(mount->mountpoint));
    buf_text_append(&line, ",\"dataset\":");
    json_write_text(&line, mount->url, strlen(mount->url));
    for (const char *at = stats; *at;) {
        size_t len = strcspn(at, "\n"), name = strcspn(at, " \n");
        if (name < len && (name != strlen("dataset") || strncmp(at, "dataset", name) != 0)) { /* said above */
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

/* ---- for people ---- */

static void print_bytes(const char *stats, const char *name)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)stat_number(stats, name);
    size_t unit = 0;
    for (; size >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        size /= 1024;
    printf(unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

static void print_cache(const char *stats)
{
    size_t len = 0;
    const char *folder = stat_text(stats, "cache_folder", &len);
    fputs("  cache    ", stdout);
    print_bytes(stats, "cache_bytes_on_disk");
    printf(" in %s in %.*s; ", COUNT(stat_number(stats, "cache_files_on_disk"), "file"), (int)len,
           folder ? folder : "");
    print_bytes(stats, "cache_bytes_read");
    fputs(" were read, ", stdout);
    print_bytes(stats, "cache_bytes_fetched");
    puts(" fetched");
}

static void print_store(const char *stats)
{
    printf("  store    %s, ", COUNT(stat_number(stats, "store_requests"), "request"));
    print_bytes(stats, "store_bytes_received");
    printf(" received, %llu sent again\n", stat_number(stats, "store_retries"));
}

/* A line with the text of a statistic, if it is there. */
static void warn(const char *stats, const char *name, const char *what)
{
    size_t len;
    const char *text = stat_text(stats, name, &len);
    if (text)
        printf("  slow:    %s: %.*s\n", what, (int)len, text);
}

static void print_reasons(const char *stats)
{
    unsigned long long requests = stat_number(stats, "store_requests"),
                       retries = stat_number(stats, "store_retries"),
                       fetched = stat_number(stats, "cache_bytes_fetched"),
                       evicted = stat_number(stats, "cache_evicted_bytes");
    warn(stats, "cache_disk_reason", "nothing is kept in the cache, every read asks the store");
    warn(stats, "cache_warning", "the cache's disk");
    if (retries && retries * 100 >= requests * MANY_RETRIES_PERCENT)
        printf("  slow:    the store or the network fails: %llu of %llu requests had to be sent again\n",
               retries, requests);
    if (evicted && evicted >= fetched / 2)
        puts("  slow:    the cache is too small for what is read: most of what it fetched it had to drop "
             "(--cache-size)");
    if (!stat_number(stats, "passthrough"))
        puts("  note:    cached clips are not handed to the kernel (that needs root and Linux 6.9): reads "
             "cost "
             "more CPU");
}

static void print_person(const struct mount_entry *mount, const char *stats)
{
    size_t len;
    const char *error = stat_text(stats, "error", &len);
    printf("%s on %s\n", mount->url, mount->mountpoint);
    if (error) {
        printf("  error    %.*s\n", (int)len, error);
        return;
    }
    printf("  version  v%llu is the newest\n", stat_number(stats, "newest_version"));
    print_cache(stats);
    print_store(stats);
    if (stat_number(stats, "errors"))
        printf("  errors   %llu; %s/.elidefs/errors tells yours\n", stat_number(stats, "errors"),
               mount->mountpoint);
    print_reasons(stats);
}

static void print(const struct arguments *arguments, const struct mount_entry *mount, const char *stats)
{
    if (arguments_flag(arguments, "json"))
        print_json(mount, stats);
    else if (arguments_flag(arguments, "counters"))
        printf("%s on %s\n%s\n", mount->url, mount->mountpoint, stats);
    else
        print_person(mount, stats);
}

static int print_mount(const struct arguments *arguments, const struct mount_entry *mount, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/.elidefs/stats", mount->mountpoint);
    CLEANUP_BUF struct buf stats = BUF_INIT;
    int rc = file_read(path, STATS_BYTES_MAX, &stats, err);
    if (rc)
        return rc;
    while (stats.len && stats.data[stats.len - 1] == '\n') /* the padding */
        stats.data[--stats.len] = 0;
    print(arguments, mount, buf_text(&stats));
    return 0;
}

/* One mount of many may belong to somebody else or end just now: that hides no other. */
static void print_any(const struct arguments *arguments, const struct mount_entry *mount)
{
    struct error err = {0};
    if (!print_mount(arguments, mount, &err))
        return;
    CLEANUP_FREE char *reason = mem_printf("error %s", err.text);
    print(arguments, mount, reason);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    int rc = mount_list_read(&mounts, err);
    if (rc)
        return rc;
    if (arguments->count) {
        CLEANUP_FREE char *rest = NULL;
        const struct mount_entry *mount = mount_list_find(&mounts, arguments->positional[0], &rest);
        if (!mount)
            return error_set(err, ENOENT, "%s: no data set is mounted there", arguments->positional[0]);
        return print_mount(arguments, mount, err);
    }
    if (!mounts.count)
        fputs("no data set is mounted\n", stderr);
    for (size_t i = 0; i < mounts.count; i++)
        print_any(arguments, &mounts.entries[i]);
    return 0;
}

const struct command command_status = {
    .name = "status",
    .synopsis = "[MOUNTPOINT] [OPTION]...",
    .summary = "lists what is mounted, and how its cache and store are doing",
    .description =
        "Prints each mounted data set: its newest version, what the cache holds, what was asked of the "
        "store, and "
        "what makes reads slow: a failing or small cache, a store that fails, a kernel without passthrough.",
    .options = options,
    .least = 0,
    .most = 1,
    .run = run,
};
