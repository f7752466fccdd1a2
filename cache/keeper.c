// SPDX-License-Identifier: Apache-2.0
/* Eviction is by whole files: a clip that is half here still costs a request. A file in use is passed over:
 * the table says so for this process, the lock on the side file for others. */
#include "cache/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "cache/base/instant.h"
#include "cache/disk.h"
#include "cache/kept.h"
#include "cache/notes.h"
#include "cache/scan.h"
#include "cache/sieve.h"
#include "cache/table.h"

#define SIZE_DEFAULT_MAX  (UINT64_C(50) << 30)
#define RESCAN_NS         (INT64_C(600) * 1000000000)
#define SPACE_CHECK_BYTES (UINT64_C(64) << 20)

enum {
    KEEP_FREE_PERCENT = 10,
    FREE_SHARE = 5,
    HIGH_PERCENT = 90,
    LOW_PERCENT = CACHE_EVICT_TO_PERCENT,
    TICK_S = 1,
    RETRIES = 256
};

struct keeper {
    struct cache *cache;
    uint64_t size_wanted; /* 0: computed from the free space */
    unsigned keep_free_percent;
    pthread_t thread;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* guards what follows */
    struct sieve sieve;
    uint64_t limit, evicted, unchecked_bytes;
    uint64_t promised; /* being written */
    uint32_t scan_number;
    bool scanned, low_space, ending, awake;
};

/* ---- space ---- */

static void check_space(struct keeper *keeper)
{
    uint64_t free_bytes, total;
    if (folder_space(keeper->cache->folder, &free_bytes, &total))
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->unchecked_bytes = 0;
    keeper->low_space = free_bytes < total / 100 * keeper->keep_free_percent;
    uint64_t share = (free_bytes + keeper->sieve.bytes) / FREE_SHARE;
    if (!keeper->size_wanted)
        keeper->limit = share < SIZE_DEFAULT_MAX ? share : SIZE_DEFAULT_MAX;
    pthread_mutex_unlock(&keeper->lock);
}

static void wake_locked(struct keeper *keeper)
{
    keeper->awake = true;
    pthread_cond_signal(&keeper->wake);
}

static int room_locked(struct keeper *keeper, uint64_t bytes)
{
    bool full = keeper->sieve.bytes + keeper->promised + bytes > keeper->limit;
    bool low = keeper->low_space;
    if (full || low)
        wake_locked(keeper);
    return full ? -EDQUOT : low ? -ENOSPC : 0;
}

int keeper_room(struct keeper *keeper, uint64_t bytes)
{
    pthread_mutex_lock(&keeper->lock);
    int rc = room_locked(keeper, bytes);
    pthread_mutex_unlock(&keeper->lock);
    return rc;
}

/* ---- what is on disk ---- */

unsigned keeper_opened(struct keeper *keeper, const uint8_t key[SHA256_BYTES], uint64_t bytes)
{
    bool is_new;
    pthread_mutex_lock(&keeper->lock);
    struct sieve_file *file = sieve_file(&keeper->sieve, key, &is_new);
    file->touched = !is_new;
    file->opens += file->opens < UINT8_MAX;
    file->seen = keeper->scan_number;
    if (bytes) {
        sieve_resize(&keeper->sieve, file, bytes);
        file->counted = keeper->scan_number;
    }
    unsigned opens = file->opens;
    pthread_mutex_unlock(&keeper->lock);
    return opens;
}

int keeper_write_begins(struct keeper *keeper, const uint8_t key[SHA256_BYTES], uint64_t bytes)
{
    bool is_new;
    pthread_mutex_lock(&keeper->lock);
    int rc = room_locked(keeper, bytes);
    if (!rc) {
        struct sieve_file *file = sieve_file(&keeper->sieve, key, &is_new);
        file->seen = keeper->scan_number;
        file->writes++;
        keeper->promised += bytes;
    }
    pthread_mutex_unlock(&keeper->lock);
    return rc;
}

void keeper_write_ended(struct keeper *keeper, const uint8_t key[SHA256_BYTES], uint64_t bytes, int rc)
{
    bool is_new;
    pthread_mutex_lock(&keeper->lock);
    struct sieve_file *file = sieve_file(&keeper->sieve, key, &is_new);
    file->writes--;
    keeper->promised -= bytes;
    if (!rc) {
        file->counted = keeper->scan_number;
        sieve_resize(&keeper->sieve, file, file->bytes + bytes);
        keeper->unchecked_bytes += bytes;
    }
    if (keeper->sieve.bytes > keeper->limit / 100 * HIGH_PERCENT ||
        keeper->unchecked_bytes > SPACE_CHECK_BYTES)
        wake_locked(keeper);
    pthread_mutex_unlock(&keeper->lock);
}

/* The scan looked at the file a while ago: what was written since is counted already, or will be. */
static void found(void *ctx, const struct scan_file *found_file)
{
    struct keeper *keeper = ctx;
    bool is_new;
    pthread_mutex_lock(&keeper->lock);
    struct sieve_file *file = sieve_file(&keeper->sieve, found_file->key, &is_new);
    file->seen = keeper->scan_number;
    if (!file->writes && file->counted != keeper->scan_number)
        sieve_resize(&keeper->sieve, file, found_file->bytes);
    pthread_mutex_unlock(&keeper->lock);
}

