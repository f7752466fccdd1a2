// SPDX-License-Identifier: Apache-2.0
/* Frame of reference with a common step: times in whole seconds, durations of whole frames and floats that
 * were 32-bit ones get short codes without any knowledge of units. Presence stands apart, so that no code is
 * special. */
#include "index/catalog/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/sort.h"
#include "index/catalog/groups/numbers.h"
#include "index/catalog/pieces.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "codes are read in place");

enum { EXPANDED_MAX = 8 + ROWSET_PART_WORDS * 8 + ROWSET_PART_ROWS * 16, CODES_SAVING_PERCENT = 40 };

int64_t column_number(const struct value *value)
{
    if (value->type != VALUE_FLOAT)
        return value->integer;
    int64_t bits;
    memcpy(&bits, &value->real, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

struct value column_value(enum value_type type, int64_t number)
{
    struct value value = {.type = type, .integer = number};
    if (type == VALUE_FLOAT) {
        int64_t bits = number < 0 ? number ^ INT64_MAX : number;
        memcpy(&value.real, &bits, sizeof bits);
    }
    return value;
}

/* ---- reading ---- */

int column_part_read(struct db *db, sqlite3_stmt *stmt, struct column_part *ret, struct error *err)
{
    enum { ID, LOW, HIGH, CLIPS, DIFFERENT, STEP, WIDTH, COLUMNS };
    int64_t numbers[COLUMNS];
    struct column_part part = {0};
    int rc = 0;
    for (int i = 0; !rc && i < COLUMNS; i++)
        rc = db_column_number(db, stmt, i, i == LOW || i == HIGH || i == STEP ? INT64_MIN : 0, &numbers[i],
                              err);
    if (rc)
        return rc;
    int64_t width = numbers[WIDTH];
    if (!numbers[CLIPS] || numbers[CLIPS] > ROWSET_PART_ROWS || numbers[DIFFERENT] > numbers[CLIPS] ||
        !numbers[DIFFERENT] || numbers[LOW] > numbers[HIGH] ||
        (width != 1 && width != 2 && width != 4 && width != 8))
        return db_damaged_row(db, stmt, err, "the numbers are out of range");
    part.id = numbers[ID];
    part.number = (uint32_t)(numbers[ID] & (SCHEMA_PARTS - 1));
    part.attribute = (uint32_t)(numbers[ID] >> SCHEMA_PART_BITS);
    part.low = numbers[LOW], part.high = numbers[HIGH];
    part.clips = (uint32_t)numbers[CLIPS], part.different = (uint32_t)numbers[DIFFERENT];
    part.step = (uint64_t)numbers[STEP];
    part.width = (unsigned)width;
    *ret = part;
    return 0;
}

static uint64_t rows_of(const struct buf *expanded)
{
    uint64_t rows;
    memcpy(&rows, expanded->data, sizeof rows);
    return rows;
}

static const uint64_t *presence_of(const struct buf *expanded)
{
    return (const uint64_t *)(const void *)(expanded->data + 8);
}

static const int64_t *list_of(const struct buf *expanded)
{
    return (const int64_t *)(const void *)(expanded->data + 8 + (rows_of(expanded) + 63) / 64 * 8);
}

static uint64_t list_len(const struct column_part *part)
{
    return part->step ? 0 : part->different;
}

static const uint8_t *codes_of(const struct column_part *part, const struct buf *expanded)
{
    return (const uint8_t *)(list_of(expanded) + list_len(part));
}

static int bad_codes(struct db *db, const struct column_part *part, const char *what, struct error *err)
{
    return db_damaged(db, err, "part %u of attribute %u: its codes %s", part->number, part->attribute, what);
}

int column_part_expand(struct db *db, const struct column_part *part, struct buf *buf, struct error *err)
{
    CLEANUP_BUF struct buf packed = BUF_INIT;
    buf_clear(buf);
    int rc = pieces_read(db, &pieces_codes, part->id, &packed, err);
    if (rc < 1)
        return rc ? rc : bad_codes(db, part, "are missing, or not whole", err);
    rc = packer_unpack(db_packer(db), packed.data, packed.len, EXPANDED_MAX, buf);
    uint64_t rows = !rc && buf->len >= 8 ? rows_of(buf) : 0;
    if (rc || !rows || rows > ROWSET_PART_ROWS ||
        buf->len != 8 + ((rows + 63) / 64 + list_len(part)) * 8 + rows * part->width)
        return bad_codes(db, part, "have a wrong length", err);
    if (rows % 64 && presence_of(buf)[rows / 64] >> rows % 64)
        return bad_codes(db, part, "are fewer than its rows", err);
    if (rowset_bits(presence_of(buf), (rows + 63) / 64) != part->clips)
        return bad_codes(db, part, "are of other clips than it has", err);
    return 0;
}

/* `words[i]` gets a bit for each code in [first, first + span]. */
#define MATCH(type)                                                                                          \
    static void match_##type(const void *codes, uint64_t rows, const uint64_t code[2], uint64_t *words)      \
    {                                                                                                        \
        const type *at = codes, first = (type)code[0], span = (type)(code[1] - code[0]);                     \
        for (uint64_t row = 0; row < rows; row += 64) {                                                      \
            uint64_t bits = 0, count = rows - row < 64 ? rows - row : 64;                                    \
            for (uint64_t i = 0; i < count; i++)                                                             \
                bits |= (uint64_t)((type)(at[row + i] - first) <= span) << i;                                \
            words[row / 64] = bits;                                                                          \
        }                                                                                                    \
    }
MATCH(uint8_t)
MATCH(uint16_t)
MATCH(uint32_t)
MATCH(uint64_t)

/* How many values of the list are below `number`, or equal to it where `with`. */
static uint64_t list_below(const int64_t *list, uint64_t count, int64_t number, bool with)
{
    uint64_t low = 0;
    while (low < count) {
        uint64_t middle = low + (count - low) / 2;
        if (list[middle] < number || (with && list[middle] == number))
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

static bool listed_range(const struct column_part *part, const int64_t *list, const int64_t range[2],
                         uint64_t code[2])
{
    code[0] = list_below(list, part->different, range[0], false);
    code[1] = list_below(list, part->different, range[1], true);
    return code[0] < code[1]--;
}

/* The codes of the values in the range; false: there are none. */
static bool stepped_range(const struct column_part *part, const int64_t range[2], uint64_t code[2])
{
    int64_t low = range[0] > part->low ? range[0] : part->low,
            high = range[1] < part->high ? range[1] : part->high;
    if (low > high)
        return false;
    uint64_t behind_low = (uint64_t)low - (uint64_t)part->low,
             code_max = part->width == 8 ? UINT64_MAX : (1ull << 8 * part->width) - 1;
    code[0] = behind_low / part->step + (behind_low % part->step != 0);
    code[1] = ((uint64_t)high - (uint64_t)part->low) / part->step;
    if (code[1] > code_max)
        code[1] = code_max;
    return code[0] <= code[1];
}

void column_part_match(const struct column_part *part, const struct buf *expanded, const int64_t range[2],
                       uint64_t words[ROWSET_PART_WORDS])
{
    uint64_t code[2], found[ROWSET_PART_WORDS], rows = rows_of(expanded);
    if (!(part->step ? stepped_range(part, range, code) : listed_range(part, list_of(expanded), range, code)))
        return;
    const void *codes = codes_of(part, expanded);
    switch (part->width) {
    case 1:
        match_uint8_t(codes, rows, code, found);
        break;
    case 2:
        match_uint16_t(codes, rows, code, found);
        break;
    case 4:
        match_uint32_t(codes, rows, code, found);
        break;
    default:
        match_uint64_t(codes, rows, code, found);
    }
    for (uint64_t i = 0; i < (rows + 63) / 64; i++)
        words[i] |= found[i] & presence_of(expanded)[i];
}

static uint64_t load(const uint8_t *at, unsigned width)
{
    uint64_t code = 0;
    memcpy(&code, at, width);
    return code;
}

static int64_t value_at(const struct column_part *part, const int64_t *list, const uint8_t *codes,
                        uint64_t row)
{
    uint64_t code = load(codes + row * part->width, part->width);
    if (part->step)
        return (int64_t)((uint64_t)part->low + part->step * code);
    return code < part->different ? list[code] : part->high;
}

void column_part_values(const struct column_part *part, const struct buf *expanded, struct column_values *ret)
{
    uint64_t rows = rows_of(expanded);
    const uint8_t *codes = codes_of(part, expanded);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->present, presence_of(expanded), (rows + 63) / 64 * 8);
    for (uint64_t row = 0; row < rows; row++)
        if (ret->present[row / 64] >> row % 64 & 1)
            ret->values[row] = value_at(part, list_of(expanded), codes, row);
}

/* ---- making ---- */

/* The values that are present, ascending; how many. */
static uint32_t sorted_values(const struct column_values *values, int64_t *sorted)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < ROWSET_PART_ROWS; row++)
        if (values->present[row / 64] >> row % 64 & 1)
            sorted[count++] = values->values[row];
    sort_numbers(sorted, count);
    return count;
}

static unsigned width_of(uint64_t code_max)
{
    return code_max <= UINT8_MAX ? 1 : code_max <= UINT16_MAX ? 2 : code_max <= UINT32_MAX ? 4 : 8;
}

static uint64_t rows_present(const struct column_values *values)
{
    uint64_t word = ROWSET_PART_WORDS;
    while (word && !values->present[word - 1])
        word--;
    return word ? word * 64 - (uint64_t)__builtin_clzll(values->present[word - 1]) : 0;
}

/* The zone map and the form of the codes. `sorted` (the values present, ascending) becomes the different
 * ones. */
static void measure(int64_t *sorted, uint64_t rows, struct column_part *part)
{
    part->low = sorted[0];
    part->high = sorted[part->clips - 1];
    part->different = 1;
    for (uint32_t i = 1; i < part->clips; i++) {
        uint64_t gap = (uint64_t)sorted[i] - (uint64_t)sorted[i - 1];
        if (!gap)
            continue;
        part->step = part->step == 1 ? 1 : numbers_divisor(gap, part->step);
        sorted[part->different++] = sorted[i];
    }
    if (!part->step)
        part->step = 1;
    part->width = width_of(((uint64_t)part->high - (uint64_t)part->low) / part->step);
    unsigned list_width = width_of(part->different - 1);
    if (8ull * part->different + rows * list_width < rows * part->width) {
        part->step = 0;
        part->width = list_width;
    }
}

static void append_codes(const struct column_values *values, const struct column_part *part,
                         const int64_t *list, uint64_t rows, struct buf *raw)
{
    uint8_t *to = buf_room(raw, rows * part->width);
    for (uint64_t row = 0; row < rows; row++) {
        uint64_t code = 0;
        int64_t value = values->values[row];
        if (values->present[row / 64] >> row % 64 & 1)
            code = part->step ? ((uint64_t)value - (uint64_t)part->low) / part->step
                              : list_below(list, part->different, value, false);
        memcpy(to + row * part->width, &code, part->width);
    }
    raw->len += rows * part->width;
}

void column_part_make(struct packer *packer, const struct column_values *values, struct column_part *ret,
                      struct buf *codes)
{
    struct column_part part = {0};
    CLEANUP_FREE int64_t *list = mem_alloc(ROWSET_PART_ROWS * sizeof *list);
    part.clips = sorted_values(values, list);
    *ret = part;
    if (!part.clips)
        return;
    CLEANUP_BUF struct buf raw = BUF_INIT;
    uint64_t rows = rows_present(values);
    measure(list, rows, &part);
    buf_le64(&raw, rows);
    buf_append(&raw, values->present, (rows + 63) / 64 * 8);
    buf_append(&raw, list, list_len(&part) * sizeof *list);
    append_codes(values, &part, list, rows, &raw);
    packer_pack(packer, raw.data, raw.len, CODES_SAVING_PERCENT, codes);
    *ret = part;
}
