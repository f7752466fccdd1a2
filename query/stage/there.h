// SPDX-License-Identifier: Apache-2.0
/* What a stage is bound to, in the version that it is applied to, which may be another one. */
#pragma once

#include "index/catalog/catalog.h"

/* The attribute as the reader's version has it, maybe by another name or of another type: 1. 0: that version
 * lacks it, so no clip has a value. -EAGAIN from a reader that does not wait. */
int there_attribute(struct catalog_reader *reader, const struct catalog_attribute *bound,
                    struct catalog_attribute *ret, struct error *err);
