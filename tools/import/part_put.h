// SPDX-License-Identifier: Apache-2.0
/* A part is handed over: what it has read, then its record. One thread at a time; waits. */
#pragma once

#include "tools/import/part_record.h"
#include "tools/import/scan_cache.h"

/* Puts what lies in `scans`, whose objects the record then names, and the record. 1; 0: the part was complete
 * already, and stays as it was; -errno: nothing is left behind, unless the store does not tell. */
int part_put(struct store *store, struct part_record *record, struct scan_cache *scans, struct error *err);
