// SPDX-License-Identifier: Apache-2.0
/* What the halves of a change set share: changeset.c and changeset_labels.c append to the log,
 * changeset_read.c reads it. */
#pragma once

#include "cache/base/cursor.h"
#include "cache/base/spool.h"
#include "cache/base/strmap.h"
#include "index/commit/changeset.h"
#include "index/commit/changeset_keys.h"

#define CHANGESET_MAGIC "elidcs2\n"
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
    bool has_evidence;
};

struct changeset_file {
    size_t name_at, ext_at; /* offsets of the texts in the log */
};

struct changeset {
    struct spool log;
    struct buf operation;      /* the last one, on its way there */
    struct strmap *roots;      /* URL -> number */
    struct strmap *objects;    /* root's number in decimal, '/', path -> number */
    struct strmap *attributes; /* name -> number */
    struct changeset_keys clips;
    struct strmap *removals;  /* keys */
    struct strmap *labels_of; /* key -> number of the clip that takes over its labels, from 0 */
    struct changeset_attribute *attribute_list;
    size_t attribute_cap;
    struct changeset_object *object_list;
    size_t object_cap;
    struct strmap *sources; /* root's number in decimal, '/', folder -> nothing */
    size_t source_files,
        source_bytes;             /* of the last of them, and where the text of its last file's name is in */
    size_t source_file_at;        /* the log; 0: it has none */
    size_t next_attribute;        /* of the list; behind the one named last: clips tend to be alike */
    size_t key_at;                /* offset of the text of the key of the clip under way; 0: none */
    struct changeset_file *files; /* its streams */
    size_t file_count, file_cap;
    bool has_extra;  /* it has one */
    bool has_source; /* it is said which it is of */
    bool hidden;     /* it is hidden */
    bool has_setter, has_labels, has_events;
    size_t label_at; /* offset of the text of the events' label under way; 0: none */
};

/* The key of the clip under way, or NULL; valid until something is appended. */
static inline const char *changeset_key(const struct changeset *set)
{
    return set->key_at ? (const char *)set->log.bytes.data + set->key_at : NULL;
}
static inline uint32_t changeset_number(const struct changeset *set,
                                        const struct changeset_attribute *declared)
{
    return (uint32_t)(declared - set->attribute_list);
}
/* The attribute of this name, or NULL if it was not declared; its number is where it stands in the list. */
struct changeset_attribute *changeset_declared(struct changeset *set, const char *name);

/* The operation that has its first text, a clip's key, at this place. It has no pieces. */
struct changeset_op changeset_operation_of(const struct changeset *set, size_t text_at);

/* Where the operation begins that the text of `len` bytes at `at` is the first part of: kind, length, text.
 */
static inline size_t changeset_op_of_text(size_t at, size_t len)
{
    size_t length_bytes = 1;
    for (; len >= 0x80; len >>= 7)
        length_bytes++;
    return at - length_bytes - 1;
}
