// SPDX-License-Identifier: Apache-2.0
/* Rows are never used again and belong to their key for ever, so sets of rows of two versions can be
 * compared. Only clips that the newer catalog says changed are looked at one by one. */
#include "query/report/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query/report/across.h"
#include "query/report/diff_clip.h"
#include "query/report/diff_sources.h"

const char *diff_op_name(enum diff_op op)
{
    static const char *const names[DIFF_OPS] = {[DIFF_ADDED] = "added",
                                                [DIFF_CHANGED] = "changed",
                                                [DIFF_REMOVED] = "removed",
                                                [DIFF_RENAMED] = "renamed"};
    return names[op];
}

/* ---- attributes ---- */

struct attribute_walk {
    const struct diff_visitor *visitor;
    struct catalog_reader *reader, *other;
    bool older; /* the walk is over the older version's */
};

/* Of one that only one of them has. */
static int visit_single(const struct attribute_walk *walk, const struct catalog_attribute *attribute,
                        struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = catalog_description(walk->reader, attribute->id, &text, err);
    struct diff_attribute found = {.op = walk->older ? DIFF_REMOVED : DIFF_ADDED,
                                   .name = attribute->name,
                                   .old_name = attribute->name,
                                   .type = attribute->type,
                                   .old_type = attribute->type,
                                   .description = buf_text(&text),
                                   .old_description = buf_text(&text)};
    return rc ? rc : walk->visitor->attribute(walk->visitor->ctx, &found, err);
}

static int visit_pair(const struct attribute_walk *walk, const struct catalog_attribute *is,
                      const struct catalog_attribute *was, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT, old_text = BUF_INIT;
    int rc = catalog_description(walk->reader, is->id, &text, err);
    if (!rc)
        rc = catalog_description(walk->other, was->id, &old_text, err);
    if (rc)
        return rc;
    struct diff_attribute found = {.op = strcmp(is->name, was->name) != 0 ? DIFF_RENAMED : DIFF_CHANGED,
                                   .name = is->name,
                                   .old_name = was->name,
                                   .type = is->type,
                                   .old_type = was->type,
                                   .description = buf_text(&text),
                                   .old_description = buf_text(&old_text)};
    bool same = found.op == DIFF_CHANGED && is->type == was->type &&
                !strcmp(found.description, found.old_description);
    return same ? 0 : walk->visitor->attribute(walk->visitor->ctx, &found, err);
}

static int compare_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct attribute_walk *walk = ctx;
    struct catalog_attribute other;
    int rc = catalog_attribute_get(walk->other, attribute->id, &other, err);
    if (rc == -ENOENT)
        return visit_single(walk, attribute, err);
    return rc || walk->older ? rc : visit_pair(walk, attribute, &other, err);
}

static int walk_attributes(const struct diff *diff, const struct diff_visitor *visitor, struct error *err)
{
    struct attribute_walk newer = {visitor, diff->newer, diff->older, false},
                          older = {visitor, diff->older, diff->newer, true};
    if (!visitor->attribute)
        return 0;
    int rc = catalog_attributes(diff->newer, compare_attribute, &newer, err);
    return rc ? rc : catalog_attributes(diff->older, compare_attribute, &older, err);
}

/* ---- clips ---- */

struct gone {
    uint32_t row, version; /* the one that removed it */
};
struct walk {
    const struct diff *diff;
    const struct diff_visitor *visitor;
    uint32_t from, to;           /* versions */
    struct rowset *was, *is;     /* the query's rows in each */
    struct rowset *live, *lived; /* in the newer, in the older version */
    struct rowset *rows;         /* that may differ */
    struct gone *gone;           /* by row */
    size_t gone_count, gone_cap;
    struct diff_sides *sides;
};

static void walk_done(struct walk *walk)
{
    rowset_unref(walk->was);
    rowset_unref(walk->is);
    rowset_unref(walk->live);
    rowset_unref(walk->lived);
    rowset_unref(walk->rows);
    free(walk->gone);
    if (walk->sides)
        diff_sides_free(walk->sides);
}
#define CLEANUP_WALK CLEANUP(walk_done)

static int open_sets(struct walk *walk, struct error *err)
{
    const struct diff *diff = walk->diff;
    CLEANUP_ROWSET struct rowset *both = NULL, *changed = NULL;
    int rc = across_rows(diff->query, diff->older, &walk->was, err);
    if (rc >= 0)
        rc = across_rows(diff->query, diff->newer, &walk->is, err);
    if (rc >= 0)
        rc = catalog_live(diff->newer, &walk->live, err);
    if (rc >= 0)
        rc = catalog_live(diff->older, &walk->lived, err);
    if (rc >= 0)
        rc = catalog_changed_since(diff->newer, walk->from, false, &changed, err);
    if (rc < 0)
        return rc;
    both = rowset_copy(walk->was);
    rowset_and(both, walk->is);
    walk->rows = rowset_copy(walk->was);
    rowset_or(walk->rows, walk->is);
    rowset_andnot(walk->rows, both);
    rowset_and(both, changed);
    rowset_or(walk->rows, both);
    return 0;
}

