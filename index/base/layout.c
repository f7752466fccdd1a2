// SPDX-License-Identifier: Apache-2.0
/* All paths of a data set in one place, so that nothing else knows the folder names. */
#include "index/base/layout.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"

enum { SERIES_BYTES_MAX = 16384, NAME_BYTES = 80 };

void layout_manifest_path(uint32_t version, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "elidefs/versions/%08u.json", version);
}

void layout_pack_path(const char *id, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "elidefs/packs/%s", id);
}

void layout_pins_path(uint32_t root, const char *id, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "elidefs/roots/%u/%s.pins", root, id);
}

const char *layout_head_path(void)
{
    return "elidefs/head";
}

void layout_random_id(char ret_id[LAYOUT_ID_BYTES])
{
    uint8_t bits[16];
    random_bytes(bits, sizeof bits);
    hex_print(bits, sizeof bits, ret_id);
}

/* Is a key that nobody can have written, in the same folder, refused in the same way? */
static bool is_blind(struct layout *layout, const char *path)
{
    char id[LAYOUT_ID_BYTES], beside[LAYOUT_PATH_BYTES];
    layout_random_id(id);
    int folder = (int)(strrchr(path, '/') - path);
    snprintf(beside, sizeof beside, "%.*s/%s", folder, path, id);
    CLEANUP_BUF struct buf none = BUF_INIT;
    return store_read_all(layout->store, beside, 1, &none, NULL, NULL) == -EACCES;
}

int layout_get(struct layout *layout, const char *path, size_t max_bytes, struct buf *buf, struct error *err)
{
    int rc = store_read_all(layout->store, path, max_bytes, buf, NULL, err);
    if (rc != -EACCES)
        return rc;
    if (!atomic_load(&layout->blind)) {
        if (!is_blind(layout, path))
            return rc;
        atomic_store(&layout->blind, true);
    }
    return error_set(err, ENOENT, "%s/%s: no such object", store_url(layout->store), path);
}

static int stop_at_first(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    return 1;
}

int layout_peek(struct store *store, const char *prefix, struct error *err)
{
    int rc = store_list(store, prefix, stop_at_first, NULL, err);
    return rc < 0 ? rc : 0;
}

void layout_series_path(const char *kind, const char *name, uint32_t seq, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "elidefs/%s/%s/%u", kind, name, seq);
}

struct series_listing {
    size_t prefix_len;
    layout_series_fn *each;
    void *ctx;
};

/* A canonical decimal from 1 to UINT32_MAX, else 0. */
static uint32_t parse_seq(const char *text)
{
    char *end;
    if (*text < '1' || *text > '9')
        return 0;
    errno = 0;
    unsigned long long seq = strtoull(text, &end, 10);
    return *end || errno || seq > UINT32_MAX ? 0 : (uint32_t)seq;
}

static int series_object(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    const struct series_listing *listing = ctx;
    if (strlen(path) <= listing->prefix_len)
        return 0;
    const char *rest = path + listing->prefix_len, *slash = strchr(rest, '/');
    uint32_t seq = slash ? parse_seq(slash + 1) : 0;
    if (!seq || slash - rest >= NAME_BYTES)
        return 0;
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)(slash - rest), rest);
    return listing->each(listing->ctx, name, seq, err);
}

int layout_series_list(struct layout *layout, const char *kind, layout_series_fn *each, void *ctx,
                       struct error *err)
{
    char prefix[LAYOUT_PATH_BYTES];
    int len = snprintf(prefix, sizeof prefix, "elidefs/%s/", kind);
    if (atomic_load(&layout->blind))
        return error_set(err, EACCES, "%s/%s: may not be listed", store_url(layout->store), prefix);
    struct series_listing listing = {.prefix_len = (size_t)len, .each = each, .ctx = ctx};
    int rc = store_list(layout->store, prefix, series_object, &listing, err);
    return rc == -ENOENT ? 0 : rc; /* a folder that nothing was put into yet */
}

int layout_series_follow(struct layout *layout, const char *kind, const char *name, uint32_t *seq,
                         struct buf *buf, struct error *err)
{
    CLEANUP_BUF struct buf next = BUF_INIT;
    char path[LAYOUT_PATH_BYTES];
    for (int moved = 0;; moved = 1) {
        if (*seq == UINT32_MAX)
            return moved;
        layout_series_path(kind, name, *seq + 1, path);
        buf_clear(&next);
        int rc = layout_get(layout, path, SERIES_BYTES_MAX, &next, err);
        if (rc == -ENOENT)
            return moved;
        if (rc < 0)
            return rc;
        buf_clear(buf);
        buf_append(buf, next.data, next.len);
        ++*seq;
    }
}
