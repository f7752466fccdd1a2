// SPDX-License-Identifier: Apache-2.0
/*
 * Keys and heads stand apart from the rows, in another table: whether a value is there, and how often, is
 * told without them. A look-up reads keys up to its value, a facet keys and heads, and neither touches the
 * rows of others but to pass over them.
 */
#include "index/catalog/shard/block.h"

#include <string.h>

enum { LONG_RUN = 128 }; /* as a range, not row by row */

static bool forms_with_first(enum block_form form)
{
    return form == BLOCK_STEPS || form == BLOCK_RUN;
}

/* ---- reading ---- */

const char *block_open(const uint8_t *bytes, size_t len, bool text, uint32_t span, struct block *ret)
{
    struct cursor c = cursor_of(bytes, len);
    uint64_t values = cursor_varint(&c), keys_len = cursor_varint(&c), heads_len = cursor_varint(&c);
    struct block block = {.text = text, .span = span};
    block.keys = cursor_sub(&c, keys_len);
    block.heads = cursor_sub(&c, heads_len);
    if (c.failed || !values || values > BLOCK_VALUES_MAX)
        return "it is cut short";
    if (cursor_left(&c))
        return "bytes follow its end";
    block.values = (uint32_t)values;
    *ret = block;
    return NULL;
}

const char *block_find(const struct block *block, const struct shard_key *key, bool with, uint32_t *ret,
                       bool *ret_equal)
{
    CLEANUP_SHARD_KEYS struct shard_keys keys;
    uint32_t below = 0;
    bool equal = false;
    shard_keys_init(&keys, block->keys, block->text, block->values);
    while (shard_keys_next(&keys)) {
        int order = shard_key_compare(&keys.key, key);
        equal |= !order;
        if (order > 0 || (!order && !with))
            break;
        below++;
    }
    if (keys.at.failed)
        return "its values are not in order";
    *ret = below;
    *ret_equal = equal;
    return NULL;
}

void block_heads_init(struct block_heads *heads, const struct block *block, bool counts)
{
    *heads = (struct block_heads){.heads = block->heads,
                                  .rows = block->rows,
                                  .span = block->span,
                                  .left = block->values,
                                  .counts = counts};
}

/* cursor_varint(), for numbers that are short, and very many. */
static inline uint64_t short_varint(struct cursor *c)
{
    const uint8_t *at = c->data + c->at;
    if (cursor_left(c) < 3 || c->failed)
        return cursor_varint(c);
    if (at[0] < 0x80) {
        c->at += 1;
        return at[0];
    }
    if (at[1] < 0x80 && at[1]) {
        c->at += 2;
        return (at[0] & 0x7fu) | (uint64_t)at[1] << 7;
    }
    if (at[1] >= 0x80 && at[2] < 0x80 && at[2]) {
        c->at += 3;
        return (at[0] & 0x7fu) | (at[1] & 0x7fu) << 7 | (uint64_t)at[2] << 14;
    }
    return cursor_varint(c);
}

static void skip_varints(struct cursor *c, uint32_t count)
{
    size_t at = c->at;
    while (count && at < c->len)
        count -= c->data[at++] < 0x80;
    c->at = at;
    c->failed |= count > 0;
}

/* The rows behind the first of an entry, from a cursor that stands at their steps. */
static bool add_steps(const struct block_entry *entry, struct cursor *c, struct shard_rows *to)
{
    uint32_t row = entry->first;
    shard_rows_add(to, row);
    for (uint32_t i = 1; i < entry->count; i++) {
        uint64_t step = short_varint(c);
        if (!step || step >= to->span - row)
            return false;
        row += (uint32_t)step;
        shard_rows_add(to, row);
    }
    return !c->failed;
}

/* Sets have many rows: as a whole. */
static const char *add_set(const struct block_entry *entry, struct shard_rows *to)
{
    struct error why;
    uint32_t outside;
    CLEANUP_ROWSET struct rowset *set = NULL;
    if (rowset_decode("a value", entry->bytes, entry->len, to->base, &set, &why) ||
        rowset_count(set) != entry->count)
        return "a set of rows is damaged";
    if (rowset_rows(set, (uint64_t)to->base + to->span, &outside, 1))
        return "a row is outside its shard";
    rowset_or_spent(to->rows, set);
    return NULL;
}

static void add_run(const struct block_entry *entry, struct shard_rows *to)
{
    uint64_t first = (uint64_t)to->base + entry->first;
    if (entry->count >= LONG_RUN)
        rowset_add_range(to->rows, first, first + entry->count);
    for (uint32_t i = 0; entry->count < LONG_RUN && i < entry->count; i++)
        shard_rows_add(to, entry->first + i);
}

