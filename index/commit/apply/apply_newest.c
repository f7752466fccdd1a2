// SPDX-License-Identifier: Apache-2.0
/* Groups come in ascending order, so one part is held and written when the next begins. */
#include "index/commit/apply/apply_newest.h"

#include <stdlib.h>

int apply_newest_flush(struct apply_newest *newest, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (!newest->part)
        return 0;
    newest_encode(newest->versions, newest->groups, &bytes);
    int64_t id = clips_newest_id(newest->table, (uint32_t)(newest->part - 1));
    newest->part = 0;
    return db_put_bytes(newest->db, QUERY_NEWEST_PUT, id, &bytes, err);
}

static int enter(struct apply_newest *newest, uint32_t part, struct error *err)
{
    if (newest->part == part + UINT64_C(1))
        return 0;
    int rc = apply_newest_flush(newest, err);
    if (rc)
        return rc;
    if (!newest->versions)
        newest->versions = mem_alloc(NEWEST_GROUPS * sizeof *newest->versions);
    rc = clips_newest(newest->db, newest->table, part, newest->versions, &newest->groups, err);
    if (!rc)
        newest->part = part + UINT64_C(1);
    return rc;
}

int apply_newest_put(struct apply_newest *newest, uint32_t group, uint32_t version, struct error *err)
{
    uint32_t i = group % NEWEST_GROUPS;
    int rc = enter(newest, group >> NEWEST_GROUP_BITS, err);
    if (rc)
        return rc;
    while (newest->groups <= i)
        newest->versions[newest->groups++] = 0;
    newest->versions[i] = version;
    return 0;
}

void apply_newest_done(struct apply_newest *newest)
{
    free(newest->versions);
}
