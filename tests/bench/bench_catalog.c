// SPDX-License-Identifier: Apache-2.0
/*
 * bench_catalog [CLIPS [FOLDER]]: what a catalog of CLIPS clips with 20 attributes costs, and what plain
 * SQLite rows with single-column indices cost for the same questions. Deterministic data; times are of this
 * machine.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "index/catalog/catalog.h"
#include "index/catalog/schema.h"
#include "index/commit/apply/apply.h"
#include "tests/bench/generated.h"

enum { ROUNDS = 20, BATCHES = 10 };

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static double since(int64_t start)
{
    return (double)(clock_now_ns() - start) / 1e9;
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

/* ---- building ---- */

static struct changeset *make_set(uint64_t clips)
{
    struct error err;
    struct changeset *set = changeset_new();
    uint32_t root = changeset_root(set, "s3://bucket/recordings");
    for (int a = 0; a < GENERATED_ATTRIBUTES; a++)
        must(changeset_attribute(set, generated_shapes[a].name, generated_shapes[a].type, false, &err), &err);
    for (uint64_t clip = 0; clip < clips; clip++) {
        char key[32], path[32], text[32];
        uint32_t object;
        snprintf(key, sizeof key, "ep%08llu", (unsigned long long)clip);
        snprintf(path, sizeof path, "file-%06llu.mp4", (unsigned long long)clip / 100);
        struct changeset_clip one = {
            .key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "bench"};
        sha256_of(key, strlen(key), one.fingerprint);
        must(changeset_clip(set, &one, &err), &err);
        for (int a = 0; a < GENERATED_ATTRIBUTES; a++) {
            struct value value;
            if (generated_value(a, clip, &value, text))
                must(changeset_value(set, generated_shapes[a].name, &value, &err), &err);
        }
        must(changeset_object(set, root, path, 1 << 30, "etag=\"0123456789abcdef\"", &object, &err), &err);
        struct slice slice = SLICE_INIT;
        slice_add_range(&slice, clip % 100 << 20, 1 << 20);
        struct changeset_stream front = {"front", "mp4", "mp4", object, &slice},
                                wrist = {"wrist", "mp4", "mp4", object, &slice};
        must(changeset_stream(set, &front, &err), &err);
        must(changeset_stream(set, &wrist, &err), &err);
        slice_done(&slice);
    }
    return set;
}

static void build(const char *path, uint64_t clips)
{
    struct error err;
    struct apply_counts counts;
    int64_t start = clock_now_ns();
    CLEANUP_CHANGESET struct changeset *set = make_set(clips);
    printf("change set        %8.2f s   %8.1f MB\n", since(start), (double)changeset_log(set)->len / 1e6);
    CLEANUP_OVERLAY struct overlay *file = NULL;
    must(overlay_new(NULL, SCHEMA_PAGE_BYTES, &file, &err), &err);
    struct apply_options options = {.file = file, .version = 1};
    start = clock_now_ns();
    must(apply(&options, set, &counts, &err), &err);
    must(overlay_save(file, path, &(struct catalog_patience){0}, &err), &err);
    printf("apply             %8.2f s   %8.1f MB  (%.0f bytes a clip)\n", since(start),
           (double)size_of(path) / 1e6, (double)size_of(path) / (double)clips);
}