static void read_first(struct block_heads *heads, struct block_entry *entry)
{
    uint64_t folded = short_varint(&heads->rows);
    int64_t first = (int64_t)heads->first + ((int64_t)(folded >> 1) ^ -(int64_t)(folded & 1));
    bool good = folded >> 1 < heads->span && first >= 0 && first < heads->span &&
                (entry->form == BLOCK_STEPS || entry->count <= heads->span - first);
    heads->rows.failed |= !good;
    entry->first = heads->first = good ? (uint32_t)first : 0;
}

static void read_rows(struct block_heads *heads, struct block_entry *entry)
{
    struct cursor *rows = &heads->rows;
    if (forms_with_first(entry->form))
        read_first(heads, entry);
    entry->bytes = rows->data + rows->at;
    size_t start = rows->at;
    if (rows->failed)
        return;
    if (entry->form == BLOCK_STEPS && heads->into) {
        rows->failed |= !add_steps(entry, rows, heads->into);
    } else if (entry->form == BLOCK_STEPS) {
        skip_varints(rows, entry->count - 1);
    } else if (entry->form == BLOCK_SET) {
        cursor_skip(rows, entry->len);
        rows->failed |= !rows->failed && heads->into && add_set(entry, heads->into);
    } else if (entry->form == BLOCK_RUN && heads->into) {
        add_run(entry, heads->into);
    }
    entry->len = rows->at - start;
}

bool block_heads_next(struct block_heads *heads)
{
    if (!heads->left || heads->heads.failed)
        return false;
    struct block_entry *entry = &heads->entry; /* in place: there are very many */
    uint64_t head = short_varint(&heads->heads), count = head >> 2, more = 0;
    entry->count = (uint32_t)count;
    entry->form = (enum block_form)(head & 3);
    if (!forms_with_first(entry->form))
        more = cursor_varint(&heads->heads);
    entry->len = entry->form == BLOCK_SET ? more : 0;
    entry->posting = (uint32_t)more;
    if (!count || count > heads->span || more > UINT32_MAX)
        heads->heads.failed = true;
    else if (!heads->counts)
        read_rows(heads, entry);
    heads->heads.failed |= heads->rows.failed;
    heads->left--;
    return !heads->heads.failed;
}

uint32_t block_heads_singles(struct block_heads *heads, uint32_t most)
{
    enum { SINGLE = 1 << 2 | BLOCK_STEPS };
    struct cursor rows = heads->rows;
    const uint8_t *head = heads->heads.data + heads->heads.at;
    size_t left = cursor_left(&heads->heads), done = 0;
    int64_t first = heads->first;
    if (most > heads->left)
        most = heads->left;
    if (left > most)
        left = most;
    for (; done < left && head[done] == SINGLE; done++) {
        uint64_t folded = short_varint(&rows);
        first += (int64_t)(folded >> 1) ^ -(int64_t)(folded & 1);
        if (folded >> 1 >= heads->span || first < 0 || first >= heads->span) {
            rows.failed = true;
            break;
        }
        shard_rows_add(heads->into, (uint32_t)first);
    }
    heads->first = rows.failed ? 0 : (uint32_t)first;
    heads->rows = rows;
    heads->heads.at += done;
    heads->heads.failed |= rows.failed;
    heads->left -= (uint32_t)done;
    return (uint32_t)done;
}

static const char *list_set(const struct block_entry *entry, uint32_t span, uint32_t *rows)
{
    struct error why;
    CLEANUP_ROWSET struct rowset *set = NULL;
    if (rowset_decode("a value", entry->bytes, entry->len, 0, &set, &why) ||
        rowset_count(set) != entry->count)
        return "a set of rows is damaged";
    rowset_rows(set, 0, rows, entry->count);
    return rows[entry->count - 1] >= span ? "a row is outside its shard" : NULL;
}

const char *block_entry_list(const struct block_entry *entry, uint32_t span, uint32_t *rows)
{
    if (entry->form == BLOCK_SET)
        return list_set(entry, span, rows);
    rows[0] = entry->first;
    struct cursor steps = cursor_of(entry->bytes, entry->len);
    for (uint32_t i = 1; i < entry->count; i++) {
        uint64_t step = entry->form == BLOCK_RUN ? 1 : cursor_varint(&steps);
        if (!step || step >= span - rows[i - 1])
            return "a row is outside its shard";
        rows[i] = rows[i - 1] + (uint32_t)step;
    }
    return NULL;
}

const char *block_entry_rows(const struct block_entry *entry, struct shard_rows *to)
{
    if (entry->form == BLOCK_SET)
        return add_set(entry, to);
    if (entry->form == BLOCK_RUN) {
        add_run(entry, to);
        return NULL;
    }
    struct cursor steps = cursor_of(entry->bytes, entry->len);
    return add_steps(entry, &steps, to) ? NULL : "a row is outside its shard";
}

