// SPDX-License-Identifier: Apache-2.0
/* What the two halves of a change set share: changeset.c appends to the log, changeset_read.c reads it. */
#pragma once

#include "cache/base/cursor.h"
#include "cache/base/strmap.h"
#include "index/changeset.h"

#define CHANGESET_MAGIC "elidcs1\n"
enum { CHANGESET_MAGIC_BYTES = 8, CHANGESET_CONTAINER_MAX = 15, CHANGESET_ATTRIBUTE_BYTES = 256 };

struct changeset_attribute {
    const char *name; /* borrowed from the map of names */
    enum value_type type;
    bool multi, partial;
    size_t clip; /* the last clip (counted from 1) that got a value of it */
};

struct changeset_object {
    uint64_t size;
    size_t pin_at; /* offset of its pin's text in the log */
};

struct changeset_file {
    size_t name_at, ext_at; /* offsets of the texts in the log */
};

struct changeset {
    struct buf log;
    struct strmap *roots;      /* URL -> number */
    struct strmap *objects;    /* root's number in decimal, '/', path -> number */
    struct strmap *attributes; /* name -> number */
    struct strmap *clips;      /* key -> offset of its source's text in the log */
    struct strmap *removals;   /* keys */
    struct strmap *labels_of;  /* key -> number of the clip that takes over its labels, from 0 */
    struct changeset_attribute *attribute_list;
    size_t attribute_cap;
    struct changeset_object *object_list;
    size_t object_cap;
    const char *key;              /* of the clip under way; NULL: none. Borrowed from the map of clips */
    struct changeset_file *files; /* its streams */
    size_t file_count, file_cap;
    bool has_extra; /* it has one */
    bool hidden;    /* it is hidden */
    bool has_setter, has_labels;
    size_t label_at; /* offset of the text of the events' label under way; 0: none */
};

size_t changeset_append_text(struct buf *log, const char *text); /* returns where the text itself stands */
