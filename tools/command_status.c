// SPDX-License-Identifier: Apache-2.0
/* What a mount tells in .elidefs/stats, in a person's words; and what of it makes reads slow. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/json.h"
#include "tools/commands.h"
#include "tools/mount_stats.h"

static const struct option_spec options[] = {
    {"counters", 0, NULL, false, "print every counter of the mount as it is"},
    {"json", 0, NULL, false, "print each mount as a line of JSON, with every counter"},
    {NULL, 0, NULL, false, NULL},
};

enum {
    MANY_RETRIES_PERCENT = 5,
    SLOW_ANSWER_US = 200000, /* a clip is some ten requests: two seconds before the first picture */
    LONG_WAIT_MS = 2000,
};

/* One mount, asked. */
struct shown {
    const struct mount_entry *mount;
    const char *stats; /* "" if it could not be */
    int rc;
    const struct error *err;
};

/* ---- for programs ---- */

static const char *state_of(int rc)
{
    return !rc                ? "serving"
           : rc == -ENOTCONN  ? "dead"
           : rc == -EACCES    ? "closed"
           : rc == -ETIMEDOUT ? "silent"
                              : "failed";
}

static void print_member(struct buf *line, const char *name, const char *text)
{
    buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", name);
    json_write_text(line, text, strlen(text));
}

/* A counter is a number, all else a text. */
static void print_counter(struct buf *line, const char *at, size_t name, size_t len)
{
    const char *value = at + name + 1;
    size_t value_len = len - name - 1;
    bool number = value_len && strspn(value, "0123456789") == value_len;
    buf_u8(line, ',');
    json_write_text(line, at, name);
    buf_u8(line, ':');
    if (number)
        buf_append(line, value, value_len);
    else
        json_write_text(line, value, value_len);
}

static void print_json(const struct shown *shown)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    CLEANUP_FREE char *owner = mount_stats_user(shown->mount->owner);
    buf_u8(&line, '{');
    print_member(&line, "mountpoint", shown->mount->mountpoint);
    print_member(&line, "dataset", shown->mount->url);
    print_member(&line, "owner", owner);
    print_member(&line, "state", state_of(shown->rc));
    if (shown->rc)
        print_member(&line, "error", shown->err->text);
    for (const char *at = shown->stats; *at;) {
        size_t len = strcspn(at, "\n"), name = strcspn(at, " \n");
        if (name < len && (name != strlen("dataset") || strncmp(at, "dataset", name) != 0)) /* said above */
            print_counter(&line, at, name, len);
        at += len + (at[len] == '\n');
    }
    buf_u8(&line, '}');
    puts(buf_text(&line));
}

/* ---- for people ---- */

