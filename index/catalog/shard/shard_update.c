// SPDX-License-Identifier: Apache-2.0
/*
 * A merge of two sorted lists, the changes and the entries of the block that they fall into; what comes out
 * is cut into blocks again. A shard that is new has no block yet: all its values come out behind one another.
 *
 *     changes ----+
 *                 +--> made --> blocks of about BLOCK_BYTES; large values into the dictionary
 *     old block --+
 */
#include "index/catalog/shard/shard_update.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/rowset.h"
#include "index/catalog/shard/shard_parts.h"
#include "index/catalog/shard/shard_write.h"

enum { MADE_MAX = 2 * BLOCK_BYTES, ARENA_MAX = 1 << 20 };

struct editing {
    struct shard shard;
    uint64_t written;

    bool open;     /* a block is under way */
    size_t at;     /* index of the next block that comes out of it */
    bool replaces; /* it was there: the first one that comes out takes its place */
    bool has_limit;
    struct shard_key limit; /* the block behind it */
    int64_t before, after;  /* numbers of the blocks around the next one, -1: none */
    struct shard_key last;  /* of the block that came out last */
    bool has_last;

    struct buf bytes; /* of the old block */
    struct block_entry *old;
    size_t old_count, old_at;

    struct arena arena;   /* keys and rows of what is made */
    struct arena scratch; /* rows of the value under way */
    struct block_entry *made;
    size_t made_count, made_cap, made_bytes, made_texts;

    uint32_t *rows, *merged; /* of the value under way */
    size_t rows_cap, merged_cap;
};

static void editing_done(struct editing *edit)
{
    shard_done(&edit->shard);
    buf_done(&edit->bytes);
    free(edit->old);
    arena_done(&edit->arena);
    arena_done(&edit->scratch);
    free(edit->made);
    free(edit->rows);
    free(edit->merged);
}

/* ---- what comes out ---- */

static struct shard_key own_key(struct arena *arena, const struct shard_key *key)
{
    struct shard_key own = *key;
    if (key->text)
        own.text = (const char *)arena_copy(arena, key->text, key->len);
    return own;
}

static void measure_made(struct editing *edit)
{
    edit->made_bytes = edit->made_texts = 0;
    for (size_t i = 0; i < edit->made_count; i++) {
        edit->made_bytes += block_entry_bytes(&edit->made[i], i ? &edit->made[i - 1] : NULL);
        edit->made_texts += edit->made[i].key.text ? edit->made[i].key.len : 0;
    }
}

/* What is left of a long list moves to an arena of its own, so that memory does not grow with the shard. */
static void renew_arena(struct editing *edit)
{
    if (edit->arena.len < ARENA_MAX || edit->old_at < edit->old_count)
        return;
    struct arena fresh = {0};
    for (size_t i = 0; i < edit->made_count; i++) {
        struct block_entry *entry = &edit->made[i];
        entry->key = own_key(&fresh, &entry->key);
        entry->bytes = arena_copy(&fresh, entry->bytes, entry->len);
    }
    edit->last = own_key(&fresh, &edit->last);
    arena_done(&edit->arena);
    edit->arena = fresh;
}

/* The shortest key that is above the block before and not above this one. */
static struct shard_key separator(const struct editing *edit, const struct shard_key *first)
{
    struct shard_key key = *first;
    size_t shared = edit->has_last && key.text ? shard_key_shared(&edit->last, first) : 0;
    if (key.text && key.len > shared + 1)
        key.len = shared + 1;
    return key;
}

static int describe_block(struct editing *edit, size_t count, struct dict_block *ret, struct error *err)
{
    struct dict *dict = &edit->shard.dict;
    const struct shard_key *first = &edit->made[0].key;
    struct dict_block block = {.key = separator(edit, first)};
    uint64_t pairs = 0;
    for (size_t i = 0; i < count; i++)
        pairs += edit->made[i].count;
    block.pairs = pairs < UINT32_MAX ? (uint32_t)pairs : UINT32_MAX;
    if (edit->replaces) {
        const struct dict_block *was = &dict->blocks[edit->at];
        block.number = was->number;
        if (shard_key_compare(&was->key, first) <= 0)
            block.key = was->key;
    } else {
        block.number = dict_block_number(dict, edit->before, edit->after);
    }
    if (block.number >= DICT_HAS)
        return error_set(err, EFBIG, "an attribute has too many values");
    *ret = block;
    return 0;
}