/* Forgets what another process has removed. Files opened or written since the scan began were marked
 * as seen. */
static void forget_unseen(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    for (struct sieve_file *file = keeper->sieve.oldest, *newer; file; file = newer) {
        newer = file->newer;
        if (file->seen != keeper->scan_number && !file->writes)
            sieve_remove(&keeper->sieve, file);
    }
    keeper->scanned = true;
    pthread_mutex_unlock(&keeper->lock);
}

static void rescan(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->scan_number++;
    pthread_mutex_unlock(&keeper->lock);
    if (!scan_folder(keeper->cache->folder, &keeper->cache->stopping, found, keeper))
        forget_unseen(keeper);
    notes_prune(keeper->cache->folder);
}

/* ---- eviction ---- */

static bool over(struct keeper *keeper, unsigned percent)
{
    pthread_mutex_lock(&keeper->lock);
    bool over = keeper->low_space || keeper->sieve.bytes > keeper->limit / 100 * percent;
    pthread_mutex_unlock(&keeper->lock);
    return over;
}

/* Removes the file that SIEVE offers; false if it is in use. */
static bool evict(struct keeper *keeper, const uint8_t key[SHA256_BYTES])
{
    struct cache *cache = keeper->cache;
    int rc = -EBUSY;
    if (table_claim(cache->table, key)) {
        rc = disk_remove(cache->folder, key);
        table_end_claim(cache->table, key, NULL);
    }
    bool is_new;
    pthread_mutex_lock(&keeper->lock);
    struct sieve_file *file = sieve_file(&keeper->sieve, key, &is_new);
    if (rc) {
        file->touched = true;
    } else {
        keeper->evicted += file->bytes;
        sieve_remove(&keeper->sieve, file);
    }
    pthread_mutex_unlock(&keeper->lock);
    return !rc;
}

static void evict_some(struct keeper *keeper)
{
    if (!over(keeper, HIGH_PERCENT))
        return;
    size_t passed = 0;
    while (over(keeper, LOW_PERCENT) && !atomic_load(&keeper->cache->stopping)) {
        uint8_t key[SHA256_BYTES];
        pthread_mutex_lock(&keeper->lock);
        struct sieve_file *file = sieve_next(&keeper->sieve);
        if (file)
            memcpy(key, file->node.key, sizeof key);
        bool full = keeper->sieve.bytes >= keeper->limit;
        bool all_passed = passed >= 2 * keeper->sieve.files.count; /* each was spared once and in use once */
        pthread_mutex_unlock(&keeper->lock);
        if (!file || all_passed) {
            if (full)
                health_bad(&keeper->cache->health, "all files of the cache are in use", -EDQUOT);
            return;
        }
        passed = evict(keeper, key) ? 0 : passed + 1;
        check_space(keeper);
    }
}

/* ---- the thread ---- */

static void sleep_a_tick(struct keeper *keeper)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TICK_S;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->awake && !keeper->ending &&
           pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until) != ETIMEDOUT)
        ;
    keeper->awake = false;
    pthread_mutex_unlock(&keeper->lock);
}

static void *keep(void *ctx)
{
    struct keeper *keeper = ctx;
    int64_t next_scan = 0;
    for (;;) {
        pthread_mutex_lock(&keeper->lock);
        bool ending = keeper->ending;
        pthread_mutex_unlock(&keeper->lock);
        if (ending)
            return NULL;
        if (clock_now_ns() >= next_scan) {
            rescan(keeper);
            next_scan = clock_now_ns() + RESCAN_NS;
        }
        check_space(keeper);
        evict_some(keeper);
        kept_retry(keeper->cache->kept, RETRIES);
        sleep_a_tick(keeper);
    }
}

int keeper_new(struct cache *cache, uint64_t size_bytes, unsigned keep_free_percent, struct keeper **ret,
               struct error *err)
{
    struct keeper *keeper = MEM_NEW(struct keeper);
    keeper->cache = cache;
    keeper->size_wanted = keeper->limit = size_bytes;
    keeper->keep_free_percent = keep_free_percent ? keep_free_percent : KEEP_FREE_PERCENT;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&keeper->lock, NULL);
    check_space(keeper);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&keeper->thread, NULL, keep, keeper);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        keeper_free(keeper);
        return error_set(err, rc, "cannot start a thread: %s", strerror(rc));
    }
    *ret = keeper;
    return 0;
}

void keeper_stop(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->ending = true;
    pthread_cond_broadcast(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
}

void keeper_free(struct keeper *keeper)
{
    if (!keeper)
        return;
    sieve_done(&keeper->sieve);
    pthread_cond_destroy(&keeper->wake);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

void keeper_stats(struct keeper *keeper, struct cache_stats *ret)
{
    pthread_mutex_lock(&keeper->lock);
    ret->bytes_on_disk = keeper->sieve.bytes;
    ret->files_on_disk = keeper->sieve.files.count;
    ret->evicted_bytes = keeper->evicted;
    ret->limit_bytes = keeper->limit;
    ret->full = keeper->limit && keeper->sieve.bytes + keeper->promised >= keeper->limit;
    ret->low_space = keeper->low_space;
    pthread_mutex_unlock(&keeper->lock);
}