static void print_bytes(const char *stats, const char *name)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)mount_stats_number(stats, name);
    size_t unit = 0;
    for (; size >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        size /= 1024;
    printf(unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

static void print_cache(const char *stats)
{
    size_t len = 0;
    const char *folder = mount_stats_text(stats, "cache_folder", &len);
    fputs("  cache    ", stdout);
    print_bytes(stats, "cache_bytes_on_disk");
    if (mount_stats_number(stats, "cache_limit_bytes")) {
        fputs(" of ", stdout);
        print_bytes(stats, "cache_limit_bytes");
    }
    printf(" in %s in %.*s; ", COUNT(mount_stats_number(stats, "cache_files_on_disk"), "file"), (int)len,
           folder ? folder : "");
    print_bytes(stats, "cache_bytes_read");
    fputs(" were read, ", stdout);
    print_bytes(stats, "cache_bytes_fetched");
    fputs(" fetched", stdout);
    if (mount_stats_number(stats, "cache_bytes_ahead")) {
        fputs(", of them ", stdout);
        print_bytes(stats, "cache_bytes_ahead");
        fputs(" ahead of any read (", stdout);
        print_bytes(stats, "cache_bytes_ahead_read");
        fputs(" were read later)", stdout);
    }
    puts("");
}

static void print_store(const char *stats)
{
    printf("  store    %s, ", COUNT(mount_stats_number(stats, "store_requests"), "request"));
    print_bytes(stats, "store_bytes_received");
    printf(" received, %llu sent again, %llu asked twice", mount_stats_number(stats, "store_retries"),
           mount_stats_number(stats, "store_hedges"));
    if (mount_stats_number(stats, "store_answers"))
        printf("; of the last %llu answers half came within %.0f ms, 99 %% within %.0f ms",
               mount_stats_number(stats, "store_answers"),
               (double)mount_stats_number(stats, "store_answer_half_us") / 1000,
               (double)mount_stats_number(stats, "store_answer_most_us") / 1000);
    puts("");
}

static void print_waits(const char *stats)
{
    unsigned long long waiting = mount_stats_number(stats, "requests_waiting");
    if (waiting)
        printf("  waiting  %llu reads and look-ups, the longest for %.1f s\n", waiting,
               (double)mount_stats_number(stats, "longest_wait_ms") / 1000);
}

/* A line with the text of a statistic, if it is there. */
static void warn(const char *stats, const char *name, const char *what)
{
    size_t len;
    const char *text = mount_stats_text(stats, name, &len);
    if (text)
        printf("  slow:    %s: %.*s\n", what, (int)len, text);
}

static void print_store_reasons(const char *stats)
{
    unsigned long long requests = mount_stats_number(stats, "store_requests"),
                       retries = mount_stats_number(stats, "store_retries"),
                       half_us = mount_stats_number(stats, "store_answer_half_us");
    size_t len;
    const char *ago = mount_stats_text(stats, "store_answered_ms_ago", &len);
    if (mount_stats_number(stats, "store_fails") && ago)
        printf("  slow:    the store does not answer or refuses; its last good answer came %.0f s ago\n",
               (double)mount_stats_number(stats, "store_answered_ms_ago") / 1000);
    else if (mount_stats_number(stats, "store_fails"))
        puts("  slow:    the store has not answered yet");
    else if (mount_stats_number(stats, "longest_wait_ms") >= LONG_WAIT_MS)
        puts("  slow:    reads wait for the store, and nothing comes");
    if (retries && retries * 100 >= requests * MANY_RETRIES_PERCENT)
        printf("  slow:    the store or the network fails: %llu of %llu requests had to be sent again\n",
               retries, requests);
    if (half_us >= SLOW_ANSWER_US)
        printf("  slow:    the store is far away or busy: half of its answers take %.0f ms and longer\n",
               (double)half_us / 1000);
}

static void print_cache_reasons(const char *stats)
{
    unsigned long long fetched = mount_stats_number(stats, "cache_bytes_fetched"),
                       evicted = mount_stats_number(stats, "cache_evicted_bytes");
    warn(stats, "cache_disk_reason", "nothing is kept in the cache, every read asks the store");
    warn(stats, "cache_warning", "the cache's disk");
    if (mount_stats_number(stats, "cache_low_space"))
        puts("  slow:    the cache's disk is nearly full: what is read is not kept");
    if (mount_stats_number(stats, "cache_full") || (evicted && evicted >= fetched / 2))
        puts("  slow:    the cache is too small for what is read: most of what it fetched it had to drop "
             "(--cache-size)");
    if (!mount_stats_number(stats, "passthrough"))
        puts("  note:    cached clips are not handed to the kernel (that needs root and Linux 6.9): reads "
             "cost "
             "more CPU");
}

/* Said here, since a mount has nobody to say it to when it happens. */
static void print_sampled(const char *stats)
{
    unsigned long long sampled = mount_stats_number(stats, "recordings_sampled");
    if (sampled)
        printf(
            "  note:    %s %s touched since the import (chmod, a link, a rename, or a forged time): headers "
            "and samples are the same, more is not known\n",
            COUNT(sampled, "recording"), sampled == 1 ? "was" : "were");
}

static void print_version(const char *stats)
{
    unsigned long long newest = mount_stats_number(stats, "newest_version"),
                       readable = mount_stats_number(stats, "newest_readable_version");
    printf("  version  v%llu is the newest\n", newest);
    if (readable != newest)
        printf(
            "  note:    v%llu cannot be read here (`elidefs log` tells why); v%llu is the newest that can\n",
            newest, readable);
}

static void print_person(const struct shown *shown)
{
    const char *stats = shown->stats;
    printf("%s on %s\n", shown->mount->url, shown->mount->mountpoint);
    if (shown->rc) {
        printf("  error    %s\n", shown->err->text);
        return;
    }
    print_version(stats);
    print_cache(stats);
    print_store(stats);
    print_waits(stats);
    if (mount_stats_number(stats, "errors"))
        printf("  errors   %llu; %s/.elidefs/errors tells yours\n", mount_stats_number(stats, "errors"),
               shown->mount->mountpoint);
    print_store_reasons(stats);
    print_cache_reasons(stats);
    print_sampled(stats);
}

static void print(const struct arguments *arguments, const struct shown *shown)
{
    if (arguments_flag(arguments, "json"))
        print_json(shown);
    else if (arguments_flag(arguments, "counters"))
        printf("%s on %s\n%s\n", shown->mount->url, shown->mount->mountpoint,
               shown->rc ? shown->err->text : shown->stats);
    else
        print_person(shown);
}

/* A mount that cannot be asked hides no other: what is wrong with it is printed. */
static int show(const struct arguments *arguments, const struct mount_entry *mount, struct error *err)
{
    CLEANUP_BUF struct buf stats = BUF_INIT;
    int rc = mount_stats_read(mount, &stats, err);
    struct shown shown = {mount, rc ? "" : buf_text(&stats), rc, err};
    print(arguments, &shown);
    return rc;
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
            return mount_list_refuse(&mounts, arguments->positional[0], err);
        return show(arguments, mount, err) ? EXIT_FAILED : EXIT_DONE;
    }
    if (!mounts.count)
        fputs("no data set is mounted\n", stderr);
    for (size_t i = 0; i < mounts.count; i++) {
        struct error why = {0};
        show(arguments, &mounts.entries[i], &why);
    }
    return EXIT_DONE;
}

static const struct command_example examples[] = {
    {"elidefs status", "What is mounted on this machine, and what makes reads slow"},
    {"elidefs status /mnt/kitchen --json", "One mount, for a program"},
    {NULL, NULL},
};

const struct command command_status = {
    .name = "status",
    .synopsis = "[MOUNTPOINT] [OPTION]...",
    .summary = "lists what is mounted, and how its cache and store are doing",
    .description =
        "Prints each mounted data set: its newest version, what the cache holds, what was asked of the store "
        "and "
        "how soon it answered, and what makes reads slow: a store that is far away, fails or does not "
        "answer, a "
        "cache that is too small or whose disk fails, a kernel without passthrough. A mount whose daemon has "
        "ended, and one of another user, are named as such. In JSON, `state` is `serving`, `dead`, `closed` "
        "(it "
        "belongs to another user, `owner`), `silent` or `failed`, and counters are numbers.",
    .options = options,
    .least = 0,
    .most = 1,
    .examples = examples,
    .run = run,
};
