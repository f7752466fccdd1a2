// SPDX-License-Identifier: Apache-2.0
/* @key=ep1,ep2: those of the set that are these clips, in the order in which they stood. A key is written as
 * its files are called, where %XX belongs to the name (x%3D1 of x=1.bin), or with its '%' escaped, too. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"
#include "query/set.h"
#include "query/stage/read.h"

#include "query/show.h"

struct keys {
    size_t count;
    char *list[]; /* sorted, no two equal */
};

static void free_keys(void *bound)
{
    struct keys *keys = bound;
    for (size_t i = 0; i < keys->count; i++)
        free(keys->list[i]);
    free(keys);
}

static int refuse(const struct grammar_text *arg, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    show_append(&shown, arg->bytes, arg->len);
    return rc < 0 ? rc
                  : error_set(err, ENOENT, "@key: no clip '%s' in v%" PRIu32, buf_text(&shown), info.version);
}

/* The argument is a key, or escaped it is one: as the catalog has it. */
static int read_key(const struct grammar_text *arg, struct catalog_reader *reader, char **ret,
                    struct error *err)
{
    CLEANUP_BUF struct buf escaped = BUF_INIT;
    struct grammar_text key = *arg;
    uint32_t row;
    int rc = catalog_clip_find(reader, key.bytes, key.len, &row, err);
    if (rc == -ENOENT) {
        name_escape(&escaped, arg->bytes, arg->len);
        key = (struct grammar_text){(char *)escaped.data, escaped.len};
        rc = catalog_clip_find(reader, buf_text(&escaped), key.len, &row, err);
    }
    if (rc >= 0)
        *ret = mem_copy(key.bytes, key.len);
    return rc == -ENOENT ? refuse(arg, reader, err) : rc;
}

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct keys *keys = mem_zero(sizeof *keys + count * sizeof *keys->list);
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        rc = read_key(&args[i], reader, &keys->list[keys->count], err);
        keys->count += rc >= 0;
        why->arg = i;
    }
    if (rc < 0) {
        why->kind = rc == -ENOENT ? REFUSAL_KEY : REFUSAL_OTHER;
        free_keys(keys);
        return rc;
    }
    keys->count = read_sort_texts(keys->list, count);
    *ret = keys;
    return 0;
}

static void print(const void *bound, struct buf *buf)
{
    const struct keys *keys = bound;
    for (size_t i = 0; i < keys->count; i++)
        stage_print(buf, "%s", keys->list[i]);
}

static uint64_t at_most(const void *bound, uint64_t of)
{
    const struct keys *keys = bound;
    return of < keys->count ? of : keys->count;
}

/* In another version than the one that it was bound to a clip may be missing. */
static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct keys *keys = bound;
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    for (size_t i = 0; i < keys->count; i++) {
        uint32_t row;
        int rc = catalog_clip_find(reader, keys->list[i], strlen(keys->list[i]), &row, err);
        if (rc < 0 && rc != -ENOENT)
            return rc;
        if (rc >= 0)
            rowset_add(rows, row);
    }
    *ret = set_new_kept(set, rows);
    return 0;
}

const struct stage stage_key = {
    .name = "key",
    .usage = "KEY,...",
    .help = "these clips",
    .bind = bind,
    .free = free_keys,
    .print = print,
    .leaves = at_most,
    .apply = apply,
};
