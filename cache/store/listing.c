// SPDX-License-Identifier: Apache-2.0
#include "cache/store/listing.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/xml.h"

enum { ENTRIES = 10000, KEY_BYTES = 1024 };

struct reading {
    struct listing *listing;
    struct listing_entry entry; /* the one that is being read */
    char *raw_key;
    bool sized, root_seen, encoded, truncated;
};

static int read_size(struct reading *reading, const char *text, struct error *err)
{
    size_t len = strlen(text);
    if (!len || len > 18 || strspn(text, "0123456789") != len)
        return error_set(err, EINVAL, "'%s' is no size", text);
    reading->entry.size = strtoull(text, NULL, 10);
    reading->sized = true;
    return 0;
}

static int read_etag(struct reading *reading, const char *text, struct error *err)
{
    struct pin_s3 pin;
    if (pin_s3_make(text, NULL, &pin))
        return error_set(err, EINVAL, "'%s' is no ETag", text);
    strcpy(reading->entry.etag, pin.etag);
    return 0;
}

static int read_key(struct reading *reading, const char *text, struct error *err)
{
    free(reading->raw_key);
    reading->raw_key = mem_text(text);
    return 0;
}

static int read_modified(struct reading *reading, const char *text, struct error *err)
{
    if (instant_parse(text, strlen(text), &reading->entry.modified_ns))
        return error_set(err, EINVAL, "'%s' is no time", text);
    return 0;
}

static int end_entry(struct reading *reading, const char *text, struct error *err)
{
    struct listing *listing = reading->listing;
    if (!reading->raw_key || !reading->sized || !*reading->entry.etag)
        return error_set(err, EINVAL, "an object without key, size or ETag");
    if (listing->count == ENTRIES)
        return error_set(err, EINVAL, "more than %d objects on a page", ENTRIES);
    mem_grow(&listing->entries, &listing->cap, listing->count + 1, sizeof *listing->entries);
    reading->entry.key = STEAL(reading->raw_key);
    listing->entries[listing->count++] = reading->entry;
    reading->entry = (struct listing_entry){0};
    reading->sized = false;
    return 0;
}

static int read_truncated(struct reading *reading, const char *text, struct error *err)
{
    if (strcmp(text, "true") && strcmp(text, "false"))
        return error_set(err, EINVAL, "IsTruncated is '%s'", text);
    reading->truncated = !strcmp(text, "true");
    return 0;
}

static int read_next(struct reading *reading, const char *text, struct error *err)
{
    free(reading->listing->next);
    reading->listing->next = mem_text(text);
    return 0;
}

static int read_encoding(struct reading *reading, const char *text, struct error *err)
{
    reading->encoded = !strcmp(text, "url");
    return *text && !reading->encoded ? error_set(err, EINVAL, "EncodingType is '%s'", text) : 0;
}

static int end_root(struct reading *reading, const char *text, struct error *err)
{
    reading->root_seen = true;
    return 0;
}

static const struct {
    const char *path;
    int (*read)(struct reading *reading, const char *text, struct error *err);
} fields[] = {
    {"ListBucketResult/Contents/Key", read_key},
    {"ListBucketResult/Contents/Size", read_size},
    {"ListBucketResult/Contents/ETag", read_etag},
    {"ListBucketResult/Contents/LastModified", read_modified},
    {"ListBucketResult/Contents", end_entry},
    {"ListBucketResult/IsTruncated", read_truncated},
    {"ListBucketResult/NextContinuationToken", read_next},
    {"ListBucketResult/EncodingType", read_encoding},
    {"ListBucketResult", end_root},
};

static int take(void *ctx, const char *path, const char *text, struct error *err)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(fields[i].path, path))
            return fields[i].read(ctx, text, err);
    return 0;
}

/* Blanks come as '+' from some servers; a real plus always comes as %2B. */
static int decode_key(struct listing_entry *entry, const char *name, struct error *err)
{
    CLEANUP_BUF struct buf key = BUF_INIT;
    for (char *p = entry->key; *p; p++)
        if (*p == '+')
            *p = ' ';
    struct error why;
    if (escape_decode(&key, entry->key, strlen(entry->key), &why) < 0)
        return error_set(err, EINVAL, "%s: key '%s': %s", name, entry->key, why.text);
    if (strlen(buf_text(&key)) != key.len)
        return error_set(err, EINVAL, "%s: a key holds a NUL byte", name);
    free(entry->key);
    entry->key = (char *)buf_steal(&key);
    return 0;
}

static int finish(struct reading *reading, const char *name, struct error *err)
{
    struct listing *listing = reading->listing;
    if (!reading->root_seen)
        return error_set(err, EINVAL, "%s: not a ListBucketResult", name);
    if (reading->truncated && (!listing->next || !*listing->next))
        return error_set(err, EINVAL, "%s: cut off without NextContinuationToken", name);
    if (!reading->truncated)
        free(STEAL(listing->next));
    int rc = 0;
    for (size_t i = 0; !rc && i < listing->count; i++) {
        if (reading->encoded)
            rc = decode_key(&listing->entries[i], name, err);
        if (!rc && strlen(listing->entries[i].key) > KEY_BYTES)
            rc = error_set(err, EINVAL, "%s: a key longer than %d bytes", name, KEY_BYTES);
    }
    return rc;
}

int listing_parse(const char *name, const void *xml, size_t len, struct listing *ret, struct error *err)
{
    *ret = (struct listing){0};
    struct reading reading = {.listing = ret};
    int rc = xml_read(name, xml, len, take, &reading, err);
    if (!rc)
        rc = finish(&reading, name, err);
    free(reading.raw_key);
    if (rc < 0)
        listing_done(ret);
    return rc;
}

void listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].key);
    free(listing->entries);
    free(listing->next);
    *listing = (struct listing){0};
}
