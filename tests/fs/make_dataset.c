// SPDX-License-Identifier: Apache-2.0
/*
 * Commits a version of a data set whose contents a test can compute.
 *
 *     make_dataset SET SOURCE FIRST COUNT BYTES MOD     clips FIRST .. FIRST+COUNT-1; prints the version
 *     make_dataset --tag SET NAME VERSION
 *
 * Clip i, key ep%06d, of SOURCE/rec.bin:
 *     front.mp4       "clip <i>\n", then bytes [i * BYTES, (i + 1) * BYTES) of rec.bin
 *     state.parquet   BYTES / 2 bytes from i * BYTES on
 * arm: left for even i; outcome: fail where MOD divides i, else pass; force = i / 2 for i < 20; tags a and b
 * where 8 divides i; task: a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/commit/commit.h"

static struct error err;

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, err.text);
    exit(1);
}

static void add_text(struct changeset *set, const char *name, const char *text)
{
    struct value value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)};
    check(changeset_value(set, name, &value, &err), name);
}

static void add_stream(struct changeset *set, const char *name, const char *ext, uint32_t object,
                       struct slice *slice)
{
    struct changeset_stream stream = {
        .name = name, .ext = ext, .container = ext, .object = object, .slice = slice};
    check(changeset_stream(set, &stream, &err), name);
    slice_done(slice);
}

static void add_clip(struct changeset *set, uint32_t object, unsigned i, uint64_t bytes, unsigned mod)
{
    char key[32], header[32];
    snprintf(key, sizeof key, "ep%06u", i);
    snprintf(header, sizeof header, "clip %u\n", i);
    struct changeset_clip clip = {
        .key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "rec.bin"};
    sha256_of(key, strlen(key), clip.fingerprint);
    check(changeset_clip(set, &clip, &err), key);
    add_text(set, "arm", i % 2 ? "right" : "left");
    add_text(set, "outcome", i % mod ? "pass" : "fail");
    add_text(set, "task", "pick up the cube");
    if (i < 20)
        check(changeset_value(set, "force", &(struct value){.type = VALUE_FLOAT, .real = i / 2.0}, &err),
              "force");
    if (i % 8 == 0) {
        add_text(set, "tags", "a");
        add_text(set, "tags", "b");
    }
    struct slice front = SLICE_INIT, state = SLICE_INIT;
    slice_add_inline(&front, header, strlen(header));
    slice_add_range(&front, i * bytes, bytes);
    front.preroll_ns = i == 3 ? 1500000000 : 0;
    add_stream(set, "front", "mp4", object, &front);
    slice_add_range(&state, i * bytes, bytes / 2);
    if (i == 4)
        slice_set_reason(&state, "odd");
    add_stream(set, "state", "parquet", object, &state);
}

static void fill(struct changeset *set, struct stores *stores, char **args)
{
    CLEANUP_STORE struct store *store = NULL;
    struct store_object object;
    uint32_t id;
    check(store_open(stores, args[2], &store, &err), args[2]);
    check(store_head(store, "rec.bin", &object, &err), "rec.bin");
    uint32_t root = changeset_root(set, store_url(store));
    check(changeset_object(set, root, "rec.bin", object.size, object.pin, &id, &err), "rec.bin");
    struct evidence evidence = {0};
    check(evidence_take(store, "rec.bin", &object, &evidence, &err), "rec.bin");
    changeset_evidence(set, id, &evidence);
    check(changeset_attribute(set, "arm", VALUE_TEXT, false, &err), "arm");
    check(changeset_attribute(set, "outcome", VALUE_TEXT, false, &err), "outcome");
    check(changeset_attribute(set, "task", VALUE_TEXT, false, &err), "task");
    check(changeset_attribute(set, "force", VALUE_FLOAT, false, &err), "force");
    check(changeset_attribute(set, "tags", VALUE_TEXT, true, &err), "tags");
    unsigned first = (unsigned)atoi(args[3]), count = (unsigned)atoi(args[4]);
    for (unsigned i = first; i < first + count; i++)
        add_clip(set, id, i, (uint64_t)atoll(args[5]), (unsigned)atoi(args[6]));
}

static int with_dataset(struct stores *stores, char **args, bool tag)
{
    CLEANUP_DATASET struct dataset *dataset = NULL;
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct cache *cache;
    uint32_t version;
    check(cache_new(&(struct cache_options){0}, &cache, &err), "cache");
    struct dataset_options options = {.stores = stores, .cache = cache};
    check(dataset_open(&options, args[1 + tag], &dataset, &err), "open");
    if (tag) {
        check(dataset_tag_put(dataset, args[3], (uint32_t)atoi(args[4]), &err), "tag");
    } else {
        fill(set, stores, args);
        check(dataset_commit(dataset, set, &(struct dataset_commit){.message = "test"}, &version, NULL, &err),
              "commit");
        printf("v%u\n", version);
    }
    dataset_free(STEAL(dataset));
    cache_free(cache);
    return 0;
}

int main(int argc, char **argv)
{
    struct stores *stores;
    bool tag = argc == 5 && strcmp(argv[1], "--tag") == 0;
    if (argc != 7 && !tag) {
        fprintf(stderr, "usage: see the source\n");
        return 2;
    }
    check(stores_new(&(struct stores_options){0}, &stores, &err), "stores");
    if (!tag)
        dataset_init(stores, argv[1], NULL); /* the first time only */
    int rc = with_dataset(stores, argv, tag);
    stores_free(stores);
    return rc;
}
