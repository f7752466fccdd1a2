// SPDX-License-Identifier: Apache-2.0
/* The manifest is one line a clip: its json line with the files put before the closing brace. Its size is
 * told by the same walk over the same rows, counting instead of reading attributes. */
#include "query/report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/base/version.h"
#include "query/alias.h"
#include "query/facets.h"
#include "query/files.h"
#include "query/report/askable.h"
#include "query/report/csv.h"
#include "query/report/diff.h"
#include "query/report/digest.h"
#include "query/report/explain.h"
#include "query/report/page.h"

const struct report_name report_names[] = {
    {"count", REPORT_COUNT, false},
    {"canonical", REPORT_CANONICAL, false},
    {"digest", REPORT_DIGEST, false},
    {"explain", REPORT_EXPLAIN, false},
    {"manifest.jsonl", REPORT_MANIFEST, false},
    {"manifest.csv", REPORT_CSV, false},
    {"schema.json", REPORT_SCHEMA, false},
    {"index.html", REPORT_PAGE, false},
    {"alias", REPORT_ALIAS, false},
    {"paths.txt", REPORT_PATHS, true},
    {"paths0", REPORT_PATHS0, true},
};
const size_t report_name_count = sizeof report_names / sizeof *report_names;

static int append_count(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                        struct error *err)
{
    uint64_t count;
    int rc = query_count(query, reader, &count, err);
    if (!rc)
        buf_printf(buf, "%" PRIu64 "\n", count);
    return rc;
}

static int append_canonical(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                            struct error *err)
{
    query_canonical(query, buf);
    buf_u8(buf, '\n');
    return 0;
}

static int append_digest(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                         struct error *err)
{
    struct digest digest;
    char hex[SHA256_HEX_BYTES];
    int rc = digest_query(query, reader, &digest, err);
    if (rc < 0)
        return rc;
    hex_print(digest.sha256, sizeof digest.sha256, hex);
    buf_printf(buf, "%s\n", hex);
    return 0;
}

static int append_alias(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                        struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT, canonical = BUF_INIT;
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc)
        return rc;
    query_canonical(query, &canonical);
    buf_printf(&path, "v%" PRIu32 "%s%s", info.version, canonical.len ? "/" : "", buf_text(&canonical));
    buf_text_append(buf, ".q/");
    alias_append(buf_text(&path), path.len, buf);
    buf_u8(buf, '\n');
    return 0;
}

/* ---- names of files ---- */

struct paths {
    struct catalog_reader *reader;
    const struct query *query;
    struct buf *buf; /* NULL: count only */
    uint64_t bytes;
    char end;
};

static int add_path(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct paths *paths = ctx;
    paths->bytes += strlen(entry->name) + 1;
    if (!paths->buf)
        return 0;
    buf_text_append(paths->buf, entry->name);
    buf_u8(paths->buf, (uint8_t)paths->end);
    return 0;
}

static int add_paths(void *ctx, uint32_t row, struct error *err)
{
    struct paths *paths = ctx;
    return files_of_clip(paths->reader, paths->query, row, add_path, paths, err);
}

static int make_paths(const struct query *query, struct paths *paths, struct error *err)
{
    size_t start = paths->buf ? paths->buf->len : 0;
    int rc = query_each_clip(query, paths->reader, CATALOG_COMING_FILES, add_paths, paths, err);
    if (rc && paths->buf)
        buf_truncate(paths->buf, start);
    return rc;
}

static int append_paths(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                        struct error *err)
{
    return make_paths(query, &(struct paths){reader, query, buf, 0, '\n'}, err);
}

static int append_paths0(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                         struct error *err)
{
    return make_paths(query, &(struct paths){reader, query, buf, 0, '\0'}, err);
}

/* ---- the manifest ---- */

struct manifest { /* the walk over the rows */
    struct catalog_reader *reader;
    const struct query *query;
    struct buf files;     /* of one clip: ,"files":{...} */
    uint64_t json_size;   /* of that clip */
    struct buf *buf;      /* NULL: count only */
    uint64_t total_bytes; /* of all lines so far */
};

static const char line_end[] = "}\n";

