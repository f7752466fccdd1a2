// SPDX-License-Identifier: Apache-2.0
/*
 * The table in evidence.h, once as what is read and once as what is decided. Reads go by the pin that the
 * object has now, so what is hashed is one state of it.
 */
#include "cache/store/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "cache/base/memory.h"
#include "cache/store/etag.h"
#include "cache/store/pin.h"
#include "cache/store/store.h"

enum {
    HAS_RANGES = 1,
    HAS_SAMPLES = 2,
    HAS_WHOLE = 4,
    HAS_MD5 = 8,
    HAS_PARTS = 16,
    IS_OURS = 32,
    HAS_ALL = 63
};

/* ---- as bytes ---- */

void evidence_encode(const struct evidence *e, struct buf *buf)
{
    unsigned has = (e->count ? HAS_RANGES : 0u) | (e->sampled ? HAS_SAMPLES : 0u) |
                   (e->whole ? HAS_WHOLE : 0u) | (e->has_md5 ? HAS_MD5 : 0u) |
                   (e->has_parts ? HAS_PARTS : 0u) | (e->ours ? IS_OURS : 0u);
    if (!has)
        return;
    buf_u8(buf, (uint8_t)has);
    if (e->count) {
        buf_u8(buf, e->count);
        for (size_t i = 0; i < e->count; i++) {
            buf_varint(buf, e->ranges[i].offset);
            buf_varint(buf, e->ranges[i].len);
        }
        buf_append(buf, e->seen, sizeof e->seen);
    }
    if (e->sampled)
        buf_append(buf, e->samples, sizeof e->samples);
    if (e->whole)
        buf_append(buf, e->sha256, sizeof e->sha256);
    if (e->has_md5)
        buf_append(buf, e->md5, sizeof e->md5);
    if (e->has_parts)
        buf_append(buf, e->parts, sizeof e->parts);
}

static void take_digest(struct cursor *c, void *to, size_t len)
{
    const uint8_t *bytes = cursor_bytes(c, len);
    if (bytes)
        memcpy(to, bytes, len);
}

static bool decode_ranges(struct cursor *c, uint64_t size, struct evidence *e)
{
    uint64_t end = 0, total = 0;
    e->count = cursor_u8(c);
    if (!e->count || e->count > EVIDENCE_RANGES_MAX)
        return false;
    for (size_t i = 0; i < e->count; i++) {
        struct evidence_range *range = &e->ranges[i];
        *range = (struct evidence_range){cursor_varint(c), cursor_varint(c)};
        bool apart = !i || range->offset > end;
        if (c->failed || !apart || !range->len || range->offset > size || range->len > size - range->offset)
            return false;
        end = range->offset + range->len;
        total += range->len;
    }
    take_digest(c, e->seen, sizeof e->seen);
    return total <= EVIDENCE_BYTES_MAX;
}

bool evidence_decode(const void *bytes, size_t len, uint64_t size, struct evidence *ret)
{
    struct cursor c = cursor_of(bytes, len);
    struct evidence e = {0};
    unsigned has = len ? cursor_u8(&c) : 0;
    if (len && (!has || has > HAS_ALL))
        return false;
    if (has & HAS_RANGES && !decode_ranges(&c, size, &e))
        return false;
    e.sampled = has & HAS_SAMPLES;
    e.whole = has & HAS_WHOLE;
    e.has_md5 = has & HAS_MD5;
    e.has_parts = has & HAS_PARTS;
    e.ours = has & IS_OURS;
    if (e.sampled)
        take_digest(&c, e.samples, sizeof e.samples);
    if (e.whole)
        take_digest(&c, e.sha256, sizeof e.sha256);
    if (e.has_md5)
        take_digest(&c, e.md5, sizeof e.md5);
    if (e.has_parts)
        take_digest(&c, e.parts, sizeof e.parts);
    if (c.failed || cursor_left(&c))
        return false;
    *ret = e;
    return true;
}

const uint8_t *evidence_known_whole(const struct evidence *e, uint64_t size)
{
    if (e->count == 1 && !e->ranges[0].offset && e->ranges[0].len == size)
        return e->seen;
    return e->whole ? e->sha256 : NULL;
}