static sqlite3 *build_plain(const char *path, uint64_t clips)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf sql = BUF_INIT, insert = BUF_INIT;
    int64_t start = clock_now_ns();
    buf_text_append(&sql, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN; CREATE TABLE clip(row "
                          "INTEGER PRIMARY KEY, key");
    buf_text_append(&insert, "INSERT INTO clip VALUES(?, ?");
    for (int a = 0; a < GENERATED_ATTRIBUTES; a++)
        buf_printf(&sql, ", %s", generated_shapes[a].name), buf_text_append(&insert, ", ?");
    buf_text_append(&sql, ")");
    buf_text_append(&insert, ")");
    if (sqlite3_open(path, &db) || sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL) ||
        sqlite3_prepare_v2(db, buf_text(&insert), -1, &stmt, NULL))
        abort();
    for (uint64_t clip = 0; clip < clips; clip++) {
        char key[32], text[32];
        snprintf(key, sizeof key, "ep%08llu", (unsigned long long)clip);
        sqlite3_reset(stmt), sqlite3_clear_bindings(stmt);
        sqlite3_bind_int64(stmt, 1, (int64_t)clip), sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
        for (int a = 0; a < GENERATED_ATTRIBUTES; a++) {
            struct value value;
            if (!generated_value(a, clip, &value, text))
                continue;
            if (value.type == VALUE_TEXT)
                sqlite3_bind_text(stmt, a + 3, text, -1, SQLITE_TRANSIENT);
            else if (value.type == VALUE_FLOAT)
                sqlite3_bind_double(stmt, a + 3, value.real);
            else
                sqlite3_bind_int64(stmt, a + 3, value.type == VALUE_BOOL ? value.boolean : value.integer);
        }
        sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    for (int a = 0; a < GENERATED_ATTRIBUTES; a++) {
        buf_clear(&sql);
        buf_printf(&sql, "CREATE INDEX by_%s ON clip(%s)", generated_shapes[a].name,
                   generated_shapes[a].name);
        sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL);
    }
    sqlite3_exec(db, "COMMIT; ANALYZE", NULL, NULL, NULL);
    printf("plain SQLite      %8.2f s   %8.1f MB\n", since(start), (double)size_of(path) / 1e6);
    return db;
}

/* ---- asking ---- */

struct query {
    const char *label;
    int count;
    struct {
        int attribute;
        enum catalog_op op;
        const char *low, *high; /* high: RANGE */
    } literals[3];
};
static const struct query queries[] = {
    {"arm=", 1, {{0, CATALOG_EQ, "arm0", NULL}}},
    {"skill=", 1, {{13, CATALOG_EQ, "skill4321", NULL}}},
    {"arm= outcome=", 2, {{0, CATALOG_EQ, "arm0", NULL}, {1, CATALOG_EQ, "outcome1", NULL}}},
    {"arm= outcome= object=",
     3,
     {{0, CATALOG_EQ, "arm0", NULL}, {1, CATALOG_EQ, "outcome1", NULL}, {11, CATALOG_EQ, "object7", NULL}}},
    {"outcome= site.ne=", 2, {{1, CATALOG_EQ, "outcome1", NULL}, {12, CATALOG_NE, "site0", NULL}}},
    {"duration.rng=", 1, {{17, CATALOG_RANGE, "20s", "25s"}}},
    {"quality.rng=", 1, {{19, CATALOG_RANGE, "0.25", "0.26"}}},
    {"task= quality.rng=", 2, {{10, CATALOG_EQ, "task5", NULL}, {19, CATALOG_RANGE, "0.2", "0.4"}}},
    {"skill.prefix=", 1, {{13, CATALOG_PREFIX, "skill12", NULL}}},
    {"recorded.prefix=", 1, {{18, CATALOG_PREFIX, "2023-11", NULL}}},
};

static void literal_of(struct catalog_reader *reader, const struct query *query, int i,
                       struct catalog_literal *literal, struct value values[2])
{
    struct error err;
    struct catalog_attribute attribute;
    const char *name = generated_shapes[query->literals[i].attribute].name, *low = query->literals[i].low,
               *high = query->literals[i].high;
    must(catalog_attribute_find(reader, name, strlen(name), &attribute, &err), &err);
    *literal = (struct catalog_literal){.attribute = attribute.id,
                                        .op = query->literals[i].op,
                                        .values = values,
                                        .count = 1,
                                        .inclusive_low = true};
    enum value_type type = literal->op == CATALOG_PREFIX ? VALUE_TEXT : attribute.type;
    must(value_parse(type, low, strlen(low), &values[0], &err), &err);
    if (high)
        must(value_parse(type, high, strlen(high), &values[1], &err), &err);
}

