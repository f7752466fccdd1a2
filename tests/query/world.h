// SPDX-License-Identifier: Apache-2.0
/* A small data set for tests: clips with attributes, kept as a plain model and made into a real catalog. */
#pragma once

#include "index/catalog/catalog.h"

enum { WORLD_ATTRIBUTES_MAX = 16, WORLD_VALUES_MAX = 4, WORLD_CLIPS_MAX = 4096 };

struct world_attribute {
    const char *name;
    enum value_type type;
    bool multi;
};
struct world_clip {
    char key[40];
    struct {
        struct value list[WORLD_VALUES_MAX];
        size_t count;
    } values[WORLD_ATTRIBUTES_MAX];
};
struct world {
    const struct world_attribute *attributes; /* ends with a NULL name */
    struct world_clip *clips;
    size_t count;
    char **texts; /* what text values point to */
    size_t text_count, text_cap;
};

void world_done(struct world *world);
struct world_clip *world_add(struct world *world, const char *key);
/* Adds a value unless the clip has it. */
void world_value(struct world *world, struct world_clip *clip, const char *attribute, const char *text);
/* Adds a clip from "ep1 arm=left tags=a,b length=3"; writes NULs into the line. */
void world_add_line(struct world *world, char *line);

struct changeset;
struct changeset *world_changeset(const struct world *world);

/* Every clip has front.mp4, wrist.mp4 and state.parquet. Files are in a temporary folder that goes with the
 * catalog's last use: world_close(). */
struct world_catalog {
    char *folder, *path; /* the catalog's own file */
    struct catalog *catalog;
    struct catalog_reader *reader; /* one that may wait */
};
void world_open(const struct world *world, struct world_catalog *ret);
/* Version 2: `parent` with the clips of `world` added, or in place of those of the same key. `parent` stays
 * open longer. */
void world_open_next(const struct world *world, const struct world_catalog *parent,
                     struct world_catalog *ret);
void world_close(struct world_catalog *open);

/* Eight clips with one attribute of each type; the world of the golden tables. */
extern const struct world_attribute world_kitchen_attributes[];
void world_kitchen(struct world *ret, struct world_catalog *ret_open);
