// SPDX-License-Identifier: Apache-2.0
/* One part is read, and of it one row: a clip that is opened costs as much in a group of wide clips. */
#include "index/catalog/groups/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/clip.h"
#include "index/catalog/groups/numbers.h"

enum column { CONTAINER, REASON, OBJECT, PREROLL, SHAPE, OFFSET, INLINE_LEN, PIECES_LEN, COLUMNS };

struct head {
    uint32_t counts[STREAMS_ROWS];
    uint64_t text_count;
    struct cursor texts;
};

/* ---- reading ---- */

/* The cursor is at the first part then. */
static bool read_head(struct cursor *c, struct head *head)
{
    struct numbers counts;
    if (!numbers_decode(c, STREAMS_ROWS, &counts))
        return false;
    for (uint32_t i = 0; i < STREAMS_ROWS; i++) {
        int64_t count = numbers_at(&counts, i);
        if (count < 0 || count > CLIP_STREAMS_MAX)
            return false;
        head->counts[i] = (uint32_t)count;
    }
    head->text_count = cursor_varint(c);
    head->texts = *c;
    for (uint64_t i = 0; i < head->text_count && !c->failed; i++)
        cursor_text(c);
    return !c->failed;
}

static const char *text_at(const struct head *head, int64_t number)
{
    struct cursor c = head->texts;
    if (number < 0 || (uint64_t)number >= head->text_count)
        return NULL;
    for (int64_t i = 0; i < number; i++)
        cursor_text(&c);
    return cursor_text(&c);
}

/* The next part, that of stream `number`, of *ret_rows rows. */
static bool next_part(struct cursor *c, const struct head *head, uint32_t number, uint32_t *ret_rows,
                      struct cursor *ret)
{
    *ret_rows = 0;
    for (uint32_t i = 0; i < STREAMS_ROWS; i++)
        *ret_rows += head->counts[i] > number;
    *ret = cursor_sub(c, cursor_varint(c));
    return !c->failed;
}

static uint64_t here_len(int64_t inline_len)
{
    return inline_len <= STREAMS_INLINE_MAX ? (uint64_t)inline_len : 0;
}

/* Of the next row of a part: they stand one behind the other. */
static bool read_rest(struct cursor *part, const struct numbers columns[COLUMNS], uint32_t at,
                      struct streams_entry *entry)
{
    int64_t pieces = numbers_at(&columns[PIECES_LEN], at), in_line = numbers_at(&columns[INLINE_LEN], at);
    if (pieces < 0 || in_line < 0 || in_line > CLIP_BYTES_MAX)
        return false;
    entry->pieces_len = (size_t)pieces;
    entry->pieces = cursor_bytes(part, entry->pieces_len);
    entry->inline_len = (size_t)in_line;
    entry->inline_bytes = cursor_bytes(part, here_len(in_line));
    if (in_line > STREAMS_INLINE_MAX)
        entry->inline_bytes = NULL;
    return !part->failed;
}

static bool read_columns(struct cursor *part, uint32_t rows, struct numbers columns[COLUMNS])
{
    for (int k = 0; k < COLUMNS; k++)
        if (!numbers_decode(part, rows, &columns[k]))
            return false;
    return true;
}

static bool read_entry(const struct head *head, const struct numbers columns[COLUMNS], uint32_t at,
                       struct streams_entry *entry)
{
    int64_t object = numbers_at(&columns[OBJECT], at), shape = numbers_at(&columns[SHAPE], at);
    int64_t offset = numbers_at(&columns[OFFSET], at);
    entry->container = text_at(head, numbers_at(&columns[CONTAINER], at));
    entry->reason = text_at(head, numbers_at(&columns[REASON], at));
    if (!entry->container || !entry->reason || object < 0 || object > CATALOG_NO_OBJECT || offset < 0 ||
        shape < STREAMS_EMPTY || shape > STREAMS_PIECES)
        return false;
    entry->object = object ? (uint32_t)(object - 1) : CATALOG_NO_OBJECT;
    entry->preroll_ns = numbers_at(&columns[PREROLL], at);
    entry->shape = (enum streams_shape)shape;
    entry->offset = (uint64_t)offset;
    return entry->shape == STREAMS_PIECES || !entry->pieces_len;
}