/* The first `count` of what is made become a block. */
static int emit(struct editing *edit, size_t count, struct error *err)
{
    struct dict_block block;
    int rc = describe_block(edit, count, &block, err);
    if (!rc)
        rc = shard_block_put(&edit->shard, block.number, edit->made, count, &edit->written, err);
    if (rc)
        return rc;
    dict_blocks_replace(&edit->shard.dict, edit->at++, edit->replaces, &block, 1);
    edit->replaces = false;
    edit->before = block.number;
    edit->last = edit->made[count - 1].key;
    edit->has_last = true;
    edit->made_count -= count;
    memmove(edit->made, edit->made + count, edit->made_count * sizeof *edit->made);
    measure_made(edit);
    renew_arena(edit);
    return 0;
}

/* How many of what is made take about `bytes`: one at least. */
static size_t count_in(const struct editing *edit, size_t bytes)
{
    size_t sum = 0, texts = 0, count = 0;
    while (count < edit->made_count && count < BLOCK_VALUES_MAX) {
        const struct block_entry *entry = &edit->made[count];
        sum += block_entry_bytes(entry, count ? entry - 1 : NULL);
        texts += entry->key.text ? entry->key.len : 0;
        if (count && (sum > bytes || texts > BLOCK_TEXTS_MAX))
            break;
        count++;
    }
    return count;
}

static int put(struct editing *edit, const struct block_entry *entry, struct error *err)
{
    const struct shard_key *before = edit->made_count ? &edit->made[edit->made_count - 1].key
                                     : edit->has_last ? &edit->last
                                                      : NULL;
    if (before && shard_key_compare(before, &entry->key) >= 0) /* a block and the dictionary disagree */
        return shard_damaged(&edit->shard, "dict", 0, "a value is there twice", err);
    mem_grow(&edit->made, &edit->made_cap, edit->made_count + 1, sizeof *edit->made);
    edit->made_bytes += block_entry_bytes(entry, edit->made_count ? &edit->made[edit->made_count - 1] : NULL);
    edit->made_texts += entry->key.text ? entry->key.len : 0;
    edit->made[edit->made_count++] = *entry;
    bool full = edit->made_bytes >= MADE_MAX || edit->made_texts > BLOCK_TEXTS_MAX;
    return full && edit->made_count > 1 ? emit(edit, count_in(edit, BLOCK_BYTES), err) : 0;
}

/* One whose key and rows are the caller's. */
static int put_new(struct editing *edit, const struct block_entry *entry, struct error *err)
{
    struct block_entry own = *entry;
    own.key = own_key(&edit->arena, &entry->key);
    own.bytes = arena_copy(&edit->arena, entry->bytes, entry->len);
    return put(edit, &own, err);
}

/* ---- a block ---- */

static int close_block(struct editing *edit, struct error *err)
{
    int rc = 0;
    if (!edit->open)
        return 0;
    while (!rc && edit->old_at < edit->old_count)
        rc = put(edit, &edit->old[edit->old_at++], err);
    while (!rc && edit->made_count) {
        size_t pieces =
            edit->made_bytes > BLOCK_BYTES + BLOCK_BYTES / 4 ? edit->made_bytes / BLOCK_BYTES + 1 : 1;
        rc = emit(edit, pieces == 1 ? count_in(edit, SIZE_MAX) : count_in(edit, edit->made_bytes / pieces),
                  err);
    }
    if (!rc && edit->replaces) {
        rc = shard_block_drop(&edit->shard, edit->shard.dict.blocks[edit->at].number, err);
        dict_blocks_replace(&edit->shard.dict, edit->at, 1, NULL, 0);
    }
    arena_clear(&edit->arena);
    edit->open = false;
    return rc;
}

static int read_old(struct editing *edit, struct error *err)
{
    struct block block;
    uint32_t number = edit->shard.dict.blocks[edit->at].number;
    int rc = shard_block_read(&edit->shard, number, &edit->bytes, &block, err);
    if (rc)
        return rc;
    if (!edit->old)
        edit->old = mem_alloc(BLOCK_VALUES_MAX * sizeof *edit->old);
    const char *why = block_entries(&block, &edit->arena, edit->old);
    edit->old_count = block.values;
    return why ? shard_damaged(&edit->shard, "block", number, why, err) : 0;
}

