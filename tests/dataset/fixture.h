// SPDX-License-Identifier: Apache-2.0
/* A folder with a data set "data", objects in "source", a cache and a home of its own; and change sets to
 * commit; and the data set's store behind hooks, or behind faults. Include in one test file each. */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/store/fault.h"
#include "cache/store/retry.h"
#include "index/commit/commit.h"
#include "index/containers/slice.h"
#include "index/dataset/dataset_state.h"
#include "tests/dataset/hooked_store.h"
#include "tests/test_leaks.h"

static char *folder;
static struct stores *stores;
static struct cache *cache;
static struct hooked_store *hooked; /* see hook_data() */

static inline char *in(const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static inline void make_file(const char *name, const char *text)
{
    CLEANUP_FREE char *path = in(name);
    CLEANUP_FREE char *parent = mem_copy(path, (size_t)(strrchr(path, '/') - path));
    cr_assert_eq(file_make_folders(parent, 0755, NULL), 0);
    cr_assert_eq(file_replace(path, text, strlen(text), 0644, NULL), 0);
}

static inline void fixture_made(void)
{
    struct error err = {0};
    CLEANUP_FREE char *temp = NULL;
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-dataset", &temp, NULL), 0);
    folder = realpath(temp, NULL);
    CLEANUP_FREE char *home = in("home"), *cache_path = in("cache"), *tmp = in("tmp");
    setenv("XDG_CONFIG_HOME", home, 1);
    setenv("TMPDIR", tmp, 1);
    cr_assert_eq(file_make_folders(tmp, 0755, NULL), 0);
    make_file("source/a.bin", "0123456789");
    make_file("source2/b.bin", "abcdefghij");
    cr_assert_eq(stores_new(&(struct stores_options){0}, &stores, &err), 0, "%s", err.text);
    struct cache_options options = {.folder = cache_path, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &cache, &err), 0, "%s", err.text);
}

static inline void fixture_removed(void)
{
    cache_free(STEAL(cache));
    stores_free(STEAL(stores));
    file_remove_tree(folder, NULL);
    free(STEAL(folder));
}

static inline void init_data(void)
{
    struct error err = {0};
    CLEANUP_FREE char *url = in("data");
    cr_assert_eq(dataset_init(stores, url, &err), 0, "%s", err.text);
}

static inline int try_open(const char *name, struct dataset **ret, struct error *err)
{
    CLEANUP_FREE char *url = in(name);
    struct dataset_options options = {.stores = stores, .cache = cache};
    return dataset_open(&options, url, ret, err);
}

static inline struct dataset *open_data(void)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    cr_assert_eq(try_open("data", &dataset, &err), 0, "%s", err.text);
    return dataset;
}

/* A reference to the folder of the data set. */
static inline struct store *data_store(void)
{
    struct error err = {0};
    CLEANUP_FREE char *url = in("data");
    struct store *store = NULL;
    cr_assert_eq(store_open(stores, url, &store, &err), 0, "%s", err.text);
    return store;
}

static inline int try_open_over(struct store *store, struct dataset **ret, struct error *err)
{
    struct dataset_options options = {.stores = stores, .cache = cache};
    return dataset_open_store(&options, store, ret, err);
}

static inline struct dataset *open_over(struct store *store)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    cr_assert_eq(try_open_over(store, &dataset, &err), 0, "%s", err.text);
    return dataset;
}

/* From here on `hooked` is the folder of the data set, until unhook_data(). */
static inline void hook_data(void)
{
    hooked = hooked_store_new(data_store());
}

static inline void unhook_data(void)
{
    store_unref(&STEAL(hooked)->base);
}

static inline struct dataset *open_hooked(void)
{
    return open_over(&hooked->base);
}

/* The folder of the data set behind a fault, which is given back in *ret_fault, and is tried again at once.
 */
static inline struct store *faulty_data(struct store **ret_fault)
{
    static const struct fault_plan none = {.kind = FAULT_NONE};
    *ret_fault = store_fault_new(data_store(), &none);
    struct store *retry = retry_new(*ret_fault);
    struct backoff *backoff = retry_backoff(retry);
    backoff->base_ns = backoff->most_ns = 1000;
    return retry;
}

/* A change set of one clip, `key`, with one stream cut from an object: 'H', bytes [2, 6), 'T'. `label` is its
 * attribute "label". */
static inline struct changeset *one_clip(const char *key, const char *root_name, const char *file,
                                         const char *label)
{
    struct error err = {0};
    CLEANUP_FREE char *url = in(root_name);
    CLEANUP_STORE struct store *store = NULL;
    struct store_object object;
    struct changeset *set = changeset_new();
    cr_assert_eq(store_open(stores, url, &store, &err), 0, "%s", err.text);
    cr_assert_eq(store_head(store, file, &object, &err), 0, "%s", err.text);
    uint32_t id = 0, root = changeset_root(set, store_url(store));
    cr_assert_eq(changeset_object(set, root, file, object.size, object.pin, &id, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_attribute(set, "label", VALUE_TEXT, false, &err), 0, "%s", err.text);
    struct changeset_clip clip = {.key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "test"};
    sha256_of(key, strlen(key), clip.fingerprint);
    cr_assert_eq(changeset_clip(set, &clip, &err), 0, "%s", err.text);
    struct value value = {.type = VALUE_TEXT, .text = label, .len = strlen(label)};
    cr_assert_eq(changeset_value(set, "label", &value, &err), 0, "%s", err.text);
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    slice_add_inline(&slice, "H", 1);
    slice_add_range(&slice, 2, 4);
    slice_add_inline(&slice, "T", 1);
    struct changeset_stream stream = {
        .name = "front", .ext = "bin", .container = "", .object = id, .slice = &slice};
    cr_assert_eq(changeset_stream(set, &stream, &err), 0, "%s", err.text);
    return set;
}

static inline int try_commit(struct dataset *dataset, const char *key, const char *label,
                             uint32_t *ret_version, struct error *err)
{
    struct changeset *set = one_clip(key, "source", "a.bin", label);
    int rc = dataset_commit(dataset, set, &(struct dataset_commit){.message = label}, ret_version, NULL, err);
    changeset_free(set);
    return rc;
}

static inline uint32_t commit(struct dataset *dataset, const char *key, const char *label)
{
    struct error err = {0};
    uint32_t version = 0;
    cr_assert_eq(try_commit(dataset, key, label, &version, &err), 0, "%s", err.text);
    return version;
}

/* How many objects lie below a prefix of the data set's folder. */
static inline int count_object(void *ctx, const char *path, const struct store_object *object,
                               struct error *err)
{
    ++*(int *)ctx;
    return 0;
}
static inline int objects(const char *prefix)
{
    CLEANUP_STORE struct store *store = data_store();
    int count = 0;
    cr_assert_eq(store_list(store, prefix, count_object, &count, NULL), 0);
    return count;
}

/* The one file in a folder of the data set: its path, the caller's. */
static inline int take_path(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    *(char **)ctx = mem_text(path);
    return 1;
}
static inline char *first_object(const char *prefix)
{
    CLEANUP_STORE struct store *store = data_store();
    char *path = NULL;
    cr_assert_eq(store_list(store, prefix, take_path, &path, NULL), 1);
    char *whole = mem_printf("data/%s", path);
    free(path);
    return whole;
}
