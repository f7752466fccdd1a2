// SPDX-License-Identifier: Apache-2.0
/*
 * bench_keys [CLIPS [IMPORTS]]: finding a clip by its key in a catalog of CLIPS clips, after 1, 14 and
 * IMPORTS imports more of 3 thousandths of them: keys that are there, anywhere, and keys that are not. CPU
 * time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cache/base/file.h"
#include "index/catalog/catalog.h"
#include "index/catalog/schema.h"
#include "index/commit/apply/apply.h"

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static int key_of(char key[32], uint64_t clip)
{
    return snprintf(key, 32, "%016llx", (unsigned long long)mix(clip));
}

static void import(const char *path, uint32_t version, uint64_t first, uint64_t count)
{
    struct error err;
    struct apply_counts counts;
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    CLEANUP_FREE char *parent = mem_printf("%s.parent", path);
    for (uint64_t i = 0; i < count; i++) {
        char key[32];
        key_of(key, first + i);
        struct changeset_clip clip = {
            .key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "bench"};
        sha256_of(key, strlen(key), clip.fingerprint);
        must(changeset_clip(set, &clip, &err), &err);
    }
    CLEANUP_OVERLAY struct overlay *file = NULL;
    bool next = version > 1 && !rename(path, parent);
    must(next ? overlay_new_plain(parent, SCHEMA_PAGE_BYTES, &file, &err)
              : overlay_new(NULL, SCHEMA_PAGE_BYTES, &file, &err),
         &err);
    struct apply_options options = {.file = file, .version = version};
    must(apply(&options, set, &counts, &err), &err);
    must(overlay_save(file, path, &(struct catalog_patience){0}, &err), &err);
}

static double find(struct catalog_reader *reader, uint64_t clips, uint64_t first)
{
    enum { LOOKUPS = 200000 };
    uint64_t found = 0;
    double start = 0;
    for (uint64_t i = 0; i < 2 * LOOKUPS; i++) { /* the first half makes it warm */
        char key[32];
        uint32_t row;
        start = i == LOOKUPS ? cpu_seconds() : start;
        int len = key_of(key, first + mix(i) % clips);
        found += !catalog_clip_find(reader, key, (size_t)len, &row, NULL);
    }
    if (found != (first ? 0 : 2 * LOOKUPS))
        abort();
    return (cpu_seconds() - start) * 1e6 / LOOKUPS;
}

static void look_up(const char *path, uint32_t imports, uint64_t clips)
{
    struct error err;
    struct stat st;
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct catalog_patience patience = {0};
    must(catalog_open_path(path, &catalog, &err), &err);
    must(catalog_reader_acquire(catalog, &patience, &reader, &err), &err);
    printf("%4u imports more, %8llu clips: there %6.2f us   not there %6.2f us   %6.1f bytes a clip\n",
           imports, (unsigned long long)clips, find(reader, clips, 0), find(reader, clips, UINT64_C(1) << 40),
           stat(path, &st) ? 0 : (double)st.st_size / (double)clips);
    catalog_reader_release(reader);
    catalog_unref(catalog);
}

int main(int argc, char **argv)
{
    struct error err;
    uint64_t clips = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, more = clips * 3 / 1000;
    uint32_t imports = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 300;
    CLEANUP_FREE char *folder = NULL;
    must(file_make_temp_folder(NULL, "bench", &folder, &err), &err);
    CLEANUP_FREE char *path = mem_printf("%s/catalog", folder);
    import(path, 1, 0, clips);
    look_up(path, 0, clips);
    double start = cpu_seconds();
    for (uint32_t i = 1; i <= imports; i++) {
        import(path, i + 1, clips, more);
        clips += more;
        if (i == 1 || i == 14 || i == imports)
            look_up(path, i, clips);
    }
    printf("%u imports took %.1f s\n", imports, cpu_seconds() - start);
    return file_remove_tree(folder, &err) ? 1 : 0;
}
