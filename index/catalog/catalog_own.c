// SPDX-License-Identifier: Apache-2.0
/* A commit writes runs of its own and merges only those of commits before it (index/FORMAT.md, "Upkeep"), so
 * the catalog of a version says by itself what that version changed. */
#include "index/catalog/reader.h"

/* The place of the version's own patches among the attribute's, or their number. */
static size_t own_run(const struct attribute *attribute, uint32_t version)
{
    const struct state_runs *runs = &attribute->state.patches;
    bool has = runs->count && runs->list[runs->count - 1].version == version;
    return has ? runs->count - 1 : runs->count;
}

static int give_rows(struct catalog_reader *reader, const struct attribute *attribute, size_t run,
                     catalog_own_fn *each, void *ctx, struct error *err)
{
    CLEANUP_PATCH struct patch patch = {0};
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    int rc = cells_read_some(reader->db, attribute, RUNS_PATCH, run, run + 1, &patch, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < patch.count; i++)
        rowset_add(rows, patch.cells[i].row);
    return each(ctx, attribute->info.id, rows, err);
}

int catalog_own_cells(struct catalog_reader *reader, catalog_own_fn *each, void *ctx, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = reader_attributes(reader, err);
    for (size_t i = 0; !rc && i < reader->attributes.count; i++) {
        const struct attribute *attribute = &reader->attributes.list[i];
        size_t run = own_run(attribute, info.version);
        if (run < attribute->state.patches.count)
            rc = give_rows(reader, attribute, run, each, ctx, err);
    }
    return rc;
}
