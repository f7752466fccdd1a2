// SPDX-License-Identifier: Apache-2.0
/*
 * queries CLIPS all|QUESTION,... FOLDER@VERSION... < PATHS: asks the same of several versions, in turns, and
 * prints a line a question: what each version took, in microseconds of this thread's CPU, the least of
 * several batches, so that other work of the machine does not count. All is asked once before: these are warm
 * figures.
 *
 * CLIPS of each version have keys in order and are asked for one by one; PATHS is what commits prints.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/base/memory.h"
#include "index/catalog/catalog.h"
#include "index/dataset/dataset.h"
#include "query/query.h"
#include "tests/bench/generated.h"

enum { VERSIONS_MAX = 8, PATHS_MAX = 64, BATCHES = 12 };

struct asked { /* a version */
    struct dataset *dataset;
    struct catalog *catalog;
    struct catalog_reader *reader;
};
struct bench {
    struct stores *stores;
    struct cache *cache;
    struct asked versions[VERSIONS_MAX];
    size_t version_count;
    char *paths[PATHS_MAX];
    size_t path_count;
    uint64_t clips;
    uint64_t draws;
    struct error err;
};

static void must(const struct bench *bench, int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "queries: %s\n", bench->err.text);
    exit(1);
}

static uint64_t draw(struct bench *bench)
{
    return generated_mix(bench->draws++) % bench->clips;
}

/* ---- questions: each asks one of `reader` ---- */

static const char *any_path(struct bench *bench)
{
    return bench->paths[bench->draws++ % bench->path_count];
}

static void ask_exists(struct bench *bench, struct catalog_reader *reader)
{
    CLEANUP_QUERY struct query *query = NULL;
    const char *path = any_path(bench);
    bool exists;
    must(bench, query_parse(path, strlen(path), reader, &query, &bench->err));
    must(bench, query_exists(query, reader, &exists, &bench->err));
}

static void ask_first_names(struct bench *bench, struct catalog_reader *reader)
{
    enum { NAMES = 100 };
    CLEANUP_QUERY struct query *query = NULL;
    const char *path = any_path(bench);
    uint32_t rows[NAMES], windows;
    size_t count = 0;
    must(bench, query_parse(path, strlen(path), reader, &query, &bench->err));
    must(bench, query_windows(query, reader, &windows, &bench->err));
    for (uint32_t window = 0; window < windows && count < NAMES; window++) {
        CLEANUP_SET struct set *result = NULL;
        uint64_t next;
        must(bench, query_run_window(query, reader, window, &result, &bench->err));
        count += set_read(result, 0, rows + count, NAMES - count, &next);
    }
    for (size_t i = 0; i < count; i++) {
        struct catalog_clip clip;
        must(bench, catalog_clip(reader, rows[i], &clip, &bench->err));
    }
}

static void find(struct bench *bench, struct catalog_reader *reader, const char *key, bool there)
{
    uint32_t row;
    int rc = catalog_clip_find(reader, key, strlen(key), &row, &bench->err);
    if (rc != -ENOENT || there)
        must(bench, rc);
}

static void ask_key(struct bench *bench, struct catalog_reader *reader)
{
    char key[GENERATED_KEY_BYTES];
    generated_key(draw(bench), false, key);
    find(bench, reader, key, true);
}

static void ask_no_key(struct bench *bench, struct catalog_reader *reader)
{
    char key[GENERATED_KEY_BYTES];
    generated_key(draw(bench), true, key);
    *key = 'x';
    find(bench, reader, key, false);
}

static int ignore(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    (void)ctx, (void)value, (void)clips, (void)err;
    return 0;
}

static void ask_values(struct bench *bench, struct catalog_reader *reader, const char *name)
{
    struct catalog_attribute attribute;
    must(bench, catalog_attribute_find(reader, name, strlen(name), &attribute, &bench->err));
    must(bench, catalog_values(reader, attribute.id, ignore, NULL, &bench->err));
}

static void ask_weather(struct bench *bench, struct catalog_reader *reader)
{
    ask_values(bench, reader, "weather");
}

static void ask_tag(struct bench *bench, struct catalog_reader *reader)
{
    ask_values(bench, reader, "tag");
}

static void ask_skill(struct bench *bench, struct catalog_reader *reader)
{
    ask_values(bench, reader, "skill");
}

static void ask_range(struct bench *bench, struct catalog_reader *reader)
{
    static const char path[] = "quality.rng=0.25..0.2603";
    CLEANUP_QUERY struct query *query = NULL;
    uint64_t count;
    must(bench, query_parse(path, strlen(path), reader, &query, &bench->err));
    must(bench, query_count(query, reader, &count, &bench->err));
}

static void json_of(struct bench *bench, struct catalog_reader *reader, uint32_t row)
{
    CLEANUP_BUF struct buf json = BUF_INIT;
    must(bench, catalog_json(reader, row, &json, &bench->err));
}