static int open_block(struct editing *edit, const struct shard_key *key, struct error *err)
{
    const struct dict *dict = &edit->shard.dict;
    edit->at = dict_block_of(dict, key);
    edit->replaces = dict->block_count > 0;
    edit->before = edit->at ? (int64_t)dict->blocks[edit->at - 1].number : -1;
    edit->has_limit = edit->at + 1 < dict->block_count;
    edit->after = -1;
    if (edit->has_limit) {
        edit->limit = dict->blocks[edit->at + 1].key;
        edit->after = dict->blocks[edit->at + 1].number;
    }
    edit->has_last = false;
    edit->old_count = edit->old_at = 0;
    edit->made_bytes = edit->made_texts = 0;
    edit->open = true;
    return edit->replaces ? read_old(edit, err) : 0;
}

/* The block of the key is under way, and what is below it is through. */
static int seek(struct editing *edit, const struct shard_key *key, struct error *err)
{
    int rc = 0;
    if (edit->open && edit->has_limit && shard_key_compare(key, &edit->limit) >= 0)
        rc = close_block(edit, err);
    if (!rc && !edit->open)
        rc = open_block(edit, key, err);
    while (!rc && edit->old_at < edit->old_count && shard_key_compare(&edit->old[edit->old_at].key, key) < 0)
        rc = put(edit, &edit->old[edit->old_at++], err);
    return rc;
}

/* ---- a value ---- */

#define NO_POSTING UINT32_MAX

/* The rows it had into edit->rows, and the posting they were. */
static int read_rows(struct editing *edit, const struct shard_key *key, size_t *ret_count,
                     uint32_t *ret_posting, struct error *err)
{
    const struct dict_value *large = dict_large_find(&edit->shard.dict, key);
    int rc = large ? 0 : seek(edit, key, err);
    if (rc)
        return rc;
    const struct block_entry *entry = NULL;
    if (!large && edit->old_at < edit->old_count && !shard_key_compare(&edit->old[edit->old_at].key, key))
        entry = &edit->old[edit->old_at++];
    size_t count = large ? large->clips : entry ? entry->count : 0;
    bool is_posting = large || (entry && entry->form == BLOCK_POSTING);
    *ret_count = count;
    *ret_posting = large ? large->posting : is_posting ? entry->posting : NO_POSTING;
    mem_grow(&edit->rows, &edit->rows_cap, count, sizeof *edit->rows);
    if (is_posting) {
        CLEANUP_ROWSET struct rowset *rows = NULL;
        rc = shard_posting_read(&edit->shard, *ret_posting, count, &rows, err);
        if (!rc)
            rowset_rows(rows, 0, edit->rows, count);
        for (size_t i = 0; !rc && i < count; i++)
            edit->rows[i] -= shard_first(edit->shard.number);
        return rc;
    }
    const char *why = entry ? block_entry_list(entry, shard_span(edit->shard.number), edit->rows) : NULL;
    return why ? shard_damaged(&edit->shard, "block", edit->shard.dict.blocks[edit->at].number, why, err) : 0;
}

/* edit->merged: the rows without the lost ones, and the gained ones. */
static size_t merge_rows(struct editing *edit, size_t count, const struct shard_change *change)
{
    uint32_t first = shard_first(edit->shard.number);
    size_t lost = 0, gained = 0, merged = 0;
    mem_grow(&edit->merged, &edit->merged_cap, count + change->gained_count, sizeof *edit->merged);
    for (size_t i = 0; i < count || gained < change->gained_count;) {
        bool old =
            i < count && (gained == change->gained_count || edit->rows[i] < change->gained[gained] - first);
        if (!old) {
            uint32_t row = change->gained[gained++] - first;
            assert(row < shard_span(edit->shard.number) && (!merged || edit->merged[merged - 1] < row));
            i += i < count && edit->rows[i] == row;
            edit->merged[merged++] = row;
            continue;
        }
        while (lost < change->lost_count && change->lost[lost] - first < edit->rows[i])
            lost++;
        if (lost == change->lost_count || change->lost[lost] - first != edit->rows[i])
            edit->merged[merged++] = edit->rows[i];
        i++;
    }
    return merged;
}

static int take_posting(struct editing *edit, uint32_t *posting, struct error *err)
{
    if (*posting != NO_POSTING)
        return 0;
    if (edit->shard.dict.next_posting >= DICT_HAS)
        return error_set(err, EFBIG, "an attribute has too many values of many clips");
    *posting = edit->shard.dict.next_posting++;
    return 0;
}

