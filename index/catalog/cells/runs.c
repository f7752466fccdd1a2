// SPDX-License-Identifier: Apache-2.0
/* Spans are of equally many rows, not cells: so a run says with one number how it is cut, and states, which
 * everybody reads, stay small. */
#include "index/catalog/cells/runs.h"

#include <errno.h>
#include <stdio.h>

#include "index/catalog/pieces.h"

enum { SPANS = 1 << SCHEMA_RUN_SPAN_BITS, WHERE_BYTES = 32 };

static int64_t span_id(const struct runs_id *id, uint32_t span)
{
    uint32_t tail = id->kind == RUNS_TAIL ? SCHEMA_RUN_TAIL : 0;
    int64_t run = (int64_t)id->run->version << SCHEMA_RUN_BITS | tail | id->attribute->info.id;
    return run << SCHEMA_RUN_SPAN_BITS | span;
}

static uint32_t span_of(const struct runs_id *id, uint32_t row)
{
    return id->run->cut ? row >> (id->run->cut - 1) : 0;
}

void runs_ids(const struct runs_id *id, int64_t ret[2])
{
    ret[0] = pieces_first(&pieces_run, span_id(id, 0));
    ret[1] = pieces_last(&pieces_run, span_id(id, SPANS - 1));
}

void runs_ids_of_row(const struct runs_id *id, uint32_t row, int64_t ret[2])
{
    uint32_t span = span_of(id, row) % SPANS;
    ret[0] = pieces_first(&pieces_run, span_id(id, span));
    ret[1] = pieces_last(&pieces_run, span_id(id, span));
}

static const char *name_run(const struct runs_id *id, char where[WHERE_BYTES])
{
    snprintf(where, WHERE_BYTES, id->kind == RUNS_TAIL ? "tail run %u" : "run %u", id->run->version);
    return where;
}

static int damaged(struct db *db, const struct runs_id *id, const char *what, struct error *err)
{
    char where[WHERE_BYTES];
    return db_damaged(db, err, "%s of the attribute '%s' %s", name_run(id, where), id->attribute->info.name,
                      what);
}

/* ---- reading ---- */

struct reading {
    struct db *db;
    const struct runs_id *id;
    struct patch *patch;
};

static int read_span(void *ctx, int64_t id, const struct buf *bytes, struct error *err)
{
    struct reading *reading = ctx;
    struct patch *patch = reading->patch;
    char where[WHERE_BYTES];
    size_t before = patch->count;
    uint32_t span = (uint32_t)(id - span_id(reading->id, 0));
    int rc = patch_read(reading->db, reading->id->attribute, name_run(reading->id, where), bytes->data,
                        bytes->len, patch, err);
    for (size_t i = before; !rc && i < patch->count; i++)
        if (span_of(reading->id, patch->cells[i].row) != span)
            rc = damaged(reading->db, reading->id, "has a row in a span of others", err);
    return rc;
}

int runs_read(struct db *db, const struct runs_id *id, struct patch *patch, struct error *err)
{
    struct reading reading = {db, id, patch};
    const int64_t ids[] = {span_id(id, 0), span_id(id, SPANS - 1)};
    size_t before = patch->count;
    int rc = pieces_each(db, &pieces_run, ids, read_span, &reading, err);
    if (rc < 0)
        return rc;
    if (!rc || patch->count == before)
        return damaged(db, id, "is missing, or not whole", err);
    return patch->count - before != id->run->rows ? damaged(db, id, "has other rows than it says", err) : 0;
}

int runs_find(struct db *db, const struct runs_id *id, uint32_t row, struct patch *patch,
              const struct patch_cell **ret, struct error *err)
{
    struct reading reading = {db, id, patch};
    int64_t span = span_id(id, span_of(id, row) % SPANS);
    *ret = NULL;
    int rc = pieces_each(db, &pieces_run, (const int64_t[]){span, span}, read_span, &reading, err);
    if (rc < 0)
        return rc;
    if (!rc || (!id->run->cut && !patch->count))
        return damaged(db, id, "is missing, or not whole", err);
    patch_settle(patch);
    *ret = patch_find(patch, row);
    return 0;
}

/* ---- writing ---- */

uint32_t runs_cut(uint32_t first, uint32_t last, uint64_t bytes)
{
    enum { SPAN_BYTES = PIECE_BYTES * 3 / 4, ROW_BITS = 32 };
    uint64_t rows = (uint64_t)last - first + 1, spans = (bytes + SPAN_BYTES - 1) / SPAN_BYTES;
    unsigned bits = ROW_BITS;
    if (bytes <= PIECE_BYTES)
        return 0;
    while (bits && UINT64_C(1) << bits > rows / spans)
        bits--;
    while (last >> bits >= SPANS)
        bits++;
    return bits + 1;
}

int runs_drop(struct db *db, const struct runs_id *id, struct error *err)
{
    return pieces_drop(db, &pieces_run, span_id(id, 0), span_id(id, SPANS - 1), err);
}

int runs_write(struct db *db, const struct runs_id *id, const struct patch *patch, const size_t cells[2],
               runs_encode_fn *encode, void *ctx, struct error *err)
{
    CLEANUP_BUF struct buf body = BUF_INIT, packed = BUF_INIT;
    int rc = runs_drop(db, id, err);
    for (size_t from = cells[0], to; !rc && from < cells[1]; from = to) {
        uint32_t span = span_of(id, patch->cells[from].row);
        for (to = from + 1; to < cells[1] && span_of(id, patch->cells[to].row) == span; to++)
            ;
        buf_clear(&body);
        buf_clear(&packed);
        encode(ctx, patch, from, to, &body);
        packer_pack(db_packer(db), body.data, body.len, PACKER_SAVING_PERCENT, &packed);
        rc = pieces_put(db, &pieces_run, span_id(id, span), packed.data, packed.len, err);
    }
    return rc;
}
