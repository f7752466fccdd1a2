// SPDX-License-Identifier: Apache-2.0
/*
 * Is what lies at a root's new place what catalogs name? Its pin, evidence, or a hash of it tells; else both
 * are read, while the old place can be.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/dataset/root_walk.h"

enum { PIECE_BYTES = 4 << 20, EXAMPLES = 3 };

struct comparing {
    struct dataset *dataset;
    uint32_t id;
    struct store *to;
    struct buf *pins;
    struct dataset_compared *counts;
    uint64_t others; /* objects with other bytes */
    struct buf examples;
};

static void differs(struct comparing *c, const char *path, const char *reason)
{
    if (c->others++ < EXAMPLES)
        buf_printf(&c->examples, "%s%s (%s)", c->examples.len ? "; " : "", path, reason);
}

/* 1: the same bytes, 0: others; then `now` knows their hash. */
static int same_bytes(const struct dataset_object *was, const struct comparing *c, struct store_object *now,
                      struct error *err)
{
    CLEANUP_FREE uint8_t *a = mem_zero(PIECE_BYTES), *b = mem_zero(PIECE_BYTES);
    struct evidence_whole *whole = evidence_whole_new();
    int rc = 1;
    for (uint64_t at = 0; rc == 1 && at < now->size; at += PIECE_BYTES) {
        size_t len = now->size - at < PIECE_BYTES ? (size_t)(now->size - at) : PIECE_BYTES;
        rc = store_read(was->store, was->path, &was->pinned, at, len, a, err);
        if (!rc)
            rc = store_read(c->to, was->path, now, at, len, b, err);
        if (rc < 0)
            rc = error_within(err, rc, "%s cannot be compared", was->path);
        else
            rc = !memcmp(a, b, len);
        evidence_whole_add(whole, b, len);
    }
    evidence_whole_finish(whole, &now->evidence);
    return rc;
}

static int compare(void *ctx, const struct root_walked *walked, struct error *err)
{
    struct comparing *c = ctx;
    const struct dataset_object *was = walked->read;
    struct store_object now;
    enum evidence_grounds grounds;
    struct error why = {0};
    c->counts->objects++;
    int rc = store_head(c->to, was->path, &now, &why);
    if (rc < 0 && rc != -ENOENT)
        return error_copy(err, &why);
    if (rc < 0 && c->counts->partial) {
        c->counts->others++;
        return 0;
    }
    if (rc < 0 || now.size != was->pinned.size) {
        differs(c, was->path, rc < 0 ? "is not there" : "has another size");
        return 0;
    }
    const struct dataset_judged judged = {c->id, c->to, was->path, &was->pinned, &now};
    rc = dataset_judge(c->dataset, &judged, &grounds, &why);
    if (rc < 0)
        return error_copy(err, &why);
    if (!rc) {
        c->counts->read++;
        c->counts->bytes += now.size;
        rc = same_bytes(was, c, &now, err);
        if (!rc)
            differs(c, was->path, "has other bytes");
        if (rc <= 0)
            return rc;
        learnt_keep(roots_learnt(c->dataset->roots),
                    &(struct learnt_object){c->id, was->path, was->pinned.pin}, store_url(c->to), now.pin,
                    EVIDENCE_CONTENT);
    }
    dataset_pin_line(c->dataset, &judged, c->pins);
    return 0;
}

int dataset_compare_root(struct dataset *dataset, uint32_t id, struct store *to, struct buf *pins,
                         struct dataset_compared *ret, struct error *err)
{
    struct comparing c = {.dataset = dataset, .id = id, .to = to, .pins = pins, .counts = ret};
    int rc = root_walk(dataset, id, compare, &c, err);
    if (!rc && c.others)
        rc = error_set(err, ESTALE,
                       "%s: %llu of %llu objects are not what was imported: %s; nothing was changed",
                       store_url(to), (unsigned long long)c.others, (unsigned long long)ret->objects,
                       buf_text(&c.examples));
    buf_done(&c.examples);
    return rc;
}