/* ---- reading ---- */

struct reading { /* of an object as it is now */
    struct store *store;
    const char *path;
    const struct store_object *now;
};

static void add_to_hash(void *ctx, const void *bytes, size_t len)
{
    sha256_add(ctx, bytes, len);
}

static int hash_list(const struct reading *r, const struct evidence_range *ranges, size_t count,
                     uint8_t ret[SHA256_BYTES], struct error *err)
{
    struct sha256 *sha = sha256_new();
    int rc = store_read_ranges(r->store,
                               &(struct store_ranges){r->path, r->now, ranges, count, add_to_hash, sha}, err);
    sha256_finish(sha, ret);
    return rc;
}

static int hash_ranges(const struct reading *r, const struct evidence *e, uint8_t ret[SHA256_BYTES],
                       struct error *err)
{
    return hash_list(r, e->ranges, e->count, ret, err);
}

/* Block i of EVIDENCE_SAMPLES: the first, the last, and those between at even distances. */
static uint64_t sample_offset(uint64_t size, unsigned i)
{
    uint64_t last = (size - 1) / EVIDENCE_SAMPLE_BYTES;
    uint64_t block =
        last / (EVIDENCE_SAMPLES - 1) * i + last % (EVIDENCE_SAMPLES - 1) * i / (EVIDENCE_SAMPLES - 1);
    return block * EVIDENCE_SAMPLE_BYTES;
}

static int hash_samples(const struct reading *r, uint8_t ret[SHA256_BYTES], struct error *err)
{
    struct evidence_range samples[EVIDENCE_SAMPLES];
    uint64_t size = r->now->size;
    for (unsigned i = 0; i < EVIDENCE_SAMPLES; i++) {
        uint64_t at = sample_offset(size, i), left = size - at;
        samples[i] = (struct evidence_range){at, left < EVIDENCE_SAMPLE_BYTES ? left : EVIDENCE_SAMPLE_BYTES};
    }
    return hash_list(r, samples, EVIDENCE_SAMPLES, ret, err);
}

struct evidence_whole {
    struct sha256 *sha;
    struct md5 *md5;
    struct etag_parts *parts;
    uint64_t size;
};

struct evidence_whole *evidence_whole_new(void)
{
    struct evidence_whole *whole = MEM_NEW(struct evidence_whole);
    *whole = (struct evidence_whole){sha256_new(), md5_new(), etag_parts_new(), 0};
    return whole;
}

void evidence_whole_add(struct evidence_whole *whole, const void *bytes, size_t len)
{
    sha256_add(whole->sha, bytes, len);
    md5_add(whole->md5, bytes, len);
    etag_parts_add(whole->parts, bytes, len);
    whole->size += len;
}

void evidence_whole_finish(struct evidence_whole *whole, struct evidence *ret)
{
    sha256_finish(whole->sha, ret->sha256);
    md5_finish(whole->md5, ret->md5);
    etag_parts_finish(whole->parts, ret->parts);
    ret->whole = ret->has_md5 = true;
    ret->has_parts = whole->size >= ETAG_PART_BYTES; /* smaller objects are put in one piece */
    free(whole);
}

struct whole_reading {
    struct evidence_whole *whole;
    struct etag_check *check; /* may be NULL */
};

static void add_to_whole(void *ctx, const void *bytes, size_t len)
{
    const struct whole_reading *reading = ctx;
    evidence_whole_add(reading->whole, bytes, len);
    etag_check_add(reading->check, bytes, len);
}

static int read_whole(const struct reading *r, struct etag_check *check, struct evidence *ret,
                      struct error *err)
{
    struct whole_reading reading = {evidence_whole_new(), check};
    const struct evidence_range all = {0, r->now->size};
    struct evidence found = *ret;
    int rc = store_read_ranges(r->store,
                               &(struct store_ranges){r->path, r->now, &all, 1, add_to_whole, &reading}, err);
    evidence_whole_finish(reading.whole, &found);
    if (!rc)
        *ret = found;
    return rc;
}

/* ---- taking it ---- */

