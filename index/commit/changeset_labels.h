// SPDX-License-Identifier: Apache-2.0
/*
 * The writing half of a change set for labels: values and events of clips that the data set has already, and
 * what changes of attributes as such. Such a set holds no clips of its own. Thread rule: that of changeset.h.
 */
#pragma once

#include "index/commit/changeset.h"

enum { CHANGESET_SETTER_MAX = 200 }; /* bytes */

/* Where a clip has another value of an attribute already: */
enum changeset_policy {
    CHANGESET_OWN = 0,     /* the setter's own is replaced; somebody else's is an error */
    CHANGESET_MISSING = 1, /* it stays, whoever set it */
    CHANGESET_ALL = 2,     /* it is replaced, whoever set it */
};
struct changeset_setter {
    const char *name; /* of a person or a model */
    enum changeset_policy policy;
    const char *table; /* for messages, before the number of a line: "labels.csv: line" */
};
/* Who sets the values of this set. At most once, before the first clip; a set of clips that does without is
 * an import. -EINVAL: no name. */
int changeset_setter(struct changeset *set, const struct changeset_setter *setter, struct error *err);

/* Begins the labels of a clip: changeset_value() and changeset_events() follow. An attribute that is not
 * mentioned stays as it is. `place`: its line. -EEXIST: the clip is there already. */
int changeset_labels(struct changeset *set, const char *key, uint64_t place, struct error *err);
/* The clip has no value of this attribute, which must be declared. At most once, and without a value. In an
 * import only of attributes that it is partial in: of others it goes without saying. */
int changeset_none(struct changeset *set, const char *attribute, struct error *err);
/* The setter's events of this label in the clip are those that follow, and no others. Labels of a clip come
 * in byte order: -EINVAL else. */
int changeset_events(struct changeset *set, const char *label, struct error *err);
/* From the clip's start. -EINVAL: ends before it starts, or starts before the clip. */
int changeset_event(struct changeset *set, int64_t start_ns, int64_t end_ns, struct error *err);

/* Changes of attributes, before anything is declared or labelled. */
int changeset_rename(struct changeset *set, const char *name, const char *new_name, struct error *err);
int changeset_describe(struct changeset *set, const char *name, const char *text,
                       struct error *err); /* "": no more */
int changeset_drop(struct changeset *set, const char *name, struct error *err);
/* The attribute's values become texts, as paths spell them; nothing if it is text, or not there. */
int changeset_to_text(struct changeset *set, const char *name, struct error *err);
