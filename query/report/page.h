// SPDX-License-Identifier: Apache-2.0
/*
 * `.elidefs/index.html`: a query's clips as a page for any browser: videos, labels, lanes of events, links to
 * the files in the folder above. The page is page.html; the clips are JSON in it. Bounded: the first
 * PAGE_CLIPS_MAX clips, fewer where their labels are long, and the number of all. Any thread (through its own
 * reader).
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/query.h"

enum { PAGE_CLIPS_MAX = 5000, PAGE_BYTES_MAX = 16 << 20 /* of JSON; the clip that exceeds it is the last */ };

/* -EAGAIN as query_run(). */
int page_append(const struct query *query, struct catalog_reader *reader, struct buf *buf, struct error *err);
