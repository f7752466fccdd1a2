// SPDX-License-Identifier: Apache-2.0
/*
 * commits FOLDER < SCRIPT: commits generated clips and labels to the data set in FOLDER, which is made if
 * there is none, as the lines of SCRIPT say, and prints what each commit stored:
 *
 *     have COUNT order|random ...                      clips that were committed before
 *     append COUNT order|random ... [wide MANY EACH]   clips, with keys that ascend or that are spread; EACH
 *                                                      of MANY sparse attributes for each of them
 *     label COUNT|all ATTRIBUTE[,ATTRIBUTE]... VALUES  one of so many values for COUNT clips here and there,
 *                                                      the first clip among them; VALUES 0: another for each
 *     paths COUNT MOST SEED CLIPS                      prints paths of three predicates that hold for 1 to
 *                                                      MOST clips; MOST 0: for any number
 *
 * Output: VERSION BYTES MANIFEST MAP SECONDS LINE. BYTES: all that was stored, packs, manifest and head; of
 * them the MANIFEST and the root of the page MAP.
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
    const char *line; /* of the script */
    struct error err;
};

static void must(const struct bench *bench, int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "commits: %s: %s\n", bench->line, bench->err.text);
    exit(1);
}

#define SPREAD (UINT64_C(1) << 63)

static void key_of(const struct bench *bench, uint64_t clip, char key[GENERATED_KEY_BYTES])
{
    size_t i = bench->start_count;
    while (i && (bench->starts[i - 1] & ~SPREAD) > clip)
        i--;
    generated_key(clip, i && bench->starts[i - 1] & SPREAD, key);
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

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

/* A head is written anew each time: all of it counts. */
static void commit(struct bench *bench, const struct changeset *set)
{
    open_dataset(bench);
    CLEANUP_FREE char *head = mem_printf("%s/elidefs/head", bench->folder);
    struct dataset_commit options = {.message = bench->line};
    const struct manifest *manifest;
    uint32_t version;
    uint64_t packs = stored_in(bench->folder, "packs"), manifests = stored_in(bench->folder, "versions");
    int64_t start = clock_now_ns();
    must(bench, dataset_commit(bench->dataset, set, &options, &version, NULL, &bench->err));
    double seconds = (double)(clock_now_ns() - start) / 1e9;
    must(bench, dataset_manifest(bench->dataset, version, &manifest, &bench->err));
    packs = stored_in(bench->folder, "packs") - packs;
    manifests = stored_in(bench->folder, "versions") - manifests;
    printf("v%u %" PRIu64 " %" PRIu64 " %u %.3f %s\n", version, packs + manifests + size_of(head), manifests,
           manifest->catalog.root.len, seconds, bench->line);
    fflush(stdout);
}

/* ---- clips ---- */

/* Attributes that most clips lack: each has `each` of `many`. */
struct wide {
    unsigned many, each;
};

static void wide_name(unsigned attribute, char name[16])
{
    snprintf(name, 16, "wide%05u", attribute);
}

static void add_wide(struct bench *bench, struct changeset *set, const struct wide *wide, uint64_t clip)
{
    uint64_t random = generated_mix(clip ^ 0x3157);
    for (unsigned i = 0; i < wide->each; i++) {
        char name[16], text[GENERATED_TEXT_BYTES];
        wide_name((unsigned)((random + (uint64_t)i * wide->many / wide->each) % wide->many), name);
        snprintf(text, sizeof text, "value%u", (unsigned)(random >> 40) % 5);
        struct value value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)};
        must(bench, changeset_value(set, name, &value, &bench->err));
    }
}

static void add_clip(struct bench *bench, struct changeset *set, uint32_t root, uint64_t clip)
{
    struct error *err = &bench->err;
    char key[GENERATED_KEY_BYTES], path[32], text[GENERATED_TEXT_BYTES];
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

/* "COUNT order|random ..." in words[]: they begin where others end. How many words that were. */
static size_t begin_clips(struct bench *bench, char **words, size_t count, uint64_t *ret_clips)
{
    size_t i = 0;
    *ret_clips = 0;
    for (; i + 1 < count && (!strcmp(words[i + 1], "order") || !strcmp(words[i + 1], "random")); i += 2) {
        mem_grow(&bench->starts, &bench->start_cap, bench->start_count + 1, sizeof *bench->starts);
        bench->starts[bench->start_count++] =
            (bench->clips + *ret_clips) | (*words[i + 1] == 'r' ? SPREAD : 0);
        *ret_clips += strtoull(words[i], NULL, 10);
    }
    return i;
}

static bool have(struct bench *bench, char **words, size_t count)
{
    uint64_t clips;
    if (begin_clips(bench, words, count, &clips) < count || !clips)
        return false;
    bench->clips += clips;
    return true;
}

static void declare(struct bench *bench, struct changeset *set, const struct wide *wide)
{
    for (int a = 0; a < GENERATED_ATTRIBUTES; a++)
        must(bench, changeset_attribute(set, generated_shapes[a].name, generated_shapes[a].type, false,
                                        &bench->err));
    for (unsigned a = 0; a < wide->many; a++) {
        char name[16];
        wide_name(a, name);
        must(bench, changeset_attribute(set, name, VALUE_TEXT, false, &bench->err));
    }
}

static bool append(struct bench *bench, char **words, size_t count)
{
    uint64_t clips;
    struct wide wide = {0};
    size_t i = begin_clips(bench, words, count, &clips);
    if (i + 3 == count && !strcmp(words[i], "wide"))
        wide = (struct wide){(unsigned)atoi(words[i + 1]), (unsigned)atoi(words[i + 2])};
    else if (i < count)
        return false;
    if (!clips || wide.each > wide.many)
        return false;
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    uint32_t root = changeset_root(set, "file:///recordings"); /* nothing is read there */
    declare(bench, set, &wide);
    for (uint64_t clip = 0; clip < clips; clip++) {
        add_clip(bench, set, root, bench->clips);
        add_wide(bench, set, &wide, bench->clips++);
    }
    commit(bench, set);
    return true;
}

/* ---- labels ---- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Keys of clips here and there and of the first one, each once, in order. */
static char (*draw_keys(struct bench *bench, uint64_t *count))[GENERATED_KEY_BYTES]
{
    char(*keys)[GENERATED_KEY_BYTES] = mem_alloc(*count * sizeof *keys);
    for (uint64_t i = 0; i < *count; i++)
        key_of(bench,
               !i || *count == bench->clips ? i : generated_mix(bench->draws++ ^ 0xabcdef) % bench->clips,
               keys[i]);
    qsort(keys, *count, sizeof *keys, compare_keys);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < *count; i++)
        if (!i || strcmp(keys[i], keys[kept - 1]) != 0)
            memmove(keys[kept++], keys[i], sizeof *keys);
    *count = kept;
    return keys;
}

