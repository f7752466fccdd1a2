// SPDX-License-Identifier: Apache-2.0
/* Names, sizes, times and fingerprints of clips, gathered for a group of rows and written when the next one
 * is entered. Rows come in ascending order, each once; a new one is the next there is. A group in which
 * nothing changes is not written. Thread rule: one thread at a time. Private to apply(). */
#pragma once

#include "index/commit/apply/apply_state.h"

struct apply_groups;

struct apply_groups_clip {
    uint32_t row;
    const char *key; /* texts are borrowed for the call */
    const struct catalog_file *files;
    uint32_t file_count;
    int64_t json; /* as in struct clips_row */
    uint32_t json_changed;
    struct ident_row ident;
};

struct apply_groups *apply_groups_new(struct apply *apply);
void apply_groups_free(struct apply_groups *groups);
int apply_groups_put(struct apply_groups *groups, const struct apply_groups_clip *clip, struct error *err);
int apply_groups_flush(struct apply_groups *groups, struct error *err);
