// SPDX-License-Identifier: Apache-2.0
/* A list of what is to be read, run ahead by threads, taken in the order in which it was listed. */
#include "tools/import/files_scan.h"

#include "index/containers/mp4/mp4.h"
#include "tools/import/ahead.h"

struct item {
    const struct source_object *object;
    enum files_scan_kind kind;
    struct files_scanned scanned;
};

struct files_scan {
    const struct source *source;
    struct drafts *drafts;
    struct item *items;
    size_t count, cap;
    struct ahead *ahead;
};

struct files_scan *files_scan_new(const struct source *source, struct drafts *drafts)
{
    struct files_scan *scan = MEM_NEW(struct files_scan);
    scan->source = source;
    scan->drafts = drafts;
    return scan;
}

void files_scan_drop(struct files_scan *scan, size_t number)
{
    struct files_scanned *scanned = &scan->items[number].scanned;
    free(STEAL(scanned->why));
    buf_done(&scanned->bytes);
}

void files_scan_free(struct files_scan *scan)
{
    if (scan->ahead)
        ahead_free(scan->ahead);
    for (size_t i = 0; i < scan->count; i++)
        files_scan_drop(scan, i);
    free(scan->items);
    free(scan);
}

size_t files_scan_add(struct files_scan *scan, const struct source_object *object, enum files_scan_kind kind)
{
    mem_grow(&scan->items, &scan->cap, scan->count + 1, sizeof *scan->items);
    scan->items[scan->count] = (struct item){.object = object, .kind = kind};
    return scan->count++;
}

static int read_labels(struct recording *recording, struct buf *text, struct error *err)
{
    size_t len = (size_t)recording->size;
    int rc = len ? recording_read(recording, 0, len, buf_room(text, len), err) : 0;
    if (rc < 0)
        return rc;
    text->len += len;
    buf_room(text, 0);
    return 0;
}

static int read_mp4(struct recording *recording, struct buf *table, struct error *err)
{
    CLEANUP_MP4 struct mp4 *mp4 = NULL;
    int rc = mp4_scan(recording, &mp4, err);
    if (!rc)
        mp4_table_encode(mp4, table);
    return rc;
}

static void read_item(void *ctx, size_t i)
{
    struct files_scan *scan = ctx;
    struct item *item = &scan->items[i];
    struct error why = {0};
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, scan->source, item->object);
    source_recording_remember(&recording, scan->drafts->scans);
    item->scanned.rc = item->kind == FILES_SCAN_MP4
                           ? read_mp4(&recording.recording, &item->scanned.bytes, &why)
                           : read_labels(&recording.recording, &item->scanned.bytes, &why);
    if (item->scanned.rc)
        item->scanned.why = mem_copy(&why, sizeof why);
    else
        source_recording_keep(&recording);
}

int files_scan_begin(struct files_scan *scan, struct error *err)
{
    struct known *known = scan->drafts->known;
    int rc = ahead_new(scan->count, read_item, scan, &scan->ahead, err);
    for (size_t i = 0; known && rc >= 0 && i < scan->count; i++) {
        struct known_object found;
        rc = known_object(known, scan->items[i].object, &found, err);
        if (rc == 1)
            ahead_skip(scan->ahead, i);
    }
    return rc < 0 ? rc : 0;
}

const struct files_scanned *files_scan_take(struct files_scan *scan, size_t number)
{
    ahead_take(scan->ahead, number);
    return &scan->items[number].scanned;
}
