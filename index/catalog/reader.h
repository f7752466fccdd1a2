// SPDX-License-Identifier: Apache-2.0
/* The insides of catalog.h: a catalog and its readers. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "index/catalog/ahead.h"
#include "index/catalog/attributes.h"
#include "index/catalog/catalog.h"
#include "index/catalog/cells/cells.h"
#include "index/catalog/groups/clips.h"
#include "index/catalog/hash/hash_runs.h"
#include "index/catalog/hash/key_guess.h"
#include "index/catalog/lists.h"
#include "index/catalog/origins.h"
#include "index/catalog/record.h"
#include "index/catalog/shard/shard.h"
#include "index/catalog/source_files.h"

struct catalog {
    atomic_uint refs;
    char *name;
    char *path;                       /* a plain file, or NULL */
    struct pages *pages;              /* of a version, or NULL; a reference */
    catalog_sibling_fn *open_sibling; /* NULL: opened alone */
    void *sibling_ctx;
    atomic_bool small_asked; /* catalog_ahead.c: attributes with few values */
    atomic_int guess_wrong;  /* key_guess.wrong, of all readers */
    pthread_mutex_t lock;    /* guards what follows; no SQL under it */
    struct catalog_reader *idle;
    struct rowset *live;        /* NULL until some reader has read it */
    struct json_growth *growth; /* as `live`; it stays as long as the catalog */
    struct patch_pool patch_indices;
};

struct catalog_reader {
    struct catalog *catalog; /* a reference while it is acquired */
    struct catalog_reader *next;
    struct db *db;
    struct rowset *live; /* a reference, NULL until needed */
    struct catalog_info info;
    uint32_t sealed; /* rows before this one are in no tail run */
    bool has_info;
    uint32_t next_attribute;
    struct attributes attributes, first; /* all of them; those with numbers below ATTRIBUTES_FIRST */
    bool has_attributes, has_first;
    struct reader_shards **shards; /* by attribute */
    size_t shards_count, shards_cap, shards_bytes /* memory they take */;
    struct cells cells;
    struct ahead ahead;
    uint64_t ahead_of; /* the row that was last asked for, plus 1 */
    struct hash_runs runs;
    bool has_runs;
    struct key_guess guess;
    uint64_t guessed;                   /* the row that a key was guessed to have, plus 1; 0: none was */
    uint32_t guessed_of;                /* its hash */
    struct record_group group;          /* the last one read: neighbours are asked for in turn */
    struct record_values by_id, values; /* by name */
    struct lists lists;
    const struct catalog_some *some; /* what catalog_clip_some() asks for */
    uint32_t *which;                 /* its attributes' indices */
    size_t which_cap;
    uint64_t values_of; /* the row whose values they are, plus 1; 0: none's */
    struct record_group event_group;
    struct events events;
    struct origins origins;
    const struct json_growth *growth; /* the catalog's, NULL until needed */
    struct clips clips;
    struct catalog_clip clip; /* the last one: a clip's files are asked for one after the other */
    uint64_t clip_of;         /* its row plus 1; 0: none */
    struct sourced sourced;
    struct buf text;
};

struct reader_shards {
    uint32_t attribute;
    struct shards shards;
};

/* Reads what is not here yet. */
int reader_live(struct catalog_reader *reader, struct error *err);
int reader_runs(struct catalog_reader *reader, struct error *err);
int reader_attributes(struct catalog_reader *reader, struct error *err);
/* Those that most clips have: all, or the first ones where there are many. These are hot; who names one of
 * them need not read the others. */
int reader_attributes_first(struct catalog_reader *reader, const struct attributes **ret, struct error *err);
/* Names the pages of all of them. */
void reader_name_attributes(struct catalog_reader *reader);
/* All values of a clip into reader->values, by attribute name. -ENOENT: not live. */
int reader_values(struct catalog_reader *reader, uint32_t row, struct error *err);
/* All events of a clip into reader->events, with who set them. */
int reader_events(struct catalog_reader *reader, uint32_t row, struct error *err);
int reader_growth(struct catalog_reader *reader, struct error *err);
/* What may stand above the clip's record. */
int reader_cells_row(struct catalog_reader *reader, uint32_t row, struct cells_row *ret, struct error *err);
/* Calls `read`, which reads some of what the catalog says of a clip: if some of that is not here, all of
 * `name` is asked for before the first of it is waited for. */
typedef int reader_fn(struct catalog_reader *reader, uint32_t row, struct error *err);
int reader_at_once(struct catalog_reader *reader, uint32_t row, reader_fn *name, reader_fn *read,
                   struct error *err);
/* The row of a key, live or not: 1, 0: none has it. What tells it is asked for at once; so is, with that
 * which tells that a row is it, what else is read of a clip that was looked up. */
struct reader_key {
    const char *key;
    size_t len;
    bool json; /* its JSON is */
};
int reader_key_at_once(struct catalog_reader *reader, const struct reader_key *key, uint32_t *ret_row,
                       struct error *err);
/* What they name, of what is here. 1: there is more to name when that has come. */
int reader_name_clip(struct catalog_reader *reader, uint32_t row, struct error *err);
int reader_name_json(struct catalog_reader *reader, uint32_t row, struct error *err);
/* Asks for all that tells which rows have which value of the attribute. */
void reader_ask_values(struct catalog_reader *reader, const struct attribute *attribute);
/* -ENOENT: no live clip is in this row. */
int reader_check_row(struct catalog_reader *reader, uint32_t row, struct error *err);
/* A clip's row, live or not. */
int reader_row(struct catalog_reader *reader, uint32_t row, struct clips_row *ret, struct error *err);
/* -ENOENT: no attribute has this id. */
int reader_attribute(struct catalog_reader *reader, uint32_t id, const struct attribute **ret,
                     struct error *err);
/* The shards of an attribute of this reader. Borrowed: valid until the next call. */
int reader_shards(struct catalog_reader *reader, const struct attribute *attribute, const struct shards **ret,
                  struct error *err);
bool reader_has_shards(const struct catalog_reader *reader, const struct attribute *attribute);
