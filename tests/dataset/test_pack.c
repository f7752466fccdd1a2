// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>
#include <unistd.h>

#include "fixture.h"

#include "index/pages/pack.h"
#include "index/pages/unpack.h"

/* A file that begins like an SQLite database of 4096-byte pages, `len` bytes, which do not compress. */
static char *make_database(size_t len)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(len);
    char *path = in("database");
    random_bytes(bytes, len);
    memcpy(bytes, "SQLite format 3\0\x10", 18);
    cr_assert_eq(file_replace(path, bytes, len, 0600, NULL), 0);
    return path;
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    CLEANUP_FREE char *url = in("data");
    cr_assert_eq(store_open(stores, url, &store, NULL), 0);
    return store;
}

static struct manifest_catalog packed(struct store *store, size_t len)
{
    struct error err = {0};
    struct manifest_catalog catalog = {0};
    CLEANUP_FREE char *path = make_database(len);
    cr_assert_eq(pack_write(store, path, &catalog, &err), 0, "%s", err.text);
    return catalog;
}

CHECKED_TEST(pack, what_the_manifest_says_is_filled_in, fixture_made, fixture_removed)
{
    CLEANUP_STORE struct store *store = open_store();
    struct manifest_catalog catalog = packed(store, 40960);
    struct store_object object;
    cr_assert_eq(catalog.size, 40960);
    cr_assert_eq(catalog.page_size, 4096);
    cr_assert_eq(store_head(store, catalog.pack, &object, NULL), 0);
    cr_assert_eq(object.size, catalog.pack_size);
}

CHECKED_TEST(pack, a_file_that_is_no_database_is_refused_and_nothing_is_stored, fixture_made, fixture_removed)
{
    struct error err = {0};
    struct manifest_catalog catalog = {0};
    CLEANUP_STORE struct store *store = open_store();
    CLEANUP_FREE char *path = in("source/a.bin");
    init_data();
    cr_assert_eq(pack_write(store, path, &catalog, &err), -EINVAL);
    cr_assert(strstr(err.text, "is no SQLite database"), "%s", err.text);
    cr_assert_eq(catalog.size, 0);
    cr_assert_eq(objects("elidefs/packs/"), 0);
}

