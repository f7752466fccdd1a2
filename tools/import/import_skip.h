// SPDX-License-Identifier: Apache-2.0
/* What of a source that is partly bad may be imported. One thread at a time. */
#pragma once

#include "tools/import/draft.h"
#include "tools/import/import.h"

/* All was looked at: 0 if what is good may be imported, with counts->bad and bad_loose; else what is wrong:
 * the one fault, or how many there are, and whether --skip-bad would help. */
int import_skip_check(const struct import_request *request, const struct drafts *drafts,
                      struct import_counts *counts, struct error *err);