/* As a posting of its own: the dictionary says so, or a block where the text is long. */
static int put_posting(struct editing *edit, struct block_entry *entry, uint32_t posting, struct error *err)
{
    int rc = take_posting(edit, &posting, err);
    if (!rc)
        rc = shard_posting_put(&edit->shard, posting, entry->bytes, entry->len, &edit->written, err);
    if (rc)
        return rc;
    struct dict_value *large = dict_large_find(&edit->shard.dict, &entry->key);
    if (large) {
        large->clips = entry->count;
        return 0;
    }
    if (!entry->key.text || entry->key.len <= DICT_TEXT_BYTES) {
        struct dict_value value = {.key = entry->key, .posting = posting, .clips = entry->count};
        dict_large_put(&edit->shard.dict, &value);
        return 0;
    }
    entry->posting = posting;
    entry->bytes = NULL;
    entry->len = 0;
    return put_new(edit, entry, err); /* read_rows() has sought it */
}

static int drop_posting(struct editing *edit, const struct shard_key *key, uint32_t posting,
                        struct error *err)
{
    struct dict_value *large = dict_large_find(&edit->shard.dict, key);
    if (large)
        dict_large_drop(&edit->shard.dict, large);
    return shard_posting_drop(&edit->shard, posting, err);
}

static int change_value(struct editing *edit, const struct shard_change *change, struct error *err)
{
    size_t before, after;
    uint32_t posting;
    int rc = read_rows(edit, &change->key, &before, &posting, err);
    if (rc)
        return rc;
    after = merge_rows(edit, before, change);
    edit->shard.dict.values += (uint64_t)(after > 0) - (before > 0);
    struct block_entry entry = {0};
    if (after) {
        arena_clear(&edit->scratch);
        block_entry_make(edit->merged, after, &edit->scratch, &entry);
        entry.key = change->key;
        if (entry.form == BLOCK_POSTING)
            return put_posting(edit, &entry, posting, err);
    }
    if (posting != NO_POSTING)
        rc = drop_posting(edit, &change->key, posting, err);
    if (rc || !after)
        return rc;
    rc = seek(edit, &change->key, err);
    return rc ? rc : put_new(edit, &entry, err);
}

/* ---- in slices ---- */

enum stage { STAGE_VALUES, STAGE_PARTS };

void shard_work_done(struct shard_work *work)
{
    buf_done(&work->cursor);
}

/* Where a slice goes on: a stage, and the first value or part that is not done. */
struct place {
    uint8_t stage;
    bool has_key;
    struct shard_key key; /* a text is borrowed from the cursor */
    uint64_t part;
};

static void save_place(const struct place *place, struct buf *cursor)
{
    buf_clear(cursor);
    buf_u8(cursor, place->stage);
    if (place->stage == STAGE_PARTS)
        buf_varint(cursor, place->part);
    else
        shard_keys_encode(&place->key, 1, cursor);
}

static int read_place(const struct buf *cursor, bool text, struct shard_keys *keys, struct place *ret,
                      struct error *err)
{
    struct cursor c = cursor_of(cursor->data, cursor->len);
    struct place place = {.stage = STAGE_VALUES};
    if (cursor->len)
        place.stage = cursor_u8(&c);
    if (place.stage == STAGE_PARTS) {
        place.part = cursor_varint(&c);
    } else if (cursor->len) {
        shard_keys_init(keys, c, text, 1);
        place.has_key = shard_keys_next(keys);
        place.key = keys->key;
        c.failed = !place.has_key;
    }
    if (c.failed || place.stage > STAGE_PARTS)
        return error_set(err, EUCLEAN, "a cursor of an attribute's index is damaged");
    *ret = place;
    return 0;
}

/* 1: the slice is over, and `place` the value to go on with. */
static int change_values(struct editing *edit, const struct shard_source *source, uint64_t budget,
                         struct place *place, struct buf *cursor, struct error *err)
{
    struct shard_change change;
    int rc;
    while ((rc = source->next(source->ctx, &change, err)) == 1) {
        if (place->has_key && shard_key_compare(&change.key, &place->key) < 0)
            continue;
        if (edit->written >= budget) {
            const struct place here = {.stage = STAGE_VALUES, .key = change.key};
            save_place(&here, cursor);
            return 1;
        }
        rc = change_value(edit, &change, err);
        if (rc)
            break;
    }
    return rc;
}

