// SPDX-License-Identifier: Apache-2.0
/*
 * commits FOLDER < SCRIPT: commits generated clips and labels to the data set in FOLDER, which is made if
 * there is none, as the lines of SCRIPT say, and prints what each commit stored:
 *
 *     append COUNT order|random          clips, with keys that ascend or that are spread
 *     label COUNT ATTRIBUTE VALUES       one of so many values for COUNT clips here and there; 0: another for
 * each label all ATTRIBUTE VALUES         for every clip paths COUNT MOST SEED              prints paths of
 * three predicates that hold for 1 to MOST clips
 *
 * Output: VERSION WORDS BYTES SECONDS, of packs, manifest and head together.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/instant.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/commit.h"
#include "tests/bench/generated.h"

struct bench {
    const char *folder;
    struct stores *stores;
    struct cache *cache;
    struct dataset *dataset;
    uint64_t clips;
    uint64_t *starts; /* of each append: its first clip, with the top bit where its keys are spread */
    size_t start_count, start_cap;
    uint64_t draws;
    struct error err;
};

static void must(const struct bench *bench, int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "commits: %s\n", bench->err.text);
    exit(1);
}

#define SPREAD (UINT64_C(1) << 63)

static void key_of(const struct bench *bench, uint64_t clip, char key[32])
{
    size_t i = bench->start_count;
    while (i && (bench->starts[i - 1] & ~SPREAD) > clip)
        i--;
    if (i && bench->starts[i - 1] & SPREAD)
        snprintf(key, 32, "ep%016" PRIx64, generated_mix(clip));
    else
        snprintf(key, 32, "ep%08" PRIu64, clip);
}

/* ---- what a data set stores ---- */

static uint64_t stored_in(const char *folder, const char *name)
{
    CLEANUP_FREE char *path = mem_printf("%s/elidefs/%s", folder, name);
    struct stat st;
    uint64_t sum = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        CLEANUP_FREE char *file = mem_printf("%s/%s", path, entry->d_name);
        if (*entry->d_name != '.' && !stat(file, &st))
            sum += (uint64_t)st.st_size;
    }
    if (dir)
        closedir(dir);
    return sum;
}

static uint64_t stored(const struct bench *bench)
{
    CLEANUP_FREE char *head = mem_printf("%s/elidefs/head", bench->folder);
    struct stat st;
    uint64_t sum = stored_in(bench->folder, "packs") + stored_in(bench->folder, "versions");
    return sum + (stat(head, &st) ? 0 : (uint64_t)st.st_size);
}

static void open_dataset(struct bench *bench)
{
    if (bench->dataset)
        return;
    struct error *err = &bench->err;
    CLEANUP_FREE char *cache = mem_printf("%s.cache", bench->folder);
    struct cache_options options = {.folder = cache, .size_bytes = INT64_C(8) << 30};
    must(bench, stores_new(&(struct stores_options){0}, &bench->stores, err));
    must(bench, cache_new(&options, &bench->cache, err));
    if (dataset_exists(bench->stores, bench->folder, err) != 1)
        must(bench, dataset_init(bench->stores, bench->folder, err));
    struct dataset_options opening = {.stores = bench->stores, .cache = bench->cache};
    must(bench, dataset_open(&opening, bench->folder, &bench->dataset, err));
}

/* A head is written anew each time: all of it counts. */
static void commit(struct bench *bench, const struct changeset *set, const char *words)
{
    open_dataset(bench);
    CLEANUP_FREE char *head = mem_printf("%s/elidefs/head", bench->folder);
    struct dataset_commit options = {.message = words};
    struct stat st;
    uint32_t version;
    uint64_t before = stored(bench) - (stat(head, &st) ? 0 : (uint64_t)st.st_size);
    int64_t start = clock_now_ns();
    must(bench, dataset_commit(bench->dataset, set, &options, &version, NULL, &bench->err));
    printf("v%u %s %" PRIu64 " %.3f\n", version, words, stored(bench) - before,
           (double)(clock_now_ns() - start) / 1e9);
    fflush(stdout);
}

/* ---- clips ---- */

static void add_clip(struct bench *bench, struct changeset *set, uint32_t root, uint64_t clip)
{
    struct error *err = &bench->err;
    char key[32], path[32], text[GENERATED_TEXT_BYTES];
    uint32_t object;
    key_of(bench, clip, key);
    snprintf(path, sizeof path, "file-%06" PRIu64 ".mp4", clip / 100);
    struct changeset_clip one = {.key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "bench"};
    sha256_of(key, strlen(key), one.fingerprint);
    must(bench, changeset_clip(set, &one, err));
    for (int a = 0; a < GENERATED_ATTRIBUTES; a++) {
        struct value value;
        if (generated_value(a, clip, &value, text))
            must(bench, changeset_value(set, generated_shapes[a].name, &value, err));
    }
    must(bench, changeset_object(set, root, path, 1 << 30, "etag=\"0123456789abcdef\"", &object, err));
    struct slice slice = SLICE_INIT;
    slice_add_range(&slice, clip % 100 << 20, (1 << 20) - generated_mix(clip) % 100000);
    struct changeset_stream front = {"front", "mp4", "mp4", object, &slice};
    must(bench, changeset_stream(set, &front, err));
    slice_done(&slice);
}