static void add_gone(struct walk *walk, const struct rowset *rows, uint32_t version)
{
    uint32_t row;
    for (uint64_t at = 0; rowset_rows(rows, at, &row, 1); at = (uint64_t)row + 1) {
        mem_grow(&walk->gone, &walk->gone_cap, walk->gone_count + 1, sizeof *walk->gone);
        walk->gone[walk->gone_count++] = (struct gone){row, version};
    }
}

static int compare_gone(const void *a, const void *b)
{
    const struct gone *x = a, *y = b;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Who was there in version k and not in k + 1, was removed in k + 1. */
static int find_gone(struct walk *walk, struct error *err)
{
    CLEANUP_ROWSET struct rowset *left = rowset_copy(walk->rows);
    rowset_andnot(left, walk->live);
    rowset_and(left, walk->lived);
    for (uint32_t k = walk->to; !rowset_empty(left) && --k > walk->from;) {
        CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
        CLEANUP_ROWSET struct rowset *live = NULL, *here = NULL;
        int rc = catalog_reader_sibling(walk->diff->newer, k, &reader, err);
        if (rc >= 0)
            rc = catalog_live(reader, &live, err);
        if (rc < 0)
            return rc;
        here = rowset_copy(left);
        rowset_and(here, live);
        rowset_andnot(left, here);
        add_gone(walk, here, k + 1);
    }
    add_gone(walk, left, walk->from + 1);
    if (walk->gone_count)
        qsort(walk->gone, walk->gone_count, sizeof *walk->gone, compare_gone);
    return 0;
}

static uint32_t gone_in(const struct walk *walk, uint32_t row)
{
    struct gone wanted = {row, 0};
    const struct gone *found =
        walk->gone_count ? bsearch(&wanted, walk->gone, walk->gone_count, sizeof wanted, compare_gone) : NULL;
    return found ? found->version : 0;
}

/* The key, in `buf`, and the version that last changed anything of it. */
static int read_clip(struct catalog_reader *reader, uint32_t row, struct buf *buf, uint32_t *ret_version,
                     struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(reader, row, &clip, err);
    if (rc < 0)
        return rc;
    uint32_t version = clip.json_changed;
    for (uint32_t i = 0; i < clip.file_count; i++)
        version = clip.files[i].changed > version ? clip.files[i].changed : version;
    buf_clear(buf);
    buf_text_append(buf, clip.key);
    *ret_version = version;
    return 0;
}

static int visit_row(struct walk *walk, uint32_t row, struct buf *key, struct error *err)
{
    const struct diff *diff = walk->diff;
    bool is = rowset_contains(walk->is, row), was = rowset_contains(walk->was, row),
         lives = rowset_contains(walk->live, row);
    struct diff_clip clip = {.op = !was ? DIFF_ADDED : is ? DIFF_CHANGED : DIFF_REMOVED};
    int rc = read_clip(lives ? diff->newer : diff->older, row, key, &clip.version, err);
    if (rc >= 0 && lives && rowset_contains(walk->lived, row))
        rc = diff_sides_compare(walk->sides, row, &clip, err);
    if (rc < 0 || (clip.op == DIFF_CHANGED && !clip.value_count && !clip.file_count))
        return rc < 0 ? rc : 0;
    if (!lives)
        clip.version = gone_in(walk, row);
    clip.key = buf_text(key);
    return walk->visitor->clip(walk->visitor->ctx, &clip, err);
}

static int walk_clips(struct walk *walk, struct error *err)
{
    CLEANUP_BUF struct buf key = BUF_INIT;
    uint32_t rows[256];
    uint64_t at = 0;
    for (size_t n; (n = rowset_rows(walk->rows, at, rows, sizeof rows / sizeof *rows));
         at = rows[n - 1] + UINT64_C(1))
        for (size_t i = 0; i < n; i++) {
            int rc = visit_row(walk, rows[i], &key, err);
            if (rc)
                return rc;
        }
    return 0;
}

int diff_run(const struct diff *diff, const struct diff_visitor *visitor, struct error *err)
{
    CLEANUP_WALK struct walk walk = {.diff = diff, .visitor = visitor};
    struct catalog_info older, newer;
    int rc = catalog_info(diff->older, &older, err);
    if (rc >= 0)
        rc = catalog_info(diff->newer, &newer, err);
    if (rc < 0)
        return rc;
    if (older.version > newer.version)
        return error_set(err, EINVAL,
                         "v%" PRIu32 " is newer than v%" PRIu32 ": the older version comes first",
                         older.version, newer.version);
    walk.from = older.version;
    walk.to = newer.version;
    rc = walk_attributes(diff, visitor, err);
    if (!rc)
        rc = diff_sources(diff, visitor, walk.from, err);
    if (rc || !visitor->clip || walk.from == walk.to)
        return rc;
    rc = open_sets(&walk, err);
    if (rc >= 0)
        rc = find_gone(&walk, err);
    walk.sides = diff_sides_new(diff);
    return rc < 0 ? rc : walk_clips(&walk, err);
}
