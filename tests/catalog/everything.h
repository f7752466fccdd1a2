// SPDX-License-Identifier: Apache-2.0
/* A catalog that has a row in each table, and change sets that touch most of it. */
#pragma once

#include "tests/catalog/versions.h"

/* The change sets that make it, by step from 0, and the limits that each is applied under; NULL: no more. */
struct changeset *everything_step(int clips, unsigned step, struct apply_limits *ret_limits);
/* The newest of `versions`, which must be new, is it. `clips`: at least 60, and keys "ep000" and so on. */
void everything_make(struct versions *versions, int clips);
/* As many clips, and one that they do not have in common with other sets. `force`: that attribute's type. */
struct changeset *everything_clips(int clips, int print, enum value_type force);
struct changeset *everything_labels(const char *setter);
struct changeset *everything_attributes(void); /* dropped, renamed, made text */