static int change_presence(struct editing *edit, const struct shard_presence *presence, struct error *err)
{
    struct shard *shard = &edit->shard;
    uint32_t first = shard_first(shard->number);
    CLEANUP_ROWSET struct rowset *has = rowset_new(), *mine = rowset_new();
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int rc = shard_has(shard, has, err);
    if (rc)
        return rc;
    if (presence->lost)
        rowset_andnot(has, presence->lost);
    if (presence->gained) {
        rowset_add_range(mine, first, shard_end(shard->number));
        rowset_and(mine, presence->gained);
        rowset_or(has, mine);
    }
    bool was_posting = shard->dict.clips && !shard->dict.has.len;
    shard->dict.clips = rowset_count(has);
    rowset_encode_part(has, first, shard_end(shard->number), &bytes);
    bool is_posting = shard->dict.clips && bytes.len > DICT_HAS_BYTES;
    buf_clear(&shard->dict.has);
    if (shard->dict.clips && !is_posting)
        buf_append(&shard->dict.has, bytes.data, bytes.len);
    if (is_posting)
        return shard_posting_put(shard, DICT_HAS, bytes.data, bytes.len, &edit->written, err);
    return was_posting ? shard_posting_drop(shard, DICT_HAS, err) : 0;
}

static int change_slice(struct editing *edit, const struct shard_target *to,
                        const struct shard_source *source, const struct shard_presence *presence,
                        struct shard_work *work, struct error *err)
{
    CLEANUP_SHARD_KEYS struct shard_keys keys = {0};
    struct place place;
    int rc = read_place(&work->cursor, shard_key_is_text(to->type), &keys, &place, err);
    if (rc)
        return rc;
    int more = source ? change_values(edit, source, work->bytes, &place, &work->cursor, err) : 0;
    rc = more < 0 ? more : close_block(edit, err);
    if (!rc && !more && (presence->gained || presence->lost))
        rc = change_presence(edit, presence, err);
    if (!rc)
        rc = shard_dict_put(&edit->shard, &edit->written, err);
    if (!rc && !more)
        buf_clear(&work->cursor);
    return rc ? rc : more;
}

bool shard_work_is_of_parts(const struct shard_work *work)
{
    return work->cursor.len && work->cursor.data[0] == STAGE_PARTS;
}

int shard_work_parts(struct db *db, const struct shard_target *to, const struct shard_source *source,
                     struct shard_work *work, struct error *err)
{
    CLEANUP_SHARD_KEYS struct shard_keys keys = {0};
    struct place place;
    uint64_t written = 0;
    int rc = read_place(&work->cursor, shard_key_is_text(to->type), &keys, &place, err);
    if (rc)
        return rc;
    source->rewind(source->ctx);
    rc = shard_parts_change(db, to, source, work->bytes, &written, &place.part, err);
    work->bytes -= written < work->bytes ? written : work->bytes;
    place.stage = STAGE_PARTS;
    if (rc == 1)
        save_place(&place, &work->cursor);
    else if (!rc)
        buf_clear(&work->cursor);
    return rc;
}

int shard_update_unlisted(struct db *db, const struct shard_target *to, const struct shard_source *source,
                          const struct shard_presence *presence, struct shard_work *work, struct error *err)
{
    struct editing edit = {0};
    int rc = shard_open(db, to->attribute, to->type, to->number, &edit.shard, err);
    if (source)
        source->rewind(source->ctx);
    if (!rc && !shard_work_is_of_parts(work))
        rc = change_slice(&edit, to, source, presence, work, err);
    work->bytes -= edit.written < work->bytes ? edit.written : work->bytes;
    editing_done(&edit);
    return rc || !to->column || !source ? rc : shard_work_parts(db, to, source, work, err);
}

int shard_update(struct db *db, const struct shard_target *to, const struct shard_source *source,
                 const struct shard_presence *presence, struct shard_work *work, struct error *err)
{
    struct shard shard;
    int rc = shard_update_unlisted(db, to, source, presence, work, err);
    if (!rc)
        rc = shard_open(db, to->attribute, to->type, to->number, &shard, err);
    if (rc)
        return rc;
    bool some = shard.dict.clips > 0;
    shard_done(&shard);
    return shard_numbers_replace(db, to->attribute, &to->number, 1, some ? &to->number : NULL, err);
}

int shard_work_start(const struct shard_work *work, bool text, struct shard_keys *keys, bool *ret,
                     struct error *err)
{
    struct place place = {0};
    int rc = read_place(&work->cursor, text, keys, &place, err);
    if (!rc)
        *ret = place.has_key;
    return rc;
}
