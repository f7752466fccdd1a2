// SPDX-License-Identifier: Apache-2.0
/*
 * Mounts a data set, as the tools do but with this folder's library only.
 *
 *     mount_dataset SET MOUNTPOINT CACHE [foreground] [passthrough] [opens=0|1|2] [poll=MS] [umask=OCTAL]
 * [threads=N] [allow_other] [uid=N] mount_dataset --unmount MOUNTPOINT
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/guard.h"
#include "fs/mount.h"

static struct error err;
static _Atomic(struct fs *) mounted;

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, err.text);
    exit(1);
}

static void on_signal(int signal)
{
    struct fs *fs = atomic_load(&mounted);
    if (fs)
        fs_stop(fs);
}

static void serve(struct stores *stores, struct dataset *dataset, struct cache *cache,
                  const struct fs_options *options, int ready_fd, int foreground)
{
    struct fs *fs;
    check(fs_mount(dataset, cache, options, &fs, &err), "mount");
    atomic_store(&mounted, fs);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    guard_ready(ready_fd, foreground);
    int rc = fs_run(fs, &err);
    atomic_store(&mounted, NULL);
    stores_stop(stores);
    fs_free(fs);
    check(rc, "run");
}

static bool parse(char **args, int count, struct fs_options *options)
{
    bool foreground = false;
    unsigned opens = FS_OPENS_AUTO;
    for (int i = 0; i < count; i++) {
        foreground = foreground || strcmp(args[i], "foreground") == 0;
        options->passthrough = options->passthrough || strcmp(args[i], "passthrough") == 0;
        options->allow_other = options->allow_other || strcmp(args[i], "allow_other") == 0;
        sscanf(args[i], "uid=%u", &options->uid);
        sscanf(args[i], "opens=%u", &opens);
        sscanf(args[i], "poll=%u", &options->poll_ms);
        sscanf(args[i], "umask=%o", &options->umask);
        sscanf(args[i], "threads=%u", &options->threads);
    }
    options->opens = opens;
    return foreground;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--unmount") == 0) {
        check(fs_unmount(argv[2], &err), "unmount");
        return 0;
    }
    if (argc < 4) {
        fprintf(stderr, "usage: see the source\n");
        return 2;
    }
    struct fs_options options = {.mountpoint = argv[2], .uid = (uid_t)-1, .gid = (gid_t)-1};
    int foreground = parse(argv + 4, argc - 4, &options), ready_fd;
    check(guard_fork(argv[2], foreground, &ready_fd, &err), "guard");
    struct stores *stores;
    struct cache *cache;
    struct dataset *dataset;
    check(stores_new(&(struct stores_options){0}, &stores, &err), "stores");
    check(cache_new(&(struct cache_options){.folder = argv[3]}, &cache, &err), "cache");
    check(dataset_open(&(struct dataset_options){.stores = stores, .cache = cache}, argv[1], &dataset, &err),
          "open");
    serve(stores, dataset, cache, &options, ready_fd, foreground);
    dataset_free(dataset);
    cache_free(cache);
    stores_free(stores);
    return 0;
}
