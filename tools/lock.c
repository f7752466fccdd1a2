// SPDX-License-Identifier: Apache-2.0
/* Printed by hand in one order; read as JSON, field by field, where the first that is wrong is named. */
#include "tools/lock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"

void lock_done(struct lock *lock)
{
    free(lock->dataset);
    free(lock->uuid);
    free(lock->path);
    free(lock->canonical);
    *lock = (struct lock){0};
}

static void print_text(struct buf *buf, const char *before, const char *text)
{
    buf_text_append(buf, before);
    json_write_text(buf, text, strlen(text));
}

void lock_print(const struct lock *lock, struct buf *buf)
{
    char manifest[SHA256_HEX_BYTES], digest[SHA256_HEX_BYTES];
    hex_print(lock->manifest, sizeof lock->manifest, manifest);
    hex_print(lock->digest.sha256, sizeof lock->digest.sha256, digest);
    print_text(buf, "{\"elidefs_lock\":1,\"dataset\":", lock->dataset);
    print_text(buf, ",\"uuid\":", lock->uuid);
    print_text(buf, ",\"path\":", lock->path);
    print_text(buf, ",\"canonical\":", lock->canonical);
    print_text(buf, ",\"manifest\":", manifest);
    print_text(buf, ",\"digest\":", digest);
    buf_printf(buf, ",\"clips\":%" PRIu64 ",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n",
               lock->digest.clips, lock->digest.files, lock->digest.bytes);
}

/* ---- reading ---- */

struct fields {
    const char *name;
    const struct json *json;
    const char *wrong; /* the first field that is */
};

static char *take_text(struct fields *fields, const char *key)
{
    const char *text = json_get_text(fields->json, key);
    if (!text && !fields->wrong)
        fields->wrong = key;
    return mem_text(text ? text : "");
}

static void take_hash(struct fields *fields, const char *key, uint8_t ret[SHA256_BYTES])
{
    const char *text = json_get_text(fields->json, key);
    if ((!text || hex_parse(text, strlen(text), ret, SHA256_BYTES)) && !fields->wrong)
        fields->wrong = key;
}

static uint64_t take_count(struct fields *fields, const char *key)
{
    const struct json *json = json_get(fields->json, key);
    if ((json_kind(json) != JSON_KIND_INTEGER || json_as_integer(json) < 0) && !fields->wrong)
        fields->wrong = key;
    return (uint64_t)json_as_integer(json);
}

int lock_parse(const char *name, const char *line, size_t len, struct lock *ret, struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    int rc = json_parse(name, line, len, &json, err);
    if (rc)
        return rc;
    if (json_as_integer(json_get(json, "elidefs_lock")) != 1)
        return error_set(err, EINVAL, "%s: no lock of `elidefs lock`, or one of a newer program", name);
    struct fields fields = {name, json, NULL};
    CLEANUP_LOCK struct lock lock = {.dataset = take_text(&fields, "dataset"),
                                     .uuid = take_text(&fields, "uuid"),
                                     .path = take_text(&fields, "path"),
                                     .canonical = take_text(&fields, "canonical")};
    take_hash(&fields, "manifest", lock.manifest);
    take_hash(&fields, "digest", lock.digest.sha256);
    lock.digest.clips = take_count(&fields, "clips");
    lock.digest.files = take_count(&fields, "files");
    lock.digest.bytes = take_count(&fields, "bytes");
    if (fields.wrong)
        return error_set(err, EINVAL, "%s: '%s' is missing or wrong", name, fields.wrong);
    *ret = lock;
    lock = (struct lock){0};
    return 0;
}