static uint64_t ask(struct catalog_reader *reader, const struct query *query, bool estimate)
{
    struct error err;
    CLEANUP_ROWSET struct rowset *all = NULL;
    uint64_t guess = 0;
    for (int i = 0; i < query->count; i++) {
        struct catalog_literal literal;
        struct value values[2];
        struct rowset *rows;
        literal_of(reader, query, i, &literal, values);
        if (estimate) {
            must(catalog_estimate(reader, &literal, &guess, &err), &err);
            continue;
        }
        must(catalog_select(reader, &literal, &rows, &err), &err);
        if (all) {
            rowset_and(all, rows);
            rowset_unref(rows);
        } else {
            all = rows;
        }
    }
    return estimate ? guess : rowset_count(all);
}

static void plain_sql(const struct query *query, struct buf *sql)
{
    buf_text_append(sql, "SELECT count(*) FROM clip WHERE 1");
    for (int i = 0; i < query->count; i++) {
        const char *name = generated_shapes[query->literals[i].attribute].name, *low = query->literals[i].low,
                   *high = query->literals[i].high;
        enum value_type type = generated_shapes[query->literals[i].attribute].type;
        struct value value;
        if (query->literals[i].op == CATALOG_PREFIX && type == VALUE_TEXT)
            buf_printf(sql, " AND %s >= '%s' AND %s < '%s~'", name, low, name, low);
        else if (query->literals[i].op == CATALOG_PREFIX)
            buf_printf(sql, " AND %s >= 1698796800000000000 AND %s < 1701388800000000000", name, name);
        else if (query->literals[i].op == CATALOG_NE)
            buf_printf(sql, " AND %s <> '%s'", name, low);
        else if (query->literals[i].op == CATALOG_EQ)
            buf_printf(sql, " AND %s = '%s'", name, low);
        else if (type == VALUE_FLOAT)
            buf_printf(sql, " AND %s >= %s AND %s < %s", name, low, name, high);
        else {
            value_parse(type, low, strlen(low), &value, NULL);
            buf_printf(sql, " AND %s >= %lld", name, (long long)value.integer);
            value_parse(type, high, strlen(high), &value, NULL);
            buf_printf(sql, " AND %s < %lld", name, (long long)value.integer);
        }
    }
}

static double ask_plain(sqlite3 *db, const struct query *query, uint64_t *ret_count)
{
    CLEANUP_BUF struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt;
    plain_sql(query, &sql);
    if (sqlite3_prepare_v2(db, buf_text(&sql), -1, &stmt, NULL))
        abort();
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        int64_t start = clock_now_ns();
        sqlite3_step(stmt);
        *ret_count = (uint64_t)sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
        best = since(start) < best ? since(start) : best;
    }
    sqlite3_finalize(stmt);
    return best;
}

/* The best of several, in CPU time: other work of the machine shall not count. */
static double best_of(struct catalog_reader *reader, const struct query *query, bool estimate,
                      uint64_t *ret_count)
{
    double best = 1e9;
    for (int batch = 0; batch < BATCHES; batch++) {
        clock_t start = clock();
        for (int i = 0; i < ROUNDS; i++)
            *ret_count = ask(reader, query, estimate);
        double took = (double)(clock() - start) / CLOCKS_PER_SEC / ROUNDS;
        best = took < best ? took : best;
    }
    return best;
}

static void bench_query(struct catalog_reader *reader, sqlite3 *plain, const struct query *query)
{
    uint64_t count = 0, guess, plain_count = 0;
    double select = best_of(reader, query, false, &count), estimate = best_of(reader, query, true, &guess);
    double sqlite = plain ? ask_plain(plain, query, &plain_count) : 0;
    printf("%-24s %9llu rows  select %9.1f us  estimate %6.1f us  plain SQLite %9.1f us%s\n", query->label,
           (unsigned long long)count, select * 1e6, estimate * 1e6, sqlite * 1e6,
           plain && plain_count != count ? "  DIFFERENT" : "");
}

