// SPDX-License-Identifier: Apache-2.0
/* What the sources of a version say of themselves, for `elidefs catalog`. One thread; waits. */
#pragma once

#include "tools/session.h"

/* A line a source and a file of one. */
int sources_print(struct session *session, uint32_t version, struct error *err);
/* The bytes of one file, as `name` stands in these lines: "1/meta/info.json". */
int sources_cat(struct session *session, uint32_t version, const char *name, struct error *err);