int streams_decode(const void *bytes, size_t len, uint32_t i, uint32_t number, struct streams_entry *ret)
{
    struct cursor c = cursor_of(bytes, len), part;
    struct head head;
    struct numbers columns[COLUMNS];
    struct streams_entry entry = {0};
    uint32_t rows, at = 0;
    if (!read_head(&c, &head) || head.counts[i] <= number)
        return -EUCLEAN;
    for (uint32_t k = 0; k < number; k++)
        cursor_skip(&c, cursor_varint(&c));
    if (!next_part(&c, &head, number, &rows, &part) || !read_columns(&part, rows, columns))
        return -EUCLEAN;
    for (uint32_t k = 0; k < i; k++)
        at += head.counts[k] > number;
    for (uint32_t k = 0; k <= at; k++)
        if (!read_rest(&part, columns, k, &entry))
            return -EUCLEAN;
    if (!read_entry(&head, columns, at, &entry))
        return -EUCLEAN;
    *ret = entry;
    return 0;
}

static bool read_part(struct cursor *c, const struct head *head, uint32_t number,
                      struct streams_row rows[STREAMS_ROWS])
{
    struct cursor part;
    struct numbers columns[COLUMNS];
    uint32_t count, at = 0;
    if (!next_part(c, head, number, &count, &part) || !read_columns(&part, count, columns))
        return false;
    for (uint32_t i = 0; i < STREAMS_ROWS; i++) {
        if (head->counts[i] <= number)
            continue;
        struct streams_entry *entry = &rows[i].list[number];
        if (!read_rest(&part, columns, at, entry) || !read_entry(head, columns, at, entry))
            return false;
        at++;
    }
    return !cursor_left(&part);
}

int streams_decode_all(const void *bytes, size_t len, struct streams_row ret_rows[STREAMS_ROWS])
{
    struct cursor c = cursor_of(bytes, len);
    struct head head;
    uint32_t most = 0;
    if (!read_head(&c, &head))
        return -EUCLEAN;
    for (uint32_t i = 0; i < STREAMS_ROWS; i++) {
        ret_rows[i] = (struct streams_row){mem_zero(head.counts[i] * sizeof *ret_rows->list), head.counts[i]};
        most = head.counts[i] > most ? head.counts[i] : most;
    }
    bool good = true;
    for (uint32_t number = 0; good && number < most; number++)
        good = read_part(&c, &head, number, ret_rows);
    if (good && !cursor_left(&c))
        return 0;
    streams_rows_done(ret_rows);
    return -EUCLEAN;
}

void streams_rows_done(struct streams_row rows[STREAMS_ROWS])
{
    for (uint32_t i = 0; i < STREAMS_ROWS; i++)
        free(rows[i].list);
    memset(rows, 0, STREAMS_ROWS * sizeof *rows);
}

/* ---- pieces ---- */

static struct catalog_piece next_piece(struct cursor *c)
{
    struct catalog_piece piece = {.kind = (enum extent_kind)cursor_u8(c)};
    piece.offset = cursor_varint(c);
    piece.len = cursor_varint(c);
    return piece;
}

void streams_take_pieces(struct streams_entry *entry, const uint8_t *pieces, size_t len)
{
    enum { FEW = 2 };
    struct catalog_piece list[FEW] = {0};
    struct cursor c = cursor_of(pieces, len);
    size_t count = 0;
    while (cursor_left(&c) && count < FEW)
        list[count++] = next_piece(&c);
    bool all = !cursor_left(&c) && !c.failed;
    bool headed = list[0].kind == EXTENT_INLINE && !list[0].offset && list[0].len == entry->inline_len;
    const struct catalog_piece *last = &list[count ? count - 1 : 0];
    bool ranged = last->kind == EXTENT_OBJECT && last->offset <= INT64_MAX;
    entry->shape = STREAMS_PIECES;
    if (all && !count)
        entry->shape = STREAMS_EMPTY;
    else if (all && count == 1 && ranged)
        entry->shape = STREAMS_RANGE;
    else if (all && count == 1 && headed)
        entry->shape = STREAMS_INLINE;
    else if (all && count == 2 && headed && ranged)
        entry->shape = STREAMS_HEADED;
    bool has_range = entry->shape == STREAMS_RANGE || entry->shape == STREAMS_HEADED;
    entry->offset = has_range ? last->offset : 0;
    entry->pieces = pieces;
    entry->pieces_len = entry->shape == STREAMS_PIECES ? len : 0;
}

static void add_piece(struct catalog_stream *stream, size_t *cap, struct catalog_piece piece)
{
    mem_grow(&stream->pieces, cap, stream->piece_count + 1, sizeof *stream->pieces);
    stream->pieces[stream->piece_count++] = piece;
}

static bool good_piece(const struct catalog_stream *stream, const struct catalog_piece *piece)
{
    bool known = piece->kind == EXTENT_OBJECT || piece->kind == EXTENT_INLINE || piece->kind == EXTENT_ZERO;
    uint64_t room = piece->kind == EXTENT_INLINE ? stream->inline_bytes.len : INT64_MAX;
    return known && piece->len && piece->offset <= room && piece->len <= room - piece->offset &&
           (piece->kind != EXTENT_OBJECT || stream->object != CATALOG_NO_OBJECT);
}

