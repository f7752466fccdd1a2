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
    REPORT_ALIAS,     /* the folder's other name, from the mount point on (query/alias.h) */
    REPORT_PATHS,     /* paths.txt: the names of all files, one a line, in the order of the folder */
    REPORT_PATHS0,    /* paths0: the same, each ended by a NUL */
    REPORT_FACETS,    /* facets/ATTRIBUTE: its values behind how many clips have each; not in report_names */
    REPORT_DIFF, /* diff-vN.jsonl: what changed since version N (query/report/diff.h); not in report_names */
};
struct report_name {
    const char *name; /* "count", "canonical", "explain", "manifest.jsonl" */
    enum report_kind kind;
    bool as; /* it stands in .as/, not in .elidefs/ */
};
extern const struct report_name report_names[];
extern const size_t report_name_count;

/* A file of `.elidefs/` or `.as/` in a query directory: one of report_names, or "diff-v9.jsonl" of an older
 * version, or the facets of an attribute. */
struct report {
    enum report_kind kind;
    uint32_t since;     /* DIFF */
    uint32_t attribute; /* FACETS */
};
/* -ENOENT; what `version` has is the same for ever. `as`: of those in .as/. */
int report_find(const char *name, bool as, uint32_t version, struct report *ret);
/* A file that would be larger is -EFBIG. */
#define REPORT_BYTES_MAX (UINT64_C(1) << 30)
/* Above this many values facets are -E2BIG. */
enum { REPORT_FACETS_MAX = 100000 };
/* Is its size known by less than making it? */
bool report_size_is_told(const struct report *report);
/* As report_append() and report_size(). */
int report_file_append(const struct report *report, const struct query *query, struct catalog_reader *reader,
                       struct buf *buf, struct error *err);
int report_file_size(const struct report *report, const struct query *query, struct catalog_reader *reader,
                     uint64_t *ret, struct error *err);

/* The version is the reader's; not for DIFF and FACETS. -EAGAIN as query_run(). */
int report_append(enum report_kind kind, const struct query *query, struct catalog_reader *reader,
                  struct buf *buf, struct error *err);
/* REPORT_MANIFEST, clip by clip, as it is found. */
int report_manifest_print(const struct query *query, struct catalog_reader *reader, FILE *to,
                          struct error *err);
/* The exact size report_append() would give, without generating a manifest or a digest. */
int report_size(enum report_kind kind, const struct query *query, struct catalog_reader *reader,
                uint64_t *ret, struct error *err);
