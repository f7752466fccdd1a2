// SPDX-License-Identifier: Apache-2.0
/*
 * Writes the golden data set into a folder: golden_set FOLDER CACHE. The same program gives the same bytes:
 * ids count, time goes on by an hour a commit, nobody asks who runs it. The limits of a commit are small, so
 * that a few dozen clips fill every table (tests/catalog/everything.h).
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "index/commit/commit.h"
#include "tests/catalog/everything.h"

enum { CLIPS = 320 }; /* so that who has "half" takes a posting, and records a dictionary */
static struct apply_limits limits;

/* ---- in the place of what differs from run to run ---- */

int __real_apply(const struct apply_options *options, const struct changeset *set, struct apply_counts *ret,
                 struct error *err);
int __wrap_apply(const struct apply_options *options, const struct changeset *set, struct apply_counts *ret,
                 struct error *err);
int64_t __wrap_instant_now(void);
void __wrap_random_bytes(void *bytes, size_t len);
int __wrap_gethostname(char *name, size_t len);
int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *text, size_t len, struct passwd **ret);

int __wrap_apply(const struct apply_options *options, const struct changeset *set, struct apply_counts *ret,
                 struct error *err)
{
    struct apply_options low = *options;
    low.limits = &limits;
    return __real_apply(&low, set, ret, err);
}

int64_t __wrap_instant_now(void)
{
    static int64_t hours;
    return INT64_C(1772366400000000000) + hours++ * 3600 * INT64_C(1000000000);
}

void __wrap_random_bytes(void *bytes, size_t len)
{
    static uint64_t count;
    for (size_t at = 0; at < len; at += SHA256_BYTES) {
        uint8_t digest[SHA256_BYTES];
        count++;
        sha256_of(&count, sizeof count, digest);
        memcpy((uint8_t *)bytes + at, digest, len - at < SHA256_BYTES ? len - at : SHA256_BYTES);
    }
}

int __wrap_gethostname(char *name, size_t len)
{
    snprintf(name, len, "lab");
    return 0;
}

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *text, size_t len, struct passwd **ret)
{
    snprintf(text, len, "ada");
    *entry = (struct passwd){.pw_name = text};
    *ret = entry;
    return 0;
}

/* ---- the data set ---- */

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "golden_set: %s\n", err->text);
        exit(1);
    }
}

/* The sets of everything.c, then one that leaves a shard half made. */
static struct changeset *next_set(unsigned step)
{
    static bool last;
    struct changeset *set = last ? NULL : everything_step(CLIPS, step, &limits);
    if (set || last)
        return set;
    last = true;
    limits.patched_rows = limits.upkeep_bytes = 1;
    limits.small_set_bytes = SIZE_MAX;
    return everything_labels("zoe");
}

static void commit_all(struct dataset *dataset)
{
    struct changeset *set;
    struct error err;
    for (unsigned step = 0; (set = next_set(step)); step++) {
        CLEANUP_FREE char *message = mem_printf("step %u", step);
        struct dataset_commit options = {.message = message, .source = step ? NULL : "/a/root"};
        must(dataset_commit(dataset, set, &options, NULL, NULL, &err), &err);
        changeset_free(set);
        if (step == 2)
            must(dataset_tag_put(dataset, "best", 2, &err), &err);
        if (step == 2)
            must(dataset_tag_put(dataset, "gone", 3, &err), &err);
        if (step == 4)
            must(dataset_tag_move(dataset, "best", 5, &err), &err);
        if (step == 4)
            must(dataset_tag_remove(dataset, "gone", &err), &err);
    }
    must(dataset_tag_put(dataset, "last", dataset_head(dataset), &err), &err);
}

int main(int argc, char **argv)
{
    struct error err;
    CLEANUP_DATASET struct dataset *dataset = NULL;
    struct stores *stores = NULL;
    struct cache *cache = NULL;
    if (argc != 3)
        return 2;
    struct cache_options cached = {.folder = argv[2], .size_bytes = 1 << 30};
    must(stores_new(&(struct stores_options){0}, &stores, &err), &err);
    must(cache_new(&cached, &cache, &err), &err);
    must(dataset_init(stores, argv[1], &err), &err);
    struct dataset_options options = {.stores = stores, .cache = cache};
    must(dataset_open(&options, argv[1], &dataset, &err), &err);
    commit_all(dataset);
    dataset_free(STEAL(dataset));
    cache_free(cache);
    stores_free(stores);
    return 0;
}