static int add_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct manifest *manifest = ctx;
    buf_text_append(&manifest->files, manifest->files.len ? "," : ",\"files\":{");
    json_write_text(&manifest->files, entry->name, strlen(entry->name));
    buf_printf(&manifest->files, ":%" PRIu64, entry->size);
    return 0;
}

/* The clip's json line, without its end, behind what is in the buffer. */
static int add_json(struct manifest *manifest, uint32_t row, struct error *err)
{
    struct buf *buf = manifest->buf;
    size_t start = buf->len, end_len = sizeof line_end - 1;
    int rc = catalog_json(manifest->reader, row, buf, err);
    if (rc < 0)
        return rc;
    if (buf->len - start != manifest->json_size ||
        memcmp(buf->data + buf->len - end_len, line_end, end_len) != 0)
        return error_set(err, EUCLEAN, "the labels of row %" PRIu32 " are not the stored %" PRIu64 " bytes",
                         row, manifest->json_size);
    buf_truncate(buf, buf->len - end_len);
    return 0;
}

static int add_line(void *ctx, uint32_t row, struct error *err)
{
    struct manifest *manifest = ctx;
    struct catalog_clip clip;
    buf_clear(&manifest->files);
    int rc = catalog_clip(manifest->reader, row, &clip, err);
    if (rc < 0)
        return rc;
    manifest->json_size = clip.json_size;
    rc = files_of_clip(manifest->reader, manifest->query, row, add_file, manifest, err);
    if (rc < 0)
        return rc;
    if (manifest->json_size < sizeof line_end - 1)
        return error_set(err, EUCLEAN, "the labels of row %" PRIu32 " are of %" PRIu64 " bytes", row,
                         manifest->json_size);
    buf_text_append(&manifest->files, manifest->files.len ? "}" : ",\"files\":{}");
    manifest->total_bytes += manifest->json_size + manifest->files.len;
    if (!manifest->buf)
        return 0;
    rc = add_json(manifest, row, err);
    if (rc)
        return rc;
    buf_append(manifest->buf, manifest->files.data, manifest->files.len);
    buf_append(manifest->buf, line_end, sizeof line_end - 1);
    return 0;
}

/* `buf` NULL: only the size. */
static int make_manifest(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                         uint64_t *ret_bytes, struct error *err)
{
    struct manifest manifest = {.reader = reader, .query = query, .buf = buf};
    enum catalog_coming_what what = buf ? CATALOG_COMING_VALUES : CATALOG_COMING_FILES;
    int rc = query_each_clip(query, reader, what, add_line, &manifest, err);
    buf_done(&manifest.files);
    if (!rc && ret_bytes)
        *ret_bytes = manifest.total_bytes;
    return rc;
}

struct printing {
    struct manifest manifest;
    struct buf lines;
    FILE *to;
};

static int print_line(void *ctx, uint32_t row, struct error *err)
{
    struct printing *printing = ctx;
    buf_clear(&printing->lines);
    int rc = add_line(&printing->manifest, row, err);
    if (!rc)
        fwrite(printing->lines.data, 1, printing->lines.len, printing->to);
    return rc;
}

int report_manifest_print(const struct query *query, struct catalog_reader *reader, FILE *to,
                          struct error *err)
{
    struct printing printing = {.manifest = {.reader = reader, .query = query}, .to = to};
    printing.manifest.buf = &printing.lines;
    int rc = query_each_clip(query, reader, CATALOG_COMING_VALUES, print_line, &printing, err);
    buf_done(&printing.manifest.files);
    buf_done(&printing.lines);
    return rc;
}

static int append_manifest(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                           struct error *err)
{
    size_t start = buf->len;
    int rc = make_manifest(query, reader, buf, NULL, err);
    if (rc)
        buf_truncate(buf, start);
    return rc;
}

typedef int append_fn(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                      struct error *err);

