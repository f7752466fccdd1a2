// SPDX-License-Identifier: Apache-2.0
/* One statement reads all that a listing needs of 256 rows: a look-up in SQLite costs more than all that is
 * done with it. The groups are kept as they are stored, and a row is read out of them. */
#include "index/catalog/groups/clips.h"

#include <errno.h>
#include <stdlib.h>

#include "index/base/clip.h"
#include "index/catalog/direct.h"
#include "index/catalog/groups/sizes.h"
#include "index/catalog/pieces.h"

enum { NEWEST_TABLE_BITS = 32 };

void clips_done(struct clips *clips)
{
    struct buf *const all[] = {&clips->names_bytes, &clips->sizes_bytes, &clips->grown_bytes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_done(all[i]);
    for (size_t i = 0; i < CLIPS_TEMPLATES; i++)
        names_template_done(&clips->templates[i]);
    free(clips->files);
    *clips = (struct clips){0};
}

static int append_column(struct db *db, sqlite3_stmt *stmt, int at, struct buf *buf, struct error *err)
{
    const uint8_t *bytes;
    size_t len;
    int rc = db_column_bytes(db, stmt, at, &bytes, &len, err);
    if (!rc)
        buf_append(buf, bytes, len);
    return rc;
}

int clips_bytes(struct db *db, enum schema_query query, int64_t id, struct buf *buf, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, query, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, id);
    rc = db_step(db, stmt, err);
    int found = rc;
    if (rc == 1)
        rc = append_column(db, stmt, 0, buf, err);
    sqlite3_reset(stmt);
    return rc < 0 ? rc : found;
}

/* ---- groups ---- */

static int take_grown(struct db *db, struct clips *clips, uint32_t row, struct error *err)
{
    if (clips->has_grown && grown_decode(clips->grown_bytes.data, clips->grown_bytes.len, &clips->grown))
        return db_damaged(db, err, "the growth of row %u and its neighbours is not in order", row);
    clips->grown_group = (row >> GROWN_ROW_BITS) + UINT64_C(1);
    return 0;
}

static int copy_grown(struct db *db, sqlite3_stmt *stmt, struct clips *clips, uint32_t row, struct error *err)
{
    enum { GROWN = 2 };
    clips->grown_group = 0;
    clips->has_grown = !db_column_null(stmt, GROWN);
    buf_clear(&clips->grown_bytes);
    int rc = clips->has_grown ? append_column(db, stmt, GROWN, &clips->grown_bytes, err) : 0;
    return rc ? rc : take_grown(db, clips, row, err);
}

static int read_grown(struct db *db, struct clips *clips, uint32_t row, struct error *err)
{
    if (clips->grown_group == (row >> GROWN_ROW_BITS) + UINT64_C(1))
        return 0;
    clips->grown_group = 0;
    buf_clear(&clips->grown_bytes);
    int rc = clips_bytes(db, QUERY_GROWN, row >> GROWN_ROW_BITS, &clips->grown_bytes, err);
    if (rc < 0)
        return rc;
    clips->has_grown = rc;
    return take_grown(db, clips, row, err);
}

bool clips_held(const struct clips *clips, uint32_t row)
{
    return clips->group == (row >> NAMES_ROW_BITS) + UINT64_C(1) &&
           clips->grown_group == (row >> GROWN_ROW_BITS) + UINT64_C(1);
}

static int take_names(struct db *db, struct clips *clips, uint32_t row, struct error *err)
{
    if (names_decode(clips->names_bytes.data, clips->names_bytes.len, &clips->names))
        return db_damaged(db, err, "the names of row %u and its neighbours are not in order", row);
    clips->group = (row >> NAMES_ROW_BITS) + UINT64_C(1);
    return 0;
}

static int take_group(struct db *db, sqlite3_stmt *stmt, struct clips *clips, uint32_t row, struct error *err)
{
    enum { NAMES, SIZES };
    buf_clear(&clips->names_bytes);
    buf_clear(&clips->sizes_bytes);
    int rc = append_column(db, stmt, NAMES, &clips->names_bytes, err);
    if (!rc)
        rc = append_column(db, stmt, SIZES, &clips->sizes_bytes, err);
    if (!rc && clips->grown_group != (row >> GROWN_ROW_BITS) + UINT64_C(1))
        rc = copy_grown(db, stmt, clips, row, err);
    return rc ? rc : take_names(db, clips, row, err);
}

static void copy_bytes(const struct direct_row *row, struct buf *buf)
{
    buf_clear(buf);
    buf_append(buf, row->bytes, row->len);
}

