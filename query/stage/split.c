// SPDX-License-Identifier: Apache-2.0
/*
 * @split=0..90[,SEED[,KEY]]: the clips whose share is in that part of a hundred. A clip's share is told by
 * the hash of its key, so it stays on its side as a data set grows; with KEY, all clips of a value are on one
 * side (no session or operator on both). Ends that are left out are 0 and 100, a seed is 0.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cache/base/count.h"
#include "query/order/choose.h"
#include "query/set.h"
#include "query/stage/read.h"
#include "query/stage/there.h"

struct split {
    struct choose_share share;
    bool by_attribute;
    struct catalog_attribute attribute;
};

static int read_end(const struct grammar_text *arg, uint64_t otherwise, uint32_t *ret, struct error *err)
{
    uint64_t end = otherwise;
    int rc = arg->len ? read_decimal(&stage_split, arg, "a share of a hundred with six decimals at most",
                                     CHOOSE_ALL, &end, err)
                      : 0;
    if (!rc)
        *ret = (uint32_t)end;
    return rc;
}

static int read_share(const struct grammar_text *arg, struct choose_share *ret, struct error *err)
{
    char *dots = arg->len ? memmem(arg->bytes, arg->len, "..", 2) : NULL;
    if (!dots)
        return stage_refuse(&stage_split, err, "no '..' in the share");
    size_t before = (size_t)(dots - arg->bytes);
    const struct grammar_text from = {arg->bytes, before}, to = {dots + 2, arg->len - before - 2};
    int rc = read_end(&from, 0, &ret->from, err);
    if (!rc)
        rc = read_end(&to, CHOOSE_ALL, &ret->to, err);
    if (!rc && ret->from >= ret->to)
        rc = stage_refuse(&stage_split, err, "no clip can be in an empty share");
    return rc;
}

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct split split = {.by_attribute = count > 2};
    int rc = read_arguments(&stage_split, count, 1, 3, err);
    if (!rc)
        rc = read_share(&args[0], &split.share, err);
    if (!rc && count > 1)
        rc = read_seed(&stage_split, &args[1], &split.share.key, err);
    if (!rc && split.by_attribute)
        rc = read_attribute(&stage_split, args, 2, reader, &split.attribute, why, err);
    if (!rc && split.by_attribute && split.attribute.multi)
        rc = stage_refuse(&stage_split, err,
                          "a clip may have several values of '%s', so they cannot be on one side",
                          split.attribute.name);
    if (!rc)
        *ret = mem_copy(&split, sizeof split);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    const struct split *split = bound;
    CLEANUP_BUF struct buf share = BUF_INIT;
    print_decimal(&share, split->share.from);
    buf_text_append(&share, "..");
    print_decimal(&share, split->share.to);
    stage_print(buf, "%s", buf_text(&share));
    print_seed(buf, &split->share.key);
    if (split->by_attribute)
        stage_print(buf, "%s", split->attribute.name);
}

static uint64_t about(const void *bound, uint64_t of)
{
    const struct split *split = bound;
    return (uint64_t)((double)of * (split->share.to - split->share.from) / CHOOSE_ALL + 0.5);
}

static int choose(const struct split *split, struct catalog_reader *reader, const struct rowset *rows,
                  struct rowset **ret, struct choose_groups *ret_groups, struct error *err)
{
    struct catalog_attribute there;
    int rc = split->by_attribute ? there_attribute(reader, &split->attribute, &there, err) : 0;
    if (rc < 0)
        return rc;
    if (!rc) /* no clip has a value */
        return choose_share(reader, rows, &split->share, ret, err);
    rc = choose_share_of_groups(reader, rows, &split->share, split->attribute.id, ret, ret_groups, err);
    return rc == -EINVAL ? error_within(err, rc, "@split: %s", split->attribute.name) : rc;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct split *split = bound;
    CLEANUP_ROWSET struct rowset *rows = set_rows(set), *chosen = NULL;
    struct choose_groups unused;
    int rc = choose(split, reader, rows, &chosen, &unused, err);
    if (!rc)
        *ret = set_new_kept(set, chosen);
    return rc;
}

/* "@split: 33 of 37 values of session, 85.6 per cent of the clips" */
static int tell(const void *bound, struct catalog_reader *reader, struct set *set, struct buf *buf,
                struct error *err)
{
    const struct split *split = bound;
    CLEANUP_ROWSET struct rowset *rows = set_rows(set), *chosen = NULL;
    struct choose_groups groups = {0};
    uint64_t all = set_count(set);
    if (!split->by_attribute || !all)
        return 0;
    int rc = choose(split, reader, rows, &chosen, &groups, err);
    if (rc)
        return rc;
    uint64_t share = (rowset_count(chosen) * 1000 + all / 2) / all;
    buf_printf(buf,
               "@split: %" PRIu64 " of %" PRIu64 " values of %s, %" PRIu64 ".%" PRIu64 " per cent of %s\n",
               groups.chosen, groups.all, split->attribute.name, share / 10, share % 10, COUNT(all, "clip"));
    return 0;
}

const struct stage stage_split = {
    .name = "split",
    .usage = "FROM..TO[,SEED[,ATTRIBUTE]]",
    .help = "the share between two per cents, as 0..90",
    .bind = bind,
    .print = print,
    .leaves = about,
    .tell = tell,
    .apply = apply,
};