const char *block_entries(const struct block *block, struct arena *arena, struct block_entry *ret)
{
    CLEANUP_SHARD_KEYS struct shard_keys keys;
    struct block_heads heads;
    size_t texts = 0;
    shard_keys_init(&keys, block->keys, block->text, block->values);
    block_heads_init(&heads, block, false);
    for (uint32_t i = 0; i < block->values; i++) {
        if (!shard_keys_next(&keys))
            return "its values are not in order";
        if (!block_heads_next(&heads))
            return "its rows are cut short";
        ret[i] = heads.entry;
        ret[i].key = keys.key;
        if (!block->text)
            continue;
        texts += keys.key.len;
        if (texts > 2 * BLOCK_TEXTS_MAX)
            return "its texts are too long";
        ret[i].key.text = (const char *)arena_copy(arena, keys.key.text, keys.key.len);
    }
    return NULL;
}

/* ---- writing ---- */

static void make_steps(const uint32_t *rows, size_t count, struct buf *buf)
{
    for (size_t i = 1; i < count; i++)
        buf_varint(buf, rows[i] - rows[i - 1]);
}

void block_entry_make(const uint32_t *rows, size_t count, struct arena *arena, struct block_entry *entry)
{
    CLEANUP_BUF struct buf steps = BUF_INIT, set = BUF_INIT;
    entry->count = (uint32_t)count;
    entry->form = BLOCK_STEPS;
    entry->first = rows[0];
    entry->bytes = NULL;
    entry->len = 0;
    if (count > 1 && rows[count - 1] - rows[0] == count - 1) {
        entry->form = BLOCK_RUN;
        return;
    }
    if (count <= BLOCK_STEPS_MAX)
        make_steps(rows, count, &steps);
    if (count > BLOCK_FEW) {
        rowset_encode_rows(rows, count, &set);
        bool shorter = count <= BLOCK_STEPS_MAX && steps.len <= set.len;
        entry->form = shorter && steps.len <= BLOCK_POSTING_BYTES ? BLOCK_STEPS
                      : set.len <= BLOCK_POSTING_BYTES            ? BLOCK_SET
                                                                  : BLOCK_POSTING;
    }
    const struct buf *bytes = entry->form == BLOCK_STEPS ? &steps : &set;
    entry->bytes = arena_copy(arena, bytes->data, bytes->len);
    entry->len = bytes->len;
}

static size_t varint_bytes(uint64_t number)
{
    size_t bytes = 1;
    while (number >>= 7)
        bytes++;
    return bytes;
}

size_t block_entry_bytes(const struct block_entry *entry, const struct block_entry *before)
{
    enum { NUMBER_BYTES = 2, LENGTH_BYTES = 2 };
    size_t key = NUMBER_BYTES, head = varint_bytes((uint64_t)entry->count << 2), rows = entry->len;
    if (entry->key.text)
        key = LENGTH_BYTES + entry->key.len - (before ? shard_key_shared(&before->key, &entry->key) : 0);
    if (entry->form == BLOCK_POSTING)
        rows = LENGTH_BYTES;
    else if (entry->form == BLOCK_SET)
        rows += LENGTH_BYTES;
    else if (before && forms_with_first(before->form) && before->first > entry->first)
        rows += varint_bytes((uint64_t)(before->first - entry->first) * 2);
    else
        rows += varint_bytes((uint64_t)(entry->first - (before ? before->first : 0)) * 2);
    return key + head + rows;
}

static void encode_head(const struct block_entry *entry, struct buf *heads)
{
    buf_varint(heads, (uint64_t)entry->count << 2 | entry->form);
    if (entry->form == BLOCK_SET)
        buf_varint(heads, entry->len);
    if (entry->form == BLOCK_POSTING)
        buf_varint(heads, entry->posting);
}

void block_encode(const struct block_entry *entries, size_t count, struct buf *buf, struct buf *rows)
{
    CLEANUP_BUF struct buf keys = BUF_INIT, heads = BUF_INIT;
    CLEANUP_FREE struct shard_key *all = mem_alloc(count * sizeof *all);
    uint32_t first = 0;
    for (size_t i = 0; i < count; i++) {
        const struct block_entry *entry = &entries[i];
        all[i] = entry->key;
        encode_head(entry, &heads);
        if (forms_with_first(entry->form)) {
            value_encode_signed(rows, (int64_t)entry->first - first);
            first = entry->first;
        }
        if (entry->form != BLOCK_POSTING)
            buf_append(rows, entry->bytes, entry->len);
    }
    shard_keys_encode(all, count, &keys);
    buf_varint(buf, count);
    buf_varint(buf, keys.len);
    buf_varint(buf, heads.len);
    buf_append(buf, keys.data, keys.len);
    buf_append(buf, heads.data, heads.len);
}
