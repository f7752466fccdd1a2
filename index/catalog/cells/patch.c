// SPDX-License-Identifier: Apache-2.0
/* Values are kept once, in a dictionary of the blob's own: most rows of most attributes share few. */
#include "index/catalog/cells/patch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/sort.h"

enum { BODY_BYTES_MAX = 256 << 20, SET_VALUES_MAX = 1 << 20, COLUMN_ROWS_MAX = 1 << 16 };

void patch_done(struct patch *patch)
{
    free(patch->cells);
    free(patch->values);
    free(patch->sets);
    strmap_free(patch->map);
    number_codes_done(&patch->numbers);
    buf_done(&patch->scratch);
    *patch = (struct patch){0};
}

/* ---- the dictionary ---- */

static void encode_set(const struct value *values, size_t count, struct buf *buf)
{
    buf_varint(buf, count);
    for (size_t i = 0; i < count; i++)
        if (values[i].type != VALUE_LIST)
            value_encode(buf, &values[i]);
}

static uint32_t add_set(struct patch *patch, const struct value *values, size_t count)
{
    mem_grow(&patch->sets, &patch->set_cap, patch->set_count + 1, sizeof *patch->sets);
    mem_grow(&patch->values, &patch->value_cap, patch->value_count + count, sizeof *patch->values);
    memcpy(&patch->values[patch->value_count], values, count * sizeof *values);
    patch->sets[patch->set_count++] = (struct patch_set){(uint32_t)patch->value_count, (uint32_t)count};
    patch->value_count += count;
    return (uint32_t)patch->set_count;
}

/* Texts are borrowed from the key of the map. */
static void borrow(struct patch *patch, uint32_t code, const struct strmap_entry *entry)
{
    const struct patch_set *set = &patch->sets[code - 1];
    struct cursor c = cursor_of(entry->key, entry->key_len);
    cursor_varint(&c);
    for (uint32_t i = 0; i < set->count; i++) {
        struct value *value = &patch->values[set->at + i];
        enum value_type type = value->type;
        *value = (struct value){.type = type};
        if (type != VALUE_LIST)
            value_decode_unchecked(&c, type, value);
    }
}

static bool number_of(const struct value *value, uint64_t *ret)
{
    switch (value->type) {
    case VALUE_INT:
    case VALUE_TIME:
    case VALUE_DURATION:
        *ret = (uint64_t)value->integer;
        return true;
    case VALUE_FLOAT:
        memcpy(ret, &value->real, sizeof *ret);
        return true;
    default:
        return false;
    }
}

uint32_t patch_code(struct patch *patch, const struct value *values, size_t count)
{
    bool is_new;
    uint64_t number;
    if (!count)
        return PATCH_NONE;
    if (count == 1 && number_of(values, &number)) {
        uint32_t *code = number_codes_of(&patch->numbers, number);
        return *code ? *code : (*code = add_set(patch, values, 1));
    }
    if (!patch->map)
        patch->map = strmap_new();
    buf_clear(&patch->scratch);
    encode_set(values, count, &patch->scratch);
    struct strmap_entry *entry =
        strmap_put(patch->map, buf_text(&patch->scratch), patch->scratch.len, &is_new);
    if (is_new) {
        entry->value = add_set(patch, values, count);
        borrow(patch, (uint32_t)entry->value, entry);
    }
    return (uint32_t)entry->value;
}

const struct value *patch_values(const struct patch *patch, uint32_t code, size_t *ret_count)
{
    *ret_count = 0;
    if (code == PATCH_NONE)
        return NULL;
    *ret_count = patch->sets[code - 1].count;
    return &patch->values[patch->sets[code - 1].at];
}

/* ---- cells ---- */

void patch_add(struct patch *patch, const struct patch_cell *cell)
{
    struct patch_cell *last = patch->count ? &patch->cells[patch->count - 1] : NULL;
    if (last && last->row == cell->row) {
        last->now = cell->now;
        last->origin = cell->origin;
        return;
    }
    mem_grow(&patch->cells, &patch->cap, patch->count + 1, sizeof *patch->cells);
    patch->cells[patch->count++] = *cell;
}

static bool is_settled(const struct patch *patch)
{
    for (size_t i = 1; i < patch->count; i++)
        if (patch->cells[i - 1].row >= patch->cells[i].row)
            return false;
    return true;
}

