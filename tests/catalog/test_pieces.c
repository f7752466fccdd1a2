// SPDX-License-Identifier: Apache-2.0
/* Values in pieces: any length comes back, none lies in a chain of pages, and one that is not whole is not
 * given. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/catalog/pieces.h"
#include "index/catalog/shard/shard_id.h"
#include "tests/test_leaks.h"

enum { ID = 12345, LONGEST = 31 * PIECE_BYTES + PIECE_BYTES - 1 };

struct world {
    struct overlay *file;
    struct db *db;
    struct buf bytes, read;
    struct error err;
};

static void begin(struct world *w)
{
    *w = (struct world){0};
    cr_assert_eq(overlay_new(NULL, SCHEMA_PAGE_BYTES, &w->file, &w->err), 0);
    cr_assert_eq(db_open_write(w->file, &w->db, &w->err), 0, "%s", w->err.text);
    for (size_t i = 0; i < LONGEST; i++)
        buf_u8(&w->bytes, (uint8_t)(i * 7919 >> 3));
}

static void end(struct world *w)
{
    db_close(w->db);
    overlay_free(w->file);
    buf_done(&w->bytes), buf_done(&w->read);
    check_leaks();
}

static int put(struct world *w, int64_t id, size_t len)
{
    return pieces_put(w->db, &pieces_posting, id, w->bytes.data, len, &w->err);
}

static int get(struct world *w, int64_t id)
{
    buf_clear(&w->read);
    return pieces_read(w->db, &pieces_posting, id, &w->read, &w->err);
}

static void expect(struct world *w, int64_t id, size_t len)
{
    cr_assert_eq(get(w, id), 1, "%zu bytes: %s", len, w->err.text);
    cr_assert(w->read.len == len && !memcmp(buf_text(&w->read), buf_text(&w->bytes), len), "%zu of %zu bytes",
              w->read.len, len);
}

static void drop_row(struct world *w, int64_t id)
{
    cr_assert_eq(db_drop_rows(w->db, QUERY_POSTING_DROP, id, id, &w->err), 0);
}

Test(pieces, a_value_of_any_length_takes_the_place_of_another_and_leaves_its_neighbours)
{
    static const size_t lengths[] = {0,           1,           PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1,
                                     LONGEST / 2, LONGEST - 1, LONGEST,         17,          0};
    struct world w;
    begin(&w);
    cr_assert_eq(put(&w, ID - 1, 100) | put(&w, ID + 1, 3 * PIECE_BYTES), 0);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        cr_assert_eq(put(&w, ID, lengths[i]), 0, "%s", w.err.text);
        expect(&w, ID, lengths[i]);
    }
    cr_assert_eq(put(&w, ID, LONGEST + 1), -EFBIG);
    cr_assert_eq(pieces_drop(w.db, &pieces_posting, ID, ID, &w.err), 0);
    cr_assert_eq(get(&w, ID), 0);
    expect(&w, ID - 1, 100);
    expect(&w, ID + 1, 3 * PIECE_BYTES);
    end(&w);
}

/* 19 bits of the shard, 40 of attribute and number, and 5 of the piece: the sign is one of them. */
Test(pieces, postings_of_any_row_there_may_be_are_found_each_by_its_own_id)
{
    static const uint32_t rows[] = {0, (1u << 31) - 1, 1u << 31, (1u << 31) + (1u << 20), UINT32_MAX};
    enum { ROWS = sizeof rows / sizeof *rows };
    struct world w;
    begin(&w);
    for (size_t turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < ROWS; i++)
            for (uint32_t number = 0; number < 2; number++) {
                const struct shard shard = {.attribute = SCHEMA_ATTRIBUTES_MAX - 1,
                                            .number = shard_number(rows[i], 0)};
                int64_t id = shard_block_id(&shard, DICT_HAS - number);
                size_t len = PIECE_BYTES + 100 * i + number;
                if (turn)
                    expect(&w, id, len);
                else
                    cr_assert_eq(put(&w, id, len), 0, "%s", w.err.text);
                cr_assert_eq(get(&w, id - 2), 0);
                cr_assert_eq(pieces_first(&pieces_posting, id) < 0, rows[i] >= 1u << 31);
            }
    end(&w);
}

Test(pieces, a_value_is_not_given_where_a_piece_is_missing_or_too_long)
{
    struct world w;
    begin(&w);
    for (int64_t missing = 0; missing < 4; missing++) {
        cr_assert_eq(put(&w, ID, 3 * PIECE_BYTES), 0);
        drop_row(&w, pieces_first(&pieces_posting, ID) + missing);
        cr_assert_eq(get(&w, ID), 0, "piece %lld", (long long)missing);
    }
    cr_assert_eq(put(&w, ID, 0), 0);
    w.bytes.len = PIECE_BYTES + 1;
    cr_assert_eq(db_put_bytes(w.db, QUERY_POSTING_PUT, pieces_first(&pieces_posting, ID), &w.bytes, &w.err),
                 0);
    cr_assert_eq(get(&w, ID), 0);
    end(&w);
}

/* A row that does not fit on a page makes the file grow by a page beside its leaf. */
Test(pieces, each_piece_lies_on_one_page)
{
    enum { VALUES = 200 };
    struct world w;
    begin(&w);
    for (int64_t i = 0; i < VALUES; i++)
        cr_assert_eq(put(&w, ID + i, PIECE_BYTES), 0);
    cr_assert_eq(db_commit(w.db, &w.err), 0);
    uint8_t page[SCHEMA_PAGE_BYTES];
    unsigned others = 0;
    enum { LEAF_TABLE = 13, INTERIOR_TABLE = 5 };
    for (uint32_t i = 1; i < overlay_pages(w.file); i++) {
        struct page_range whole = {.page = i, .len = sizeof page};
        cr_assert_eq(overlay_read(w.file, &whole, page, &(struct catalog_patience){0}, &w.err), 0);
        others += *page != LEAF_TABLE && *page != INTERIOR_TABLE && *page != 2 && *page != 10;
    }
    cr_assert_eq(others, 0, "%u pages are of a chain", others);
    cr_assert_geq(overlay_pages(w.file), VALUES);
    end(&w);
}

/* How many pages of the file hold `bytes`. */
static unsigned pages_with(struct world *w, const void *bytes, size_t len)
{
    uint8_t page[SCHEMA_PAGE_BYTES];
    const struct catalog_patience patient = {0};
    unsigned found = 0;
    for (uint32_t i = 0; i < overlay_pages(w->file); i++) {
        cr_assert_eq(overlay_read(w->file, &(struct page_range){i, 0, sizeof page}, page, &patient, &w->err),
                     0);
        found += memmem(page, sizeof page, bytes, len) != NULL;
    }
    return found;
}

Test(pieces, what_is_deleted_leaves_nothing_on_a_page_that_goes_on)
{
    enum { ROWS = 40, LEN = 1000 };
    static const char mark[] = "deleted long ago";
    struct world w;
    begin(&w);
    memcpy(w.bytes.data + LEN / 2, mark, sizeof mark);
    for (int64_t i = 0; i < ROWS; i++)
        cr_assert_eq(put(&w, ID + i, LEN), 0);
    memset(w.bytes.data, 0, LEN);
    for (int64_t i = 0; i < ROWS; i++)
        cr_assert_eq(put(&w, ID + i, i % 3 ? 10 : LEN), 0);
    cr_assert_eq(db_commit(w.db, &w.err), 0);
    cr_assert_gt(pages_with(&w, "CREATE TABLE posting", 20), 0);
    cr_assert_eq(pages_with(&w, mark, sizeof mark), 0);
    end(&w);
}
