// SPDX-License-Identifier: Apache-2.0
/*
 * What must be read of a folder's files: the text of labels, the sample tables of videos. Several threads
 * read those that come next (ahead.h). One thread calls these.
 */
#pragma once

#include "tools/import/draft.h"
#include "tools/import/source.h"

struct files_scan;

enum files_scan_kind { FILES_SCAN_LABELS, FILES_SCAN_MP4 };
enum { FILES_SCAN_LABELS_MAX = 1 << 20 };

struct files_scanned {
    int rc;            /* 0, or -errno */
    struct error *why; /* if it failed */
    struct buf bytes;  /* the whole text, or an encoded sample table */
};

struct files_scan *files_scan_new(const struct source *source, struct drafts *drafts);
void files_scan_free(struct files_scan *scan);
/* In the order in which they will be taken; gives the number back. Before any is taken. */
size_t files_scan_add(struct files_scan *scan, const struct source_object *object, enum files_scan_kind kind);
/* No more are added. Those whose object the newest version knows wait until they are asked for. */
int files_scan_begin(struct files_scan *scan, struct error *err);
/* Waits for one; it is the caller's until files_scan_drop(). */
const struct files_scanned *files_scan_take(struct files_scan *scan, size_t number);
void files_scan_drop(struct files_scan *scan, size_t number);
