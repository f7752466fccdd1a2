// SPDX-License-Identifier: Apache-2.0
/*
 * From the files of a clip to its draft. All files of all clips are gathered first: what a clip is, is told
 * by names, sizes and pins alone, so one that the data set has already is not read again. One thread at a
 * time.
 */
#pragma once

#include "tools/import/files.h"
#include "tools/import/files_scan.h"

struct file_member {
    const struct source_object *object;
    char *stream, *ext; /* escaped */
    bool labels;        /* <key>.json, a flat object: attributes, no stream */
    bool taken;         /* the attributes have been read */
    size_t scan;        /* its number there; SIZE_MAX: nothing need be read of it */
};

struct file_members { /* of one clip, in the order of their paths */
    struct file_member *list;
    size_t count, cap;
    bool removed; /* the clip was removed, and this is what it was: it is not looked into */
};

struct files_gather {
    const struct files_import *import;
    size_t first;               /* number of the first draft that is ours */
    struct file_members *clips; /* by draft, from the first */
    size_t count, cap;
    struct files_scan *scan;
};

/* A file of this clip; texts are copied. <key>.json (no stream name) may turn out to be attributes. */
void files_gather_add(struct files_gather *gather, const struct draft *clip,
                      const struct source_object *object, const char *stream, const char *ext);
/* Fingerprints, attributes and streams of all clips. */
int files_gather_describe(struct files_gather *gather, struct error *err);
void files_gather_done(struct files_gather *gather);