/* What take_group() takes, where it can be had faster: -EAGAIN if not. */
static int take_direct(struct db *db, struct clips *clips, uint32_t row, struct error *err)
{
    CLEANUP_DIRECT_ROW struct direct_row names = {0}, sizes = {0}, grown = {0};
    uint32_t group = row >> NAMES_ROW_BITS, grown_group = row >> GROWN_ROW_BITS;
    bool other = clips->grown_group != grown_group + UINT64_C(1);
    if (direct_row(db, DIRECT_NAMES, group, &names) < 1 || direct_row(db, DIRECT_SIZES, group, &sizes) < 1)
        return -EAGAIN;
    int found = other ? direct_row(db, DIRECT_GROWN, grown_group, &grown) : 0;
    if (found < 0)
        return found;
    copy_bytes(&names, &clips->names_bytes);
    copy_bytes(&sizes, &clips->sizes_bytes);
    if (!other)
        return take_names(db, clips, row, err);
    clips->grown_group = 0;
    clips->has_grown = found;
    copy_bytes(&grown, &clips->grown_bytes);
    int rc = take_grown(db, clips, row, err);
    return rc ? rc : take_names(db, clips, row, err);
}

static int read_group(struct db *db, struct clips *clips, uint32_t row, struct error *err)
{
    sqlite3_stmt *stmt;
    if (clips->group == (row >> NAMES_ROW_BITS) + UINT64_C(1))
        return 1;
    clips->group = 0;
    int rc = take_direct(db, clips, row, err);
    if (rc != -EAGAIN)
        return rc < 0 ? rc : 1;
    rc = db_query(db, QUERY_CLIPS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, row >> NAMES_ROW_BITS);
    rc = db_step(db, stmt, err);
    int found = rc;
    if (rc == 1)
        rc = take_group(db, stmt, clips, row, err);
    sqlite3_reset(stmt);
    return rc < 0 ? rc : found;
}

/* ---- templates ---- */

static int read_template(struct db *db, uint32_t id, struct names_template *ret, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int rc = clips_bytes(db, QUERY_TEMPLATE, id, &bytes, err);
    if (rc < 0)
        return rc;
    names_template_done(ret);
    if (!rc || names_template_decode(bytes.data, bytes.len, ret))
        return db_damaged(db, err, "the names of streams number %u are missing or not in order", id);
    ret->id = id;
    return 0;
}

/* Most clips have one of a few. */
static int get_template(struct db *db, struct clips *clips, int64_t id, const struct names_template **ret,
                        struct error *err)
{
    if (id < 0 || id > UINT32_MAX)
        return db_damaged(db, err, "the number of a clip's names of streams is out of range");
    size_t at = (size_t)id % CLIPS_TEMPLATES;
    *ret = &clips->templates[at];
    if (clips->has_template[at] && clips->templates[at].id == id)
        return 0;
    clips->has_template[at] = false;
    int rc = read_template(db, (uint32_t)id, &clips->templates[at], err);
    clips->has_template[at] = !rc;
    return rc;
}

/* ---- a row ---- */

static int find_growth(struct db *db, const struct clips *clips, const struct json_growth *growth,
                       uint32_t row, struct clips_grown *ret, struct error *err)
{
    struct clips_grown grown = {.folded.row = row};
    int rc = clips->has_grown ? grown_find(&clips->grown, row % GROWN_ROWS, &grown.folded) : 0;
    if (rc < 0)
        return db_damaged(db, err, "the growth of row %u is not in order", row);
    grown.recent = json_growth_find(growth, row, &grown.recent_count);
    *ret = grown;
    return 0;
}

int clips_grown(struct db *db, struct clips *clips, const struct json_growth *growth, uint32_t row,
                struct clips_grown *ret, struct error *err)
{
    int rc = read_grown(db, clips, row, err);
    return rc ? rc : find_growth(db, clips, growth, row, ret, err);
}

static int add_growth(struct db *db, const struct clips *clips, const struct json_growth *growth,
                      uint32_t row, struct clips_row *ret, struct error *err)
{
    struct clips_grown grown = {0};
    int rc = find_growth(db, clips, growth, row, &grown, err);
    if (rc)
        return rc;
    uint64_t sum = (uint64_t)ret->json + (uint64_t)grown.folded.bytes;
    uint32_t newest = grown.folded.version;
    for (size_t i = 0; i < grown.recent_count; i++) {
        sum += (uint64_t)grown.recent[i].bytes;
        newest = grown.recent[i].version > newest ? grown.recent[i].version : newest;
    }
    ret->json_changed = newest > ret->json_changed ? newest : ret->json_changed;
    if (sum > INT64_MAX)
        return db_damaged(db, err, "the JSON of row %u has no size", row);
    ret->json_size = sum;
    return 0;
}

static int take_files(struct db *db, struct clips *clips, uint32_t row, const struct names_template *names,
                      struct clips_row *ret, struct error *err)
{
    struct sizes_row sizes = {.files = clips->files};
    if (sizes_decode(clips->sizes_bytes.data, clips->sizes_bytes.len, row % NAMES_ROWS, &sizes) ||
        sizes.count != names->count)
        return db_damaged(db, err, "the sizes of row %u are not in order", row);
    if (strlen(ret->key) + names->longest > NAME_FILE_MAX)
        return db_damaged(db, err, "the names of the clip '%s' are too long", ret->key);
    for (uint32_t i = 0; i < sizes.count; i++) {
        sizes.files[i].name = names->files[i].name;
        sizes.files[i].ext = names->files[i].ext;
    }
    ret->files = sizes.files;
    ret->file_count = sizes.count;
    ret->json = sizes.json;
    ret->json_changed = sizes.json_changed;
    return 0;
}

