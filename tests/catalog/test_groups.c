// SPDX-License-Identifier: Apache-2.0
/* Groups of rows as blobs: what goes in comes out, and damaged ones are told or read within their bounds. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/clip.h"
#include "index/catalog/groups/ident.h"
#include "index/catalog/groups/json_growth.h"
#include "index/catalog/groups/names.h"
#include "index/catalog/groups/newest.h"
#include "index/catalog/groups/sizes.h"
#include "index/catalog/groups/streams.h"
#include "tests/test_leaks.h"

/* ---- numbers ---- */

/* Bytes of the column; what was encoded is read again. */
static size_t check_numbers(const int64_t *list, uint32_t count)
{
    struct buf buf = BUF_INIT;
    struct numbers numbers;
    numbers_encode(list, count, &buf);
    struct cursor c = cursor_of(buf.data, buf.len);
    cr_assert(numbers_decode(&c, count, &numbers) && !cursor_left(&c));
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(numbers_at(&numbers, i), list[i], "number %u: %lld", i, (long long)list[i]);
    for (size_t len = 0; len < buf.len; len++) {
        c = cursor_of(buf.data, len);
        cr_assert(!numbers_decode(&c, count, &numbers), "cut short at %zu", len);
    }
    size_t len = buf.len;
    buf_done(&buf);
    return len;
}

Test(groups, numbers_that_are_alike_or_go_up_in_steps_take_a_few_bytes)
{
    int64_t list[256] = {0};
    cr_assert_leq(check_numbers(list, 0), 2);
    for (int i = 0; i < 256; i++)
        list[i] = 7;
    cr_assert_leq(check_numbers(list, 256), 2);
    for (int i = 0; i < 256; i++)
        list[i] = 1700000000000000000 + i * INT64_C(30000000000);
    cr_assert_leq(check_numbers(list, 256), 18);
    for (int i = 0; i < 256; i++)
        list[i] = 1700000000000000000 + i * INT64_C(30000000000) + i * i % 7 * INT64_C(1000000000);
    cr_assert_leq(check_numbers(list, 256), 256 + 24, "in whole seconds");
    check_leaks();
}

