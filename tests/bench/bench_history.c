// SPDX-License-Identifier: Apache-2.0
/*
 * bench_history [CLIPS [FOLDER]]: what differs between versions of CLIPS clips where none, 1,000 and all of
 * them changed: diff, @since, and digests; beside it, the same rows in plain SQLite tables, compared as
 * sqldiff does (by primary key) and with EXCEPT. Deterministic data; times are CPU seconds of this machine.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "index/commit/changeset_labels.h"
#include "index/commit/commit.h"
#include "query/report/diff.h"
#include "query/report/digest.h"
#include "tests/bench/generated.h"
#include "tests/bench/scratch.h"

enum { VERSIONS = 4, FEW = 1000 };

struct bench {
    uint32_t clips;
    struct scratch set;
    struct catalog *catalogs[VERSIONS + 1]; /* by version */
    sqlite3 *plain;
};

static void must(const struct bench *bench, int rc)
{
    scratch_must(&bench->set, rc);
}

/* Of this thread: what other programs do counts less. */
static int64_t cpu_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static double cpu_since(int64_t from_ns)
{
    return (double)(cpu_now_ns() - from_ns) / 1e9;
}

/* ---- the data: v1 all, v2 changes no clip, v3 labels FEW clips, v4 labels all ---- */

static const char *const arms[] = {"left", "right"}, *const outcomes[] = {"ok", "fail", "dropped", "unsure"};

static const char *outcome_at(const struct bench *bench, uint32_t version, uint32_t i)
{
    uint32_t step = bench->clips > FEW ? bench->clips / FEW : 1;
    uint64_t start = generated_mix(i);
    return outcomes[(start + (version >= 3 && i % step == 0 && i / step < FEW) + (version >= 4) * 2) % 4];
}

static void add_clip(struct bench *bench, struct changeset *set, uint32_t root, uint32_t i)
{
    char key[32], session[32], path[32];
    snprintf(key, sizeof key, "ep%09u", i);
    snprintf(session, sizeof session, "s%05u", i / 100);
    snprintf(path, sizeof path, "file-%06u.mp4", i / 100);
    struct changeset_clip clip = {
        .key = key, .t0_ns = (int64_t)i * 1000000000, .t1_ns = CLIP_NO_TIME, .source = "bench"};
    uint64_t print = generated_mix(i);
    uint32_t object;
    memcpy(clip.fingerprint, &print, sizeof print);
    must(bench, changeset_clip(set, &clip, &bench->set.err));
    struct value arm = scratch_text(arms[generated_mix(i) % 2]), at = scratch_text(session),
                 outcome = scratch_text(outcome_at(bench, 1, i));
    struct value length = {.type = VALUE_INT, .integer = (int64_t)(generated_mix(i) % 500)};
    must(bench, changeset_value(set, "arm", &arm, &bench->set.err));
    must(bench, changeset_value(set, "session", &at, &bench->set.err));
    must(bench, changeset_value(set, "length", &length, &bench->set.err));
    must(bench, changeset_value(set, "outcome", &outcome, &bench->set.err));
    must(bench,
         changeset_object(set, root, path, 1 << 30, "etag=\"0123456789abcdef\"", &object, &bench->set.err));
    struct slice slice = SLICE_INIT;
    slice_add_range(&slice, (uint64_t)(i % 100) << 20, 1 << 20);
    struct changeset_stream front = {"front", "mp4", "mp4", object, &slice},
                            wrist = {"wrist", "mp4", "mp4", object, &slice};
    must(bench, changeset_stream(set, &front, &bench->set.err));
    must(bench, changeset_stream(set, &wrist, &bench->set.err));
    slice_done(&slice);
}

static void commit(struct bench *bench, const struct changeset *set)
{
    uint32_t version;
    must(bench, dataset_commit(bench->set.dataset, set, &(struct dataset_commit){0}, &version, NULL,
                               &bench->set.err));
    must(bench, dataset_refresh(bench->set.dataset, NULL, &bench->set.err));
    must(bench, dataset_catalog(bench->set.dataset, version, PATIENCE_ENDLESS, &bench->catalogs[version],
                                &bench->set.err));
}

static void make_first(struct bench *bench)
{
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    uint32_t root = changeset_root(set, "s3://bucket/recordings");
    must(bench, changeset_attribute(set, "arm", VALUE_TEXT, false, &bench->set.err));
    must(bench, changeset_attribute(set, "session", VALUE_TEXT, false, &bench->set.err));
    must(bench, changeset_attribute(set, "length", VALUE_INT, false, &bench->set.err));
    must(bench, changeset_attribute(set, "outcome", VALUE_TEXT, false, &bench->set.err));
    for (uint32_t i = 0; i < bench->clips; i++)
        add_clip(bench, set, root, i);
    commit(bench, set);
}

