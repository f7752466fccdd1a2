// SPDX-License-Identifier: Apache-2.0
/* A group is taken apart once, changed row by row, and put together again. */
#include "index/commit/apply/apply_groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/groups/sizes.h"
#include "index/commit/apply/apply_newest.h"

enum { TEMPLATES_MAX = 1 << 16 }; /* as many are known again */

struct apply_groups {
    struct apply *apply;
    uint64_t group, ident_group; /* row >> bits, plus 1; 0: none is entered */
    uint32_t rows, ident_rows;
    bool names_dirty, sizes_dirty, ident_dirty;
    struct names_row names[NAMES_ROWS];
    char keys[NAMES_ROWS][NAME_FILE_MAX + 1];
    struct sizes_row sizes[SIZES_ROWS]; /* files are owned */
    struct ident_row ident[IDENT_ROWS];
    struct apply_newest newest;
    struct strmap *templates; /* bytes -> number; NULL: not read yet */
    int64_t next_template;
    struct buf bytes;
};

struct apply_groups *apply_groups_new(struct apply *apply)
{
    struct apply_groups *groups = MEM_NEW(struct apply_groups);
    groups->apply = apply;
    groups->newest = (struct apply_newest){.db = apply->db, .table = NEWEST_SIZES};
    return groups;
}

static void forget_rows(struct apply_groups *groups)
{
    for (uint32_t i = 0; i < groups->rows; i++)
        free(groups->sizes[i].files);
    groups->rows = 0;
    groups->group = 0;
}

void apply_groups_free(struct apply_groups *groups)
{
    if (!groups)
        return;
    forget_rows(groups);
    apply_newest_done(&groups->newest);
    strmap_free(groups->templates);
    buf_done(&groups->bytes);
    free(groups);
}

/* ---- templates ---- */

static int read_templates(struct apply_groups *groups, struct error *err)
{
    enum { ID, BYTES };
    struct db *db = groups->apply->db;
    sqlite3_stmt *stmt;
    const uint8_t *bytes;
    size_t len;
    int64_t id;
    int rc = db_query(db, QUERY_TEMPLATES, &stmt, err);
    if (rc)
        return rc;
    groups->templates = strmap_new();
    db_bind_number(stmt, 1, TEMPLATES_MAX);
    while ((rc = db_step(db, stmt, err)) == 1) {
        rc = db_column_number(db, stmt, ID, 0, &id, err);
        if (!rc)
            rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
        if (!rc && id >= UINT32_MAX)
            rc = db_damaged(db, err, "the number of names of streams is out of range");
        if (rc)
            break;
        strmap_put(groups->templates, (const char *)bytes, len, NULL)->value = (uintptr_t)id;
        groups->next_template = id >= groups->next_template ? id + 1 : groups->next_template;
    }
    sqlite3_reset(stmt);
    return rc;
}

static int find_template(struct apply_groups *groups, const struct apply_groups_clip *clip, uint32_t *ret,
                         struct error *err)
{
    int rc = groups->templates ? 0 : read_templates(groups, err);
    if (rc)
        return rc;
    buf_clear(&groups->bytes);
    for (uint32_t i = 0; i < clip->file_count; i++)
        names_template_add(&groups->bytes, clip->files[i].name, clip->files[i].ext);
    bool is_new;
    struct strmap_entry *entry =
        strmap_put(groups->templates, buf_text(&groups->bytes), groups->bytes.len, &is_new);
    if (is_new) {
        entry->value = (uintptr_t)groups->next_template++;
        rc = db_put_bytes(groups->apply->db, QUERY_TEMPLATE_PUT, (int64_t)entry->value, &groups->bytes, err);
    }
    *ret = (uint32_t)entry->value;
    return rc;
}

/* ---- names and sizes ---- */

static int flush_rows(struct apply_groups *groups, struct error *err)
{
    struct db *db = groups->apply->db;
    uint32_t group = (uint32_t)(groups->group - 1), newest;
    int rc = 0;
    if (groups->names_dirty) {
        buf_clear(&groups->bytes);
        names_encode(groups->names, groups->rows, &groups->bytes);
        rc = db_put_bytes(db, QUERY_NAMES_PUT, group, &groups->bytes, err);
    }
    if (!rc && groups->sizes_dirty) {
        buf_clear(&groups->bytes);
        sizes_encode(groups->sizes, groups->rows, &groups->bytes);
        rc = db_put_bytes(db, QUERY_SIZES_PUT, group, &groups->bytes, err);
        if (!rc && !(rc = sizes_newest(groups->bytes.data, groups->bytes.len, &newest)))
            rc = apply_newest_put(&groups->newest, group, newest, err);
    }
    groups->names_dirty = groups->sizes_dirty = false;
    forget_rows(groups);
    return rc;
}

static int take_row(struct apply_groups *groups, struct names *names, const struct buf *sizes,
                    struct catalog_file *files)
{
    uint32_t i = groups->rows;
    struct sizes_row row = {.files = files};
    if (names_key(names, i) || sizes_decode(sizes->data, sizes->len, i, &row))
        return -EUCLEAN;
    memcpy(groups->keys[i], names->key, sizeof names->key);
    groups->names[i] = (struct names_row){groups->keys[i], (uint32_t)names_template(names, i)};
    row.files = mem_copy(files, row.count * sizeof *files);
    groups->sizes[groups->rows++] = row;
    return 0;
}