bool streams_give_pieces(const struct streams_entry *entry, struct catalog_stream *ret)
{
    size_t cap = 0;
    uint64_t header = ret->inline_bytes.len, sum = 0;
    struct cursor c = cursor_of(entry->pieces, entry->pieces_len);
    if (entry->shape == STREAMS_INLINE || entry->shape == STREAMS_HEADED)
        add_piece(ret, &cap, (struct catalog_piece){EXTENT_INLINE, 0, header});
    else
        header = 0;
    if (entry->shape == STREAMS_RANGE || entry->shape == STREAMS_HEADED)
        add_piece(ret, &cap, (struct catalog_piece){EXTENT_OBJECT, entry->offset, ret->size - header});
    while (entry->shape == STREAMS_PIECES && cursor_left(&c) && !c.failed)
        add_piece(ret, &cap, next_piece(&c));
    for (size_t i = 0; i < ret->piece_count; i++)
        if (!good_piece(ret, &ret->pieces[i]) || __builtin_add_overflow(sum, ret->pieces[i].len, &sum))
            return false;
    return !c.failed && sum == ret->size;
}

bool streams_reads(const struct streams_entry *entry)
{
    struct cursor c = cursor_of(entry->pieces, entry->pieces_len);
    bool found = entry->shape != STREAMS_INLINE && entry->shape != STREAMS_PIECES;
    while (!found && cursor_left(&c) && !c.failed)
        found = next_piece(&c).kind == EXTENT_OBJECT;
    return found;
}

/* ---- writing ---- */

struct texts {
    const char **list;
    size_t count, cap, last; /* the one asked for last: most are alike */
};

static int64_t number_of(struct texts *texts, const char *text)
{
    if (texts->last < texts->count && !strcmp(texts->list[texts->last], text))
        return (int64_t)texts->last;
    for (texts->last = 0; texts->last < texts->count; texts->last++)
        if (!strcmp(texts->list[texts->last], text))
            return (int64_t)texts->last;
    mem_grow(&texts->list, &texts->cap, texts->count + 1, sizeof *texts->list);
    texts->list[texts->count++] = text;
    return (int64_t)texts->last;
}

static void encode_part(const struct streams_row rows[STREAMS_ROWS], uint32_t number, struct texts *texts,
                        struct buf *part)
{
    int64_t columns[COLUMNS][STREAMS_ROWS];
    CLEANUP_BUF struct buf rest = BUF_INIT;
    uint32_t count = 0;
    for (uint32_t i = 0; i < STREAMS_ROWS; i++) {
        if (rows[i].count <= number)
            continue;
        const struct streams_entry *entry = &rows[i].list[number];
        columns[CONTAINER][count] = number_of(texts, entry->container);
        columns[REASON][count] = number_of(texts, entry->reason);
        columns[OBJECT][count] = entry->object == CATALOG_NO_OBJECT ? 0 : (int64_t)entry->object + 1;
        columns[PREROLL][count] = entry->preroll_ns;
        columns[SHAPE][count] = entry->shape;
        columns[OFFSET][count] = (int64_t)entry->offset;
        columns[INLINE_LEN][count] = (int64_t)entry->inline_len;
        columns[PIECES_LEN][count++] = (int64_t)entry->pieces_len;
        buf_append(&rest, entry->pieces, entry->pieces_len);
        buf_append(&rest, entry->inline_bytes, here_len((int64_t)entry->inline_len));
    }
    for (int k = 0; k < COLUMNS; k++)
        numbers_encode(columns[k], count, part);
    buf_append(part, rest.data, rest.len);
}

void streams_encode(const struct streams_row rows[STREAMS_ROWS], struct buf *buf)
{
    CLEANUP_BUF struct buf parts = BUF_INIT, part = BUF_INIT;
    struct texts texts = {0};
    int64_t counts[STREAMS_ROWS];
    uint32_t most = 0;
    for (uint32_t i = 0; i < STREAMS_ROWS; i++) {
        counts[i] = rows[i].count;
        most = rows[i].count > most ? rows[i].count : most;
    }
    for (uint32_t number = 0; number < most; number++) {
        buf_clear(&part);
        encode_part(rows, number, &texts, &part);
        buf_varint(&parts, part.len);
        buf_append(&parts, part.data, part.len);
    }
    numbers_encode(counts, STREAMS_ROWS, buf);
    buf_varint(buf, texts.count);
    for (size_t i = 0; i < texts.count; i++)
        buf_append(buf, texts.list[i], strlen(texts.list[i]) + 1);
    buf_append(buf, parts.data, parts.len);
    free(texts.list);
}
