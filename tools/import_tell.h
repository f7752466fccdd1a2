// SPDX-License-Identifier: Apache-2.0
/* What `elidefs import` tells a person, on standard error, and its result, on standard output. Any thread. */
#pragma once

#include "index/commit/apply/apply.h"
#include "tools/command.h"
#include "tools/import/import.h"

void import_print_json(const struct import_counts *found, uint32_t version,
                       const struct apply_counts *counts);
copy_serve_fn import_tell_serve;
void import_tell_found(const struct import_counts *found);
void import_tell(const struct arguments *arguments, const struct import_counts *found, uint32_t version,
                 const struct apply_counts *counts);
/* What it changes of what imports said before. */
void import_tell_labels(const struct apply_counts *counts);
void import_tell_left_out(const struct import_counts *found);