static struct changeset *labels_new(struct bench *bench)
{
    struct changeset *set = changeset_new();
    struct changeset_setter setter = {.name = "anna", .policy = CHANGESET_ALL, .table = "table: line"};
    must(bench, changeset_setter(set, &setter, &bench->set.err));
    return set;
}

static void make_second(struct bench *bench)
{
    CLEANUP_CHANGESET struct changeset *set = labels_new(bench);
    must(bench, changeset_describe(set, "arm", "which arm moves", &bench->set.err));
    commit(bench, set);
}

static void make_labelled(struct bench *bench, uint32_t version)
{
    CLEANUP_CHANGESET struct changeset *set = labels_new(bench);
    must(bench, changeset_attribute(set, "outcome", VALUE_TEXT, false, &bench->set.err));
    for (uint32_t i = 0; i < bench->clips; i++) {
        char key[32];
        struct value outcome = scratch_text(outcome_at(bench, version, i));
        if (!strcmp(outcome.text, outcome_at(bench, version - 1, i)))
            continue;
        snprintf(key, sizeof key, "ep%09u", i);
        must(bench, changeset_labels(set, key, i, &bench->set.err));
        must(bench, changeset_value(set, "outcome", &outcome, &bench->set.err));
    }
    commit(bench, set);
}

/* ---- the same rows in plain SQLite ---- */

static void plain_do(struct bench *bench, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(bench->plain, sql, NULL, NULL, &message)) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
}

static void make_plain(struct bench *bench)
{
    CLEANUP_FREE char *path = mem_printf("%s/plain", bench->set.folder);
    if (sqlite3_open(path, &bench->plain))
        abort();
    plain_do(bench, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-2000000; BEGIN");
    for (uint32_t version = 1; version <= VERSIONS; version++) {
        CLEANUP_FREE char *create = mem_printf("CREATE TABLE v%u(row INTEGER PRIMARY KEY, key, arm, session, "
                                               "length, outcome)",
                                               version),
                          *insert = mem_printf("INSERT INTO v%u VALUES(?, ?, ?, ?, ?, ?)", version);
        sqlite3_stmt *stmt;
        plain_do(bench, create);
        sqlite3_prepare_v2(bench->plain, insert, -1, &stmt, NULL);
        for (uint32_t i = 0; i < bench->clips; i++) {
            char key[32], session[32];
            snprintf(key, sizeof key, "ep%09u", i);
            snprintf(session, sizeof session, "s%05u", i / 100);
            sqlite3_bind_int64(stmt, 1, i);
            sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
            sqlite3_bind_text(stmt, 3, arms[generated_mix(i) % 2], -1, SQLITE_STATIC);
            sqlite3_bind_text(stmt, 4, session, -1, SQLITE_STATIC);
            sqlite3_bind_int64(stmt, 5, (int64_t)(generated_mix(i) % 500));
            sqlite3_bind_text(stmt, 6, outcome_at(bench, version, i), -1, SQLITE_STATIC);
            sqlite3_step(stmt);
            sqlite3_reset(stmt);
        }
        sqlite3_finalize(stmt);
    }
    plain_do(bench, "COMMIT");
}

/* Seconds of CPU; the second of two runs. */
static double ask_plain(struct bench *bench, const char *format, uint32_t version, uint64_t expected)
{
    CLEANUP_FREE char *sql = mem_printf(format, version, version - 1);
    double taken = 0;
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *stmt;
        int64_t start = cpu_now_ns();
        if (sqlite3_prepare_v2(bench->plain, sql, -1, &stmt, NULL))
            abort();
        sqlite3_step(stmt);
        if ((uint64_t)sqlite3_column_int64(stmt, 0) != expected)
            printf("DIFFERENT: SQLite finds %lld\n", (long long)sqlite3_column_int64(stmt, 0));
        sqlite3_finalize(stmt);
        taken = cpu_since(start);
    }
    return taken;
}

/* ---- asking ---- */

static int count_clip(void *ctx, const struct diff_clip *clip, struct error *err)
{
    (void)err;
    *(uint64_t *)ctx += clip->value_count > 0;
    return 0;
}

