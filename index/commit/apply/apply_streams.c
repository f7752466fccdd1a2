// SPDX-License-Identifier: Apache-2.0
/* What is new of a group borrows from copies; what was there, from the bytes it was read from. */
#include "index/commit/apply/apply_streams.h"

#include <stdlib.h>
#include <string.h>

#include "index/catalog/groups/clips.h"

struct apply_streams {
    struct db *db;
    uint64_t group; /* row >> bits, plus 1; 0: none is entered */
    struct streams_row rows[STREAMS_ROWS];
    struct buf was, bytes;
    void **copies; /* of pieces and inline bytes */
    size_t copy_count, copy_cap;
};

struct apply_streams *apply_streams_new(struct db *db)
{
    struct apply_streams *streams = MEM_NEW(struct apply_streams);
    streams->db = db;
    return streams;
}

static void forget_rows(struct apply_streams *streams)
{
    streams_rows_done(streams->rows);
    while (streams->copy_count)
        free(streams->copies[--streams->copy_count]);
    streams->group = 0;
}

void apply_streams_free(struct apply_streams *streams)
{
    if (!streams)
        return;
    forget_rows(streams);
    free(streams->copies);
    buf_done(&streams->was);
    buf_done(&streams->bytes);
    free(streams);
}

int apply_streams_flush(struct apply_streams *streams, struct error *err)
{
    if (!streams->group)
        return 0;
    buf_clear(&streams->bytes);
    streams_encode(streams->rows, &streams->bytes);
    int64_t id = (int64_t)streams->group - 1;
    forget_rows(streams);
    return db_put_bytes(streams->db, QUERY_STREAM_PUT, id, &streams->bytes, err);
}

static int enter(struct apply_streams *streams, uint32_t row, struct error *err)
{
    uint32_t group = row >> STREAMS_ROW_BITS;
    if (streams->group == group + UINT64_C(1))
        return 0;
    int rc = apply_streams_flush(streams, err);
    if (rc)
        return rc;
    buf_clear(&streams->was);
    rc = clips_bytes(streams->db, QUERY_STREAM, group, &streams->was, err);
    if (rc < 0)
        return rc;
    if (rc && streams_decode_all(streams->was.data, streams->was.len, streams->rows))
        return db_damaged(streams->db, err, "the streams of row %u and its neighbours are not in order", row);
    streams->group = group + UINT64_C(1);
    return 0;
}

static const uint8_t *copy(struct apply_streams *streams, const uint8_t *bytes, size_t len)
{
    mem_grow(&streams->copies, &streams->copy_cap, streams->copy_count + 1, sizeof *streams->copies);
    return streams->copies[streams->copy_count++] = mem_copy(len ? bytes : (const uint8_t *)"", len);
}

static int put_inline(struct apply_streams *streams, int64_t id, const struct streams_entry *entry,
                      struct error *err)
{
    buf_clear(&streams->bytes);
    packer_pack(db_packer(streams->db), entry->inline_bytes, entry->inline_len, PACKER_SAVING_PERCENT,
                &streams->bytes);
    return db_put_bytes(streams->db, QUERY_INLINE_PUT, id, &streams->bytes, err);
}

static int drop_inlines(struct apply_streams *streams, uint32_t row, struct error *err)
{
    int64_t first = (int64_t)row << SCHEMA_STREAM_BITS;
    return db_drop_rows(streams->db, QUERY_INLINES_DROP, first, first + (1 << SCHEMA_STREAM_BITS) - 1, err);
}

int apply_streams_put(struct apply_streams *streams, uint32_t row, bool known, const struct streams_row *list,
                      struct error *err)
{
    struct streams_row *is = &streams->rows[row % STREAMS_ROWS];
    int rc = enter(streams, row, err);
    if (!rc && known)
        rc = drop_inlines(streams, row, err);
    if (rc)
        return rc;
    free(is->list);
    *is = (struct streams_row){mem_copy(list->list, list->count * sizeof *list->list), list->count};
    for (uint32_t i = 0; !rc && i < is->count; i++) {
        struct streams_entry *entry = &is->list[i];
        entry->pieces = copy(streams, entry->pieces, entry->pieces_len);
        if (entry->inline_len <= STREAMS_INLINE_MAX)
            entry->inline_bytes = copy(streams, entry->inline_bytes, entry->inline_len);
        else
            rc = put_inline(streams, (int64_t)row << SCHEMA_STREAM_BITS | i, entry, err);
    }
    return rc;
}
