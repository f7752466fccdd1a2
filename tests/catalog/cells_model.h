// SPDX-License-Identifier: Apache-2.0
/* A plain table of what each clip of a data set has, and what may happen to both: test_cells.c. */
#pragma once

#include "tests/catalog/versions.h"

enum { CLIPS_MAX = 12000, SLOTS = 9, VALUES_MAX = 3, TEXT_BYTES = 48, FIRST = 5000, SETTERS = 3, LABELS = 2 };
struct cell {
    uint32_t count;
    struct value values[VALUES_MAX];
    char texts[VALUES_MAX][TEXT_BYTES];
    unsigned setter;
    uint32_t version;
};
struct clip {
    bool live;
    bool purged;           /* and not given again */
    uint32_t row, changed; /* version that last changed its json */
    struct cell cells[SLOTS];
    uint32_t events[LABELS]; /* version that set it; 0: none */
    uint64_t json;           /* a hash of it; 0: not live */
};
struct slot {
    bool used, imported;
    char name[24];
    enum value_type type;
    bool multi;
    unsigned different;
};
struct model {
    struct versions v;
    struct clip *clips;
    uint32_t count, names;
    bool purges;          /* clips are taken out of the catalog as if they had never been there */
    struct strmap *texts; /* long ones: the number of the one clip that ever had it, + 1, or TEXT_SHARED */
    struct slot slots[SLOTS];
};

extern const char *const model_setters[SETTERS];

uint32_t model_below(uint32_t n); /* by chance */
void model_seed(uint64_t seed);
/* A value of the slot's type by chance; a text is put into `text`. */
void model_value(const struct slot *slot, struct value *value, char *text);
int model_compare(const void *a, const void *b); /* two values, for qsort() */
void model_json(const struct model *model, const struct clip *clip, struct buf *buf);
void model_note_changes(struct model *model); /* of the newest version */
void model_note_texts(struct model *model);

#define TEXT_SHARED UINTPTR_MAX
enum { TEXT_LONG = 10 }; /* bytes of those that a search tells apart: see model_value() */

/* FIRST clips with attributes by chance. `purges` must be set; all else is made. */
void model_init(struct model *model, const struct apply_limits *limits);
void model_done(struct model *model);
/* Something happens; what it was. */
const char *model_step(struct model *model);
