// SPDX-License-Identifier: Apache-2.0
/* Digits are read by hand: a number that does not fit is no number. */
#include "query/stage/read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query/show.h"

enum { MILLION = 1000000, DECIMALS = 6 };

static int refuse(const struct stage *stage, const struct grammar_text *arg, const char *what,
                  struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, arg->bytes, arg->len);
    return stage_refuse(stage, err, "'%s' is not %s", buf_text(&shown), what);
}

int read_arguments(const struct stage *stage, size_t count, size_t least, size_t most, struct error *err)
{
    if (count >= least && count <= most)
        return 0;
    return stage_refuse(stage, err, "%zu argument%s", count, count == 1 ? "" : "s");
}

/* All of the bytes are digits, at least one, and the number is at most `most`. */
static bool read_digits(const char *bytes, size_t len, uint64_t most, uint64_t *ret)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(bytes[i] - '0');
        if (bytes[i] < '0' || digit > 9 || number > most / 10 || number * 10 > most - digit)
            return false;
        number = number * 10 + digit;
    }
    *ret = number;
    return len > 0;
}

int read_number(const struct stage *stage, const struct grammar_text *arg, const char *what, uint64_t most,
                uint64_t *ret, struct error *err)
{
    return read_digits(arg->bytes, arg->len, most, ret) ? 0 : refuse(stage, arg, what, err);
}

/* What stands before the first dot and behind it, NULL if there is none. */
static const char *split_dot(const struct grammar_text *arg, size_t *ret_before, size_t *ret_behind)
{
    const char *dot = arg->len ? memchr(arg->bytes, '.', arg->len) : NULL;
    *ret_before = dot ? (size_t)(dot - arg->bytes) : arg->len;
    *ret_behind = dot ? arg->len - *ret_before - 1 : 0;
    return dot ? dot + 1 : NULL;
}

int read_decimal(const struct stage *stage, const struct grammar_text *arg, const char *what, uint64_t most,
                 uint64_t *ret, struct error *err)
{
    size_t before, behind;
    uint64_t whole, part = 0;
    const char *decimals = split_dot(arg, &before, &behind);
    if (!read_digits(arg->bytes, before, most / MILLION, &whole) || behind > DECIMALS ||
        (decimals && !read_digits(decimals, behind, MILLION - 1, &part)))
        return refuse(stage, arg, what, err);
    for (size_t i = behind; i < DECIMALS; i++)
        part *= 10;
    if (whole * MILLION + part > most)
        return refuse(stage, arg, what, err);
    *ret = whole * MILLION + part;
    return 0;
}

void print_decimal(struct buf *buf, uint64_t millionths)
{
    unsigned part = (unsigned)(millionths % MILLION), digits = DECIMALS;
    buf_printf(buf, "%" PRIu64, millionths / MILLION);
    if (!part)
        return;
    for (; part % 10 == 0; part /= 10)
        digits--;
    buf_printf(buf, ".%0*u", (int)digits, part);
}

int read_seed(const struct stage *stage, const struct grammar_text *arg, struct keyed *ret, struct error *err)
{
    size_t before, behind;
    struct keyed key = {0};
    const char *epoch = split_dot(arg, &before, &behind);
    if (!read_digits(arg->bytes, before, UINT64_MAX, &key.seed) ||
        (epoch && !read_digits(epoch, behind, UINT64_MAX, &key.epoch)))
        return refuse(stage, arg, "a seed, which is 7, or 7.2 in the epoch 2", err);
    *ret = key;
    return 0;
}

void print_seed(struct buf *buf, const struct keyed *key)
{
    if (key->epoch)
        stage_print(buf, "%" PRIu64 ".%" PRIu64, key->seed, key->epoch);
    else
        stage_print(buf, "%" PRIu64, key->seed);
}

int read_attribute(const struct stage *stage, const struct grammar_text *args, size_t arg,
                   struct catalog_reader *reader, struct catalog_attribute *ret, struct refusal *why,
                   struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        rc = catalog_attribute_find(reader, args[arg].bytes, args[arg].len, ret, err);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    show_append(&shown, args[arg].bytes, args[arg].len);
    if (rc == -ENOENT) {
        why->kind = REFUSAL_ATTRIBUTE;
        why->arg = arg;
        return error_set(err, ENOENT, "@%s: no attribute '%s' in v%" PRIu32, stage->name, buf_text(&shown),
                         info.version);
    }
    if (ret->type == VALUE_LIST)
        return error_set(err, ENOENT, "@%s: '%s' is an attribute of lists, which are not compared",
                         stage->name, buf_text(&shown));
    return 0;
}

int read_compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t read_sort_texts(char **list, size_t count)
{
    size_t kept = 0;
    qsort(list, count, sizeof *list, read_compare_texts);
    for (size_t i = 0; i < count; i++)
        if (kept && strcmp(list[i], list[kept - 1]) == 0)
            free(list[i]);
        else
            list[kept++] = list[i];
    return kept;
}
