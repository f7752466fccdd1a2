// SPDX-License-Identifier: Apache-2.0
/*
 * For a path on a mount the mount's own cache folder is filled, beside the daemon: what one process has
 * written there the others find. The work is tools/prefetch.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "tools/commands.h"
#include "tools/mount_stats.h"
#include "tools/prefetch.h"

enum { JOBS = 8, EXIT_SIGNAL = 128 };

static const struct option_spec options[] = {
    {"jobs", 'j', "N", false, "fetch so many streams at a time (default: 8)"},
    {"bytes", 0, "SIZE", false, "end before more than this was fetched, such as 50G"},
    {NULL, 0, NULL, false, NULL},
};

/* SIGINT and SIGTERM are taken by a thread of their own, so that they also end what waits for the network. */
struct interruptible {
    struct session_place at;
    _Atomic(struct stores *) stores;
    _Atomic(struct cache *) cache;
    atomic_bool interrupted, ended;
    int number; /* of the signal */
};

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static void *wait_for_signal(void *ctx)
{
    struct interruptible *all = ctx;
    sigset_t set;
    ending_signals(&set);
    sigwait(&set, &all->number);
    if (atomic_load(&all->ended))
        return NULL;
    atomic_store(&all->interrupted, true);
    struct cache *cache = atomic_load(&all->cache);
    struct stores *stores = atomic_load(&all->stores);
    if (cache)
        cache_stop(cache);
    if (stores)
        stores_stop(stores);
    return NULL;
}

/* ---- what was typed ---- */

static int take_options(const struct arguments *arguments, struct prefetch_options *ret, struct error *err)
{
    const char *jobs = arguments_text(arguments, "jobs"), *bytes = arguments_text(arguments, "bytes");
    unsigned long long size = UINT64_MAX;
    unsigned long count = JOBS;
    char *end = NULL;
    if (jobs) {
        count = strtoul(jobs, &end, 10);
        if (*jobs < '0' || *jobs > '9' || *end || !count || count > PREFETCH_JOBS_MAX)
            return error_set(err, EINVAL, "--jobs '%s': expected a number from 1 to %d", jobs,
                             PREFETCH_JOBS_MAX);
    }
    int rc = bytes ? arguments_size("bytes", bytes, &size, err) : 0;
    if (rc)
        return rc;
    ret->jobs = (unsigned)count;
    ret->bytes = size;
    return 0;
}

/* Where the mount that the one path lies in keeps its bytes. */
static int take_mount_cache(const struct arguments *arguments, struct session *session, struct error *err)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    CLEANUP_FREE char *rest = NULL;
    CLEANUP_BUF struct buf stats = BUF_INIT;
    if (arguments->count > 1 || arguments_text(arguments, "cache"))
        return 0;
    int rc = mount_list_read(&mounts, err);
    const struct mount_entry *mount = rc ? NULL : mount_list_find(&mounts, arguments->positional[0], &rest);
    if (!rc && mount)
        rc = mount_stats_read(mount, &stats, err);
    if (rc || !mount)
        return rc;
    size_t len = 0;
    const char *folder = mount_stats_text(buf_text(&stats), "cache_folder", &len);
    if (folder)
        session->cache_folder = mem_printf("%.*s", (int)len, folder);
    session->cache_size = mount_stats_number(buf_text(&stats), "cache_limit_bytes");
    return 0;
}

/* ---- what came of it ---- */

