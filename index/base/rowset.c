// SPDX-License-Identifier: Apache-2.0
/*
 * CRoaring behind an own type. Older releases of the library trust the bytes they deserialise, so the
 * portable format is walked and checked here first:
 *
 *     | cookie, count, [run flags] | count x (key, cardinality - 1) | [count x offset] | containers |
 *
 * A container holds the low 16 bits of the rows of one key. Moving a set by a multiple of 2^16 is a change of
 * its keys alone: it is done on the serialised bytes.
 */
#include "index/base/rowset.h"

#include <assert.h>
#include <errno.h>
#include <roaring/roaring.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/base/cursor.h"

struct rowset {
    atomic_uint refs;
    roaring_bitmap_t *bits;
};

/* RoaringFormatSpec, "Cookie header" and below. */
enum {
    COOKIE_RUNS = 12347,
    COOKIE_PLAIN = 12346,
    CONTAINERS_MAX = 1 << 16,
    OFFSETS_FROM = 4, /* with run containers, offsets stand from this count on */
    ARRAY_MAX = 4096,
    BITSET_BYTES = 8192,
};

static struct rowset *own(roaring_bitmap_t *bits)
{
    if (!bits)
        abort(); /* out of memory, as in mem_alloc() */
    struct rowset *set = MEM_NEW(struct rowset);
    atomic_init(&set->refs, 1);
    set->bits = bits;
    return set;
}

struct rowset *rowset_new(void)
{
    return own(roaring_bitmap_create());
}

struct rowset *rowset_copy(const struct rowset *set)
{
    return own(roaring_bitmap_copy(set->bits));
}

struct rowset *rowset_ref(struct rowset *set)
{
    atomic_fetch_add(&set->refs, 1);
    return set;
}

void rowset_unref(struct rowset *set)
{
    if (!set || atomic_fetch_sub(&set->refs, 1) != 1)
        return;
    roaring_bitmap_free(set->bits);
    free(set);
}

void rowset_add(struct rowset *set, uint32_t row)
{
    roaring_bitmap_add(set->bits, row);
}

void rowset_remove(struct rowset *set, uint32_t row)
{
    roaring_bitmap_remove(set->bits, row);
}

void rowset_keep_range(struct rowset *set, uint64_t first, uint64_t end)
{
    const uint64_t all = UINT64_C(1) << 32;
    if (first)
        roaring_bitmap_remove_range(set->bits, 0, first < all ? first : all);
    if (end < all)
        roaring_bitmap_remove_range(set->bits, end, all);
}

void rowset_add_range(struct rowset *set, uint64_t first, uint64_t end)
{
    if (first < end)
        roaring_bitmap_add_range(set->bits, first, end);
}

void rowset_add_many(struct rowset *set, const uint32_t *rows, size_t count)
{
    roaring_bitmap_add_many(set->bits, count, rows);
}

void rowset_and(struct rowset *set, const struct rowset *other)
{
    roaring_bitmap_and_inplace(set->bits, other->bits);
}

void rowset_or(struct rowset *set, const struct rowset *other)
{
    roaring_bitmap_or_inplace(set->bits, other->bits);
}

void rowset_or_spent(struct rowset *set, struct rowset *other)
{
    if (!rowset_empty(set)) {
        rowset_or(set, other);
        return;
    }
    roaring_bitmap_t *none = set->bits;
    set->bits = other->bits;
    other->bits = none;
}

void rowset_andnot(struct rowset *set, const struct rowset *other)
{
    roaring_bitmap_andnot_inplace(set->bits, other->bits);
}

uint64_t rowset_count(const struct rowset *set)
{
    return roaring_bitmap_get_cardinality(set->bits);
}

bool rowset_empty(const struct rowset *set)
{
    return roaring_bitmap_is_empty(set->bits);
}

bool rowset_contains(const struct rowset *set, uint32_t row)
{
    return roaring_bitmap_contains(set->bits, row);
}

bool rowset_intersects(const struct rowset *a, const struct rowset *b)
{
    return roaring_bitmap_intersect(a->bits, b->bits);
}

uint64_t rowset_and_count(const struct rowset *a, const struct rowset *b)
{
    return roaring_bitmap_and_cardinality(a->bits, b->bits);
}

size_t rowset_rows(const struct rowset *set, uint64_t from, uint32_t *ret_rows, size_t max)
{
    roaring_uint32_iterator_t at;
    roaring_init_iterator(set->bits, &at);
    if (from > UINT32_MAX || !roaring_move_uint32_iterator_equalorlarger(&at, (uint32_t)from))
        return 0;
    size_t count = 0;
    while (count < max) {
        uint32_t n = max - count > UINT32_MAX ? UINT32_MAX : (uint32_t)(max - count);
        uint32_t got = roaring_read_uint32_iterator(&at, ret_rows + count, n);
        count += got;
        if (got < n)
            break;
    }
    return count;
}

