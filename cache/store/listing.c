// SPDX-License-Identifier: Apache-2.0
/*
 * A table of paths of elements, each with the function that takes its text, for each of the two documents. An
 * entry is handed over when its element ends; a page with too many of them, or with texts that cannot be what
 * they are for, is refused.
 */
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
    const struct field *fields; /* of the document that is expected; path NULL ends them */
    struct listing_entry entry; /* the one that is being read */
    char *raw_key, *last_key;   /* as they stand: of the one that is being read, and of the one before it */
    size_t seen;                /* entries, those that were left out among them */
    bool sized, newest, root_seen, encoded, truncated;
};

struct field {
    const char *path;
    int (*read)(struct reading *reading, const char *text, struct error *err);
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

bool listing_class_is_archive(const char *name)
{
    return !strcmp(name, "GLACIER") || !strcmp(name, "DEEP_ARCHIVE");
}

static int read_class(struct reading *reading, const char *text, struct error *err)
{
    reading->entry.archived = listing_class_is_archive(text);
    return 0;
}

static int read_modified(struct reading *reading, const char *text, struct error *err)
{
    if (instant_parse(text, strlen(text), &reading->entry.modified_ns))
        return error_set(err, EINVAL, "'%s' is no time", text);
    return 0;
}

static void begin_entry(struct reading *reading)
{
    free(reading->last_key);
    reading->last_key = STEAL(reading->raw_key);
    reading->entry = (struct listing_entry){0};
    reading->sized = reading->newest = false;
}

static int end_entry(struct reading *reading, const char *text, struct error *err)
{
    struct listing *listing = reading->listing;
    if (!reading->raw_key || !reading->sized || !*reading->entry.etag)
        return error_set(err, EINVAL, "an object without key, size or ETag");
    if (reading->seen++ == ENTRIES)
        return error_set(err, EINVAL, "more than %d objects on a page", ENTRIES);
    mem_grow(&listing->entries, &listing->cap, listing->count + 1, sizeof *listing->entries);
    reading->entry.key = mem_text(reading->raw_key);
    listing->entries[listing->count++] = reading->entry;
    begin_entry(reading);
    return 0;
}

static int read_bool(const char *name, const char *text, bool *ret, struct error *err)
{
    if (strcmp(text, "true") && strcmp(text, "false"))
        return error_set(err, EINVAL, "%s is '%s'", name, text);
    *ret = !strcmp(text, "true");
    return 0;
}

static int read_truncated(struct reading *reading, const char *text, struct error *err)
{
    return read_bool("IsTruncated", text, &reading->truncated, err);
}

static int read_newest(struct reading *reading, const char *text, struct error *err)
{
    return read_bool("IsLatest", text, &reading->newest, err);
}

/* The version "null", of objects that are older than the bucket's versions, pins nothing. */
static int read_version(struct reading *reading, const char *text, struct error *err)
{
    struct pin_s3 pin;
    if (pin_s3_make("\"any\"", text, &pin))
        return error_set(err, EINVAL, "'%s' is no version", text);
    strcpy(reading->entry.version, pin.version);
    return 0;
}

/* One that is left out: an old version, or a mark that the object was deleted. */
static int end_left_out(struct reading *reading, const char *text, struct error *err)
{
    if (reading->seen++ == ENTRIES)
        return error_set(err, EINVAL, "more than %d versions on a page", ENTRIES);
    begin_entry(reading);
    return 0;
}

static int end_version(struct reading *reading, const char *text, struct error *err)
{
    return reading->newest ? end_entry(reading, text, err) : end_left_out(reading, text, err);
}

static int read_next(struct reading *reading, const char *text, struct error *err)
{
    free(reading->listing->next);
    reading->listing->next = mem_text(text);
    return 0;
}

static int read_next_version(struct reading *reading, const char *text, struct error *err)
{
    free(reading->listing->next_version);
    reading->listing->next_version = *text ? mem_text(text) : NULL;
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

static const struct field object_fields[] = {
    {"ListBucketResult/Contents/Key", read_key},
    {"ListBucketResult/Contents/Size", read_size},
    {"ListBucketResult/Contents/ETag", read_etag},
    {"ListBucketResult/Contents/LastModified", read_modified},
    {"ListBucketResult/Contents/StorageClass", read_class},
    {"ListBucketResult/Contents", end_entry},
    {"ListBucketResult/IsTruncated", read_truncated},
    {"ListBucketResult/NextContinuationToken", read_next},
    {"ListBucketResult/EncodingType", read_encoding},
    {"ListBucketResult", end_root},
    {NULL, NULL},
};

static const struct field version_fields[] = {
    {"ListVersionsResult/Version/Key", read_key},
    {"ListVersionsResult/Version/Size", read_size},
    {"ListVersionsResult/Version/ETag", read_etag},
    {"ListVersionsResult/Version/LastModified", read_modified},
    {"ListVersionsResult/Version/StorageClass", read_class},
    {"ListVersionsResult/Version/VersionId", read_version},
    {"ListVersionsResult/Version/IsLatest", read_newest},
    {"ListVersionsResult/Version", end_version},
    {"ListVersionsResult/DeleteMarker/Key", read_key},
    {"ListVersionsResult/DeleteMarker", end_left_out},
    {"ListVersionsResult/IsTruncated", read_truncated},
    {"ListVersionsResult/NextKeyMarker", read_next},
    {"ListVersionsResult/NextVersionIdMarker", read_next_version},
    {"ListVersionsResult/EncodingType", read_encoding},
    {"ListVersionsResult", end_root},
    {NULL, NULL},
};

static int take(void *ctx, const char *path, const char *text, struct error *err)
{
    for (const struct field *field = ((struct reading *)ctx)->fields; field->path; field++)
        if (!strcmp(field->path, path))
            return field->read(ctx, text, err);
    return 0;
}

/* Blanks come as '+' from some servers; a real plus always comes as %2B. */
static int decode_key(char **key, const char *name, struct error *err)
{
    CLEANUP_BUF struct buf decoded = BUF_INIT;
    for (char *p = *key; *p; p++)
        if (*p == '+')
            *p = ' ';
    struct error why;
    if (escape_decode(&decoded, *key, strlen(*key), &why) < 0)
        return error_set(err, EINVAL, "%s: key '%s': %s", name, *key, why.text);
    if (strlen(buf_text(&decoded)) != decoded.len)
        return error_set(err, EINVAL, "%s: a key holds a NUL byte", name);
    free(*key);
    *key = (char *)buf_steal(&decoded);
    return 0;
}

/* The key marker is encoded as the keys are; Ceph encodes the keys and not the marker, which is the last
 * of them. */
static int decode_marker(const struct reading *reading, const char *name, struct error *err)
{
    CLEANUP_FREE char *last = mem_text(reading->last_key ? reading->last_key : "");
    int rc = decode_key(&last, name, err);
    return rc || !strcmp(last, reading->listing->next) ? rc : decode_key(&reading->listing->next, name, err);
}

static int finish(struct reading *reading, const char *name, struct error *err)
{
    struct listing *listing = reading->listing;
    bool versions = reading->fields == version_fields;
    if (!reading->root_seen)
        return error_set(err, EINVAL, "%s: not a %s", name,
                         versions ? "ListVersionsResult" : "ListBucketResult");
    if (reading->truncated && (!listing->next || !*listing->next))
        return error_set(err, EINVAL, "%s: cut off without %s", name,
                         versions ? "NextKeyMarker" : "NextContinuationToken");
    if (!reading->truncated) {
        free(STEAL(listing->next));
        free(STEAL(listing->next_version));
    }
    int rc = versions && reading->encoded && listing->next ? decode_marker(reading, name, err) : 0;
    for (size_t i = 0; !rc && i < listing->count; i++) {
        if (reading->encoded)
            rc = decode_key(&listing->entries[i].key, name, err);
        if (!rc && strlen(listing->entries[i].key) > KEY_BYTES)
            rc = error_set(err, EINVAL, "%s: a key longer than %d bytes", name, KEY_BYTES);
    }
    return rc;
}

struct page {
    const void *xml;
    size_t len;
};

static int parse(const char *name, const struct page *page, const struct field *fields, struct listing *ret,
                 struct error *err)
{
    *ret = (struct listing){0};
    struct reading reading = {.listing = ret, .fields = fields};
    int rc = xml_read(name, page->xml, page->len, take, &reading, err);
    if (!rc)
        rc = finish(&reading, name, err);
    free(reading.raw_key);
    free(reading.last_key);
    if (rc < 0)
        listing_done(ret);
    return rc;
}

int listing_parse(const char *name, const void *xml, size_t len, struct listing *ret, struct error *err)
{
    return parse(name, &(struct page){xml, len}, object_fields, ret, err);
}

int listing_parse_versions(const char *name, const void *xml, size_t len, struct listing *ret,
                           struct error *err)
{
    return parse(name, &(struct page){xml, len}, version_fields, ret, err);
}

void listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].key);
    free(listing->entries);
    free(listing->next);
    free(listing->next_version);
    *listing = (struct listing){0};
}
