// SPDX-License-Identifier: Apache-2.0
/*
 * Clips by row, out of the groups that hold them: names, sizes, what labels have added to their JSON, and who
 * they are. The groups read last are kept, so neighbours cost a read together. Damage names table and row.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "index/catalog/db.h"
#include "index/catalog/groups/ident.h"
#include "index/catalog/groups/json_growth.h"
#include "index/catalog/groups/names.h"
#include "index/catalog/groups/newest.h"

enum { CLIPS_TEMPLATES = 8 };

struct clips {
    uint64_t group, grown_group; /* row >> bits, plus 1; 0: none is read */
    struct buf names_bytes, sizes_bytes, grown_bytes;
    struct names names;
    struct grown grown;
    bool has_grown;
    struct names_template templates[CLIPS_TEMPLATES]; /* files NULL: none, or it has no stream */
    bool has_template[CLIPS_TEMPLATES];
    struct catalog_file *files;
};
void clips_done(struct clips *clips);

struct clips_row { /* texts and files are valid until the next clips_read() */
    const char *key;
    struct catalog_file *files;
    uint32_t file_count;
    int64_t json; /* of json_size, what stands in `sizes` */
    uint64_t json_size;
    uint32_t json_changed;
};
/* `growth`: all that is not folded, see clips_growth(). 1, 0: there is no such row, or -errno. */
int clips_read(struct db *db, struct clips *clips, const struct json_growth *growth, uint32_t row,
               struct clips_row *ret, struct error *err);
/* Are these the groups that were read last? */
bool clips_held(const struct clips *clips, uint32_t row);
/* All that the row has grown since its sizes were written: with the versions that changed it, and which
 * attributes it has patches of. */
struct clips_grown {
    struct json_growth_entry folded;        /* into its group */
    const struct json_growth_entry *recent; /* of runs since, oldest first; borrowed of `growth` */
    size_t recent_count;
};
int clips_grown(struct db *db, struct clips *clips, const struct json_growth *growth, uint32_t row,
                struct clips_grown *ret, struct error *err);
/* Only the key, into `key`. */
int clips_key(struct db *db, uint32_t row, char key[NAME_FILE_MAX + 1], struct error *err);
int clips_ident(struct db *db, uint32_t row, struct ident_row *ret, struct error *err);
/* All growth that is not folded into groups yet, in order. */
int clips_growth(struct db *db, struct json_growth *ret, struct error *err);
/* The newest version in each group of a table, those of part `part`; none: *ret_groups is 0. */
int clips_newest(struct db *db, enum newest_table table, uint32_t part, uint32_t versions[NEWEST_GROUPS],
                 uint32_t *ret_groups, struct error *err);
int64_t clips_newest_id(enum newest_table table, uint32_t part);

/* The bytes of the one row of a query for the id `id`, appended: 1, 0: there is none, or -errno. */
int clips_bytes(struct db *db, enum schema_query query, int64_t id, struct buf *buf, struct error *err);
