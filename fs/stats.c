// SPDX-License-Identifier: Apache-2.0
/* Each part appends its own counters. */
#include "fs/stats.h"

#include "cache/base/instant.h"
#include "cache/cache.h"
#include "fs/inode.h"
#include "fs/passthrough.h"
#include "fs/refresh.h"
#include "index/roots/learnt.h"

static void line(struct buf *buf, const char *name, unsigned long long value)
{
    buf_printf(buf, "%s %llu\n", name, value);
}

static void append_cache(struct cache *cache, struct buf *buf)
{
    struct cache_stats stats;
    cache_stats(cache, &stats);
    line(buf, "cache_reads", stats.reads);
    line(buf, "cache_bytes_read", stats.bytes_read);
    line(buf, "cache_fetches", stats.fetches);
    line(buf, "cache_bytes_fetched", stats.bytes_fetched);
    line(buf, "cache_bytes_ahead", stats.bytes_ahead);
    line(buf, "cache_bytes_ahead_read", stats.bytes_ahead_read);
    line(buf, "cache_blocks_bad", stats.blocks_bad);
    line(buf, "cache_bytes_on_disk", stats.bytes_on_disk);
    line(buf, "cache_files_on_disk", stats.files_on_disk);
    line(buf, "cache_evicted_bytes", stats.evicted_bytes);
    line(buf, "cache_limit_bytes", stats.limit_bytes);
    line(buf, "cache_full", stats.full);
    line(buf, "cache_low_space", stats.low_space);
    line(buf, "cache_io_uring", stats.io_uring);
    line(buf, "cache_disk_failed", stats.disk_failed);
    if (stats.disk_failed)
        buf_printf(buf, "cache_disk_reason %s\n", stats.disk_reason);
    if (cache_warning(cache))
        buf_printf(buf, "cache_warning %s\n", cache_warning(cache));
}

static void append_store(const struct dataset *dataset, struct buf *buf)
{
    struct store_stats stats;
    dataset_store_stats(dataset, &stats);
    line(buf, "store_requests", stats.requests);
    line(buf, "store_retries", stats.retries);
    line(buf, "store_hedges", stats.hedges);
    line(buf, "store_errors", stats.errors);
    line(buf, "store_bytes_received", stats.bytes_received);
}

static void append_learnt(struct dataset *dataset, struct buf *buf)
{
    struct learnt_counts learnt;
    dataset_learnt(dataset, &learnt);
    line(buf, "recordings_found_again", learnt.objects);
    line(buf, "recordings_sampled", learnt.sampled);
}

static unsigned long long ms_since(int64_t ns)
{
    int64_t passed = clock_now_ns() - ns;
    return passed > 0 ? (unsigned long long)passed / 1000000 : 0;
}

static void append_answers(const struct dataset *dataset, struct buf *buf)
{
    struct store_answers answers;
    dataset_store_answers(dataset, &answers);
    line(buf, "store_answers", answers.count);
    line(buf, "store_answer_half_us", answers.half_us);
    line(buf, "store_answer_most_us", answers.most_us);
    line(buf, "store_fails", answers.bad_ns > answers.good_ns);
    if (answers.good_ns)
        line(buf, "store_answered_ms_ago", ms_since(answers.good_ns));
}

static void append_waits(struct fs *fs, struct buf *buf)
{
    int64_t longest_ns;
    line(buf, "requests_waiting", pendings_count(&fs->pendings, &longest_ns));
    line(buf, "longest_wait_ms", (unsigned long long)longest_ns / 1000000);
}

void stats_append(struct fs *fs, struct buf *buf)
{
    const struct fs_counters *counters = &fs->counters;
    buf_printf(buf, "dataset %s\n", dataset_url(fs->dataset));
    buf_printf(buf, "cache_folder %s\n", cache_folder(fs->cache));
    line(buf, "newest_version", dataset_head(fs->dataset));
    line(buf, "newest_readable_version", refresh_readable(fs->refresh));
    line(buf, "nodes", nodes_count(fs->nodes));
    line(buf, "lookups", atomic_load(&counters->lookups));
    line(buf, "opens", atomic_load(&counters->opens));
    line(buf, "opens_passed_through", atomic_load(&counters->opens_passed));
    line(buf, "noopen", atomic_load(&fs->noopen));
    line(buf, "inodes_idle", inodes_idle(fs->inodes));
    line(buf, "reads", atomic_load(&counters->reads));
    line(buf, "bytes_read", atomic_load(&counters->bytes_read));
    line(buf, "reports_made", atomic_load(&counters->reports_made));
    line(buf, "passthrough", passthrough_is_on(fs->passthrough));
    line(buf, "requests_that_waited", atomic_load(&counters->waited));
    line(buf, "errors", atomic_load(&counters->errors));
    append_cache(fs->cache, buf);
    append_store(fs->dataset, buf);
    append_learnt(fs->dataset, buf);
    append_answers(fs->dataset, buf);
    append_waits(fs, buf);
}
