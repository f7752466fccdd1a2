// SPDX-License-Identifier: Apache-2.0
/* An attribute becomes text: its values in every record, its dictionary and the JSON of its clips are made
 * anew; what it is called, its posting and who set its values stay. */
#include <string.h>

#include "index/catalog/posting.h"
#include "index/commit/apply/apply_column.h"
#include "index/commit/apply/apply_dictionary.h"
#include "index/commit/apply/apply_growth.h"
#include "index/commit/apply/apply_record.h"

struct conversion {
    struct apply *apply;
    struct attribute *attribute;
    enum value_type from;
    struct apply_record record;
    struct apply_delta delta; /* the texts and their rows */
    struct buf texts, member;
    size_t *ends; /* of each value's text in `texts` */
    size_t end_cap;
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

/* `live`: postings and JSON know of it. */
static int convert_values(struct conversion *c, bool live, struct error *err)
{
    struct apply_record *record = &c->record;
    print_texts(c);
    for (size_t i = 0; i < record->was.count; i++) {
        struct record_value value = record->was.list[i];
        if (value.attribute == c->attribute) {
            size_t start = i ? c->ends[i - 1] + 1 : 0;
            value.value = (struct value){
                .type = VALUE_TEXT, .text = (const char *)c->texts.data + start, .len = c->ends[i] - start};
            int rc = value_check(&value.value, err);
            if (rc)
                return error_within(err, rc, "a list of '%s' is too long for a text",
                                    c->attribute->info.name);
            if (live)
                apply_delta_value(&c->delta, false, &value.value, record->row, true);
        }
        record_values_add(&record->now, value.attribute, &value.value, value.origin);
    }
    record_values_sort(&record->now);
    return 0;
}

/* The record is read with the old type and written with the new one. */
static int convert_clip(struct conversion *c, uint32_t row, bool live, struct error *err)
{
    c->attribute->info.type = c->from;
    int rc = apply_record_enter(&c->record, row, true, err);
    c->attribute->info.type = VALUE_TEXT;
    if (rc || !member_bytes(c, &c->record.was))
        return rc;
    rc = convert_values(c, live, err);
    if (rc)
        return rc;
    int64_t bytes = (int64_t)member_bytes(c, &c->record.now) - (int64_t)member_bytes(c, &c->record.was);
    if (live)
        apply_growth_add(c->apply, row, bytes);
    return apply_record_store(&c->record, err);
}

static int convert_clips(struct conversion *c, struct error *err)
{
    CLEANUP_ROWSET struct rowset *live = NULL, *all = NULL;
    uint32_t row;
    int rc = apply_attribute_rows(c->apply, c->attribute, &live, &all, err);
    for (uint64_t from = 0; !rc && rowset_rows(all, from, &row, 1); from = row + 1ull)
        rc = convert_clip(c, row, rowset_contains(live, row), err);
    if (!rc)
        rc = apply_record_flush(&c->record, err);
    return rc || c->from != VALUE_LIST ? rc : lists_drop(c->apply->db, c->attribute->info.id, err);
}

int apply_to_text(struct apply *apply, struct attribute *attribute, struct error *err)
{
    struct conversion c = {
        .apply = apply, .attribute = attribute, .from = attribute->info.type, .record = APPLY_RECORD(apply)};
    c.record.only = attribute;
    struct apply_dictionary to = {apply->db, attribute, &apply->output.next_posting};
    int rc = attribute->listed ? apply_dictionary_drop(&to, err) : 0;
    if (!rc && attribute_has_column(attribute))
        rc = apply_column_drop(apply->db, attribute, err);
    if (!rc)
        rc = convert_clips(&c, err);
    attribute->info.type = VALUE_TEXT;
    attribute->listed = true;
    attribute->info.distinct = 0;
    if (!rc)
        rc = apply_dictionary_write(&to, &c.delta, err);
    if (!rc)
        rc = apply_attribute_put(apply, attribute, err);
    apply->output.counts.attributes_changed++;
    apply_record_done(&c.record);
    apply_delta_done(&c.delta);
    buf_done(&c.texts);
    buf_done(&c.member);
    free(c.ends);
    return rc;
}