int clips_read(struct db *db, struct clips *clips, const struct json_growth *growth, uint32_t row,
               struct clips_row *ret, struct error *err)
{
    const struct names_template *names = NULL;
    int rc = read_group(db, clips, row, err);
    uint32_t i = row % NAMES_ROWS;
    if (rc < 1 || i >= clips->names.rows)
        return rc < 0 ? rc : 0;
    if (names_key(&clips->names, i))
        return db_damaged(db, err, "the key of row %u is none", row);
    if (!clips->files)
        clips->files = mem_zero(CLIP_STREAMS_MAX * sizeof *clips->files);
    struct clips_row clip = {.key = clips->names.key};
    rc = get_template(db, clips, names_template(&clips->names, i), &names, err);
    if (!rc)
        rc = take_files(db, clips, row, names, &clip, err);
    if (!rc)
        rc = add_growth(db, clips, growth, row, &clip, err);
    if (rc)
        return rc;
    *ret = clip;
    return 1;
}

static int take_key(struct db *db, sqlite3_stmt *stmt, uint32_t row, char *key, struct error *err)
{
    struct names names;
    const uint8_t *bytes;
    size_t len;
    int rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    if (rc)
        return rc;
    if (names_decode(bytes, len, &names))
        return db_damaged(db, err, "the names of row %u and its neighbours are not in order", row);
    if (row % NAMES_ROWS >= names.rows)
        return 0;
    if (names_key(&names, row % NAMES_ROWS))
        return db_damaged(db, err, "the key of row %u is none", row);
    memcpy(key, names.key, sizeof names.key);
    return 1;
}

int clips_key(struct db *db, uint32_t row, char key[NAME_FILE_MAX + 1], struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_NAMES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, row >> NAMES_ROW_BITS);
    rc = db_step(db, stmt, err);
    if (rc == 1)
        rc = take_key(db, stmt, row, key, err);
    sqlite3_reset(stmt);
    return rc;
}

int clips_ident(struct db *db, uint32_t row, struct ident_row *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *bytes;
    size_t len;
    int rc = db_query(db, QUERY_IDENT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, row >> IDENT_ROW_BITS);
    rc = db_step(db, stmt, err);
    int found = rc;
    if (rc == 1)
        rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    if (!rc && found == 1 && ident_decode(bytes, len, row % IDENT_ROWS, ret))
        rc = db_damaged(db, err, "times and fingerprint of row %u are not in order", row);
    sqlite3_reset(stmt);
    return rc < 0 ? rc : found;
}

/* ---- growth and versions ---- */

struct growing {
    struct db *db;
    uint64_t done;
    uint32_t before; /* version of the run before */
    struct json_growth *growth;
};

static int take_run(void *ctx, int64_t run, const struct buf *bytes, struct error *err)
{
    struct growing *growing = ctx;
    struct json_growth_head head;
    size_t from = growing->growth->count;
    if (json_growth_decode(bytes->data, bytes->len, growing->done, &head, growing->growth))
        return db_damaged(growing->db, err, "run %lld of growth is not in order", (long long)run);
    for (; from < growing->growth->count; from++)
        growing->growth->list[from].since = growing->before;
    growing->before = (uint32_t)run;
    return 0;
}

int clips_growth(struct db *db, struct json_growth *ret, struct error *err)
{
    struct json_growth growth = {0};
    int64_t done;
    int rc = db_meta(db, "grown_to", &done, err);
    if (rc)
        return rc;
    struct growing growing = {db, (uint64_t)done, 0, &growth};
    rc = pieces_each(db, &pieces_growth, pieces_growth_ids, take_run, &growing, err);
    if (rc < 1) {
        json_growth_done(&growth);
        return rc ? rc : db_damaged(db, err, "a run of growth is not whole");
    }
    json_growth_order(&growth);
    *ret = growth;
    return 0;
}

int64_t clips_newest_id(enum newest_table table, uint32_t part)
{
    return (int64_t)table << NEWEST_TABLE_BITS | part;
}

int clips_newest(struct db *db, enum newest_table table, uint32_t part, uint32_t versions[NEWEST_GROUPS],
                 uint32_t *ret_groups, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    uint32_t groups = 0;
    int rc = clips_bytes(db, QUERY_NEWEST, clips_newest_id(table, part), &bytes, err);
    if (rc < 0)
        return rc;
    if (rc && newest_decode(bytes.data, bytes.len, versions, &groups))
        return db_damaged(db, err, "the newest versions of part %u are not in order", part);
    *ret_groups = groups;
    return 0;
}
