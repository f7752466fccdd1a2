// SPDX-License-Identifier: Apache-2.0
/* What sources say of themselves in two versions. Private to diff.c; threads and errors as there. */
#pragma once

#include "query/report/diff.h"

/* `since`: the older version. */
int diff_sources(const struct diff *diff, const struct diff_visitor *visitor, uint32_t since,
                 struct error *err);
