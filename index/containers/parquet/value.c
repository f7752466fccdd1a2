// SPDX-License-Identifier: Apache-2.0
/*
 * Values are decoded without gaps behind what is there already, then spread backwards in place over the
 * nulls: a value never moves to a lower index, so nothing is overwritten before it is read.
 */
#include "index/containers/parquet/value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "index/containers/parquet/decimal.h"
#include "index/containers/parquet/hybrid.h"

enum { INDEXES_AT_ONCE = 1024 };

static const int64_t EPOCH_JULIAN_DAY = 2440588; /* 1970-01-01 */
static const int64_t DAY_NS = INT64_C(86400000000000);

static bool is_text(enum parquet_kind kind)
{
    return kind == PARQUET_TEXT || kind == PARQUET_BYTES || kind == PARQUET_DECIMAL;
}

static bool is_real(enum parquet_kind kind)
{
    return kind == PARQUET_FLOAT || kind == PARQUET_DOUBLE;
}

void parquet_store_init(struct parquet_store *store, enum parquet_kind kind, uint64_t bytes_max)
{
    *store = (struct parquet_store){.values = {.kind = kind}, .bytes_max = bytes_max};
    parquet_store_reserve(store, 0);
    if (is_text(kind))
        store->values.text_offsets[0] = 0;
}

static void resize(struct parquet_values *values, size_t cap)
{
    values->valid = mem_resize(values->valid, cap * sizeof *values->valid);
    if (is_text(values->kind))
        values->text_offsets = mem_resize(values->text_offsets, (cap + 1) * sizeof *values->text_offsets);
    else if (is_real(values->kind))
        values->f64 = mem_resize(values->f64, cap * sizeof *values->f64);
    else
        values->i64 = mem_resize(values->i64, cap * sizeof *values->i64);
}

void parquet_store_reserve(struct parquet_store *store, uint64_t more)
{
    uint64_t need = store->values.count + more;
    if (store->cap && need <= store->cap)
        return;
    size_t cap = store->cap ? store->cap : 64;
    while (cap < need)
        cap *= 2;
    resize(&store->values, cap);
    store->cap = cap;
}

static int ends_early(uint64_t i, struct error *err)
{
    return error_set(err, EINVAL, "the page ends before value %llu", (unsigned long long)i);
}

static int plain_boolean(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                         struct parquet_store *store, struct error *err)
{
    size_t len = (size_t)(n / 8 + (n % 8 != 0));
    const uint8_t *bytes = cursor_bytes(data, len);
    if (!bytes)
        return ends_early(n - 1, err);
    int64_t *to = store->values.i64 + store->values.count;
    for (uint64_t i = 0; i < n; i++)
        to[i] = bytes[i / 8] >> (i % 8) & 1;
    return 0;
}

static int plain_integer(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                         struct parquet_store *store, struct error *err)
{
    bool wide = layout->physical == PARQUET_TYPE_INT64;
    int64_t *to = store->values.i64 + store->values.count;
    for (uint64_t i = 0; i < n; i++) {
        int64_t stored = wide ? (int64_t)cursor_le64(data) : (int32_t)cursor_le32(data);
        if (data->failed)
            return ends_early(i, err);
        if (parquet_meaning_apply(layout->meaning, layout->physical, stored, &to[i]))
            return error_set(err, ERANGE, "the number %016llx (hex) is outside the range of int64%s",
                             (unsigned long long)stored,
                             layout->meaning == PARQUET_UNSIGNED ? "" : " nanoseconds");
    }
    return 0;
}

/* Nanoseconds of the day, then the Julian day. */
static int plain_int96(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                       struct parquet_store *store, struct error *err)
{
    int64_t *to = store->values.i64 + store->values.count;
    for (uint64_t i = 0; i < n; i++) {
        int64_t of_day = (int64_t)cursor_le64(data);
        int64_t day = (int32_t)cursor_le32(data);
        if (data->failed)
            return ends_early(i, err);
        int64_t midnight;
        if (__builtin_mul_overflow(day - EPOCH_JULIAN_DAY, DAY_NS, &midnight) ||
            __builtin_add_overflow(midnight, of_day, &to[i]))
            return error_set(err, ERANGE, "Julian day %lld is outside the range of int64 nanoseconds",
                             (long long)day);
    }
    return 0;
}

static int plain_real(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                      struct parquet_store *store, struct error *err)
{
    double *to = store->values.f64 + store->values.count;
    for (uint64_t i = 0; i < n; i++) {
        if (layout->physical == PARQUET_TYPE_FLOAT) {
            uint32_t bits = cursor_le32(data);
            float value;
            memcpy(&value, &bits, sizeof value);
            to[i] = (double)value;
        } else {
            uint64_t bits = cursor_le64(data);
            memcpy(&to[i], &bits, sizeof bits);
        }
        if (data->failed)
            return ends_early(i, err);
    }
    return 0;
}