static int take_rows(struct apply_groups *groups, const struct buf *names_bytes, const struct buf *sizes,
                     uint32_t rows)
{
    CLEANUP_FREE struct catalog_file *files = mem_zero(CLIP_STREAMS_MAX * sizeof *files);
    struct names names;
    int rc = names_decode(names_bytes->data, names_bytes->len, &names);
    if (!rc && names.rows != rows)
        rc = -EUCLEAN;
    while (!rc && groups->rows < rows)
        rc = take_row(groups, &names, sizes, files);
    return rc;
}

/* How many of the group's rows the parent has. */
static uint32_t known_rows(const struct apply_groups *groups, uint32_t group, uint32_t bits)
{
    int64_t rows = groups->apply->source.parent_rows - ((int64_t)group << bits);
    return rows < 0 ? 0 : rows > 1 << bits ? 1u << bits : (uint32_t)rows;
}

static int enter_rows(struct apply_groups *groups, uint32_t row, struct error *err)
{
    CLEANUP_BUF struct buf names = BUF_INIT, sizes = BUF_INIT;
    struct db *db = groups->apply->db;
    uint32_t group = row >> NAMES_ROW_BITS;
    if (groups->group == group + UINT64_C(1))
        return 0;
    int rc = groups->group ? flush_rows(groups, err) : 0;
    uint32_t rows = known_rows(groups, group, NAMES_ROW_BITS);
    groups->group = group + UINT64_C(1);
    if (!rc && rows)
        rc = clips_bytes(db, QUERY_NAMES, group, &names, err);
    if (rc >= 0 && rows)
        rc = clips_bytes(db, QUERY_SIZES, group, &sizes, err);
    if (rc < 0)
        return rc;
    if (rows && take_rows(groups, &names, &sizes, rows))
        return db_damaged(db, err, "names or sizes of row %u and its neighbours are not in order", row);
    return 0;
}

static bool same_sizes(const struct sizes_row *a, const struct apply_groups_clip *b)
{
    bool same = a->json == b->json && a->json_changed == b->json_changed && a->count == b->file_count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = a->files[i].size == b->files[i].size && a->files[i].changed == b->files[i].changed;
    return same;
}

static int put_row(struct apply_groups *groups, const struct apply_groups_clip *clip, struct error *err)
{
    uint32_t i = clip->row % NAMES_ROWS, template;
    int rc = find_template(groups, clip, &template, err);
    if (rc)
        return rc;
    bool known = i < groups->rows;
    if (!known || groups->names[i].template != template) {
        snprintf(groups->keys[i], sizeof groups->keys[i], "%s", clip->key);
        groups->names[i] = (struct names_row){groups->keys[i], template};
        groups->names_dirty = true;
    }
    if (known && same_sizes(&groups->sizes[i], clip))
        return 0;
    if (known)
        free(groups->sizes[i].files);
    else
        groups->rows++;
    groups->sizes[i] = (struct sizes_row){clip->json, clip->json_changed, clip->file_count,
                                          mem_copy(clip->files, clip->file_count * sizeof *clip->files)};
    groups->sizes_dirty = true;
    return 0;
}

/* ---- who they are ---- */

static int flush_ident(struct apply_groups *groups, struct error *err)
{
    if (!groups->ident_dirty)
        return 0;
    groups->ident_dirty = false;
    buf_clear(&groups->bytes);
    ident_encode(groups->ident, groups->ident_rows, &groups->bytes);
    return db_put_bytes(groups->apply->db, QUERY_IDENT_PUT, (int64_t)groups->ident_group - 1, &groups->bytes,
                        err);
}

static int enter_ident(struct apply_groups *groups, uint32_t row, struct error *err)
{
    struct db *db = groups->apply->db;
    uint32_t group = row >> IDENT_ROW_BITS;
    if (groups->ident_group == group + UINT64_C(1))
        return 0;
    int rc = flush_ident(groups, err);
    groups->ident_group = group + UINT64_C(1);
    groups->ident_rows = 0;
    uint32_t rows = known_rows(groups, group, IDENT_ROW_BITS);
    buf_clear(&groups->bytes);
    if (!rc && rows)
        rc = clips_bytes(db, QUERY_IDENT, group, &groups->bytes, err);
    if (rc < 0)
        return rc;
    for (; groups->ident_rows < rows; groups->ident_rows++)
        if (ident_decode(groups->bytes.data, groups->bytes.len, groups->ident_rows,
                         &groups->ident[groups->ident_rows]))
            return db_damaged(db, err, "times and fingerprint of row %u and its neighbours are not in order",
                              row);
    return 0;
}

static void put_ident(struct apply_groups *groups, uint32_t row, const struct ident_row *ident)
{
    uint32_t i = row % IDENT_ROWS;
    struct ident_row *is = &groups->ident[i];
    bool known = i < groups->ident_rows;
    if (known && is->t0_ns == ident->t0_ns && is->t1_ns == ident->t1_ns &&
        !memcmp(is->print, ident->print, CLIP_PRINT_BYTES))
        return;
    *is = *ident;
    groups->ident_rows += !known;
    groups->ident_dirty = true;
}

/* ---- both ---- */

int apply_groups_put(struct apply_groups *groups, const struct apply_groups_clip *clip, struct error *err)
{
    int rc = enter_rows(groups, clip->row, err);
    if (!rc)
        rc = put_row(groups, clip, err);
    if (!rc)
        rc = enter_ident(groups, clip->row, err);
    if (!rc)
        put_ident(groups, clip->row, &clip->ident);
    return rc;
}

int apply_groups_flush(struct apply_groups *groups, struct error *err)
{
    int rc = groups->group ? flush_rows(groups, err) : 0;
    if (!rc)
        rc = flush_ident(groups, err);
    return rc ? rc : apply_newest_flush(&groups->newest, err);
}
