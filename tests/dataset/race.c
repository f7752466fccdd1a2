// SPDX-License-Identifier: Apache-2.0
/* Several threads commit to one data set at once, some through a handle of their own and some through a
 * shared one, all made for the empty data set: every commit becomes a version of its own and no clip is lost.
 * A plain program, so that it runs under ThreadSanitizer. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/commit/commit.h"

enum { THREADS = 4, COMMITS = 3 };

struct writer {
    struct dataset *dataset;
    int number;
    pthread_t thread;
};

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        abort();
    }
}

static void commit_one(struct dataset *dataset, const char *key)
{
    struct error err = {0};
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct changeset_clip clip = {.key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "race"};
    sha256_of(key, strlen(key), clip.fingerprint);
    must(changeset_clip(set, &clip, &err), &err);
    struct dataset_commit info = {.message = key, .based = true};
    must(dataset_commit(dataset, set, &info, NULL, NULL, &err), &err);
}

static void *write_some(void *ctx)
{
    struct writer *writer = ctx;
    for (int i = 0; i < COMMITS; i++) {
        char key[32];
        snprintf(key, sizeof key, "ep%d-%d", writer->number, i);
        commit_one(writer->dataset, key);
    }
    return NULL;
}

/* race [URL]: of a data set to be made; else one in a folder. */
int main(int argc, char **argv)
{
    struct error err = {0};
    struct stores *stores = NULL;
    struct cache *cache = NULL;
    char *folder = NULL;
    must(file_make_temp_folder(NULL, "elidefs-race", &folder, &err), &err);
    CLEANUP_FREE char *url = argc > 1 ? mem_text(argv[1]) : mem_printf("%s/data", folder);
    CLEANUP_FREE char *near = mem_printf("%s/cache", folder);
    setenv("XDG_CONFIG_HOME", folder, 1);
    must(stores_new(&(struct stores_options){0}, &stores, &err), &err);
    must(cache_new(&(struct cache_options){.folder = near, .size_bytes = 1 << 28}, &cache, &err), &err);
    must(dataset_init(stores, url, &err), &err);
    struct dataset_options options = {.stores = stores, .cache = cache};
    struct dataset *shared = NULL;
    must(dataset_open(&options, url, &shared, &err), &err);
    struct writer writers[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        writers[i].number = i;
        writers[i].dataset = shared;
        if (i % 2)
            must(dataset_open(&options, url, &writers[i].dataset, &err), &err);
        pthread_create(&writers[i].thread, NULL, write_some, &writers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i].thread, NULL);
        if (writers[i].dataset != shared)
            dataset_free(writers[i].dataset);
    }
    uint32_t head = 0;
    const struct manifest *newest = NULL;
    must(dataset_refresh(shared, &head, &err), &err);
    must(dataset_manifest(shared, head, &newest, &err), &err);
    printf("v%u, %llu clips\n", head, (unsigned long long)newest->clips);
    int bad = head != THREADS * COMMITS || newest->clips != THREADS * COMMITS;
    dataset_free(shared);
    cache_free(cache);
    stores_free(stores);
    file_remove_tree(folder, NULL);
    free(folder);
    return bad;
}