static void choose_edges(uint64_t size, struct evidence *e)
{
    if (size <= EVIDENCE_WHOLE_BYTES || size <= 2 * EVIDENCE_EDGE_BYTES) {
        e->ranges[0] = (struct evidence_range){0, size};
        e->count = 1;
        return;
    }
    e->ranges[0] = (struct evidence_range){0, EVIDENCE_EDGE_BYTES};
    e->ranges[1] = (struct evidence_range){size - EVIDENCE_EDGE_BYTES, EVIDENCE_EDGE_BYTES};
    e->count = 2;
}

int evidence_take(struct store *store, const char *path, const struct store_object *pinned,
                  struct evidence *evidence, struct error *err)
{
    struct reading r = {store, path, pinned};
    struct evidence e = *evidence;
    if (!pinned->size)
        return 0;
    if (!e.count || (store_is_local(store) && pinned->size <= EVIDENCE_WHOLE_BYTES))
        choose_edges(pinned->size, &e);
    e.sampled = store_is_local(store) && pinned->size > EVIDENCE_WHOLE_BYTES;
    int rc = hash_ranges(&r, &e, e.seen, err);
    if (!rc && e.sampled)
        rc = hash_samples(&r, e.samples, err);
    if (!rc)
        *evidence = e;
    return rc;
}

int evidence_take_whole(struct store *store, const char *path, const struct store_object *pinned,
                        struct evidence *evidence, struct error *err)
{
    return read_whole(&(struct reading){store, path, pinned}, NULL, evidence, err);
}

/* ---- judging ---- */

static int refuse(const struct reading *r, struct error *err, const char *why)
{
    error_set(err, ESTALE, "%s/%s: %s since it was pinned: %s", store_url(r->store), r->path,
              store_is_local(r->store) ? "the file has changed" : "overwritten", why);
    return 0;
}

static int same_ranges(const struct reading *r, const struct evidence *e, struct error *err)
{
    uint8_t digest[SHA256_BYTES];
    int rc = hash_ranges(r, e, digest, err);
    return rc < 0 ? rc : !memcmp(digest, e->seen, sizeof digest);
}

static int same_samples(const struct reading *r, const struct evidence *e, struct error *err)
{
    uint8_t digest[SHA256_BYTES];
    int rc = hash_samples(r, digest, err);
    return rc < 0 ? rc : !memcmp(digest, e->samples, sizeof digest);
}

/* 1: what was seen of it is there, 0: it is not. Something was seen. */
static int same_seen(const struct reading *r, const struct evidence *e, struct error *err)
{
    int rc = e->count ? same_ranges(r, e, err) : 1;
    return rc == 1 && e->sampled ? same_samples(r, e, err) : rc;
}

static int judge_seen(const struct reading *r, const struct store_object *pinned, bool touched,
                      struct error *err)
{
    int rc = same_seen(r, &pinned->evidence, err);
    return rc ? rc
              : refuse(r, err,
                       touched ? "it has other bytes, under its old time"
                               : "it is another file, with other bytes");
}

/* Why nothing but a whole hash could tell, where there is none. */
static const char *unproved(const struct store_object *pinned, const struct store_object *now)
{
    switch (pin_relate(pinned->pin, now->pin)) {
    case PIN_MOVED:
        return "it is another file of the same time, and nothing of its content is known to compare";
    case PIN_TOUCHED:
        return "its ctime is another, and nothing of its content is known to compare";
    case PIN_SAME:
    case PIN_CHANGED:
        break;
    }
    return "it was written to since, or copied without its time, and no hash of all of it is known";
}

/* Does the ETag that it has now tell it, with no read? */
static bool etag_tells(const struct reading *r, const struct evidence *e)
{
    return (e->has_md5 && etag_is_md5(r->now->pin, e->md5)) ||
           (e->has_parts && etag_is_parts(r->now->pin, r->now->size, e->parts));
}

/* A copy of ours that was moved without its time, or into a bucket, is another file. */
static bool may_be_moved_copy(const struct store_object *pinned, const struct store_object *now)
{
    const struct evidence *e = &pinned->evidence;
    return e->ours && (e->count || e->sampled) && !pin_is_same_file(pinned->pin, now->pin);
}

