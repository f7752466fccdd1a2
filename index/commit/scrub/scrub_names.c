// SPDX-License-Identifier: Apache-2.0
/* A row must have a name, and its streams must be called somehow: it gets a name that no key can be, of as
 * many bytes as its neighbours' where these have equally many, and no streams. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/groups/sizes.h"
#include "index/commit/scrub/scrub_state.h"

/* DEL, as it stands in a key: importers make none of it. */
static const char no_key[] = "%7F";

struct group {
    struct names_row names[NAMES_ROWS];
    char keys[NAMES_ROWS][NAME_FILE_MAX + 1];
    struct sizes_row sizes[SIZES_ROWS]; /* files are owned */
    uint32_t rows;
};

static void group_free(struct group *group)
{
    for (uint32_t i = 0; group && i < group->rows; i++)
        free(group->sizes[i].files);
    free(group);
}
CLEANUP_DEFINE(struct group, group_free, cleanup_group)

static uint32_t group_rows(const struct scrub *scrub, uint32_t group, unsigned bits)
{
    uint64_t left = (uint64_t)scrub->apply.output.rows - ((uint64_t)group << bits);
    return left < 1u << bits ? (uint32_t)left : 1u << bits;
}

/* ---- what streams are called ---- */

struct templates {
    struct rowset *used, *all; /* by rows that stay; there are */
    int64_t none;              /* one without a stream; -1: there is none */
};

static int take_used(struct scrub *scrub, sqlite3_stmt *stmt, struct templates *t, struct error *err)
{
    enum { ID, BYTES };
    struct names names;
    const uint8_t *bytes;
    size_t len;
    int64_t group;
    int rc = db_column_number(scrub->db, stmt, ID, 0, &group, err);
    if (!rc)
        rc = db_column_bytes(scrub->db, stmt, BYTES, &bytes, &len, err);
    if (!rc && (group > UINT32_MAX >> NAMES_ROW_BITS || names_decode(bytes, len, &names)))
        rc = db_damaged(scrub->db, err, "names: the group %lld is not sound", (long long)group);
    for (uint32_t i = 0; !rc && i < names.rows; i++) {
        int64_t id = names_template(&names, i);
        if (id < 0 || id >= UINT32_MAX)
            rc = db_damaged(scrub->db, err, "the number of a clip's names of streams is out of range");
        else if (!rowset_contains(scrub->rows, (uint32_t)group << NAMES_ROW_BITS | i))
            rowset_add(t->used, (uint32_t)id);
    }
    return rc;
}

static int take_template(struct scrub *scrub, sqlite3_stmt *stmt, struct templates *t, struct error *err)
{
    enum { ID, BYTES };
    const uint8_t *bytes;
    size_t len;
    int64_t id;
    int rc = db_column_number(scrub->db, stmt, ID, 0, &id, err);
    if (!rc)
        rc = db_column_bytes(scrub->db, stmt, BYTES, &bytes, &len, err);
    if (!rc && id >= UINT32_MAX)
        rc = db_damaged(scrub->db, err, "the number of names of streams is out of range");
    if (rc)
        return rc;
    rowset_add(t->all, (uint32_t)id);
    t->none = len ? t->none : id;
    return 0;
}

typedef int take_fn(struct scrub *scrub, sqlite3_stmt *stmt, struct templates *t, struct error *err);

static int take_all(struct scrub *scrub, enum schema_query query, take_fn *take, struct templates *t,
                    struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(scrub->db, query, &stmt, err);
    if (rc)
        return rc;
    if (query == QUERY_TEMPLATES)
        db_bind_number(stmt, 1, UINT32_MAX);
    while ((rc = db_step(scrub->db, stmt, err)) == 1 && !(rc = take(scrub, stmt, t, err)))
        ;
    sqlite3_reset(stmt);
    return rc;
}

/* Those that no other row has any more say nothing from here on. */
static int blank_templates(struct scrub *scrub, struct templates *t, struct error *err)
{
    const struct buf nothing = BUF_INIT;
    uint32_t id, last = 0;
    int rc = 0;
    CLEANUP_ROWSET struct rowset *left = rowset_copy(t->all);
    rowset_andnot(left, t->used);
    for (uint64_t from = 0; !rc && rowset_rows(left, from, &id, 1); from = id + UINT64_C(1)) {
        rc = db_put_bytes(scrub->db, QUERY_TEMPLATE_PUT, id, &nothing, err);
        t->none = t->none < 0 ? id : t->none;
    }
    if (rc || t->none >= 0)
        return rc;
    for (uint64_t from = 0; rowset_rows(t->all, from, &id, 1); from = id + UINT64_C(1))
        last = id + 1;
    t->none = last;
    return db_put_bytes(scrub->db, QUERY_TEMPLATE_PUT, last, &nothing, err);
}

/* ---- names and sizes ---- */

