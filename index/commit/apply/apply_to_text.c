// SPDX-License-Identifier: Apache-2.0
/* An attribute becomes text: late columns with its texts stand before all records, and its index and the JSON
 * of its clips are made anew; what it is called and who set its values stay. */
#include <string.h>

#include "index/catalog/shard/shard_update.h"
#include "index/commit/apply/apply_growth.h"
#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_record.h"
#include "index/commit/apply/apply_shards.h"

struct conversion {
    struct apply *apply;
    struct attribute *attribute;
    enum value_type from;
    struct apply_record record;
    struct apply_delta delta; /* the texts and their rows */
    const struct patch_index *patch_index;
    struct rowset *seen; /* rows of live clips that have it */
    struct patch column; /* of the block under way */
    bool late;           /* some block has one */
    struct buf texts, member;
    size_t *ends; /* of each value's text in `texts` */
    size_t end_cap;
    struct value *list;
    size_t list_cap;
};

static size_t member_bytes(struct conversion *c, const struct record_values *values)
{
    size_t at = 0;
    while (at < values->count && values->list[at].attribute != c->attribute)
        at++;
    buf_clear(&c->member);
    if (at < values->count)
        record_json_member(values, at, &c->record.was_events, &c->member);
    return c->member.len;
}

/* All texts first: values borrow them. */
static void print_texts(struct conversion *c)
{
    const struct record_values *was = &c->record.was;
    buf_clear(&c->texts);
    mem_grow(&c->ends, &c->end_cap, was->count, sizeof *c->ends);
    for (size_t i = 0; i < was->count; i++) {
        if (was->list[i].attribute == c->attribute)
            value_print(&c->texts, &was->list[i].value);
        c->ends[i] = c->texts.len;
        buf_u8(&c->texts, 0);
    }
}

/* The clip's texts, in order and without doubles, into `record.now`. */
static int convert_values(struct conversion *c, struct error *err)
{
    struct apply_record *record = &c->record;
    print_texts(c);
    for (size_t i = 0; i < record->was.count; i++) {
        const struct record_value *old = &record->was.list[i];
        if (old->attribute != c->attribute)
            continue;
        size_t start = i ? c->ends[i - 1] + 1 : 0;
        struct value value = {
            .type = VALUE_TEXT, .text = (const char *)c->texts.data + start, .len = c->ends[i] - start};
        int rc = value_check(&value, err);
        if (rc)
            return error_within(err, rc, "a list of '%s' is too long for a text", c->attribute->info.name);
        record_values_add(&record->now, c->attribute, &value, old->origin);
    }
    record_values_sort(&record->now);
    return 0;
}

static void add_cell(struct conversion *c, bool seen)
{
    const struct record_values *now = &c->record.now;
    mem_grow(&c->list, &c->list_cap, now->count, sizeof *c->list);
    for (size_t i = 0; i < now->count; i++) {
        c->list[i] = now->list[i].value;
        if (seen)
            apply_delta_value(&c->delta, false, &c->list[i], c->record.row, true);
    }
    struct patch_cell cell = {.row = c->record.row, .origin = now->list[0].origin};
    cell.now = patch_code(&c->column, c->list, now->count);
    patch_add(&c->column, &cell);
}

/* What is stored is read with the old type. */
static int convert_clip(struct conversion *c, uint32_t row, struct error *err)
{
    bool seen = rowset_contains(c->seen, row);
    c->attribute->info.type = c->from;
    int rc = apply_record_enter(&c->record, row, true, err);
    c->attribute->info.type = VALUE_TEXT;
    if (rc || !member_bytes(c, &c->record.was))
        return rc;
    rc = convert_values(c, err);
    if (rc)
        return rc;
    int64_t bytes = (int64_t)member_bytes(c, &c->record.now) - (int64_t)member_bytes(c, &c->record.was);
    add_cell(c, seen);
    if (seen) {
        apply_delta_row(&c->delta, row, true);
        apply_growth_add(c->apply, row, bytes);
    }
    return 0;
}

/* Does the block have anything that is of the old type? */
static int has_old(struct conversion *c, uint32_t first, struct error *err)
{
    const struct patch *late;
    uint32_t patched;
    bool above = c->patch_index && rowset_rows(c->patch_index->rows, first, &patched, 1) &&
                 patched - first < SCHEMA_LATE_ROWS;
    if (c->column.count || above)
        return 1;
    c->attribute->info.type = c->from;
    int rc = cells_late(c->apply->db, &c->apply->source.cells, c->attribute, first, &late, err);
    c->attribute->info.type = VALUE_TEXT;
    return rc ? rc : late != NULL;
}

static int convert_block(struct conversion *c, uint32_t first, struct error *err)
{
    uint64_t end = (uint64_t)first + SCHEMA_LATE_ROWS;
    size_t bytes;
    int rc = 0;
    if (end > (uint64_t)c->apply->source.parent_rows)
        end = (uint64_t)c->apply->source.parent_rows;
    patch_done(&c->column);
    for (uint64_t row = first; !rc && row < end; row++)
        rc = convert_clip(c, (uint32_t)row, err);
    if (!rc)
        rc = has_old(c, first, err);
    if (rc < 1)
        return rc;
    c->late = true;
    return apply_late_put(c->apply, c->attribute, &c->column, first, (uint32_t)end, &bytes, err);
}

static int convert_clips(struct conversion *c, struct error *err)
{
    struct apply *apply = c->apply;
    int rc = cells_has(apply->db, &apply->source.cells, c->attribute, &c->seen, err);
    if (!rc)
        rc = cells_patch_index(apply->db, &apply->source.cells, c->attribute, &c->patch_index, err);
    for (int64_t first = 0; !rc && first < apply->source.parent_rows; first += SCHEMA_LATE_ROWS)
        rc = convert_block(c, (uint32_t)first, err);
    return rc || c->from != VALUE_LIST ? rc : lists_drop(apply->db, c->attribute->info.id, err);
}

static int convert(struct conversion *c, struct error *err)
{
    struct apply *apply = c->apply;
    struct attribute *attribute = c->attribute;
    int rc = convert_clips(c, err);
    attribute->info.type = c->from;
    if (!rc)
        rc = apply_work_abandon(apply, attribute->info.id, err);
    if (!rc)
        rc = shards_drop(apply->db, attribute->info.id, err);
    if (!rc)
        rc = apply_patches_drop(apply, attribute, err);
    attribute->info.type = VALUE_TEXT;
    attribute->state.late = c->late ? STATE_LATE_ALL : STATE_NO_LATE;
    cells_forget(&apply->source.cells, attribute->info.id);
    if (!rc)
        rc = apply_shards_write(apply->db, &c->delta, &APPLY_GAINS_READER(NULL, 0, attribute),
                                (uint64_t)apply->output.sealed, err);
    if (!rc)
        rc = apply_state_put(apply, attribute, err);
    attributes_sort(&apply->output.attributes);
    return rc ? rc : apply_attribute_put(apply, attribute, err);
}

int apply_to_text(struct apply *apply, struct attribute *attribute, struct error *err)
{
    struct conversion c = {
        .apply = apply, .attribute = attribute, .from = attribute->info.type, .record = APPLY_RECORD(apply)};
    c.record.only = attribute;
    int rc = convert(&c, err);
    apply->output.counts.attributes_changed++;
    rowset_unref(c.seen);
    patch_done(&c.column);
    apply_record_done(&c.record);
    apply_delta_done(&c.delta);
    buf_done(&c.texts);
    buf_done(&c.member);
    free(c.ends);
    free(c.list);
    return rc;
}
