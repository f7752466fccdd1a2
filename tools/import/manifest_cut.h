// SPDX-License-Identifier: Apache-2.0
/*
 * From a manifest's streams to slices: whole objects, bytes of them, or a stretch of time cut out of an MP4.
 * A stretch [start, end) begins and ends at the frame boundaries nearest to its edges, so times that were
 * rounded mean the frames they were made from. Times are those that players show: of a video that begins
 * late, a stretch from before its first frame begins with a pause, and with the sound that is heard then.
 * Each recording is scanned once, some way ahead by other threads, and held in memory only until its cuts are
 * made. One thread at a time.
 */
#pragma once

#include <stdint.h>

#include "tools/import/draft.h"
#include "tools/import/manifest_object.h"
#include "tools/import/table_reader.h"
#include "tools/progress.h"

enum manifest_kind { MANIFEST_WHOLE, MANIFEST_TIME, MANIFEST_BYTES };

struct manifest_cut {
    enum manifest_kind kind;
    size_t clip;           /* number of the draft */
    size_t object;         /* number among the objects */
    const char *stream;    /* escaped; */
    const char *ext;       /* and this, too: both are drafts_text() */
    double start_s, end_s; /* TIME; end_s HUGE_VAL: to the end */
    uint64_t first, count; /* BYTES: offset and length; TIME: frames, once it is cut ... */
    int64_t pause_ns;      /* ... and how long before the first one it begins */
    uint64_t place;        /* for messages: of its row, */
    size_t column;         /* and of its URL */
};

struct manifest_cutting {
    const struct manifest_objects *objects;
    const struct table_reader *reader; /* says where, in errors */
    struct drafts *drafts;
    struct notes *notes;
    struct progress *progress; /* one step an object, or NULL */
    bool *seen;                /* by object, where there are several calls: it was a step */
};

/* Must the object be read for this cut? */
bool manifest_cut_scans(const struct manifest_cut *cut);
/* Adds every cut's stream to its clip, and makes the clips' fingerprints. `cuts` are sorted by clip. */
int manifest_cut_all(const struct manifest_cutting *cutting, struct manifest_cut *cuts, size_t count,
                     struct error *err);
