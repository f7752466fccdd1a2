// SPDX-License-Identifier: Apache-2.0
/* Columns of a table as attributes of drafts. One thread at a time. */
#pragma once

#include "tools/import/draft.h"
#include "tools/import/table_batch.h"

/* May the columns be attributes, each one of its own? `other`: by column, those that are none. -EINVAL. */
int table_attribute_check(const struct table_reader *reader, const bool *other, struct error *err);
/* Adds a kept cell's values, as ones of its column's type. Errors name neither place nor column. */
int table_attribute_set(struct drafts *drafts, struct draft *clip, size_t attribute,
                        const struct table_type *type, const struct table_kept *cell, struct error *err);