uint64_t rowset_rank(const struct rowset *set, uint64_t row)
{
    if (!row)
        return 0;
    return row > UINT32_MAX ? rowset_count(set) : roaring_bitmap_rank(set->bits, (uint32_t)row - 1);
}

uint32_t rowset_at(const struct rowset *set, uint64_t rank)
{
    uint32_t row = 0;
    assert(rank < rowset_count(set));
    roaring_bitmap_select(set->bits, (uint32_t)rank, &row);
    return row;
}

size_t rowset_bytes(const struct rowset *set)
{
    enum {
        CONTAINER_BYTES = 64
    }; /* besides what it holds: its own, its place among the others, malloc()'s */
    roaring_statistics_t are;
    roaring_bitmap_statistics(set->bits, &are);
    return sizeof *set + (size_t)are.n_containers * CONTAINER_BYTES + are.n_bytes_array_containers +
           are.n_bytes_run_containers + are.n_bytes_bitset_containers;
}

void rowset_trim(struct rowset *set)
{
    if (atomic_load_explicit(&set->refs, memory_order_acquire) == 1)
        roaring_bitmap_shrink_to_fit(set->bits);
}

/* ---- the portable format ---- */

static void store_le16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static uint32_t load_le16(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

/* What a set's header says. `keys` and `runs` point into its bytes. */
struct layout {
    uint32_t count;
    const uint8_t *runs;    /* one bit a container, or NULL */
    const uint8_t *keys;    /* count x (key, cardinality - 1) */
    const uint8_t *offsets; /* count x u32, or NULL */
};

static bool layout_read(struct cursor *c, struct layout *ret)
{
    uint32_t cookie = cursor_le32(c);
    *ret = (struct layout){0};
    if ((cookie & 0xffff) == COOKIE_RUNS) {
        ret->count = (cookie >> 16) + 1;
        ret->runs = cursor_bytes(c, (ret->count + 7) / 8);
    } else if (cookie == COOKIE_PLAIN) {
        ret->count = cursor_le32(c);
    } else {
        return false;
    }
    if (ret->count > CONTAINERS_MAX)
        return false;
    ret->keys = cursor_bytes(c, 4ull * ret->count);
    if (!ret->runs || ret->count >= OFFSETS_FROM)
        ret->offsets = cursor_bytes(c, 4ull * ret->count);
    return !c->failed;
}

/* Adds `parts` to each key; the caller knows that no key overflows. */
static void move_keys(uint8_t *bytes, size_t len, int parts)
{
    struct cursor c = cursor_of(bytes, len);
    struct layout layout;
    if (!layout_read(&c, &layout))
        abort(); /* our own bytes, or checked ones */
    uint8_t *keys = bytes + (layout.keys - bytes);
    for (uint32_t i = 0; i < layout.count; i++)
        store_le16(keys + 4ull * i, (uint32_t)((int)load_le16(keys + 4ull * i) + parts));
}

static const char *check_array(struct cursor *c, uint32_t cardinality)
{
    const uint8_t *values = cursor_bytes(c, 2ull * cardinality);
    if (!values)
        return "an array is cut short";
    for (uint32_t i = 1; i < cardinality; i++)
        if (load_le16(values + 2ull * i) <= load_le16(values + 2ull * i - 2))
            return "an array is not ascending";
    return NULL;
}

static inline __attribute__((always_inline)) uint32_t count_bits(const void *words, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)words + 8 * i, sizeof word);
        sum += (uint32_t)__builtin_popcountll(word);
    }
    return sum;
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static uint32_t count_bits_popcnt(const void *words, size_t count)
{
    return count_bits(words, count);
}
#endif

uint32_t rowset_bits(const void *words, size_t count)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt"))
        return count_bits_popcnt(words, count);
#endif
    return count_bits(words, count);
}

static const char *check_bitset(struct cursor *c, uint32_t cardinality)
{
    const uint8_t *bytes = cursor_bytes(c, BITSET_BYTES);
    if (!bytes)
        return "a bitset is cut short";
    return rowset_bits(bytes, ROWSET_PART_WORDS) != cardinality ? "a bitset's cardinality is wrong" : NULL;
}

static const char *check_runs(struct cursor *c, uint32_t cardinality)
{
    uint32_t count = cursor_le16(c), sum = 0, end = 0; /* `end`: first value the next run may start behind */
    const uint8_t *runs = cursor_bytes(c, 4ull * count);
    if (!runs || !count)
        return "a list of runs is cut short or empty";
    for (uint32_t i = 0; i < count; i++) {
        uint32_t start = load_le16(runs + 4ull * i), len = load_le16(runs + 4ull * i + 2) + 1;
        if ((i && start <= end) || start + len > ROWSET_PART_ROWS)
            return "runs overlap, touch or leave their part";
        end = start + len;
        sum += len;
    }
    return sum != cardinality ? "a list of runs' cardinality is wrong" : NULL;
}