static append_fn *const append_kinds[] = {
    [REPORT_COUNT] = append_count,         [REPORT_DIGEST] = append_digest,
    [REPORT_CANONICAL] = append_canonical, [REPORT_EXPLAIN] = explain_append,
    [REPORT_MANIFEST] = append_manifest,   [REPORT_PAGE] = page_append,
    [REPORT_SCHEMA] = askable_schema,      [REPORT_CSV] = csv_append,
    [REPORT_ALIAS] = append_alias,         [REPORT_PATHS] = append_paths,
    [REPORT_PATHS0] = append_paths0,
};

int report_append(enum report_kind kind, const struct query *query, struct catalog_reader *reader,
                  struct buf *buf, struct error *err)
{
    return append_kinds[kind](query, reader, buf, err);
}

int report_size(enum report_kind kind, const struct query *query, struct catalog_reader *reader,
                uint64_t *ret, struct error *err)
{
    if (kind == REPORT_MANIFEST)
        return make_manifest(query, reader, NULL, ret, err);
    if (kind == REPORT_PATHS || kind == REPORT_PATHS0) {
        struct paths paths = {.reader = reader, .query = query};
        int rc = make_paths(query, &paths, err);
        if (!rc)
            *ret = paths.bytes;
        return rc;
    }
    if (kind == REPORT_DIGEST) {
        *ret = SHA256_HEX_BYTES; /* with a newline for its NUL */
        return 0;
    }
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = report_append(kind, query, reader, &text, err);
    if (!rc)
        *ret = text.len;
    return rc;
}

/* ---- files of .elidefs/ ---- */

/* "diff-v9.jsonl" -> 9; 0: no such name. */
static uint32_t parse_diff(const char *name)
{
    static const char before[] = "diff-", behind[] = ".jsonl";
    const char *dot = strchr(name, '.');
    uint32_t number;
    if (!dot || strcmp(dot, behind) != 0 || strncmp(name, before, sizeof before - 1) != 0)
        return 0;
    const char *version = name + sizeof before - 1;
    return version_parse(version, (size_t)(dot - version), &number) ? number : 0;
}

int report_find(const char *name, bool as, uint32_t version, struct report *ret)
{
    for (size_t i = 0; i < report_name_count; i++)
        if (report_names[i].as == as && strcmp(report_names[i].name, name) == 0) {
            *ret = (struct report){.kind = report_names[i].kind};
            return 0;
        }
    uint32_t since = as ? 0 : parse_diff(name);
    if (!since || since >= version)
        return -ENOENT;
    *ret = (struct report){.kind = REPORT_DIFF, .since = since};
    return 0;
}

bool report_size_is_told(const struct report *report)
{
    return report->kind == REPORT_MANIFEST || report->kind == REPORT_DIGEST || report->kind == REPORT_PATHS ||
           report->kind == REPORT_PATHS0;
}

static int append_facets(uint32_t id, const struct query *query, struct catalog_reader *reader,
                         struct buf *buf, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    CLEANUP_FACETS struct facets facets = {0};
    struct catalog_attribute attribute;
    int rc = catalog_attribute_get(reader, id, &attribute, err);
    if (!rc)
        rc = query_rows(query, reader, &rows, err);
    if (rc)
        return rc;
    rc = facets_of(&(struct facets_asked){reader, rows, &attribute}, REPORT_FACETS_MAX, &facets, err);
    if (!rc)
        facets_print(&facets, buf);
    return rc;
}

int report_file_append(const struct report *report, const struct query *query, struct catalog_reader *reader,
                       struct buf *buf, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *older = NULL;
    if (report->kind == REPORT_FACETS)
        return append_facets(report->attribute, query, reader, buf, err);
    if (report->kind != REPORT_DIFF)
        return report_append(report->kind, query, reader, buf, err);
    int rc = catalog_reader_sibling(reader, report->since, &older, err);
    struct diff diff = {older, reader, query};
    return rc < 0 ? rc : diff_append(&diff, buf, err);
}

int report_file_size(const struct report *report, const struct query *query, struct catalog_reader *reader,
                     uint64_t *ret, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (report->kind != REPORT_DIFF && report->kind != REPORT_FACETS)
        return report_size(report->kind, query, reader, ret, err);
    int rc = report_file_append(report, query, reader, &text, err);
    if (rc >= 0)
        *ret = text.len;
    return rc;
}
