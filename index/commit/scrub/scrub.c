// SPDX-License-Identifier: Apache-2.0
/* One transaction over a version's pages. What is found by rows goes first: the index is told what the rows
 * had as long as their records say so. */
#include "index/commit/scrub/scrub.h"

#include <string.h>

#include "index/catalog/live.h"
#include "index/commit/scrub/scrub_state.h"

/* What apply() reads of its parent, as far as its parts are used here. */
static int read_catalog(struct scrub *scrub, struct error *err)
{
    struct apply *apply = &scrub->apply;
    struct {
        const char *name;
        int64_t *number;
    } const numbers[] = {{"rows", &apply->output.rows},
                         {"sealed", &apply->output.sealed},
                         {"sealing_to", &apply->output.sealing_to},
                         {"sealing_at", &apply->output.sealing_at},
                         {"grown_to", &apply->output.grown_to}};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof numbers / sizeof *numbers; i++)
        rc = db_meta(scrub->db, numbers[i].name, numbers[i].number, err);
    if (!rc && (apply->output.rows < 0 || apply->output.rows > UINT32_MAX))
        rc = db_damaged(scrub->db, err, "its counts are out of range");
    if (!rc)
        rc = record_dictionary(scrub->db, db_packer(scrub->db), err);
    if (rc >= 0)
        rc = attributes_read(scrub->db, SCHEMA_ATTRIBUTES_MAX, &apply->output.attributes, err);
    if (!rc)
        rc = apply_work_read(apply, err);
    if (!rc)
        rc = live_read(scrub->db, (uint64_t)apply->output.rows, &scrub->live, err);
    if (rc)
        return rc;
    apply->source.parent_rows = apply->output.rows;
    scrub->rows = rowset_copy(scrub->options->rows);
    rowset_keep_range(scrub->rows, 0, (uint64_t)apply->output.rows);
    return 0;
}

static int write_live(struct scrub *scrub, struct error *err)
{
    uint64_t rows = (uint64_t)scrub->apply.output.rows;
    scrub->counts.rows = rowset_count(scrub->rows);
    scrub->counts.clips = rowset_and_count(scrub->rows, scrub->live);
    rowset_andnot(scrub->live, scrub->rows);
    scrub->counts.left = rowset_count(scrub->live);
    int rc = live_write(scrub->db, rows, rows, scrub->live, scrub->rows, err);
    return rc ? rc : db_meta_put(scrub->db, "clips", (int64_t)scrub->counts.left, err);
}

static int run(struct scrub *scrub, struct error *err)
{
    int (*const steps[])(struct scrub * scrub, struct error * err) = {
        scrub_values,  scrub_records, scrub_names,  scrub_growth,  scrub_streams,
        scrub_objects, scrub_sources, scrub_hashes, scrub_packing, write_live,
    };
    int rc = read_catalog(scrub, err);
    for (size_t i = 0; !rc && i < sizeof steps / sizeof *steps; i++)
        rc = steps[i](scrub, err);
    if (!rc)
        rc = db_meta_put(scrub->db, "grown_to", scrub->apply.output.grown_to, err);
    return rc ? rc : db_commit(scrub->db, err);
}

static void scrub_done(struct scrub *scrub)
{
    struct apply *apply = &scrub->apply;
    attributes_done(&apply->output.attributes);
    apply_work_done(&apply->output.work);
    cells_done(&apply->source.cells);
    rowset_unref(scrub->rows);
    rowset_unref(scrub->objects);
    rowset_unref(scrub->live);
    db_close(scrub->db);
}

int scrub(const struct scrub_options *options, struct scrub_counts *ret, struct error *err)
{
    struct scrub state CLEANUP(scrub_done) = {.options = options};
    int rc = db_open_write(options->file, &state.db, err);
    if (rc)
        return rc;
    state.apply.db = state.db;
    state.apply.output.budget = UINT64_MAX;
    rc = run(&state, err);
    if (!rc)
        *ret = state.counts;
    return rc;
}