static uint64_t run_diff(struct bench *bench, struct catalog_reader *older, struct catalog_reader *newer)
{
    uint64_t count = 0;
    CLEANUP_QUERY struct query *all = query_all();
    struct diff diff = {older, newer, all};
    struct diff_visitor visitor = {.clip = count_clip, .ctx = &count};
    must(bench, diff_run(&diff, &visitor, &bench->set.err));
    return count;
}

static uint64_t run_since(struct bench *bench, struct catalog_reader *newer, uint32_t version,
                          const char *attribute)
{
    CLEANUP_FREE char *path = mem_printf("@since=v%u%s", version - 1, attribute);
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_SET struct set *result = NULL;
    must(bench, query_parse(path, strlen(path), newer, &query, &bench->set.err));
    must(bench, query_run(query, newer, &result, &bench->set.err));
    return set_count(result);
}

static void compare(struct bench *bench, uint32_t version)
{
    struct catalog_reader *older, *newer;
    struct catalog_patience patience = {0};
    must(bench, catalog_reader_acquire(bench->catalogs[version - 1], &patience, &older, &bench->set.err));
    must(bench, catalog_reader_acquire(bench->catalogs[version], &patience, &newer, &bench->set.err));
    uint64_t since = run_since(bench, newer, version, ""); /* reads the pages once */
    int64_t start = cpu_now_ns();
    run_since(bench, newer, version, "");
    double since_s = cpu_since(start);
    start = cpu_now_ns();
    uint64_t labelled = run_since(bench, newer, version, ",outcome");
    double labelled_s = cpu_since(start);
    start = cpu_now_ns();
    uint64_t count = run_diff(bench, older, newer);
    double diff_s = cpu_since(start);
    double keyed =
        ask_plain(bench,
                  "SELECT count(*) FROM v%u b JOIN v%u a USING(row) WHERE a.key IS NOT b.key OR a.arm IS "
                  "NOT b.arm OR a.session IS NOT b.session OR a.length IS NOT b.length OR "
                  "a.outcome IS NOT b.outcome",
                  version, count);
    double except =
        ask_plain(bench, "SELECT count(*) FROM (SELECT * FROM v%u EXCEPT SELECT * FROM v%u)", version, count);
    printf("v%u: %9" PRIu64
           " clips differ   diff %8.3f s   @since %8.3f s   @since,outcome %8.3f s   SQLite by key "
           "%7.3f s   EXCEPT %7.3f s   diff / SQLite by key %.2f%s\n",
           version, count, diff_s, since_s, labelled_s, keyed, except, diff_s / keyed,
           since == count && labelled == count ? "" : "  DIFFERENT");
    catalog_reader_release(newer);
    catalog_reader_release(older);
}

static void sum_up(struct bench *bench, uint32_t version)
{
    struct catalog_reader *reader;
    struct digest digest;
    struct rusage usage;
    CLEANUP_QUERY struct query *all = query_all();
    must(bench, catalog_reader_acquire(bench->catalogs[version], &(struct catalog_patience){0}, &reader,
                                       &bench->set.err));
    getrusage(RUSAGE_SELF, &usage);
    long before_kib = usage.ru_maxrss;
    int64_t start = cpu_now_ns();
    must(bench, digest_query(all, reader, &digest, &bench->set.err));
    double taken = cpu_since(start);
    getrusage(RUSAGE_SELF, &usage);
    printf("digest of v%u: %" PRIu64 " clips, %" PRIu64
           " files %8.3f s, %.2f us a clip, %ld KiB more memory\n",
           version, digest.clips, digest.files, taken, taken * 1e6 / (double)digest.clips,
           usage.ru_maxrss - before_kib);
    catalog_reader_release(reader);
}

int main(int argc, char **argv)
{
    struct bench bench = {.clips = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000};
    scratch_open(&bench.set, argc > 2 ? argv[2] : NULL, "bench-history");
    int64_t start = cpu_now_ns();
    make_first(&bench);
    make_second(&bench);
    make_labelled(&bench, 3);
    make_labelled(&bench, 4);
    printf("%u clips, 4 attributes, 2 streams; %d versions made in %.1f s\n", bench.clips, VERSIONS,
           cpu_since(start));
    sum_up(&bench, VERSIONS);
    make_plain(&bench);
    for (uint32_t version = 2; version <= VERSIONS; version++)
        compare(&bench, version);
    sqlite3_close(bench.plain);
    for (uint32_t version = 1; version <= VERSIONS; version++)
        catalog_unref(bench.catalogs[version]);
    scratch_close(&bench.set);
    return 0;
}
