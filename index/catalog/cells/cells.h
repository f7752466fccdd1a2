// SPDX-License-Identifier: Apache-2.0
/*
 * What the clips have, whatever it lies in. The value of an attribute in a row is, in this order: its newest
 * patch (patch_index.h), else what its late column says (a column of 4,096 rows, patch.h), else what the
 * forward record says. The rows of a value are those that shards give, without the rows that are patched for
 * the attribute, and those that are patched to it, or have it in a tail run; patches stand above these.
 * Counts are those beneath, minus what patched clips had there, plus what they have.
 *
 * All that reads values asks here; who writes them: index/commit/apply/apply_patches.h. Thread rule: that of
 * the connection.
 */
#pragma once

#include "index/catalog/cells/patch_pool.h"
#include "index/catalog/cells/runs.h"
#include "index/catalog/record.h"

struct cells_late { /* the column of an attribute that was read last */
    uint32_t attribute;
    uint64_t block; /* row / SCHEMA_LATE_ROWS + 1; 0: none was read */
    bool there;
    struct patch patch;
};

struct cells {               /* of a connection; zero is empty */
    struct patch_pool *pool; /* shared with others that read the same catalog; NULL: there are none */
    uint64_t dropped;        /* of the pool, when the references were taken */
    struct cells_held *held; /* by attribute */
    size_t held_count, held_cap;
    struct cells_late *lates;
    size_t late_count, late_cap;
    uint8_t *looks; /* by attribute: how often cells_alone() was true */
    size_t look_cap;
    struct patch *ones; /* spans, of the row under way, as is */
    size_t one_count, one_cap;
    struct cells_over *over;
    uint32_t *over_ids;
    size_t over_count, over_cap, over_id_cap;
    uint32_t *untold; /* by id: nothing stands over what the record says of these */
    size_t untold_count, untold_cap;
    struct record_values beneath;
};
void cells_done(struct cells *cells);
/* Gives back what the pool let go of. Called between questions: answers borrow from it. */
void cells_trim(struct cells *cells);
/* The attribute is not what it was: what is known of it is read again. */
void cells_forget(struct cells *cells, uint32_t attribute);

/* All that stands above what is beneath, by value and by row; NULL: nothing does. And that alone of which
 * records do not tell. Valid until cells_trim() or cells_forget(). */
int cells_patch_index(struct db *db, struct cells *cells, const struct attribute *attribute,
                      const struct patch_index **ret, struct error *err);
int cells_patches(struct db *db, struct cells *cells, const struct attribute *attribute,
                  const struct patch_index **ret, struct error *err);
/* A reference to what cells_patches() gives, if it is here; NULL: it would have to be read. */
struct patch_index *cells_held(const struct cells *cells, const struct attribute *attribute);
/* Are all patches in memory, by row? */
bool cells_indexed(const struct cells *cells, const struct attribute *attribute);
/* Is all that stands above in memory? */
bool cells_known(const struct cells *cells, const struct attribute *attribute);
/* Appends the attribute's runs, merged; or those from `first` on, before `end`. */
int cells_read_runs(struct db *db, const struct attribute *attribute, enum runs_kind kind,
                    struct patch *patch, struct error *err);
int cells_read_some(struct db *db, const struct attribute *attribute, enum runs_kind kind, size_t first,
                    size_t end, struct patch *patch, struct error *err);
struct json_growth_entry;
struct cells_row {
    uint32_t row;
    uint32_t touched;     /* attributes of which something may stand above the record (json_growth.h); */
    uint32_t newest;      /* in versions up to this one, or one of `recent` */
    struct cursor record; /* the forward record */
    const struct json_growth_entry *recent; /* what each of the last ones did to it, oldest first; borrowed */
    size_t recent_count;
};
#define CELLS_ROW_ANY(of, is) ((struct cells_row){(of), UINT32_MAX, UINT32_MAX, (is), NULL, 0})
/* May something stand above the record's values of this attribute? */
bool cells_touched(const struct attribute *attribute, const struct cells_row *of);
/* Are the attribute's patches looked at for this row alone, in their spans? They are the first few times: who
 * asks for few clips need not read all runs. */
bool cells_alone(const struct cells *cells, const struct attribute *attribute);
/* No patch that says something of the attribute in this row is newer than this version. The newest one is
 * after *ret_since, unless the attribute only seems touched, or was renamed. */
uint32_t cells_newest(const struct attribute *attribute, const struct cells_row *of, uint32_t *ret_since);
/* Can the attribute's i-th patch say something of the row, if none is newer than this? */
bool cells_matters(const struct attribute *attribute, size_t i, const struct cells_row *of, uint32_t newest);
/* All values of a row, by attribute id; of a clip that is not live those that it had, if all are said to be
 * touched. Lists are without their numbers (lists.h). They borrow from the record and from `cells`. */
int cells_values(struct db *db, struct cells *cells, const struct attributes *attributes,
                 const struct cells_row *of, struct record_values *values, struct error *err);
struct cells_some { /* attributes: indices into their list, ascending */
    const uint32_t *which;
    size_t count;
    struct record_group *group; /* read only where nothing stands above what the record says of one */
    bool beneath;               /* patches are not looked at */
};
/* The values that a row has of these, as cells_values() of CELLS_ROW_ANY gives them. */
int cells_some(struct db *db, struct cells *cells, const struct attributes *attributes,
               const struct cells_some *of, uint32_t row, struct record_values *values, struct error *err);
/* The late column that speaks of `row`: *ret has only cells that have something; NULL: there is none. */
int cells_late(struct db *db, struct cells *cells, const struct attribute *attribute, uint32_t row,
               const struct patch **ret, struct error *err);
/* `rows` have the attribute beneath, and this stands above (NULL: nothing): they become those that have it.
 */
void cells_stand_over(const struct patch_index *above, struct rowset *rows);
/* The rows of live clips that have the attribute. A new set. */
int cells_has(struct db *db, struct cells *cells, const struct attribute *attribute, struct rowset **ret,
              struct error *err);