CHECKED_TEST(pack, the_cache_key_is_the_golden_one, fixture_made, fixture_removed)
{
    uint8_t sha[SHA256_BYTES], key[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    static const char manifest[] = "7d817353309f5e731ec5bb46f3e64f653e4a25a1016774b294cd4ccadf62a96e";
    cr_assert_eq(hex_parse(manifest, strlen(manifest), sha, sizeof sha), 0);
    pack_key("6f9619ff-8b86-4011-b42d-00c04fc964ff", sha, key);
    hex_print(key, sizeof key, hex);
    cr_assert_str_eq(hex, "c71e967845a2afdce7810dde22bbb8f17e50da428cda33e56b49990954cf8a35");
}

/* ---- unpacking ---- */

/* Unpacks the pack in pieces of `step` bytes against what `catalog` claims. */
static int unpacked(struct store *store, const struct manifest_catalog *catalog, size_t step,
                    struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct unpack *unpack = NULL;
    struct spool *spool = NULL;
    cr_assert_eq(store_read_all(store, catalog->pack, 64 << 20, &bytes, NULL, NULL), 0);
    cr_assert_eq(unpack_new("the catalog", catalog, folder, &unpack, err), 0);
    int rc = 0;
    for (size_t at = 0; !rc && at < bytes.len; at += step)
        rc = unpack_add(unpack, bytes.data + at, bytes.len - at < step ? bytes.len - at : step, err);
    if (!rc)
        rc = unpack_finish(unpack, &spool, err);
    unpack_free(unpack);
    spool_unref(spool);
    return rc;
}

CHECKED_TEST(pack, unpacking_does_not_depend_on_how_the_bytes_come, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_STORE struct store *store = open_store();
    struct manifest_catalog catalog = packed(store, 409600);
    static const size_t steps[] = {1000000, 65536, 4099, 17, 1};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        cr_assert_eq(unpacked(store, &catalog, steps[i], &err), 0, "step %zu: %s", steps[i], err.text);
}

/* Stores `packed` as the pack of a catalog of `size` bytes. */
static struct manifest_catalog stored(struct store *store, const void *bytes, size_t len, uint64_t size)
{
    struct manifest_catalog catalog = {.size = size, .page_size = 4096, .pack_size = len, .pack = "pack"};
    sha256_of(bytes, len, catalog.pack_sha256);
    cr_assert_eq(store_put(store, "pack", bytes, len, STORE_PUT_REPLACE, NULL, NULL), 0);
    return catalog;
}

CHECKED_TEST(pack, a_bomb_is_stopped_where_the_manifest_says_it_ends, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_STORE struct store *store = open_store();
    CLEANUP_FREE char *path = in("zeros");
    CLEANUP_FREE uint8_t *zeros = mem_zero(32 << 20);
    struct manifest_catalog catalog = {0};
    memcpy(zeros, "SQLite format 3\0\x10", 18);
    cr_assert_eq(file_replace(path, zeros, 32 << 20, 0600, NULL), 0);
    cr_assert_eq(pack_write(store, path, &catalog, &err), 0, "%s", err.text);
    cr_assert_lt(catalog.pack_size, 10000);
    catalog.size = 4096;
    cr_assert_eq(unpacked(store, &catalog, 1 << 20, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "unpacks to more than its manifest says"), "%s", err.text);
}

CHECKED_TEST(pack, whatever_differs_from_the_manifest_is_damage, fixture_made, fixture_removed)
{
    struct error err = {0};
    CLEANUP_STORE struct store *store = open_store();
    struct manifest_catalog good = packed(store, 40960), bad = good;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    bad.size += 4096;
    cr_assert_eq(unpacked(store, &bad, 1000, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "unpacks to less"), "%s", err.text);
    bad = good, bad.sha256[0] ^= 1;
    cr_assert_eq(unpacked(store, &bad, 1000, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "unpacks to other bytes"), "%s", err.text);
    bad = good, bad.pack_sha256[0] ^= 1;
    cr_assert_eq(unpacked(store, &bad, 1000, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "has another SHA-256"), "%s", err.text);
    bad = good, bad.pack_size++;
    cr_assert_eq(unpacked(store, &bad, 1000, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "is shorter"), "%s", err.text);
    bad = good, bad.pack_size--;
    cr_assert_eq(unpacked(store, &bad, 1000, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "is longer"), "%s", err.text);
    cr_assert_eq(store_read_all(store, good.pack, 1 << 20, &bytes, NULL, NULL), 0);
    buf_u8(&bytes, 0);
    bad = stored(store, bytes.data, bytes.len, good.size);
    cr_assert_eq(unpacked(store, &bad, 1000, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "bytes behind its end"), "%s", err.text);
    bad = stored(store, "no zstd at all", 14, 4096);
    cr_assert_eq(unpacked(store, &bad, 1000, &err), -EUCLEAN);
}

/* ---- through the cache ---- */

static struct cache_file *open_packed(struct store *store, const struct manifest_catalog *catalog)
{
    struct error err = {0};
    struct cache_file *file = NULL;
    struct cache_source *source = pack_source_new(store, catalog, "the catalog", cache_folder(cache));
    cr_assert_eq(cache_open(cache, catalog->sha256, catalog->size, source, &file, &err), 0, "%s", err.text);
    return file;
}

CHECKED_TEST(pack, a_pack_of_several_parts_is_read_back_in_any_order, fixture_made, fixture_removed)
{
    enum { SIZE = 20 << 20 };
    struct error err = {0};
    CLEANUP_STORE struct store *store = open_store();
    struct manifest_catalog catalog = packed(store, SIZE);
    struct cache_file *file = open_packed(store, &catalog);
    CLEANUP_FREE char *path = in("database");
    CLEANUP_BUF struct buf want = BUF_INIT;
    CLEANUP_FREE uint8_t *got = mem_alloc(SIZE);
    cr_assert_eq(file_read(path, SIZE, &want, NULL), 0);
    for (size_t at = SIZE; at > 0; at -= 1 << 20)
        cr_assert_eq(cache_read_wait(file, at - (1 << 20), 1 << 20, got + at - (1 << 20), 0, &err), 0, "%s",
                     err.text);
    cr_assert_eq(memcmp(got, want.data, SIZE), 0);
    cache_close(file);
}

struct pending {
    struct cache_read read;
    atomic_int *left, *good;
    const uint8_t *want;
};

static void pending_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct pending *pending = read->ctx;
    if (!rc && !memcmp(bytes, pending->want + read->offset, read->len))
        atomic_fetch_add(pending->good, 1);
    atomic_fetch_sub(pending->left, 1);
}

CHECKED_TEST(pack, many_readers_of_a_cold_catalog_pull_it_once, fixture_made, fixture_removed)
{
    enum { SIZE = 12 << 20, READS = 64 };
    CLEANUP_STORE struct store *store = open_store();
    struct manifest_catalog catalog = packed(store, SIZE);
    struct cache_file *file = open_packed(store, &catalog);
    CLEANUP_FREE char *path = in("database");
    CLEANUP_BUF struct buf want = BUF_INIT;
    struct pending pending[READS];
    struct store_stats before, after;
    atomic_int left = READS, good = 0;
    cr_assert_eq(file_read(path, SIZE, &want, NULL), 0);
    stores_stats(stores, &before);
    for (int i = 0; i < READS; i++) {
        pending[i] = (struct pending){.left = &left, .good = &good, .want = want.data};
        pending[i].read = (struct cache_read){
            .offset = (uint64_t)i * (SIZE / READS), .len = 4096, .done = pending_done, .ctx = &pending[i]};
        cache_read(file, &pending[i].read);
    }
    while (atomic_load(&left))
        usleep(1000);
    stores_stats(stores, &after);
    cr_assert_eq(atomic_load(&good), READS);
    cr_assert_eq(after.bytes_received - before.bytes_received, catalog.pack_size);
    cache_close(file);
}

CHECKED_TEST(pack, a_cancelled_read_ends_and_the_next_one_works, fixture_made, fixture_removed)
{
    enum { SIZE = 12 << 20 };
    struct error err = {0};
    CLEANUP_STORE struct store *store = open_store();
    struct manifest_catalog catalog = packed(store, SIZE);
    struct cache_file *file = open_packed(store, &catalog);
    uint8_t bytes[100];
    int rc = cache_read_wait(file, 0, 100, bytes, 1, &err); /* a deadline long ago */
    cr_assert(rc == -ETIMEDOUT || rc == 0, "%d: %s", rc, err.text);
    cr_assert_eq(cache_read_wait(file, 0, 100, bytes, 0, &err), 0, "%s", err.text);
    cr_assert_eq(memcmp(bytes, "SQLite format 3", 16), 0);
    cache_close(file);
}
