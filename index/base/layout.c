// SPDX-License-Identifier: Apache-2.0
/* All paths of a data set in one place, so that nothing else knows the folder names. */
#include "index/base/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/instant.h"

enum { NOTE_BYTES_MAX = 256 << 10 }; /* of a note with a path's name: nothing else bounds their sum */

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
    snprintf(ret_path, LAYOUT_PATH_BYTES, "elidefs/series/roots/%u/%s.pins", root, id);
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

/* Is a key that nobody can have written, in the same folder, refused in the same way? Who may not read what
 * was purged must not take it for nothing: for that the key lies where versions do. */
static bool is_blind(struct layout *layout, const char *path)
{
    static const char purges[] = "elidefs/series/purges/";
    char id[LAYOUT_ID_BYTES], beside[LAYOUT_PATH_BYTES];
    layout_random_id(id);
    if (!strncmp(path, purges, sizeof purges - 1))
        path = "elidefs/versions/";
    int folder = (int)(strrchr(path, '/') - path);
    snprintf(beside, sizeof beside, "%.*s/%s", folder, path, id);
    CLEANUP_BUF struct buf none = BUF_INIT;
    return store_read_all(layout->store, beside, 1, &none, NULL, NULL) == -EACCES;
}

/* ---- notes ---- */

static void note_key(const struct layout *layout, const char *name, uint8_t ret[SHA256_BYTES])
{
    CLEANUP_FREE char *text = mem_printf("elidefs note\n%s\n%s", store_url(layout->store), name);
    sha256_of(text, strlen(text), ret);
}

static void note(struct layout *layout, const char *name, const void *text, size_t len)
{
    uint8_t key[SHA256_BYTES];
    if (!layout->cache || store_is_local(layout->store))
        return;
    note_key(layout, name, key);
    cache_note_put(layout->cache, key, text, len);
}

void layout_note(struct layout *layout, const char *name, const void *text, size_t len)
{
    if (len <= NOTE_BYTES_MAX)
        note(layout, name, text, len);
}

int layout_noted(struct layout *layout, const char *name, size_t max_bytes, struct buf *buf)
{
    uint8_t key[SHA256_BYTES];
    note_key(layout, name, key);
    return layout->cache ? cache_note_get(layout->cache, key, max_bytes, buf) : -ENOENT;
}

void layout_set_away(struct layout *layout, bool away)
{
    atomic_store(&layout->away, away);
}

bool layout_is_away(int rc)
{
    return rc == -EIO || rc == -ETIMEDOUT;
}

/* ---- small objects ---- */

void layout_read_begin(struct layout *layout, struct layout_reading *reading)
{
    bool away = atomic_load(&layout->away) && !reading->anyway;
    reading->whole = away ? NULL : store_whole_start(layout->store, reading->path, reading->max_bytes, 0);
}

void layout_read_drop(struct layout_reading *reading)
{
    store_whole_drop(reading->whole);
    reading->whole = NULL;
}

static int read_noted(struct layout *layout, const struct layout_reading *reading, struct buf *buf,
                      struct error *err)
{
    if (!layout_noted(layout, reading->note ? reading->note : reading->path, reading->max_bytes, buf))
        return 0;
    return error_set(err, EHOSTUNREACH, "%s/%s: the store does not answer, and this is not cached",
                     store_url(layout->store), reading->path);
}

/* Refused may mean missing, see the header. */
static int check_refused(struct layout *layout, const char *path, int rc, struct error *err)
{
    if (rc != -EACCES)
        return rc;
    if (!atomic_load(&layout->blind)) {
        if (!is_blind(layout, path))
            return rc;
        atomic_store(&layout->blind, true);
    }
    return error_set(err, ENOENT, "%s/%s: no such object", store_url(layout->store), path);
}

int layout_read_end(struct layout *layout, struct layout_reading *reading,
                    const struct catalog_patience *patience, struct buf *buf, struct error *err)
{
    int rc = 0;
    size_t before = buf->len;
    if (!reading->whole)
        return read_noted(layout, reading, buf, err);
    while (!rc && !store_whole_wait(reading->whole, clock_now_ns() + PATIENCE_LOOK_NS))
        rc = patience_check(patience, err);
    if (rc < 0) {
        layout_read_drop(reading);
        return rc;
    }
    rc = store_whole_end(STEAL(reading->whole), buf, NULL, err);
    if (!rc && reading->note)
        note(layout, reading->note, buf->data + before, buf->len - before);
    else if (!rc && !reading->unnoted)
        layout_note(layout, reading->path, buf->data + before, buf->len - before);
    return reading->plain ? rc : check_refused(layout, reading->path, rc, err);
}

int layout_read(struct layout *layout, const char *path, size_t max_bytes, struct buf *buf, struct error *err)
{
    struct layout_reading reading = {.max_bytes = max_bytes};
    snprintf(reading.path, sizeof reading.path, "%s", path);
    layout_read_begin(layout, &reading);
    return layout_read_end(layout, &reading, PATIENCE_ENDLESS, buf, err);
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
