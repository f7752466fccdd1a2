// SPDX-License-Identifier: Apache-2.0
/* One row of a table that is nearly always empty. */
#include "index/commit/apply/apply_work.h"

#include "index/commit/apply/apply_shards.h"
#include "index/commit/apply/apply_state.h"

void apply_work_done(struct apply_work *work)
{
    buf_done(&work->cursor);
    *work = (struct apply_work){0};
}

/* ---- its row ---- */

static bool decode(struct cursor *c, struct apply_work *work)
{
    work->kind = (enum apply_work_kind)cursor_u8(c);
    uint64_t number = cursor_varint(c);
    work->end = cursor_varint(c);
    work->late = cursor_varint(c);
    if (c->failed || work->kind < APPLY_WORK_SEAL || work->kind > APPLY_WORK_MERGE ||
        !shard_number_valid(number) || work->late > work->end)
        return false;
    work->number = (uint32_t)number;
    size_t left = cursor_left(c);
    buf_append(&work->cursor, cursor_bytes(c, left), left);
    return true;
}

static int read_row(struct apply *apply, sqlite3_stmt *stmt, struct error *err)
{
    struct apply_work *work = &apply->output.work;
    const uint8_t *bytes;
    size_t len;
    int64_t id;
    int rc = db_column_number(apply->db, stmt, 0, 0, &id, err);
    if (!rc)
        rc = db_column_bytes(apply->db, stmt, 1, &bytes, &len, err);
    if (rc)
        return rc;
    struct cursor c = cursor_of(bytes, len);
    if (work->kind || id >= SCHEMA_ATTRIBUTES_MAX || !decode(&c, work) ||
        work->end > (uint64_t)apply->output.rows ||
        !attributes_by_id(&apply->output.attributes, (uint32_t)id))
        return db_damaged(apply->db, err, "what is under way for attribute %lld is not in order",
                          (long long)id);
    work->attribute = (uint32_t)id;
    return 0;
}

int apply_work_read(struct apply *apply, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_WORK, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(apply->db, stmt, err)) == 1)
        if ((rc = read_row(apply, stmt, err)))
            break;
    sqlite3_reset(stmt);
    return rc;
}

int apply_work_write(struct apply *apply, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    const struct apply_work *work = &apply->output.work;
    if (!work->changed)
        return 0;
    int rc = db_drop_rows(apply->db, QUERY_WORK_DROP, 0, SCHEMA_ATTRIBUTES_MAX, err);
    if (rc || !work->kind)
        return rc;
    buf_u8(&bytes, (uint8_t)work->kind);
    buf_varint(&bytes, work->number);
    buf_varint(&bytes, work->end);
    buf_varint(&bytes, work->late);
    buf_append(&bytes, work->cursor.data, work->cursor.len);
    return db_put_bytes(apply->db, QUERY_WORK_PUT, work->attribute, &bytes, err);
}

/* ---- begun, ended ---- */

void apply_work_begin(struct apply *apply, const struct apply_work *work)
{
    buf_done(&apply->output.work.cursor);
    apply->output.work = *work;
    apply->output.work.changed = true;
}

void apply_work_end(struct apply *apply)
{
    apply_work_begin(apply, &(struct apply_work){0});
}

int apply_work_slice(struct apply *apply, const struct attribute *attribute, struct apply_delta *delta,
                     struct error *err)
{
    struct apply_work *work = &apply->output.work;
    struct shard_work slice = {apply->output.budget, work->cursor};
    int rc = apply_shard_make(apply->db, attribute, delta, work->number, &slice, err);
    work->cursor = slice.cursor;
    work->changed = true;
    apply->output.budget = slice.bytes;
    if (!rc)
        apply_work_end(apply);
    return rc;
}

int apply_work_abandon(struct apply *apply, uint32_t attribute, struct error *err)
{
    const struct apply_work *work = &apply->output.work;
    if (!work->kind || work->attribute != attribute)
        return 0;
    int rc = shard_make_abandon(apply->db, attribute, work->number, err);
    apply_work_end(apply);
    return rc;
}
