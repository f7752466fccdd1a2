// SPDX-License-Identifier: Apache-2.0
/*
 * bench_annotate [ROWS [FOLDER]]: how fast labels land. A data set of ROWS clips in a local folder, then a
 * CSV table with a text and a number for each of them (what a model says), a second one by the same model,
 * and as many events. Deterministic data; times are of this machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/base/instant.h"
#include "index/commit/commit.h"
#include "tests/bench/generated.h"
#include "tests/bench/scratch.h"
#include "tools/label/annotate.h"

struct bench {
    uint32_t rows;
    struct scratch set;
    char *table;
};

static void must(const struct bench *bench, int rc)
{
    scratch_must(&bench->set, rc);
}

/* ---- the data set ---- */

static void add_clip(struct bench *bench, struct changeset *set, uint32_t i)
{
    static const char *const arms[] = {"left", "right"};
    char key[32], session[32];
    snprintf(key, sizeof key, "ep%09u", i);
    snprintf(session, sizeof session, "s%05u", i / 100);
    struct changeset_clip clip = {
        .key = key, .t0_ns = (int64_t)i * 1000000000, .t1_ns = CLIP_NO_TIME, .source = "bench"};
    uint64_t print = generated_mix(i);
    memcpy(clip.fingerprint, &print, sizeof print);
    must(bench, changeset_clip(set, &clip, &bench->set.err));
    struct value arm = scratch_text(arms[generated_mix(i) % 2]), at = scratch_text(session);
    struct value length = {.type = VALUE_INT, .integer = (int64_t)(generated_mix(i) % 500)};
    must(bench, changeset_value(set, "arm", &arm, &bench->set.err));
    must(bench, changeset_value(set, "session", &at, &bench->set.err));
    must(bench, changeset_value(set, "length", &length, &bench->set.err));
}

static void make_clips(struct bench *bench)
{
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    must(bench, changeset_attribute(set, "arm", VALUE_TEXT, false, &bench->set.err));
    must(bench, changeset_attribute(set, "session", VALUE_TEXT, false, &bench->set.err));
    must(bench, changeset_attribute(set, "length", VALUE_INT, false, &bench->set.err));
    for (uint32_t i = 0; i < bench->rows; i++)
        add_clip(bench, set, i);
    must(bench,
         dataset_commit(bench->set.dataset, set, &(struct dataset_commit){0}, NULL, NULL, &bench->set.err));
}

/* ---- tables ---- */

static void write_values(struct bench *bench, uint64_t seed)
{
    static const char *const outcomes[] = {"ok", "fail", "dropped", "unsure"};
    FILE *to = fopen(bench->table, "w");
    if (!to)
        exit(1);
    fputs("key,outcome_net,confidence\n", to);
    for (uint32_t i = 0; i < bench->rows; i++)
        fprintf(to, "ep%09u,%s,0.%04" PRIu64 "\n", i, outcomes[generated_mix(i + seed) % 4],
                generated_mix(i + seed + 1) % 10000);
    fclose(to);
}

static void write_events(struct bench *bench)
{
    static const char *const labels[] = {"grasp", "lift", "slip"};
    FILE *to = fopen(bench->table, "w");
    if (!to)
        exit(1);
    fputs("key,label,start,end\n", to);
    for (uint32_t i = 0; i < bench->rows; i++) {
        double start = (double)(generated_mix(i) % 3000) / 1000;
        fprintf(to, "ep%09u,%s,%.3f,%.3f\n", i / 4 * 4, labels[generated_mix(i) % 3], start, start + 0.5);
    }
    fclose(to);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_since(int64_t from_ns)
{
    return (double)(clock_now_ns() - from_ns) / 1e9;
}

static void annotate(struct bench *bench, const char *what)
{
    struct annotate_options options = {.stores = bench->set.stores, .table = bench->table, .by = "net-7"};
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct annotate *annotate;
    struct changeset *set = NULL;
    struct apply_counts counts;
    uint32_t head;
    int64_t start = clock_now_ns();
    double cpu = cpu_seconds();
    must(bench, dataset_refresh(bench->set.dataset, &head, &bench->set.err));
    must(bench, dataset_catalog(bench->set.dataset, head, PATIENCE_ENDLESS, &catalog, &bench->set.err));
    must(bench, catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, &bench->set.err));
    must(bench, annotate_open(&options, reader, &annotate, &bench->set.err));
    must(bench, annotate_read(annotate, reader, 0, &set, &bench->set.err));
    double read = seconds_since(start);
    must(bench, dataset_commit(bench->set.dataset, set, &(struct dataset_commit){0}, &head, &counts,
                               &bench->set.err));
    double all = seconds_since(start);
    printf("%-28s %9u rows  %6.2f s (reading %.2f s, %.2f s of CPU)  %9.0f rows/s  %" PRIu64
           " clips labelled\n",
           what, bench->rows, all, read, cpu_seconds() - cpu, bench->rows / all, counts.clips_labelled);
    changeset_free(set);
    annotate_free(annotate);
    catalog_reader_release(reader);
    catalog_unref(catalog);
}

int main(int argc, char **argv)
{
    struct bench bench = {.rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000};
    scratch_open(&bench.set, argc > 2 ? argv[2] : NULL, "bench-annotate");
    bench.table = mem_printf("%s/table.csv", bench.set.folder);
    int64_t start = clock_now_ns();
    make_clips(&bench);
    printf("%-28s %9u clips %6.2f s\n", "import", bench.rows, seconds_since(start));
    write_values(&bench, 1);
    annotate(&bench, "two new attributes");
    write_values(&bench, 7);
    annotate(&bench, "the same, other values");
    write_events(&bench);
    annotate(&bench, "events");
    scratch_close(&bench.set);
    free(bench.table);
    return 0;
}
