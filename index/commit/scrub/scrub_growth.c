// SPDX-License-Identifier: Apache-2.0
/* How much longer the JSON of clips has become. A run of which nothing is left goes. */
#include <stdlib.h>

#include "index/catalog/pieces.h"
#include "index/commit/scrub/scrub_state.h"

struct run {
    int64_t version;
    uint32_t level;
    struct json_growth rows;
};
struct runs {
    struct scrub *scrub;
    struct run *list; /* those that change */
    size_t count, cap;
};

static bool drop_rows(const struct scrub *scrub, struct json_growth *growth)
{
    size_t kept = 0;
    for (size_t i = 0; i < growth->count; i++)
        if (!rowset_contains(scrub->rows, growth->list[i].row))
            growth->list[kept++] = growth->list[i];
    bool some = kept < growth->count;
    growth->count = kept;
    return some;
}

static int read_run(void *ctx, int64_t version, const struct buf *bytes, struct error *err)
{
    struct runs *runs = ctx;
    struct json_growth_head head;
    struct run run = {.version = version};
    if (json_growth_decode(bytes->data, bytes->len, 0, &head, &run.rows)) {
        json_growth_done(&run.rows);
        return db_damaged(runs->scrub->db, err, "run %lld of growth is not in order", (long long)version);
    }
    run.level = head.level;
    if (!drop_rows(runs->scrub, &run.rows)) {
        json_growth_done(&run.rows);
        return 0;
    }
    mem_grow(&runs->list, &runs->cap, runs->count + 1, sizeof *runs->list);
    runs->list[runs->count++] = run;
    return 0;
}

static int write_run(struct scrub *scrub, const struct run *run, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (run->rows.count) {
        json_growth_encode(run->rows.list, run->rows.count, run->level, &bytes);
        return pieces_put(scrub->db, &pieces_growth, run->version, bytes.data, bytes.len, err);
    }
    if (run->level == GROWTH_LEVEL_MAX)
        scrub->apply.output.grown_to = 0;
    return pieces_drop(scrub->db, &pieces_growth, run->version, run->version, err);
}

static int scrub_runs(struct scrub *scrub, struct error *err)
{
    struct runs runs = {.scrub = scrub};
    int rc = pieces_each(scrub->db, &pieces_growth, pieces_growth_ids, read_run, &runs, err);
    rc = rc < 0 ? rc : rc ? 0 : db_damaged(scrub->db, err, "a run of growth is not whole");
    for (size_t i = 0; i < runs.count; i++) {
        rc = rc ? rc : write_run(scrub, &runs.list[i], err);
        json_growth_done(&runs.list[i].rows);
    }
    free(runs.list);
    return rc;
}

static int write_group(struct scrub *scrub, uint32_t group, const struct json_growth *growth,
                       struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (!growth->count)
        return db_drop_rows(scrub->db, QUERY_GROWN_DROP, group, group, err);
    grown_encode(growth->list, (uint32_t)growth->count, &bytes);
    return db_put_bytes(scrub->db, QUERY_GROWN_PUT, group, &bytes, err);
}

static int scrub_group(struct scrub *scrub, uint32_t group, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct json_growth growth = {0};
    struct grown grown;
    int rc = clips_bytes(scrub->db, QUERY_GROWN, group, &bytes, err);
    if (rc < 1)
        return rc;
    bool good = !grown_decode(bytes.data, bytes.len, &grown);
    for (uint32_t i = 0; good && i < GROWN_ROWS; i++) {
        struct json_growth_entry entry = {.row = (group << GROWN_ROW_BITS) + i};
        int found = grown_find(&grown, i, &entry);
        good = found >= 0;
        if (found == 1)
            json_growth_add(&growth, entry);
    }
    rc = good ? 0 : db_damaged(scrub->db, err, "the growth of the group %u is not in order", group);
    if (!rc && drop_rows(scrub, &growth))
        rc = write_group(scrub, group, &growth, err);
    json_growth_done(&growth);
    return rc;
}

int scrub_growth(struct scrub *scrub, struct error *err)
{
    uint32_t row;
    int rc = scrub_runs(scrub, err);
    for (uint64_t from = 0; !rc && scrub_next(scrub, from, &row);
         from = ((uint64_t)(row >> GROWN_ROW_BITS) + 1) << GROWN_ROW_BITS)
        rc = scrub_group(scrub, row >> GROWN_ROW_BITS, err);
    return rc;
}
