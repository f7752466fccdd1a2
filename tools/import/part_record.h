// SPDX-License-Identifier: Apache-2.0
/*
 * What a part of an import says when it is complete: an object that is created once, behind the objects with
 * what it has read (index/FORMAT.md, "Parts of imports").
 *
 *     elidefs/parts/<import>/<listing>/<I>-of-<N>.json   the record; its PUT-if-absent completes the part
 *     elidefs/parts/<import>/<random id>.scans           records of a scan cache
 *
 * <import> is made of source and options, <listing> of what the source listed: parts of another line, or of
 * an older listing, lie beside those that are wanted, and in nobody's way. Values: one thread at a time.
 */
#pragma once

#include <stdint.h>

#include "cache/base/buf.h"
#include "index/base/layout.h"
#include "tools/import/import.h"

#define PART_FORMAT "scans 1"
enum { PART_RECORD_BYTES_MAX = 4 << 20, PART_DIGITS = 32 };

struct part_scans { /* an object of scan records */
    char id[LAYOUT_ID_BYTES];
    uint64_t size;
    uint8_t sha256[SHA256_BYTES];
};

/* What a command line says of an import, but for which part of it: what its parts and their merge share. */
struct part_line {
    char *source;   /* import_source_name() */
    char **options; /* "--set=a=b", in a fixed order */
    size_t count;
    char id[PART_DIGITS + 1];
};
void part_line_of(const struct import_request *request, struct part_line *ret);
void part_line_done(struct part_line *line);

struct part_record {
    struct import_part part;
    struct part_line line; /* its id is not part of the object */
    char *format, *program, *time;
    struct import_listing listing;
    uint32_t base;       /* the newest version when it was begun */
    uint64_t files, bad; /* recordings that it has, and what it found to be wrong */
    struct part_scans *scans;
    size_t scan_count, scan_cap;
};
void part_record_done(struct part_record *record);
void part_record_print(const struct part_record *record, struct buf *buf);
/* Of hostile bytes. -EUCLEAN naming it `name`. One of another format tells that, and which program made it.
 */
int part_record_parse(const char *name, const struct buf *bytes, struct part_record *ret, struct error *err);

/* Below the data set's folder; the caller frees them. */
char *part_folder(const struct part_line *line, const struct import_listing *listing); /* with its '/' */
char *part_path(const struct part_line *line, const struct import_listing *listing,
                const struct import_part *part);
char *part_scans_path(const struct part_line *line, const char *id);
/* "<I>-of-<N>.json" */
bool part_name_parse(const char *name, struct import_part *ret);
#define PARTS_FOLDER "elidefs/parts/"