static void append(struct bench *bench, uint64_t count, bool spread, const char *words)
{
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    CLEANUP_FREE char *url = mem_printf("file://%s/recordings", bench->folder);
    uint32_t root = changeset_root(set, url);
    mem_grow(&bench->starts, &bench->start_cap, bench->start_count + 1, sizeof *bench->starts);
    bench->starts[bench->start_count++] = bench->clips | (spread ? SPREAD : 0);
    for (int a = 0; a < GENERATED_ATTRIBUTES; a++)
        must(bench, changeset_attribute(set, generated_shapes[a].name, generated_shapes[a].type, false,
                                        &bench->err));
    for (uint64_t i = 0; i < count; i++)
        add_clip(bench, set, root, bench->clips++);
    commit(bench, set, words);
}

/* ---- labels ---- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Keys of clips here and there, each once, in order. */
static char (*draw_keys(struct bench *bench, uint64_t *count))[32]
{
    char(*keys)[32] = mem_alloc(*count * sizeof *keys);
    for (uint64_t i = 0; i < *count; i++)
        key_of(bench, *count == bench->clips ? i : generated_mix(bench->draws++ ^ 0xabcdef) % bench->clips,
               keys[i]);
    qsort(keys, *count, sizeof *keys, compare_keys);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < *count; i++)
        if (!i || strcmp(keys[i], keys[kept - 1]) != 0)
            memmove(keys[kept++], keys[i], sizeof *keys);
    *count = kept;
    return keys;
}

static void label(struct bench *bench, uint64_t count, const char *attribute, unsigned values,
                  const char *words)
{
    struct error *err = &bench->err;
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct changeset_setter setter = {.name = "bench", .policy = CHANGESET_ALL, .table = ""};
    must(bench, changeset_setter(set, &setter, err));
    must(bench, changeset_attribute(set, attribute, VALUE_TEXT, false, err));
    CLEANUP_FREE char(*keys)[32] = draw_keys(bench, &count);
    for (uint64_t i = 0; i < count; i++) {
        char text[GENERATED_TEXT_BYTES];
        uint64_t random = generated_mix(bench->draws++);
        snprintf(text, sizeof text, "%s%" PRIu64, attribute, values ? random % values : random);
        struct value value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)};
        must(bench, changeset_labels(set, keys[i], i + 1, err));
        must(bench, changeset_value(set, attribute, &value, err));
    }
    commit(bench, set, words);
}

/* ---- paths ---- */

static void print_value(struct buf *path, int a, const struct value *value)
{
    buf_printf(path, "/%s=", generated_shapes[a].name);
    value_print(path, value);
}

/* How many clips have these three values; more than `most` are not counted. */
static uint64_t count_clips(uint64_t clips, const int a[3], const struct value values[3], uint64_t most)
{
    uint64_t count = 0;
    for (uint64_t clip = 0; clip < clips && count <= most; clip++) {
        struct value value;
        char text[GENERATED_TEXT_BYTES];
        bool all = true;
        for (int i = 0; all && i < 3; i++)
            all = generated_value(a[i], clip, &value, text) && !value_compare(&value, &values[i]);
        count += all;
    }
    return count;
}

static bool print_path(uint64_t clips, uint64_t draw, uint64_t most)
{
    int a[3];
    struct value values[3];
    char texts[3][GENERATED_TEXT_BYTES];
    uint64_t random = generated_mix(draw), clip = generated_mix(random) % clips;
    CLEANUP_BUF struct buf path = BUF_INIT;
    for (int i = 0; i < 3; i++) {
        a[i] = (int)((random >> 8 * i & 0xff) % GENERATED_CATEGORIES);
        if ((i && a[i] == a[0]) || (i == 2 && a[2] == a[1]) ||
            !generated_value(a[i], clip, &values[i], texts[i]))
            return false;
        print_value(&path, a[i], &values[i]);
    }
    uint64_t count = count_clips(clips, a, values, most);
    if (count > most)
        return false;
    printf("%s %" PRIu64 "\n", buf_text(&path), count);
    return true;
}

static void print_paths(uint64_t clips, uint64_t count, uint64_t most, uint64_t seed)
{
    for (uint64_t draw = seed << 32; count; draw++)
        count -= print_path(clips, draw, most);
    fflush(stdout);
}

/* ---- all of it ---- */

static bool run_line(struct bench *bench, char *line)
{
    char words[3][64] = {""};
    unsigned long long count, most, seed, clips;
    unsigned values;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "append %llu %63s", &count, words[0]) == 2)
        append(bench, count, !strcmp(words[0], "random"), line);
    else if (sscanf(line, "label all %63s %u", words[0], &values) == 2)
        label(bench, bench->clips, words[0], values, line);
    else if (sscanf(line, "label %llu %63s %u", &count, words[0], &values) == 3)
        label(bench, count, words[0], values, line);
    else if (sscanf(line, "paths %llu %llu %llu %llu", &count, &most, &seed, &clips) == 4)
        print_paths(clips, count, most, seed);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    char line[256];
    if (argc != 2) {
        fprintf(stderr, "usage: commits FOLDER < SCRIPT\n");
        return 2;
    }
    struct bench bench = {.folder = argv[1]};
    while (fgets(line, sizeof line, stdin))
        if (!run_line(&bench, line)) {
            fprintf(stderr, "commits: '%s' is no line of a script\n", line);
            return 2;
        }
    dataset_free(bench.dataset);
    cache_free(bench.cache);
    stores_free(bench.stores);
    free(bench.starts);
    return 0;
}