/* *ret becomes the grounds, and stays for what is refused because it is another. */
static int judge_whole(const struct reading *r, const struct store_object *pinned, enum evidence_grounds *ret,
                       struct error *err)
{
    const uint8_t *known = evidence_known_whole(&pinned->evidence, pinned->size);
    if (etag_tells(r, &pinned->evidence)) {
        *ret = EVIDENCE_CONTENT;
        return 1;
    }
    /* Two ETags that differ are two contents, or nothing can be told of them. */
    struct pin_s3 s3;
    bool tells = !known && pin_s3_parse(r->now->pin, &s3);
    struct etag_check *check = tells ? etag_check_new(pinned->pin, pinned->size) : NULL;
    if (!known && !check && may_be_moved_copy(pinned, r->now)) {
        int rc = judge_seen(r, pinned, false, err);
        *ret = rc == 1 ? EVIDENCE_SAMPLED : *ret;
        return rc;
    }
    if (!known && !check) {
        *ret = EVIDENCE_UNPROVED;
        return refuse(r, err, unproved(pinned, r->now));
    }
    struct evidence found = {0};
    int rc = read_whole(r, check, &found, err);
    bool proved = etag_check_finish(check);
    if (rc < 0)
        return rc;
    if (!known && !proved) {
        *ret = EVIDENCE_UNPROVED;
        return refuse(r, err, "its bytes do not give the ETag it had, which a store may make in other ways");
    }
    bool same = proved || !memcmp(known, found.sha256, SHA256_BYTES);
    *ret = same ? EVIDENCE_CONTENT : *ret;
    return same ? 1 : refuse(r, err, "it has other bytes");
}

int evidence_judge(struct store *store, const char *path, const struct store_object *pinned,
                   const struct store_object *now, enum evidence_grounds *ret, struct error *err)
{
    struct reading r = {store, path, now};
    enum pin_relation relation = pin_relate(pinned->pin, now->pin);
    /* Who is read only is a web server, and has the file's own time; a bucket has that of the upload. */
    if (relation == PIN_CHANGED && store_is_read_only(store) &&
        pin_is_served(pinned->pin, now->pin, now->modified_ns))
        relation = PIN_MOVED;
    const struct evidence *e = &pinned->evidence;
    bool seen = e->count || e->sampled, whole = evidence_known_whole(e, pinned->size) != NULL;
    bool small = pinned->size <= EVIDENCE_READ_BYTES;
    enum evidence_grounds grounds = EVIDENCE_OTHER;
    int rc = 1;
    if (now->size != pinned->size) {
        rc = refuse(&r, err, "it has another size");
    } else if (relation == PIN_SAME) {
        grounds = EVIDENCE_PIN;
    } else if (!pinned->size) {
        grounds = EVIDENCE_CONTENT;
    } else if (relation == PIN_CHANGED || (whole && (relation == PIN_TOUCHED || small)) || !seen) {
        rc = judge_whole(&r, pinned, &grounds, err);
    } else {
        rc = judge_seen(&r, pinned, relation == PIN_TOUCHED, err);
        if (rc == 1)
            grounds = relation == PIN_MOVED ? EVIDENCE_SEEN : EVIDENCE_SAMPLED;
    }
    if (rc >= 0)
        *ret = grounds;
    return rc;
}

int evidence_compare(struct store *store, const char *path, const struct store_object *pinned,
                     const struct store_object *now, uint64_t *ret_bytes, struct error *err)
{
    struct reading r = {store, path, now};
    const struct evidence *e = &pinned->evidence;
    uint64_t bytes = e->sampled ? EVIDENCE_SAMPLES * EVIDENCE_SAMPLE_BYTES : 0;
    if (now->size != pinned->size)
        return refuse(&r, err, "it has another size");
    int rc = pinned->size ? same_seen(&r, e, err) : 1;
    if (!rc)
        return refuse(&r, err, "what was seen of it at its import is other bytes now");
    for (size_t i = 0; i < e->count; i++)
        bytes += e->ranges[i].len;
    if (rc == 1)
        *ret_bytes = bytes;
    return rc;
}
