// SPDX-License-Identifier: Apache-2.0
/* A data set as plain arrays, with all its versions: what a change set that was made for one of them does to
 * the newest. It knows nothing of runs or rows: what others have changed is found by comparing versions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "index/commit/changeset_labels.h"

enum {
    MODEL_KEYS = 8,
    MODEL_ATTRIBUTES = 64,
    MODEL_EVENTS = 12,
    MODEL_VERSIONS = 200,
    MODEL_SAID = 3, /* attributes of a set, clips of a set, events of a clip */
};

/* ---- versions ---- */

enum { MODEL_NONE = -1, MODEL_SAYS_NONE = -2 };
struct model_cell {
    int value; /* or MODEL_NONE; of numbers in halves */
    const char *setter;
    uint32_t version;
};

struct model_event {
    char label;
    int start; /* seconds; it ends one later */
    const char *setter;
    uint32_t version;
};

struct model_clip {
    bool known, live;
    int content;
    uint32_t changed; /* the version that brought the content */
    struct model_cell cells[MODEL_ATTRIBUTES];
    struct model_event events[MODEL_EVENTS]; /* by label, start, version */
    int event_count;
};

struct model_attribute {
    bool there;
    char name;
    enum value_type type;
};

struct model_version {
    struct model_clip clips[MODEL_KEYS];
    struct model_attribute attributes[MODEL_ATTRIBUTES]; /* by number, for ever */
    int attribute_count;
    int former[128]; /* name -> attribute + 1, or MODEL_DROPPED; 0: nothing */
};
enum { MODEL_DROPPED = -1 };

/* ---- sets ---- */

enum model_kind { MODEL_IMPORT, MODEL_LABELS, MODEL_RENAME, MODEL_DROP };

struct model_said {
    int key, content;
    bool removed;
    int values[MODEL_SAID]; /* of the declared attributes; MODEL_NONE: nothing is said */
    char label;             /* of its events, or 0; */
    int starts[MODEL_SAID]; /* ascending */
    int start_count;
};

struct model_declared {
    char name;
    enum value_type type; /* TEXT, INT or FLOAT */
    bool partial;
};

struct model_set {
    enum model_kind kind;
    uint32_t base;
    const char *setter; /* of labels */
    enum changeset_policy policy;
    struct model_declared declared[MODEL_SAID];
    int declared_count;
    struct model_said clips[MODEL_SAID];
    int clip_count;
    char from, to; /* RENAME, DROP */
};

/* ---- commits ---- */

struct model {
    uint32_t head;
    struct model_version versions[MODEL_VERSIONS + 1]; /* of v0 nothing is there */
};

void model_empty(struct model_version *version);
/* What becomes of the set: 0, and the model has one version more; or -errno, as dataset_commit(). */
int model_commit(struct model *model, const struct model_set *set);
/* The json of a clip, and who set its values: "a=t1 by anna v3, ..." */
void model_print(const struct model_version *version, int key, struct buf *json, struct buf *blame);
void model_print_value(enum value_type type, int value, struct buf *buf);