static void ask_json(struct bench *bench, struct catalog_reader *reader)
{
    json_of(bench, reader, (uint32_t)draw(bench));
}

/* The clip that every commit of labels changes. */
static void ask_first_json(struct bench *bench, struct catalog_reader *reader)
{
    json_of(bench, reader, 0);
}

static void ask_clip(struct bench *bench, struct catalog_reader *reader)
{
    struct catalog_clip clip;
    must(bench, catalog_clip(reader, (uint32_t)draw(bench), &clip, &bench->err));
}

static const struct question {
    const char *label;
    unsigned batch; /* asked so often, at new places, then all that again */
    void (*ask)(struct bench *bench, struct catalog_reader *reader);
} questions[] = {
    {"exists", 40, ask_exists},
    {"first-100-names", 40, ask_first_names},
    {"key", 1000, ask_key},
    {"no-such-key", 1000, ask_no_key},
    {"values-5", 20, ask_weather},
    {"values-1000", 10, ask_tag},
    {"values-10000", 5, ask_skill},
    {"range-1%", 10, ask_range},
    {"row", 1000, ask_clip},
    {"json", 1000, ask_json},
    {"json-of-first", 1000, ask_first_json},
};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double batch_seconds(struct bench *bench, const struct question *question,
                            struct catalog_reader *reader)
{
    bench->draws = 0;
    double start = cpu_seconds();
    for (unsigned i = 0; i < question->batch; i++)
        question->ask(bench, reader);
    return cpu_seconds() - start;
}

static void ask(struct bench *bench, const struct question *question)
{
    double best[VERSIONS_MAX];
    for (int batch = 0; batch <= BATCHES; batch++)
        for (size_t v = 0; v < bench->version_count; v++) {
            double took = batch_seconds(bench, question, bench->versions[v].reader);
            if (batch < 2 || took < best[v]) /* the first one is not warm */
                best[v] = took;
        }
    printf("%s", question->label);
    for (size_t v = 0; v < bench->version_count; v++)
        printf(" %.2f", best[v] / question->batch * 1e6);
    printf("\n");
    fflush(stdout);
}

/* ---- what is asked ---- */

/* Does `name` stand in a list with commas? */
static bool is_named(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == len && !memcmp(at, name, len))
            return true;
    return false;
}

static void open_version(struct bench *bench, char *place)
{
    struct asked *asked = &bench->versions[bench->version_count++];
    char *at = strrchr(place, '@');
    *at = 0;
    struct dataset_options opening = {.stores = bench->stores, .cache = bench->cache};
    must(bench, dataset_open(&opening, place, &asked->dataset, &bench->err));
    must(bench, dataset_catalog(asked->dataset, (uint32_t)atoi(at + 1), PATIENCE_ENDLESS, &asked->catalog,
                                &bench->err));
    must(bench,
         catalog_reader_acquire(asked->catalog, &(struct catalog_patience){0}, &asked->reader, &bench->err));
}

static void close_versions(struct bench *bench)
{
    for (size_t v = 0; v < bench->version_count; v++) {
        catalog_reader_release(bench->versions[v].reader);
        catalog_unref(bench->versions[v].catalog);
        dataset_free(bench->versions[v].dataset);
    }
}

static void read_paths(struct bench *bench)
{
    char line[1024];
    while (bench->path_count < PATHS_MAX && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, " \n")] = 0;
        bench->paths[bench->path_count++] = mem_printf("%s", line + 1); /* it begins with '/' */
    }
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    if (argc < 4 || argc - 3 > VERSIONS_MAX || !strchr(argv[3], '@')) {
        fprintf(stderr, "usage: queries CLIPS all|QUESTION,... FOLDER@VERSION... < PATHS\n");
        return 2;
    }
    CLEANUP_FREE char *cache = mem_printf("%.*s.cache", (int)(strchr(argv[3], '@') - argv[3]), argv[3]);
    struct cache_options options = {.folder = cache, .size_bytes = INT64_C(8) << 30};
    bench.clips = strtoull(argv[1], NULL, 10);
    read_paths(&bench);
    must(&bench, stores_new(&(struct stores_options){0}, &bench.stores, &bench.err));
    must(&bench, cache_new(&options, &bench.cache, &bench.err));
    for (int i = 3; i < argc && strchr(argv[i], '@'); i++)
        open_version(&bench, argv[i]);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        if (!strcmp(argv[2], "all") || is_named(argv[2], questions[i].label))
            ask(&bench, &questions[i]);
    close_versions(&bench);
    cache_free(bench.cache);
    stores_free(bench.stores);
    for (size_t i = 0; i < bench.path_count; i++)
        free(bench.paths[i]);
    return 0;
}