static void tell_end(const struct prefetch_told *told, struct session *session)
{
    struct cache_stats stats;
    cache_stats(session->cache, &stats);
    switch (told->end) {
    case PREFETCH_WHOLE:
        break;
    case PREFETCH_BYTES:
        fputs("note: ended, the next stream would be more than --bytes\n", stderr);
        break;
    case PREFETCH_CACHE_SIZE:
        fprintf(stderr,
                "note: ended, the cache %s takes %" PRIu64 " bytes and would drop what was fetched here: all "
                "streams are %" PRIu64 " bytes (--cache-size)\n",
                cache_folder(session->cache), stats.limit_bytes, told->bytes_all);
        break;
    case PREFETCH_DISK_SPACE:
        fprintf(stderr, "note: ended, the disk of the cache %s is nearly full\n",
                cache_folder(session->cache));
        break;
    case PREFETCH_INTERRUPTED:
        fputs("note: interrupted; the same command goes on from here\n", stderr);
        break;
    }
    if (told->in_use)
        fprintf(stderr, "note: %s not fetched: another process has them open, and keeps what it reads\n",
                COUNT(told->in_use, "stream"));
}

static void tell(const struct prefetch_told *told, struct session *session)
{
    tell_end(told, session);
    printf("%" PRIu64 " of %s whole in the cache: %s fetched in %s, %s here before\n", told->clips,
           COUNT(told->clips_all, "clip"), COUNT(told->fetched, "byte"), COUNT(told->requests, "request"),
           COUNT(told->here, "byte"));
}

static int prefetch(const struct arguments *arguments, struct interruptible *all,
                    struct prefetch_options *wanted, struct error *err)
{
    struct session *session = &all->at.session;
    struct prefetch_told told = {0};
    int rc = session_open_stores(arguments, session, err);
    atomic_store(&all->stores, session->stores);
    if (!rc)
        rc = session_open_path(arguments, session, err);
    atomic_store(&all->cache, session->cache);
    if (!rc)
        rc = session_resolve(&all->at, err);
    if (rc)
        return rc;
    wanted->interrupted = &all->interrupted;
    rc = prefetch_place(&all->at, wanted, &told, err);
    if (!rc || told.fetched)
        tell(&told, session);
    return rc ? rc : told.clips == told.clips_all ? EXIT_DONE : EXIT_PARTLY;
}

static int run(const struct arguments *arguments, struct error *err)
{
    struct interruptible all = {0};
    struct prefetch_options wanted = {0};
    sigset_t set;
    pthread_t waiter;
    int rc = take_options(arguments, &wanted, err);
    if (!rc)
        rc = take_mount_cache(arguments, &all.at.session, err);
    ending_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int failed = rc ? 0 : pthread_create(&waiter, NULL, wait_for_signal, &all);
    if (rc || failed) {
        session_close_place(&all.at);
        return rc ? rc : error_set(err, failed, "cannot start a thread: %s", strerror(failed));
    }
    rc = prefetch(arguments, &all, &wanted, err);
    atomic_store(&all.ended, true);
    pthread_kill(waiter, SIGINT);
    pthread_join(waiter, NULL);
    session_close_place(&all.at);
    return atomic_load(&all.interrupted) ? EXIT_SIGNAL + all.number : rc;
}

static const struct command_example examples[] = {
    {"elidefs prefetch /mnt/kitchen/v12/outcome=fail",
     "The clips of a path on a mount, into the mount's cache"},
    {"elidefs prefetch s3://lab-data/kitchen v12/@head=1000 --bytes 50G",
     "Before a mount is there, and at most so much"},
    {NULL, NULL},
};

const struct command command_prefetch = {
    .name = "prefetch",
    .synopsis = "DATASET PATH [OPTION]...",
    .summary = "fetches the clips of a path into the cache",
    .description =
        "Fetches all streams of the clips that PATH means into the cache, in the order of the path: reads of "
        "them then ask the store nothing. Given a path inside a mount, the cache is the mount's; else it is "
        "the one that a mount with the same options would use. What is there already is not fetched again, "
        "so "
        "a command that was interrupted goes on where it was.\n\n"
        "It ends before the cache would drop what was fetched here (four fifths of its size), before --bytes "
        "are exceeded, and when the disk is nearly full, and says so. At the end it prints how many clips "
        "are "
        "whole in the cache, the bytes fetched, the requests that took, and the bytes that were here before. "
        "Exit status: 0 if all clips are whole, 3 if not all, 1 if something failed, 128 and the number of "
        "the signal if interrupted.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