Test(groups, no_number_is_too_large_for_a_column)
{
    const int64_t extremes[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX, INT64_MIN};
    int64_t list[200];
    check_numbers(extremes, 8);
    check_numbers(extremes + 1, 1);
    check_numbers(extremes, 2);
    srand(5);
    for (int round = 0; round < 300; round++) {
        uint32_t count = 1 + (uint32_t)rand() % 200, shift = (uint32_t)rand() % 64;
        for (uint32_t i = 0; i < count; i++)
            list[i] =
                (int64_t)(((uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand()) >> shift);
        check_numbers(list, count);
    }
    check_leaks();
}

Test(groups, a_column_of_another_form_is_none)
{
    struct numbers numbers;
    for (int form = 0; form < 256; form++) {
        uint8_t bytes[64] = {(uint8_t)form};
        struct cursor c = cursor_of(bytes, sizeof bytes);
        cr_assert_eq(numbers_decode(&c, 4, &numbers), (form & ~16) <= 8, "%d", form);
    }
}

/* ---- damage ---- */

/* Reads all it can of a blob, which may be anything. */
typedef void read_fn(const uint8_t *bytes, size_t len);

/* Each byte is changed in turn, each bit of it and all; and each beginning is read alone. */
static void damage(const struct buf *blob, read_fn *read)
{
    for (size_t at = 0; at < blob->len; at++) {
        static const uint8_t masks[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
        uint8_t *cut = mem_alloc(at); /* as long as it is, so that reads behind it are seen */
        memcpy(cut, blob->data, at);
        read(cut, at);
        free(cut);
        for (size_t k = 0; k < sizeof masks; k++) {
            uint8_t *bytes = mem_alloc(blob->len);
            memcpy(bytes, blob->data, blob->len);
            bytes[at] ^= masks[k];
            read(bytes, blob->len);
            free(bytes);
        }
    }
}

/* ---- names ---- */

static void read_names(const uint8_t *bytes, size_t len)
{
    static struct names names;
    if (names_decode(bytes, len, &names))
        return;
    cr_assert(names.rows >= 1 && names.rows <= NAMES_ROWS);
    for (uint32_t i = 0; i < names.rows; i++)
        if (!names_key(&names, i))
            cr_assert(!name_check(names.key, strlen(names.key), NULL));
}

static void check_names(const char *const *keys, uint32_t rows, struct buf *buf)
{
    static struct names names;
    struct names_row list[NAMES_ROWS];
    for (uint32_t i = 0; i < rows; i++)
        list[i] = (struct names_row){keys[i], i / 3};
    buf_clear(buf);
    names_encode(list, rows, buf);
    cr_assert_eq(names_decode(buf->data, buf->len, &names), 0);
    cr_assert_eq(names.rows, rows);
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t k = 0; k < rows; k++) {
            uint32_t i = round ? rows - 1 - k : k;
            cr_assert_eq(names_key(&names, i), 0);
            cr_assert_str_eq(names.key, keys[i]);
            cr_assert_eq(names_template(&names, i), i / 3);
        }
}

Test(groups, keys_of_one_length_and_of_several_are_read_in_any_order)
{
    static const char *const alike[] = {"ep01", "ep02", "ep03", "xyz9"},
                             *const other[] = {"a", "episode-7", "ep03", "b"}, *const one[] = {"k"};
    struct buf buf = BUF_INIT;
    check_names(alike, 4, &buf);
    damage(&buf, read_names);
    check_names(other, 4, &buf);
    damage(&buf, read_names);
    check_names(one, 1, &buf);
    buf_u8(&buf, 0);
    static struct names names;
    cr_assert_eq(names_decode(buf.data, buf.len, &names), -EUCLEAN, "a byte is left");
    buf_done(&buf);
    check_leaks();
}

Test(groups, a_key_that_is_none_is_damage)
{
    static struct names names;
    struct buf buf = BUF_INIT;
    const struct names_row list[] = {{"a/b", 1}, {"ok1", 1}};
    names_encode(list, 2, &buf);
    cr_assert_eq(names_decode(buf.data, buf.len, &names), 0);
    cr_assert_eq(names_key(&names, 0), -EUCLEAN);
    cr_assert_eq(names_key(&names, 1), 0);
    buf_done(&buf);
    check_leaks();
}

static void read_template(const uint8_t *bytes, size_t len)
{
    struct names_template template;
    if (names_template_decode(bytes, len, &template))
        return;
    for (uint32_t i = 0; i < template.count; i++)
        cr_assert(strlen(template.files[i].name) + strlen(template.files[i].ext) <= template.longest);
    names_template_done(&template);
}

Test(groups, a_template_says_the_streams_names_and_none_is_the_json)
{
    struct names_template template;
    struct buf buf = BUF_INIT;
    names_template_add(&buf, "front", "mp4");
    names_template_add(&buf, "", "mcap");
    names_template_add(&buf, "raw", "");
    cr_assert_eq(names_template_decode(buf.data, buf.len, &template), 0);
    cr_assert_eq(template.count, 3);
    cr_assert_eq(template.longest, strlen(".front.mp4"));
    cr_assert_str_eq(template.files[0].name, "front");
    cr_assert_str_eq(template.files[1].ext, "mcap");
    names_template_done(&template);
    damage(&buf, read_template);
    static const char *const bad[][2] = {{"", "json"}, {"json", ""}, {"a/b", "x"}, {"a", "x=y"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buf_clear(&buf);
        names_template_add(&buf, bad[i][0], bad[i][1]);
        cr_assert_eq(names_template_decode(buf.data, buf.len, &template), -EUCLEAN, "%zu", i);
    }
    cr_assert_eq(names_template_decode("", 0, &template), 0, "a clip without streams");
    names_template_done(&template);
    buf_done(&buf);
    check_leaks();
}

/* ---- sizes ---- */

static void read_sizes(const uint8_t *bytes, size_t len)
{
    static struct catalog_file files[CLIP_STREAMS_MAX];
    uint32_t changed[SIZES_ROWS], rows = 0, newest = 0;
    int rc = sizes_newest(bytes, len, &newest);
    for (uint32_t i = 0; !rc && i < SIZES_ROWS; i++) {
        struct sizes_row row = {.files = files};
        if (!sizes_decode(bytes, len, i, &row))
            cr_assert(row.json_changed <= newest && row.count <= CLIP_STREAMS_MAX);
    }
    if (!sizes_changed(bytes, len, false, changed, &rows))
        for (uint32_t i = 0; i < rows; i++)
            cr_assert_leq(changed[i], newest);
}

Test(groups, sizes_of_rows_with_few_and_many_streams_are_read_alone)
{
    static struct catalog_file files[CLIP_STREAMS_MAX], read[CLIP_STREAMS_MAX];
    struct sizes_row list[SIZES_ROWS];
    struct buf buf = BUF_INIT;
    uint32_t changed[SIZES_ROWS], rows, newest;
    for (uint32_t k = 0; k < CLIP_STREAMS_MAX; k++)
        files[k] = (struct catalog_file){.size = 1000 + k * k, .changed = 3 + k % 5};
    for (uint32_t i = 0; i < 40; i++)
        list[i] = (struct sizes_row){(int64_t)i * 17 % 5 - 2, 2 + i % 7, i < 20 ? 2 : i % 4, files};
    sizes_encode(list, 40, &buf);
    for (uint32_t i = 0; i < 40; i++) {
        struct sizes_row row = {.files = read};
        cr_assert_eq(sizes_decode(buf.data, buf.len, i, &row), 0, "%u", i);
        cr_assert(row.json == list[i].json && row.json_changed == list[i].json_changed);
        cr_assert_eq(row.count, list[i].count);
        for (uint32_t k = 0; k < row.count; k++)
            cr_assert(read[k].size == files[k].size && read[k].changed == files[k].changed);
    }
    struct sizes_row none = {.files = read};
    cr_assert_eq(sizes_decode(buf.data, buf.len, 40, &none), -EUCLEAN, "no such row");
    cr_assert_eq(sizes_newest(buf.data, buf.len, &newest), 0);
    cr_assert_eq(newest, 8);
    cr_assert_eq(sizes_changed(buf.data, buf.len, true, changed, &rows), 0);
    cr_assert(rows == 40 && changed[0] == 2 && changed[6] == 8);
    cr_assert_eq(sizes_changed(buf.data, buf.len, false, changed, &rows), 0);
    cr_assert(changed[0] == 4 && changed[6] == 8 && changed[23] == 5);
    damage(&buf, read_sizes);
    buf_clear(&buf);
    for (uint32_t i = 0; i < SIZES_ROWS; i++)
        list[i] = (struct sizes_row){100, 1, CLIP_STREAMS_MAX, files};
    sizes_encode(list, SIZES_ROWS, &buf);
    cr_assert_eq(sizes_decode(buf.data, buf.len, SIZES_ROWS - 1, &none), 0);
    cr_assert_eq(none.count, CLIP_STREAMS_MAX);
    buf_done(&buf);
    check_leaks();
}

/* ---- ident ---- */

static void read_ident(const uint8_t *bytes, size_t len)
{
    struct ident_row row;
    for (uint32_t i = 0; i < IDENT_ROWS; i++)
        ident_decode(bytes, len, i, &row);
}

Test(groups, times_that_are_known_and_those_that_are_not_come_back)
{
    struct ident_row list[IDENT_ROWS], row;
    struct buf buf = BUF_INIT;
    for (int round = 0; round < 4; round++) { /* both, one, either or none of the times */
        buf_clear(&buf);
        for (uint32_t i = 0; i < 21; i++) {
            list[i] =
                (struct ident_row){(int64_t)i * 1000 - 7, (int64_t)i * 1000 + 500 + i % 3, {(uint8_t)i}};
            if (round == 3 || (round && i % (round + 1)))
                list[i].t0_ns = CLIP_NO_TIME;
            if (round == 3 || (round == 2 && i % 2))
                list[i].t1_ns = CLIP_NO_TIME;
        }
        list[5].t0_ns = round ? list[5].t0_ns : INT64_MAX;
        ident_encode(list, 21, &buf);
        for (uint32_t i = 0; i < 21; i++) {
            cr_assert_eq(ident_decode(buf.data, buf.len, i, &row), 0);
            cr_assert(row.t0_ns == list[i].t0_ns && row.t1_ns == list[i].t1_ns, "round %d, row %u", round, i);
            cr_assert(!memcmp(row.print, list[i].print, sizeof row.print));
        }
        cr_assert_eq(ident_decode(buf.data, buf.len, 21, &row), -EUCLEAN);
        damage(&buf, read_ident);
    }
    buf_done(&buf);
    check_leaks();
}

/* ---- streams ---- */

static void read_streams(const uint8_t *bytes, size_t len)
{
    struct streams_row rows[STREAMS_ROWS];
    struct streams_entry entry;
    for (uint32_t i = 0; i < STREAMS_ROWS; i += 3)
        for (uint32_t k = 0; k < 3; k++) {
            if (streams_decode(bytes, len, i, k, &entry))
                continue;
            struct catalog_stream stream = {.size = 906, .object = entry.object};
            if (entry.inline_bytes)
                buf_append(&stream.inline_bytes, entry.inline_bytes, entry.inline_len);
            streams_give_pieces(&entry, &stream);
            streams_reads(&entry);
            catalog_stream_done(&stream);
        }
    if (!streams_decode_all(bytes, len, rows))
        streams_rows_done(rows);
}

static void put_piece(struct buf *buf, enum extent_kind kind, uint64_t offset, uint64_t len)
{
    buf_u8(buf, (uint8_t)kind);
    buf_varint(buf, offset);
    buf_varint(buf, len);
}

/* Streams of 906 bytes, 6 of which may be inline. */
static void make_pieces(uint32_t which, struct buf *buf)
{
    buf_clear(buf);
    if (which == STREAMS_HEADED || which == STREAMS_INLINE)
        put_piece(buf, EXTENT_INLINE, 0, 6);
    if (which == STREAMS_HEADED || which == STREAMS_RANGE)
        put_piece(buf, EXTENT_OBJECT, 5000, which == STREAMS_HEADED ? 900 : 906);
    if (which == STREAMS_PIECES) {
        put_piece(buf, EXTENT_INLINE, 0, 3);
        put_piece(buf, EXTENT_ZERO, 0, 3);
        put_piece(buf, EXTENT_OBJECT, 70, 900);
    }
}

static bool same_pieces(const struct catalog_stream *stream, const struct buf *pieces)
{
    struct buf again = BUF_INIT;
    for (size_t i = 0; i < stream->piece_count; i++)
        put_piece(&again, stream->pieces[i].kind, stream->pieces[i].offset, stream->pieces[i].len);
    bool same = again.len == pieces->len && (!again.len || !memcmp(again.data, pieces->data, again.len));
    buf_done(&again);
    return same;
}

Test(groups, each_shape_of_a_stream_gives_its_pieces_again)
{
    struct buf pieces[STREAMS_PIECES + 1] = {0}, blob = BUF_INIT;
    struct streams_entry lists[STREAMS_ROWS][3] = {0}, entry;
    struct streams_row rows[STREAMS_ROWS] = {0}, again[STREAMS_ROWS];
    for (uint32_t shape = 0; shape <= STREAMS_PIECES; shape++)
        make_pieces(shape, &pieces[shape]);
    for (uint32_t i = 0; i < 30; i++) {
        rows[i] = (struct streams_row){lists[i], i % 4};
        for (uint32_t k = 0; k < rows[i].count; k++) {
            uint32_t shape = (i + k) % (STREAMS_PIECES + 1);
            lists[i][k] = (struct streams_entry){.container = i % 2 ? "mp4" : "mcap",
                                                 .reason = k ? "" : "it is whole",
                                                 .object = i % 5 ? i : CATALOG_NO_OBJECT - 1,
                                                 .preroll_ns = -(int64_t)i,
                                                 .inline_bytes = (const uint8_t *)"HEADER",
                                                 .inline_len = 6};
            streams_take_pieces(&lists[i][k], pieces[shape].data, pieces[shape].len);
            cr_assert_eq(lists[i][k].shape, shape);
        }
    }
    streams_encode(rows, &blob);
    cr_assert_eq(streams_decode_all(blob.data, blob.len, again), 0);
    for (uint32_t i = 0; i < STREAMS_ROWS; i++) {
        cr_assert_eq(again[i].count, rows[i].count);
        cr_assert_eq(streams_decode(blob.data, blob.len, i, rows[i].count, &entry), -EUCLEAN, "no such one");
        for (uint32_t k = 0; k < rows[i].count; k++) {
            const struct streams_entry *want = &lists[i][k];
            cr_assert_eq(streams_decode(blob.data, blob.len, i, k, &entry), 0);
            cr_assert_str_eq(entry.container, want->container);
            cr_assert_str_eq(again[i].list[k].reason, want->reason);
            cr_assert(entry.object == want->object && entry.preroll_ns == want->preroll_ns);
            struct catalog_stream stream = {.size = want->shape == STREAMS_EMPTY    ? 0
                                                    : want->shape == STREAMS_INLINE ? 6
                                                                                    : 906,
                                            .object = entry.object};
            buf_append(&stream.inline_bytes, entry.inline_bytes, entry.inline_len);
            cr_assert(streams_give_pieces(&entry, &stream));
            cr_assert(same_pieces(&stream, &pieces[want->shape]), "shape %d", want->shape);
            cr_assert_eq(streams_reads(&entry), want->shape != STREAMS_INLINE);
            stream.size++;
            free(stream.pieces);
            stream.pieces = NULL, stream.piece_count = 0;
            bool ranged = want->shape == STREAMS_RANGE || want->shape == STREAMS_HEADED;
            cr_assert_eq(streams_give_pieces(&entry, &stream), ranged, "the size tells a range's end only");
            catalog_stream_done(&stream);
        }
    }
    streams_rows_done(again);
    damage(&blob, read_streams);
    for (uint32_t shape = 0; shape <= STREAMS_PIECES; shape++)
        buf_done(&pieces[shape]);
    buf_done(&blob);
    check_leaks();
}

Test(groups, long_inline_bytes_are_not_in_the_group)
{
    struct streams_entry entry = {.container = "mp4", .reason = "", .object = 1, .inline_len = 65};
    struct streams_row rows[STREAMS_ROWS] = {[7] = {&entry, 1}};
    struct buf blob = BUF_INIT;
    streams_take_pieces(&entry, NULL, 0);
    streams_encode(rows, &blob);
    cr_assert_eq(streams_decode(blob.data, blob.len, 7, 0, &entry), 0);
    cr_assert(!entry.inline_bytes && entry.inline_len == 65);
    buf_done(&blob);
    check_leaks();
}

/* ---- growth ---- */

static void read_growth(const uint8_t *bytes, size_t len)
{
    struct json_growth growth = {0};
    struct json_growth_head head;
    if (!json_growth_decode(bytes, len, 0, &head, &growth))
        for (size_t i = 0; i < growth.count; i++) {
            cr_assert(!i || growth.list[i].row > growth.list[i - 1].row);
            cr_assert_leq(growth.list[i].version, head.newest);
        }
    else
        cr_assert_eq(growth.count, 0);
    json_growth_done(&growth);
}

static void read_grown(const uint8_t *bytes, size_t len)
{
    struct grown grown;
    struct json_growth_entry entry;
    if (!grown_decode(bytes, len, &grown))
        for (uint32_t i = 0; i < GROWN_ROWS; i++)
            if (grown_find(&grown, i, &entry) == 1)
                cr_assert_leq(entry.version, grown.newest);
}

static void check_same(const struct json_growth_entry *a, const struct json_growth_entry *b)
{
    cr_assert(a->row == b->row && a->version == b->version && a->bytes == b->bytes &&
              a->touched == b->touched);
}

Test(groups, growth_of_a_row_is_the_sum_of_what_is_known_of_it_and_its_newest_version)
{
    struct json_growth growth = {0}, again = {0};
    struct json_growth_head head;
    struct buf buf = BUF_INIT;
    size_t count;
    for (uint32_t i = 0; i < 50; i++)
        json_growth_add(&growth, (struct json_growth_entry){i * 37 % 101 * 1000, 3 + i % 4, (int64_t)i - 25,
                                                            UINT32_C(1) << i % 32});
    json_growth_add(&growth, (struct json_growth_entry){37000, 2, -100});
    json_growth_order(&growth);
    const struct json_growth_entry *found = json_growth_find(&growth, 37000, &count);
    cr_assert(count == 2 && found[0].version == 2 && found[1].version == 4, "each is found, oldest first");
    json_growth_settle(&growth);
    cr_assert_eq(growth.count, 50);
    found = json_growth_find(&growth, 37000, &count);
    cr_assert(found && count == 1 && found->bytes == -124 && found->version == 4);
    cr_assert(!json_growth_find(&growth, 37001, &count) && !count);
    json_growth_encode(growth.list, growth.count, 2, &buf);
    cr_assert_eq(json_growth_decode(buf.data, buf.len, 0, &head, &again), 0);
    cr_assert(head.level == 2 && head.newest == 6 && head.rows == 50 && again.count == 50);
    for (size_t i = 0; i < again.count; i++)
        check_same(&again.list[i], &growth.list[i]);
    damage(&buf, read_growth);
    buf_clear(&buf);
    json_growth_encode(growth.list, growth.count, GROWTH_LEVEL_MAX, &buf);
    again.count = 0;
    cr_assert_eq(json_growth_decode(buf.data, buf.len, 37000, &head, &again), 0);
    cr_assert_eq(again.list[0].row, 37000, "what is folded already is left out");
    json_growth_done(&growth), json_growth_done(&again);
    buf_done(&buf);
    check_leaks();
}

Test(groups, growth_that_is_alike_takes_a_step_and_a_code_a_row)
{
    struct json_growth_head head;
    struct buf buf = BUF_INIT;
    for (uint32_t alike = 1; alike <= 100000; alike = alike * 5 + 1) {
        struct json_growth growth = {0}, again = {0};
        uint32_t rows = alike < 1000 ? 1000 : alike, width = alike == 1       ? 0
                                                             : alike <= 256   ? 1
                                                             : alike <= 65536 ? 2
                                                                              : 3;
        for (uint32_t i = 0; i < rows; i++)
            json_growth_add(
                &growth, (struct json_growth_entry){i * 50 + i % 7, 5 + i % alike, 14, 1u << i % alike % 32});
        buf_clear(&buf);
        json_growth_encode(growth.list, growth.count, 0, &buf);
        cr_assert_leq(buf.len, rows * (1 + width) + alike * 8 + 40, "%u: %zu", alike, buf.len);
        cr_assert_eq(json_growth_decode(buf.data, buf.len, 0, &head, &again), 0);
        cr_assert_eq(again.count, growth.count);
        for (uint32_t i = 0; i < rows; i++)
            check_same(&again.list[i], &growth.list[i]);
        buf.data[buf.len - 1] = 255; /* a code above all, or a step that does not end */
        cr_assert_eq(json_growth_decode(buf.data, buf.len, 0, &head, &again), -EUCLEAN);
        json_growth_done(&growth), json_growth_done(&again);
    }
    buf_done(&buf);
    check_leaks();
}

Test(groups, a_group_of_growth_tells_each_row_that_has_grown)
{
    struct json_growth_entry list[GROWN_ROWS], entry;
    struct grown grown;
    struct buf buf = BUF_INIT;
    for (uint32_t step = 1; step < 2000; step = step * 3 + 1) {
        uint32_t count = 0;
        buf_clear(&buf);
        for (uint32_t i = step / 2; i < GROWN_ROWS; i += step)
            list[count++] = (struct json_growth_entry){GROWN_ROWS * 9 + i, 1 + i % 3, (int64_t)i % 11 - 5};
        grown_encode(list, count, &buf);
        cr_assert_eq(grown_decode(buf.data, buf.len, &grown), 0);
        for (uint32_t i = 0, k = 0; i < GROWN_ROWS; i++) {
            bool has = k < count && list[k].row % GROWN_ROWS == i;
            cr_assert_eq(grown_find(&grown, i, &entry), has);
            cr_assert(!has || (entry.bytes == list[k].bytes && entry.version == list[k].version));
            k += has;
        }
    }
    damage(&buf, read_grown);
    buf_done(&buf);
    check_leaks();
}

static void read_newest(const uint8_t *bytes, size_t len)
{
    static uint32_t versions[NEWEST_GROUPS];
    uint32_t groups = 0;
    if (!newest_decode(bytes, len, versions, &groups))
        cr_assert_leq(groups, NEWEST_GROUPS);
}

Test(groups, the_newest_version_of_each_group_comes_back)
{
    static uint32_t versions[NEWEST_GROUPS], again[NEWEST_GROUPS];
    struct buf buf = BUF_INIT;
    uint32_t groups;
    for (uint32_t i = 0; i < 100; i++)
        versions[i] = i / 12 * 3;
    newest_encode(versions, 100, &buf);
    cr_assert_eq(newest_decode(buf.data, buf.len, again, &groups), 0);
    cr_assert(groups == 100 && !memcmp(versions, again, 100 * sizeof *again));
    damage(&buf, read_newest);
    buf_done(&buf);
    check_leaks();
}
