// SPDX-License-Identifier: Apache-2.0
/* What stands in groups of records becomes an empty one: of a clip that has nothing. */
#include "index/catalog/lists.h"
#include "index/commit/scrub/scrub_state.h"

static int put_group(struct scrub *scrub, struct record_group *group, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, packed = BUF_INIT;
    int64_t number = group->number;
    int rc = record_group_encode(group, &bytes, err);
    if (rc)
        return rc;
    (group->put == QUERY_GROUP_PUT ? packer_pack_short : packer_pack)(
        db_packer(scrub->db), bytes.data, bytes.len, PACKER_SAVING_PERCENT, &packed);
    return db_put_bytes(scrub->db, group->put, number, &packed, err);
}

/* From the first row on that it has; the row behind its last in *ret_end. */
static int empty_group(struct scrub *scrub, struct record_group *group, uint32_t row, uint64_t *ret_end,
                       struct error *err)
{
    bool some = false;
    *ret_end = ((uint64_t)row / group->rows + 1) * group->rows;
    int rc = record_group_read(scrub->db, row, group, err);
    for (uint64_t from = row; !rc && scrub_next(scrub, from, &row) && row < *ret_end;
         from = row + UINT64_C(1)) {
        struct cursor is = record_of(group, row);
        some |= cursor_left(&is) > 0;
        record_group_replace(group, row, "", 0);
    }
    return rc || !some ? rc : put_group(scrub, group, err);
}

static int empty_groups(struct scrub *scrub, struct record_group *group, struct error *err)
{
    uint32_t row;
    int rc = 0;
    for (uint64_t from = 0; !rc && scrub_next(scrub, from, &row);)
        rc = empty_group(scrub, group, row, &from, err);
    record_group_done(group);
    return rc;
}

int scrub_records(struct scrub *scrub, struct error *err)
{
    const struct attributes *attributes = &scrub->apply.output.attributes;
    struct record_group forward = RECORD_GROUP_INIT, events = RECORD_GROUP_EVENTS;
    int rc = empty_groups(scrub, &forward, err);
    if (!rc)
        rc = empty_groups(scrub, &events, err);
    for (size_t i = 0; !rc && i < attributes->count; i++) {
        struct record_group lists = RECORD_GROUP_LISTS(attributes->list[i].info.id);
        if (attributes->list[i].info.type == VALUE_LIST)
            rc = empty_groups(scrub, &lists, err);
    }
    return rc;
}