void patch_settle(struct patch *patch)
{
    size_t count = patch->count;
    if (is_settled(patch))
        return;
    CLEANUP_FREE int64_t *order = mem_alloc(count * sizeof *order); /* row, then place */
    CLEANUP_FREE struct patch_cell *cells = STEAL(patch->cells);
    for (size_t i = 0; i < count; i++)
        order[i] = (int64_t)((uint64_t)(cells[i].row ^ 1u << 31) << 32 | i);
    sort_numbers(order, count);
    patch->count = patch->cap = 0;
    for (size_t i = 0; i < count; i++)
        patch_add(patch, &cells[(uint32_t)order[i]]);
}

const struct patch_cell *patch_find(const struct patch *patch, uint32_t row)
{
    size_t low = 0, high = patch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (patch->cells[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < patch->count && patch->cells[low].row == row ? &patch->cells[low] : NULL;
}

/* ---- reading ---- */

struct parse {
    struct cursor c;
    const struct attribute *attribute;
    struct patch *patch;
    enum value_type type;
    uint32_t *rows, *codes; /* of what this blob calls i + 1, the code in `patch` */
    uint64_t first, count, set_count;
    size_t row_cap, code_cap;
};

static bool parse_steps(struct parse *p)
{
    p->count = cursor_varint(&p->c);
    if (p->c.failed || p->count > cursor_left(&p->c))
        return false;
    uint64_t row = 0;
    p->rows = mem_alloc(p->count * sizeof *p->rows);
    for (uint64_t i = 0; i < p->count; i++) {
        uint64_t step = cursor_varint(&p->c);
        row += step;
        if (p->c.failed || step > UINT32_MAX || row >= UINT32_MAX || (i && !step))
            return false;
        p->rows[i] = (uint32_t)row;
    }
    return true;
}

static bool parse_rows(struct parse *p, uint8_t form)
{
    if (form == PATCH_STEPS)
        return parse_steps(p);
    p->count = cursor_varint(&p->c);
    p->first = cursor_varint(&p->c);
    return form == PATCH_COLUMN && !p->c.failed && p->first < UINT32_MAX && p->count <= COLUMN_ROWS_MAX &&
           p->count <= UINT32_MAX - p->first;
}

static bool parse_value(struct parse *p, struct value *value)
{
    *value = (struct value){.type = p->type};
    if (p->type != VALUE_LIST)
        value_decode(&p->c, p->type, value);
    if (p->type != p->attribute->info.type)
        *value = (struct value){.type = VALUE_FLOAT, .real = (double)value->integer};
    return !p->c.failed;
}

static bool parse_set(struct parse *p, struct value **values, size_t *cap)
{
    uint64_t count = cursor_varint(&p->c);
    if (p->c.failed || !count || count > (p->attribute->info.multi ? (uint64_t)SET_VALUES_MAX : 1))
        return false;
    if (p->type != VALUE_LIST && count > cursor_left(&p->c))
        return false;
    mem_grow(values, cap, count, sizeof **values);
    for (uint64_t i = 0; i < count; i++)
        if (!parse_value(p, &(*values)[i]) || (i && value_compare(&(*values)[i - 1], &(*values)[i]) >= 0))
            return false;
    mem_grow(&p->codes, &p->code_cap, p->set_count + 1, sizeof *p->codes);
    p->codes[p->set_count++] = patch_code(p->patch, *values, count);
    return true;
}

static bool parse_sets(struct parse *p)
{
    CLEANUP_FREE struct value *values = NULL;
    size_t cap = 0;
    uint64_t count = cursor_varint(&p->c);
    if (p->c.failed || count > cursor_left(&p->c))
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!parse_set(p, &values, &cap))
            return false;
    return true;
}

static unsigned bytes_of(uint64_t number)
{
    unsigned bytes = 0;
    for (; number; number >>= 8)
        bytes++;
    return bytes;
}

/* `count` numbers up to `most` from byte planes; NULL: they do not fit. */
static const uint8_t *parse_planes(struct parse *p, uint64_t most)
{
    unsigned width = bytes_of(most);
    return cursor_bytes(&p->c, p->count * width);
}

static uint64_t plane_number(const uint8_t *planes, uint64_t count, uint64_t most, uint64_t i)
{
    uint64_t number = 0;
    for (unsigned byte = 0; byte < bytes_of(most); byte++)
        number |= (uint64_t)planes[byte * count + i] << 8 * byte;
    return number;
}

static uint32_t parse_code(const struct parse *p, const uint8_t *planes, uint64_t i, bool *failed)
{
    uint64_t code = plane_number(planes, p->count, p->set_count, i);
    *failed |= code > p->set_count;
    return !code || *failed ? PATCH_NONE : p->codes[code - 1];
}

/* Rows and codes; the blob's cells stand behind those that the patch has, which does not count them yet. */
static bool parse_cells(struct parse *p, uint8_t form)
{
    const uint8_t *old = form == PATCH_STEPS ? parse_planes(p, p->set_count) : NULL;
    const uint8_t *now = parse_planes(p, p->set_count);
    bool failed = p->c.failed;
    if (failed)
        return false;
    mem_grow(&p->patch->cells, &p->patch->cap, p->patch->count + p->count + 1, sizeof *p->patch->cells);
    struct patch_cell *cells = p->patch->cells + p->patch->count;
    for (uint64_t i = 0; i < p->count && !failed; i++) {
        cells[i] = (struct patch_cell){.row = p->rows ? p->rows[i] : (uint32_t)(p->first + i)};
        cells[i].old = old ? parse_code(p, old, i, &failed) : PATCH_NONE;
        cells[i].now = parse_code(p, now, i, &failed);
    }
    return !failed;
}

static bool parse_dead(struct parse *p)
{
    struct patch_cell *cells = p->patch->cells + p->patch->count;
    uint64_t dead = cursor_varint(&p->c), at = 0;
    if (p->c.failed || dead > p->count)
        return false;
    for (uint64_t i = 0; i < dead; i++) {
        uint64_t step = cursor_varint(&p->c);
        if (p->c.failed || step >= p->count || (i && !step) || (at += step) >= p->count)
            return false;
        cells[at].now |= PATCH_DEAD;
    }
    return true;
}

static bool parse_origins(struct parse *p)
{
    struct patch_cell *cells = p->patch->cells + p->patch->count;
    uint64_t count = cursor_varint(&p->c), most = count ? count - 1 : 0;
    if (p->c.failed || count > cursor_left(&p->c) || (!count && p->set_count))
        return false;
    CLEANUP_FREE uint32_t *list = mem_zero((count + 1) * sizeof *list);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t origin = cursor_varint(&p->c);
        if (p->c.failed || origin >= SCHEMA_ORIGINS_MAX)
            return false;
        list[i] = (uint32_t)origin;
    }
    const uint8_t *planes = parse_planes(p, most);
    if (!planes || cursor_left(&p->c))
        return false;
    for (uint64_t i = 0; i < p->count; i++) {
        uint64_t at = plane_number(planes, p->count, most, i);
        if (at > most)
            return false;
        cells[i].origin = list[at];
    }
    return true;
}

