// SPDX-License-Identifier: Apache-2.0
/*
 * Does a table mean the numbers that clips have now, or those they had before their source was renumbered?
 * A row says the name of a clip alone, and in the import that renumbers another clip may have had that name.
 * So each column that the source knows of its clips, too (length, task ...), is compared:
 *
 *     some row says otherwise than the source now             the table means the old numbers
 *     all agree, and the old content of some name had
 *     another value than its row says                         it means the new ones
 *     all agree, with the old numbers as well                 nobody knows
 *
 * A table whose names all mean the same content as before is fine. One thread at a time; may wait.
 */
#pragma once

#include "tools/import/draft.h"
#include "tools/import/table_batch.h"

struct table_renumbered;

/* `drafts->known` must be set, with a version. Borrowed. */
struct table_renumbered *table_renumbered_new(const struct drafts *drafts);
void table_renumbered_free(struct table_renumbered *renumbered);

/* Begins a table, all of whose columns are known and none of which has replaced what the source says yet. */
void table_renumbered_begin(struct table_renumbered *renumbered, const struct table_reader *reader);
/* Its next row, which is about clip `clip` of the drafts. -errno of the catalog. */
int table_renumbered_row(struct table_renumbered *renumbered, const struct table_reader *reader,
                         const struct table_kept_row *row, size_t clip, struct error *err);

size_t table_renumbered_count(const struct table_renumbered *renumbered); /* of tables begun */
/* What is to be said of table `i` if this import renumbers clips: 0, or -EINVAL with what to type. *ret_file:
 * its name; borrowed. */
int table_renumbered_check(const struct table_renumbered *renumbered, size_t i, const char **ret_file,
                           struct error *err);
