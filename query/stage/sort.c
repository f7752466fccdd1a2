// SPDX-License-Identifier: Apache-2.0
/* @sort=KEY, @sort=-KEY: all clips in the order of what they have, rising or falling; those without a value
 * last. */
#include <errno.h>

#include "query/set.h"
#include "query/stage/read.h"
#include "query/stage/there.h"

#include "query/order/sorted.h"

struct sort {
    bool falling;
    struct catalog_attribute attribute;
};

/* "-neg" may be the name of an attribute, which is meant first: the other way round that is "--neg". */
static int read_falling(const struct grammar_text *arg, struct catalog_reader *reader, bool *ret,
                        struct error *err)
{
    struct catalog_attribute named;
    bool minus = arg->len > 1 && arg->bytes[0] == '-';
    int rc = minus ? catalog_attribute_find(reader, arg->bytes, arg->len, &named, err) : 0;
    if (rc < 0 && rc != -ENOENT)
        return rc;
    *ret = rc == -ENOENT;
    return 0;
}

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct sort sort = {.falling = false};
    struct grammar_text name = args[0];
    int rc = read_arguments(&stage_sort, count, 1, 1, err);
    if (!rc)
        rc = read_falling(&args[0], reader, &sort.falling, err);
    name.bytes += sort.falling;
    name.len -= sort.falling;
    if (!rc)
        rc = read_attribute(&stage_sort, &name, 0, reader, &sort.attribute, why, err);
    if (!rc)
        *ret = mem_copy(&sort, sizeof sort);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    const struct sort *sort = bound;
    stage_print(buf, "%s%s", sort->falling ? "-" : "", sort->attribute.name);
}

/* Whatever the order. */
static uint64_t all(const void *bound, uint64_t of)
{
    return of;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct sort *sort = bound;
    CLEANUP_ROWSET struct rowset *rows = set_rows(set);
    struct catalog_attribute there;
    uint32_t *list;
    size_t count;
    int rc = there_attribute(reader, &sort->attribute, &there, err);
    if (!rc)
        *ret = set_new_rows(rows); /* nobody comes before anybody */
    if (rc <= 0)
        return rc;
    rc = sorted_rows(reader, rows, sort->attribute.id, sort->falling, &list, &count, err);
    if (!rc)
        *ret = set_new_list(list, count);
    return rc;
}

const struct stage stage_sort = {
    .name = "sort",
    .usage = "ATTRIBUTE or -ATTRIBUTE",
    .help = "by what they have; - : the greatest first",
    .bind = bind,
    .print = print,
    .leaves = all,
    .exact = true,
    .leaves_all = true,
    .sorts = true,
    .apply = apply,
};