static int count_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    (void)value, (void)clips, (void)err;
    ++*(uint64_t *)ctx;
    return 0;
}

/* All values of an attribute, with their counts. */
static void bench_values(struct catalog_reader *reader, const char *name)
{
    struct error err;
    struct catalog_attribute attribute;
    double best = 1e9;
    uint64_t values = 0;
    must(catalog_attribute_find(reader, name, strlen(name), &attribute, &err), &err);
    for (int i = 0; i < BATCHES; i++) {
        clock_t start = clock();
        values = 0;
        must(catalog_values(reader, attribute.id, count_value, &values, &err), &err);
        double took = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = took < best ? took : best;
    }
    printf("values of %-14s %9llu values  %9.1f us\n", name, (unsigned long long)values, best * 1e6);
}

static void bench_clips(struct catalog_reader *reader, uint64_t clips)
{
    struct error err;
    struct catalog_clip clip;
    uint64_t sum = 0, count = clips < 100000 ? clips : 100000;
    int64_t start = clock_now_ns();
    for (uint32_t row = 0; row < count; row++) {
        must(catalog_clip(reader, row, &clip, &err), &err);
        sum += clip.json_size + clip.files[0].size;
    }
    printf("listing           %8.2f us a clip (%llu of them)\n", since(start) * 1e6 / (double)count,
           (unsigned long long)count);
    start = clock_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        must(catalog_clip(reader, (uint32_t)(generated_mix(i) % clips), &clip, &err), &err);
        sum += clip.json_size;
    }
    printf("clips at random   %8.2f us a clip\n", since(start) * 1e6 / (double)count);
    CLEANUP_BUF struct buf json = BUF_INIT;
    start = clock_now_ns();
    for (uint32_t row = 0; row < count; row++)
        must(catalog_json(reader, row, &json, &err), &err);
    printf("json in order     %8.2f us a clip\n", since(start) * 1e6 / (double)count);
    start = clock_now_ns();
    for (uint32_t i = 0; i < 10000; i++)
        must(catalog_json(reader, (uint32_t)(generated_mix(i) % clips), &json, &err), &err);
    printf("json at random    %8.2f us a clip\n", since(start) * 1e6 / 10000);
    start = clock_now_ns();
    for (uint32_t i = 0; i < 100000; i++) {
        char key[32];
        uint32_t row;
        int len = snprintf(key, sizeof key, "ep%08llu", (unsigned long long)(generated_mix(i) % clips));
        must(catalog_clip_find(reader, key, (size_t)len, &row, &err), &err);
    }
    printf("key lookup        %8.2f us  (checksum %llu)\n", since(start) * 1e6 / 100000,
           (unsigned long long)(sum + json.len));
}

int main(int argc, char **argv)
{
    struct error err;
    uint64_t clips = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    CLEANUP_FREE char *folder = NULL;
    must(file_make_temp_folder(argc > 2 ? argv[2] : NULL, "bench", &folder, &err), &err);
    CLEANUP_FREE char *path = mem_printf("%s/catalog", folder), *plain_path = mem_printf("%s/plain", folder);
    printf("%llu clips, %d attributes, 2 streams\n", (unsigned long long)clips, GENERATED_ATTRIBUTES);
    build(path, clips);
    sqlite3 *plain = getenv("NO_PLAIN") ? NULL : build_plain(plain_path, clips);
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct catalog_patience patience = {0};
    must(catalog_open_path(path, &catalog, &err), &err);
    must(catalog_reader_acquire(catalog, &patience, &reader, &err), &err);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        bench_query(reader, plain, &queries[i]);
    static const char *const facets[] = {"weather", "category", "object",  "skill",
                                         "session", "quality",  "recorded"};
    for (size_t i = 0; i < sizeof facets / sizeof *facets; i++)
        bench_values(reader, facets[i]);
    bench_clips(reader, clips);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    sqlite3_close(plain);
    return file_remove_tree(folder, &err) ? 1 : 0;
}
