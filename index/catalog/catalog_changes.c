// SPDX-License-Identifier: Apache-2.0
/* What changed since a version is told by the clips themselves: each file keeps the version that last changed
 * its bytes. So the older catalog need not be read, and of this one only those groups of clips that say a
 * newer version. */
#include <errno.h>

#include "index/catalog/groups/sizes.h"
#include "index/catalog/reader.h"

struct changes {
    struct catalog_reader *reader;
    uint32_t since;
    bool labels_only;
    struct rowset *rows;
    struct buf bytes;
};

typedef int group_fn(struct changes *changes, uint32_t group, struct error *err);

static int read_group(struct changes *changes, enum schema_query query, uint32_t group, uint64_t first_row,
                      struct error *err)
{
    buf_clear(&changes->bytes);
    int rc = clips_bytes(changes->reader->db, query, group, &changes->bytes, err);
    if (rc < 0)
        return rc;
    if (!rc || first_row > UINT32_MAX)
        return db_damaged(changes->reader->db, err, "what row %llu and its neighbours say is missing",
                          (unsigned long long)first_row);
    return 0;
}

static int look_at_sizes(struct changes *changes, uint32_t group, struct error *err)
{
    uint32_t versions[SIZES_ROWS], count;
    uint64_t first = (uint64_t)group << SIZES_ROW_BITS;
    int rc = read_group(changes, QUERY_SIZES, group, first, err);
    if (rc)
        return rc;
    if (sizes_changed(changes->bytes.data, changes->bytes.len, changes->labels_only, versions, &count))
        return db_damaged(changes->reader->db, err, "the sizes of row %u and its neighbours are not in order",
                          (uint32_t)first);
    for (uint32_t i = 0; i < count; i++)
        if (versions[i] > changes->since)
            rowset_add(changes->rows, (uint32_t)first + i);
    return 0;
}

static int look_at_grown(struct changes *changes, uint32_t group, struct error *err)
{
    struct grown grown;
    struct json_growth_entry entry;
    uint64_t first = (uint64_t)group << GROWN_ROW_BITS;
    int rc = read_group(changes, QUERY_GROWN, group, first, err);
    if (rc)
        return rc;
    rc = grown_decode(changes->bytes.data, changes->bytes.len, &grown);
    for (uint32_t i = 0; rc >= 0 && i < GROWN_ROWS; i++)
        if ((rc = grown_find(&grown, i, &entry)) == 1 && entry.version > changes->since)
            rowset_add(changes->rows, (uint32_t)first + i);
    return rc < 0 ? db_damaged(changes->reader->db, err,
                               "the growth of row %u and its neighbours is not in order", (uint32_t)first)
                  : 0;
}

/* Every group of the table that says a newer version, by what is known of 4,096 of them at once. */
static int look_at_table(struct changes *changes, enum newest_table table, uint64_t groups, group_fn *look,
                         struct error *err)
{
    CLEANUP_FREE uint32_t *versions = mem_alloc(NEWEST_GROUPS * sizeof *versions);
    int rc = 0;
    for (uint32_t part = 0; !rc && (uint64_t)part << NEWEST_GROUP_BITS < groups; part++) {
        uint32_t count;
        rc = clips_newest(changes->reader->db, table, part, versions, &count, err);
        if (!rc && table == NEWEST_SIZES && count < NEWEST_GROUPS &&
            count < groups - ((uint64_t)part << NEWEST_GROUP_BITS))
            rc = db_damaged(changes->reader->db, err, "the newest versions of part %u are missing", part);
        for (uint32_t i = 0; !rc && i < count; i++)
            if (versions[i] > changes->since)
                rc = look(changes, part << NEWEST_GROUP_BITS | i, err);
    }
    return rc;
}

static void look_at_growth(struct changes *changes)
{
    const struct json_growth *growth = changes->reader->growth;
    for (size_t i = 0; i < growth->count; i++)
        if (growth->list[i].version > changes->since)
            rowset_add(changes->rows, growth->list[i].row);
}

static int look(struct changes *changes, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(changes->reader, &info, err);
    if (rc)
        return rc;
    uint64_t sizes = ((uint64_t)info.rows + SIZES_ROWS - 1) >> SIZES_ROW_BITS,
             grown = ((uint64_t)info.rows + GROWN_ROWS - 1) >> GROWN_ROW_BITS;
    rc = look_at_table(changes, NEWEST_SIZES, sizes, look_at_sizes, err);
    if (!rc)
        rc = look_at_table(changes, NEWEST_GROWN, grown, look_at_grown, err);
    if (!rc)
        look_at_growth(changes);
    return rc;
}

int catalog_changed_since(struct catalog_reader *reader, uint32_t since, bool labels_only,
                          struct rowset **ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    struct changes changes = {reader, since, labels_only, rows, BUF_INIT};
    int rc = reader_live(reader, err);
    if (!rc)
        rc = reader_growth(reader, err);
    if (!rc)
        rc = look(&changes, err);
    buf_done(&changes.bytes);
    if (rc)
        return rc;
    rowset_and(rows, reader->live);
    *ret = STEAL(rows);
    return 0;
}