static const char *check_container(struct cursor *c, const struct layout *layout, uint32_t i, uint32_t parts)
{
    const uint8_t *entry = layout->keys + 4ull * i;
    uint32_t key = load_le16(entry), cardinality = load_le16(entry + 2) + 1;
    if (i && key <= load_le16(entry - 4))
        return "keys are not ascending";
    if (key + parts >= CONTAINERS_MAX)
        return "a row is over 2^32";
    if (layout->offsets) {
        struct cursor offset = cursor_of(layout->offsets + 4ull * i, 4);
        if (cursor_le32(&offset) != c->at)
            return "an offset is wrong";
    }
    if (layout->runs && (layout->runs[i / 8] >> (i % 8) & 1))
        return check_runs(c, cardinality);
    return cardinality <= ARRAY_MAX ? check_array(c, cardinality) : check_bitset(c, cardinality);
}

/* What is wrong with the bytes, or NULL. */
static const char *check(const void *bytes, size_t len, uint32_t parts)
{
    struct cursor c = cursor_of(bytes, len);
    struct layout layout;
    if (!layout_read(&c, &layout))
        return "its header is cut short or none";
    for (uint32_t i = 0; i < layout.count; i++) {
        const char *why = check_container(&c, &layout, i, parts);
        if (why)
            return why;
    }
    return cursor_left(&c) ? "bytes follow its end" : NULL;
}

static void append(const roaring_bitmap_t *bits, uint32_t parts, struct buf *buf)
{
    size_t len = roaring_bitmap_portable_size_in_bytes(bits);
    uint8_t *to = buf_room(buf, len);
    len = roaring_bitmap_portable_serialize(bits, (char *)to);
    move_keys(to, len, -(int)parts);
    buf->len += len;
    buf->data[buf->len] = 0;
}

void rowset_encode(const struct rowset *set, struct buf *buf)
{
    rowset_encode_part(set, 0, 1ull << 32, buf);
}

void rowset_encode_part(const struct rowset *set, uint32_t base, uint64_t end, struct buf *buf)
{
    assert(base % ROWSET_PART_ROWS == 0);
    CLEANUP_ROWSET struct rowset *part = own(roaring_bitmap_from_range(base, end, 1));
    roaring_bitmap_and_inplace(part->bits, set->bits);
    roaring_bitmap_run_optimize(part->bits);
    append(part->bits, base / ROWSET_PART_ROWS, buf);
}

void rowset_encode_rows(const uint32_t *rows, size_t count, struct buf *buf)
{
    CLEANUP_ROWSET struct rowset *set = rowset_new();
    rowset_add_many(set, rows, count);
    roaring_bitmap_run_optimize(set->bits);
    append(set->bits, 0, buf);
}

static struct rowset *deserialize(const uint8_t *bytes, size_t len)
{
    return own(roaring_bitmap_portable_deserialize_safe((const char *)bytes, len));
}

int rowset_decode(const char *name, const void *bytes, size_t len, uint32_t base, struct rowset **ret,
                  struct error *err)
{
    assert(base % ROWSET_PART_ROWS == 0);
    uint32_t parts = base / ROWSET_PART_ROWS;
    const char *why = check(bytes, len, parts);
    if (why)
        return error_set(err, EINVAL, "%s: not a set of rows: %s", name, why);
    if (!parts) {
        *ret = deserialize(bytes, len);
        return 0;
    }
    CLEANUP_FREE uint8_t *copy = mem_copy(bytes, len);
    move_keys(copy, len, (int)parts);
    *ret = deserialize(copy, len);
    return 0;
}

static size_t words_to_rows(uint32_t base, const uint64_t words[ROWSET_PART_WORDS], uint32_t *rows)
{
    size_t count = 0;
    for (uint32_t i = 0; i < ROWSET_PART_WORDS; i++)
        for (uint64_t word = words[i]; word; word &= word - 1)
            rows[count++] = base + i * 64 + (uint32_t)__builtin_ctzll(word);
    return count;
}

void rowset_add_words(struct rowset *set, uint32_t base, const uint64_t words[ROWSET_PART_WORDS])
{
    assert(base % ROWSET_PART_ROWS == 0);
    uint32_t count = rowset_bits(words, ROWSET_PART_WORDS), rows[ARRAY_MAX];
    if (count <= ARRAY_MAX) {
        rowset_add_many(set, rows, words_to_rows(base, words, rows));
        return;
    }
    /* A bitset container takes the words as they are. */
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    buf_le32(&bytes, COOKIE_PLAIN);
    buf_le32(&bytes, 1);
    buf_le16(&bytes, (uint16_t)(base / ROWSET_PART_ROWS));
    buf_le16(&bytes, (uint16_t)(count - 1));
    buf_le32(&bytes, (uint32_t)bytes.len + 4);
    for (size_t i = 0; i < ROWSET_PART_WORDS; i++)
        buf_le64(&bytes, words[i]);
    CLEANUP_ROWSET struct rowset *part = deserialize(bytes.data, bytes.len);
    rowset_or(set, part);
}
