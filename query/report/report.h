// SPDX-License-Identifier: Apache-2.0
/*
 * What `.elidefs/` of a query directory and the command line tell about a query. Any thread (through its own
 * reader).
 */
#pragma once

#include <stdio.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/query.h"

enum report_kind {
    REPORT_COUNT,     /* "42\n" */
    REPORT_DIGEST,    /* SHA-256 of what the clips hold, 64 hex digits and a newline: query/report/digest.h */
    REPORT_CANONICAL, /* "arm=left/outcome=fail\n" */
    REPORT_EXPLAIN,   /* the plan with estimates, and warnings ("12 of 48 clips lack 'force'") */
    REPORT_MANIFEST,  /* manifest.jsonl: each clip's json line with "files":{name:size} added */
    REPORT_SCHEMA,    /* schema.json: what can be asked (query/report/askable.h) */
    REPORT_CSV,       /* manifest.csv: a row a clip (query/report/csv.h) */
    REPORT_PAGE,      /* index.html: the clips for a browser (query/report/page.h) */
    REPORT_DIFF, /* diff-vN.jsonl: what changed since version N (query/report/diff.h); not in report_names */
};
struct report_name {
    const char *name; /* as in .elidefs/: "count", "canonical", "explain", "manifest.jsonl" */
    enum report_kind kind;
};
extern const struct report_name report_names[];
extern const size_t report_name_count;

/* A file of `.elidefs/` in a query directory: one of report_names, or "diff-v9.jsonl" of an older version. */
struct report {
    enum report_kind kind;
    uint32_t since; /* DIFF */
};
/* -ENOENT; what `version` has is the same for ever. */
int report_find(const char *name, uint32_t version, struct report *ret);
/* Is its size known by less than making it? */
bool report_size_is_told(const struct report *report);
/* As report_append() and report_size(). */
int report_file_append(const struct report *report, const struct query *query, struct catalog_reader *reader,
                       struct buf *buf, struct error *err);
int report_file_size(const struct report *report, const struct query *query, struct catalog_reader *reader,
                     uint64_t *ret, struct error *err);

/* The version is the reader's; not for DIFF. -EAGAIN as query_run(). */
int report_append(enum report_kind kind, const struct query *query, struct catalog_reader *reader,
                  struct buf *buf, struct error *err);
/* REPORT_MANIFEST, clip by clip, as it is found. */
int report_manifest_print(const struct query *query, struct catalog_reader *reader, FILE *to,
                          struct error *err);
/* The exact size report_append() would give, without generating a manifest or a digest. */
int report_size(enum report_kind kind, const struct query *query, struct catalog_reader *reader,
                uint64_t *ret, struct error *err);