static int add_text(struct parquet_store *store, uint64_t i, const uint8_t *bytes, size_t len,
                    struct error *err)
{
    struct parquet_values *values = &store->values;
    if (len > store->bytes_max - values->bytes.len)
        return error_set(err, EFBIG, "the texts take more than %llu bytes",
                         (unsigned long long)store->bytes_max);
    buf_append(&values->bytes, bytes, len);
    values->text_offsets[values->count + i + 1] = values->bytes.len;
    return 0;
}

static int plain_bytes(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                       struct parquet_store *store, struct error *err)
{
    bool fixed = layout->physical == PARQUET_TYPE_FIXED;
    for (uint64_t i = 0; i < n; i++) {
        size_t len = fixed ? layout->width : cursor_le32(data);
        const uint8_t *bytes = cursor_bytes(data, len);
        if (!bytes)
            return ends_early(i, err);
        int rc = add_text(store, i, bytes, len, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The bytes of a number, the highest first: integers lie the other way round. */
static const uint8_t *take_number(const struct parquet_layout *layout, struct cursor *data, uint8_t turned[8],
                                  size_t *ret_len)
{
    bool wide = layout->physical == PARQUET_TYPE_INT64;
    if (layout->physical != PARQUET_TYPE_INT32 && !wide) {
        *ret_len = layout->physical == PARQUET_TYPE_FIXED ? layout->width : cursor_le32(data);
        return cursor_bytes(data, *ret_len);
    }
    *ret_len = wide ? 8 : 4;
    uint64_t stored = wide ? cursor_le64(data) : cursor_le32(data);
    for (size_t i = *ret_len; i-- > 0; stored >>= 8)
        turned[i] = (uint8_t)stored;
    return data->failed ? NULL : turned;
}

static int plain_decimal(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                         struct parquet_store *store, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (uint64_t i = 0; i < n; i++) {
        uint8_t turned[8];
        size_t len;
        const uint8_t *bytes = take_number(layout, data, turned, &len);
        if (!bytes)
            return ends_early(i, err);
        buf_clear(&text);
        if (!decimal_print(bytes, len, layout->scale, &text))
            return error_set(err, ERANGE, "a decimal of %zu bytes", len);
        int rc = add_text(store, i, text.data, text.len, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* 8-4-4-4-12 */
static int plain_uuid(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                      struct parquet_store *store, struct error *err)
{
    enum { UUID_BYTES = 16 };
    for (uint64_t i = 0; i < n; i++) {
        char text[48];
        size_t len = 0;
        const uint8_t *bytes = cursor_bytes(data, UUID_BYTES);
        if (!bytes)
            return ends_early(i, err);
        for (size_t k = 0; k < UUID_BYTES; k++)
            len += (size_t)sprintf(text + len, k == 4 || k == 6 || k == 8 || k == 10 ? "-%02x" : "%02x",
                                   bytes[k]);
        int rc = add_text(store, i, (const uint8_t *)text, len, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Sign, five bits of exponent, ten of fraction. */
static int plain_half(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                      struct parquet_store *store, struct error *err)
{
    enum { BIAS = 15, FRACTION = 10, SPECIAL = 31 };
    double *to = store->values.f64 + store->values.count;
    for (uint64_t i = 0; i < n; i++) {
        unsigned bits = cursor_le16(data), exponent = bits >> FRACTION & 31, fraction = bits & 0x3ff;
        if (data->failed)
            return ends_early(i, err);
        double size = exponent ? ldexp(1024 + fraction, (int)exponent - BIAS - FRACTION)
                               : ldexp(fraction, 1 - BIAS - FRACTION);
        if (exponent == SPECIAL)
            size = fraction ? (double)NAN : (double)INFINITY;
        to[i] = bits >> 15 ? -size : size;
    }
    return 0;
}

int parquet_decode_plain(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                         struct parquet_store *store, struct error *err)
{
    static int (*const decoders[])(const struct parquet_layout *, struct cursor *, uint64_t,
                                   struct parquet_store *, struct error *) = {
        [PARQUET_TYPE_BOOLEAN] = plain_boolean,  [PARQUET_TYPE_INT32] = plain_integer,
        [PARQUET_TYPE_INT64] = plain_integer,    [PARQUET_TYPE_INT96] = plain_int96,
        [PARQUET_TYPE_FLOAT] = plain_real,       [PARQUET_TYPE_DOUBLE] = plain_real,
        [PARQUET_TYPE_BYTE_ARRAY] = plain_bytes, [PARQUET_TYPE_FIXED] = plain_bytes,
    };
    static int (*const meant[])(const struct parquet_layout *, struct cursor *, uint64_t,
                                struct parquet_store *, struct error *) = {
        [PARQUET_AS_DECIMAL] = plain_decimal, [PARQUET_AS_UUID] = plain_uuid, [PARQUET_AS_HALF] = plain_half};
    if (n == 0)
        return 0;
    if (layout->meaning >= PARQUET_AS_DECIMAL)
        return meant[layout->meaning](layout, data, n, store, err);
    return decoders[layout->physical](layout, data, n, store, err);
}

int parquet_decode_rle_bool(struct cursor *data, uint64_t n, struct parquet_store *store, struct error *err)
{
    uint32_t len = cursor_le32(data);
    struct hybrid hybrid = hybrid_of(cursor_sub(data, len), 1);
    uint32_t some[INDEXES_AT_ONCE];
    int64_t *to = store->values.i64 + store->values.count;
    for (uint64_t i = 0; i < n;) {
        uint64_t take = n - i < INDEXES_AT_ONCE ? n - i : INDEXES_AT_ONCE;
        if (!hybrid_read(&hybrid, some, take))
            return ends_early(n - 1, err);
        for (uint64_t k = 0; k < take; k++)
            to[i++] = some[k];
    }
    return 0;
}

/* Puts the dictionary's entries named by indexes behind the first `done` values decoded. */
static int look_up(const uint32_t *indexes, uint64_t n, const struct parquet_values *dictionary,
                   uint64_t done, struct parquet_store *store, struct error *err)
{
    struct parquet_values *values = &store->values;
    for (uint64_t k = 0; k < n; k++) {
        uint64_t index = indexes[k], at = values->count + done + k;
        if (index >= dictionary->count)
            return error_set(err, EINVAL, "entry %llu of a dictionary of %llu", (unsigned long long)index,
                             (unsigned long long)dictionary->count);
        if (is_text(values->kind)) {
            uint64_t from = dictionary->text_offsets[index], to = dictionary->text_offsets[index + 1];
            int rc = add_text(store, done + k, (const uint8_t *)buf_text(&dictionary->bytes) + from,
                              (size_t)(to - from), err);
            if (rc)
                return rc;
        } else if (is_real(values->kind)) {
            values->f64[at] = dictionary->f64[index];
        } else {
            values->i64[at] = dictionary->i64[index];
        }
    }
    return 0;
}

int parquet_decode_dictionary(struct cursor *data, uint64_t n, const struct parquet_values *dictionary,
                              struct parquet_store *store, struct error *err)
{
    if (n == 0)
        return 0; /* a page of nulls may have no bytes at all */
    unsigned width = cursor_u8(data);
    if (data->failed || width > 32)
        return error_set(err, EINVAL, "no sound width of dictionary indexes");
    struct hybrid hybrid = hybrid_of(cursor_sub(data, cursor_left(data)), width);
    uint32_t indexes[INDEXES_AT_ONCE];
    for (uint64_t done = 0; done < n;) {
        uint64_t take = n - done < INDEXES_AT_ONCE ? n - done : INDEXES_AT_ONCE;
        if (!hybrid_read(&hybrid, indexes, take))
            return ends_early(n - 1, err);
        int rc = look_up(indexes, take, dictionary, done, store, err);
        if (rc)
            return rc;
        done += take;
    }
    return 0;
}

void parquet_store_spread(struct parquet_store *store, uint64_t slots, uint64_t present)
{
    struct parquet_values *v = &store->values;
    uint64_t base = v->count;
    v->count += slots;
    for (uint64_t i = slots; i-- > 0 && present <= i;) {
        bool valid = v->valid[base + i];
        if (is_text(v->kind))
            v->text_offsets[base + i + 1] = v->text_offsets[base + present];
        else if (is_real(v->kind))
            v->f64[base + i] = valid ? v->f64[base + present - 1] : 0;
        else
            v->i64[base + i] = valid ? v->i64[base + present - 1] : 0;
        present -= valid;
    }
}

void parquet_values_done(struct parquet_values *values)
{
    free(values->valid);
    free(values->i64);
    free(values->f64);
    free(values->text_offsets);
    free(values->null_list);
    for (size_t i = 0; i < PARQUET_DEPTH_MAX; i++)
        free(values->offsets[i]);
    buf_done(&values->bytes);
    *values = (struct parquet_values){0};
}