static int read_sizes(const struct buf *bytes, uint32_t i, struct catalog_file *files, struct sizes_row *ret)
{
    struct sizes_row row = {.files = files};
    int rc = sizes_decode(bytes->data, bytes->len, i, &row);
    if (rc)
        return rc;
    row.files = mem_copy(files, row.count * sizeof *files);
    *ret = row;
    return 0;
}

static int read_group(struct scrub *scrub, uint32_t number, struct group *group, struct error *err)
{
    CLEANUP_BUF struct buf names_bytes = BUF_INIT, sizes = BUF_INIT;
    CLEANUP_FREE struct catalog_file *files = mem_zero(CLIP_STREAMS_MAX * sizeof *files);
    struct names names;
    int rc = clips_bytes(scrub->db, QUERY_NAMES, number, &names_bytes, err);
    if (rc >= 0)
        rc = clips_bytes(scrub->db, QUERY_SIZES, number, &sizes, err);
    if (rc < 0)
        return rc;
    bool good = !names_decode(names_bytes.data, names_bytes.len, &names) &&
                names.rows == group_rows(scrub, number, NAMES_ROW_BITS);
    for (uint32_t i = 0; good && i < names.rows; i++) {
        good = !names_key(&names, i) && !read_sizes(&sizes, i, files, &group->sizes[i]);
        if (!good)
            break;
        memcpy(group->keys[i], names.key, sizeof names.key);
        group->names[i] = (struct names_row){group->keys[i], (uint32_t)names_template(&names, i)};
        group->rows++;
    }
    return good ? 0 : db_damaged(scrub->db, err, "names or sizes of the group %u are not in order", number);
}

static void scrub_row(struct group *group, uint32_t i, uint32_t row, uint32_t template)
{
    int digits = (int)strlen(group->keys[i]) - (int)strlen(no_key);
    snprintf(group->keys[i], sizeof group->keys[i], "%s%0*u", no_key, digits > 1 ? digits : 1, row);
    group->names[i].template = template;
    free(group->sizes[i].files);
    group->sizes[i] = (struct sizes_row){0};
}

static int scrub_group(struct scrub *scrub, uint32_t number, uint32_t template, struct error *err)
{
    CLEANUP_BUF struct buf names = BUF_INIT, sizes = BUF_INIT;
    struct group *group CLEANUP(cleanup_group) = MEM_NEW(struct group);
    uint32_t first = number << NAMES_ROW_BITS;
    int rc = read_group(scrub, number, group, err);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < group->rows; i++)
        if (rowset_contains(scrub->rows, first + i))
            scrub_row(group, i, first + i, template);
    names_encode(group->names, group->rows, &names);
    sizes_encode(group->sizes, group->rows, &sizes);
    rc = db_put_bytes(scrub->db, QUERY_NAMES_PUT, number, &names, err);
    return rc ? rc : db_put_bytes(scrub->db, QUERY_SIZES_PUT, number, &sizes, err);
}

/* ---- who they are ---- */

static int scrub_ident(struct scrub *scrub, uint32_t number, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct ident_row list[IDENT_ROWS];
    uint32_t rows = group_rows(scrub, number, IDENT_ROW_BITS), first = number << IDENT_ROW_BITS;
    int rc = clips_bytes(scrub->db, QUERY_IDENT, number, &bytes, err);
    bool good = true;
    for (uint32_t i = 0; rc >= 0 && good && i < rows; i++) {
        good = !ident_decode(bytes.data, bytes.len, i, &list[i]);
        if (rowset_contains(scrub->rows, first + i))
            list[i] = (struct ident_row){.t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME};
    }
    if (rc < 0)
        return rc;
    if (!good)
        return db_damaged(scrub->db, err, "times and fingerprints of the group %u are not in order", number);
    buf_clear(&bytes);
    ident_encode(list, rows, &bytes);
    return db_put_bytes(scrub->db, QUERY_IDENT_PUT, number, &bytes, err);
}

int scrub_names(struct scrub *scrub, struct error *err)
{
    CLEANUP_ROWSET struct rowset *used = rowset_new(), *all = rowset_new();
    struct templates t = {used, all, -1};
    uint32_t row;
    int rc = take_all(scrub, QUERY_KEYS, take_used, &t, err);
    if (!rc)
        rc = take_all(scrub, QUERY_TEMPLATES, take_template, &t, err);
    if (!rc)
        rc = blank_templates(scrub, &t, err);
    for (uint64_t from = 0; !rc && scrub_next(scrub, from, &row);
         from = ((uint64_t)(row >> NAMES_ROW_BITS) + 1) << NAMES_ROW_BITS)
        rc = scrub_group(scrub, row >> NAMES_ROW_BITS, (uint32_t)t.none, err);
    for (uint64_t from = 0; !rc && scrub_next(scrub, from, &row);
         from = ((uint64_t)(row >> IDENT_ROW_BITS) + 1) << IDENT_ROW_BITS)
        rc = scrub_ident(scrub, row >> IDENT_ROW_BITS, err);
    return rc;
}