static void add_label(struct bench *bench, struct changeset *set, const char *attribute, unsigned values)
{
    char text[GENERATED_TEXT_BYTES];
    uint64_t random = generated_mix(bench->draws++);
    snprintf(text, sizeof text, "label%" PRIu64, values ? random % values : random);
    struct value value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)};
    must(bench, changeset_value(set, attribute, &value, &bench->err));
}

static size_t split(char *text, const char *separators, char **words, size_t most)
{
    size_t count = 0;
    for (char *at = strtok(text, separators); at && count < most; at = strtok(NULL, separators))
        words[count++] = at;
    return count;
}

static bool label(struct bench *bench, char **words, size_t word_count)
{
    struct error *err = &bench->err;
    char *names[16];
    if (word_count != 3)
        return false;
    uint64_t count = !strcmp(words[0], "all") ? bench->clips : strtoull(words[0], NULL, 10);
    unsigned values = (unsigned)atoi(words[2]);
    size_t name_count = split(words[1], ",", names, sizeof names / sizeof *names);
    if (!count || count > bench->clips)
        return false;
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct changeset_setter setter = {.name = "bench", .policy = CHANGESET_ALL, .table = ""};
    must(bench, changeset_setter(set, &setter, err));
    for (size_t i = 0; i < name_count; i++)
        must(bench, changeset_attribute(set, names[i], VALUE_TEXT, false, err));
    CLEANUP_FREE char(*keys)[GENERATED_KEY_BYTES] = draw_keys(bench, &count);
    for (uint64_t i = 0; i < count; i++) {
        must(bench, changeset_labels(set, keys[i], i + 1, err));
        for (size_t n = 0; n < name_count; n++)
            add_label(bench, set, names[n], values);
    }
    commit(bench, set);
    return true;
}

/* ---- paths ---- */

static void print_value(struct buf *path, int a, const struct value *value)
{
    buf_printf(path, "/%s=", generated_shapes[a].name);
    value_print(path, value);
}

/* How many clips have these three values; more than `most` are not counted, and with 0 none. */
static uint64_t count_clips(uint64_t clips, const int a[3], const struct value values[3], uint64_t most)
{
    uint64_t count = 0;
    for (uint64_t clip = 0; most && clip < clips && count <= most; clip++) {
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

/* COUNT MOST SEED CLIPS */
static bool print_paths(char **words, size_t word_count)
{
    if (word_count != 4)
        return false;
    uint64_t count = strtoull(words[0], NULL, 10), most = strtoull(words[1], NULL, 10),
             seed = strtoull(words[2], NULL, 10), clips = strtoull(words[3], NULL, 10);
    for (uint64_t draw = seed << 32; clips && count; draw++)
        count -= print_path(clips, draw, most);
    fflush(stdout);
    return clips > 0;
}

/* ---- all of it ---- */

static bool run_line(struct bench *bench, const char *line)
{
    CLEANUP_FREE char *text = mem_printf("%s", line);
    char *words[32];
    size_t count = split(text, " ", words, sizeof words / sizeof *words);
    bench->line = line;
    if (!count)
        return false;
    if (!strcmp(words[0], "have"))
        return have(bench, words + 1, count - 1);
    if (!strcmp(words[0], "append"))
        return append(bench, words + 1, count - 1);
    if (!strcmp(words[0], "label"))
        return label(bench, words + 1, count - 1);
    return !strcmp(words[0], "paths") && print_paths(words + 1, count - 1);
}

int main(int argc, char **argv)
{
    char line[1024];
    if (argc != 2) {
        fprintf(stderr, "usage: commits FOLDER < SCRIPT\n");
        return 2;
    }
    struct bench bench = {.folder = argv[1]};
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!run_line(&bench, line)) {
            fprintf(stderr, "commits: '%s' is no line of a script\n", line);
            return 2;
        }
    }
    dataset_free(bench.dataset);
    cache_free(bench.cache);
    stores_free(bench.stores);
    free(bench.starts);
    return 0;
}