static void keep_cells(struct parse *p, uint8_t form)
{
    struct patch *patch = p->patch;
    const struct patch_cell *cells = patch->cells + patch->count;
    patch->first = (uint32_t)p->first;
    patch->end = (uint32_t)(p->first + p->count);
    for (uint64_t i = 0; i < p->count; i++)
        if (form == PATCH_STEPS || cells[i].now != PATCH_NONE)
            patch->cells[patch->count++] = cells[i];
}

static bool parse_body(struct parse *p)
{
    uint8_t form = cursor_u8(&p->c);
    p->type = (enum value_type)cursor_u8(&p->c);
    enum value_type is = p->attribute->info.type;
    if (p->c.failed || (p->type != is && !(p->type == VALUE_INT && is == VALUE_FLOAT)) ||
        !parse_rows(p, form) || !parse_sets(p) || !parse_cells(p, form) || !parse_dead(p) ||
        !parse_origins(p))
        return false;
    keep_cells(p, form);
    return true;
}

int patch_read(struct db *db, const struct attribute *attribute, const char *where, const void *bytes,
               size_t len, struct patch *patch, struct error *err)
{
    CLEANUP_BUF struct buf body = BUF_INIT;
    int rc = packer_unpack(db_packer(db), bytes, len, BODY_BYTES_MAX, &body);
    struct parse parse = {.c = cursor_of(body.data, body.len), .attribute = attribute, .patch = patch};
    bool whole = !rc && parse_body(&parse);
    free(parse.rows);
    free(parse.codes);
    return whole
               ? 0
               : db_damaged(db, err, "%s of the attribute '%s' is not in order", where, attribute->info.name);
}

/* ---- writing ---- */

/* Codes and origins by their first use. */
struct numbering {
    uint32_t *numbers; /* of a code: 1, 2, ...; 0: not used yet */
    uint32_t *codes;   /* the codes, as they are used */
    uint32_t count;
    uint32_t *origins;
    size_t origin_count, origin_cap;
    uint32_t last; /* place of the origin that was asked for last */
};

static void number_code(struct numbering *n, uint32_t code)
{
    if (code == PATCH_NONE || n->numbers[code])
        return;
    n->codes[n->count] = code;
    n->numbers[code] = ++n->count;
}

static uint32_t place_of_origin(struct numbering *n, uint32_t origin)
{
    if (n->last < n->origin_count && n->origins[n->last] == origin)
        return n->last;
    for (n->last = 0; n->last < n->origin_count; n->last++)
        if (n->origins[n->last] == origin)
            return n->last;
    mem_grow(&n->origins, &n->origin_cap, n->origin_count + 1, sizeof *n->origins);
    n->origins[n->origin_count++] = origin;
    return n->last;
}

static void number_cells(const struct patch *patch, size_t from, size_t to, struct numbering *n)
{
    n->numbers = mem_zero((patch->set_count + 1) * sizeof *n->numbers);
    n->codes = mem_alloc((patch->set_count + 1) * sizeof *n->codes);
    for (size_t i = from; i < to; i++) {
        number_code(n, patch->cells[i].old);
        number_code(n, patch_code_of(&patch->cells[i]));
        place_of_origin(n, patch->cells[i].origin);
    }
}

static void numbering_done(struct numbering *n)
{
    free(n->numbers);
    free(n->codes);
    free(n->origins);
}

static void put_planes(struct buf *buf, const uint32_t *numbers, size_t count, uint64_t most)
{
    for (unsigned byte = 0; byte < bytes_of(most); byte++)
        for (size_t i = 0; i < count; i++)
            buf_u8(buf, (uint8_t)(numbers[i] >> 8 * byte));
}

static void put_sets(const struct patch *patch, const struct numbering *n, struct buf *buf)
{
    buf_varint(buf, n->count);
    for (uint32_t i = 0; i < n->count; i++) {
        size_t count;
        const struct value *values = patch_values(patch, n->codes[i], &count);
        encode_set(values, count, buf);
    }
}

static void put_dead(const struct patch *patch, size_t from, size_t to, struct buf *buf)
{
    size_t dead = 0, before = from;
    for (size_t i = from; i < to; i++)
        dead += (patch->cells[i].now & PATCH_DEAD) != 0;
    buf_varint(buf, dead);
    for (size_t i = from; i < to; i++)
        if (patch->cells[i].now & PATCH_DEAD) {
            buf_varint(buf, i - before);
            before = i;
        }
}

static void put_origin_list(const struct numbering *n, struct buf *buf)
{
    buf_varint(buf, n->origin_count);
    for (size_t i = 0; i < n->origin_count; i++)
        buf_varint(buf, n->origins[i]);
}

void patch_encode(const struct patch *patch, enum value_type type, size_t from, size_t to, struct buf *buf)
{
    struct numbering n = {0};
    size_t count = to - from;
    const struct patch_cell *cells = count ? patch->cells + from : NULL;
    CLEANUP_FREE uint32_t *numbers = mem_alloc(count * sizeof *numbers);
    number_cells(patch, from, to, &n);
    buf_u8(buf, PATCH_STEPS);
    buf_u8(buf, (uint8_t)type);
    buf_varint(buf, count);
    for (size_t i = 0; i < count; i++)
        buf_varint(buf, cells[i].row - (i ? cells[i - 1].row : 0));
    put_sets(patch, &n, buf);
    for (size_t i = 0; i < count; i++)
        numbers[i] = n.numbers[cells[i].old];
    put_planes(buf, numbers, count, n.count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = n.numbers[patch_code_of(&cells[i])];
    put_planes(buf, numbers, count, n.count);
    put_dead(patch, from, to, buf);
    put_origin_list(&n, buf);
    for (size_t i = 0; i < count; i++)
        numbers[i] = place_of_origin(&n, cells[i].origin);
    put_planes(buf, numbers, count, n.origin_count ? n.origin_count - 1 : 0);
    numbering_done(&n);
}

void patch_encode_column(const struct patch *patch, enum value_type type, const struct patch_span *span,
                         struct buf *buf)
{
    struct numbering n = {0};
    CLEANUP_FREE uint32_t *codes = mem_zero(span->rows * sizeof *codes),
                          *origins = mem_zero(span->rows * sizeof *origins);
    number_cells(patch, span->from, span->to, &n);
    for (size_t i = span->from; i < span->to; i++) {
        const struct patch_cell *cell = &patch->cells[i];
        codes[cell->row - span->first] = n.numbers[patch_code_of(cell)];
        origins[cell->row - span->first] = place_of_origin(&n, cell->origin);
    }
    buf_u8(buf, PATCH_COLUMN);
    buf_u8(buf, (uint8_t)type);
    buf_varint(buf, span->rows);
    buf_varint(buf, span->first);
    put_sets(patch, &n, buf);
    put_planes(buf, codes, span->rows, n.count);
    buf_varint(buf, 0);
    put_origin_list(&n, buf);
    put_planes(buf, origins, span->rows, n.origin_count ? n.origin_count - 1 : 0);
    numbering_done(&n);
}
