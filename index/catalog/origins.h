// SPDX-License-Identifier: Apache-2.0
/* Who set a value, in which version. Values name an origin by its number; 0 is an import of which no more is
 * known. Read as they are asked for, and kept. Thread rule: that of the connection. */
#pragma once

#include "index/catalog/db.h"

#define ORIGIN_IMPORT "import" /* who sets what an import brings */

struct origins {
    struct catalog_origin *list; /* by number; setter NULL: not read yet. Setters are owned */
    size_t count;
};
void origins_done(struct origins *origins);
/* The origin of this number; its text lives as long as `origins`. -EUCLEAN if there is none. */
int origins_get(struct db *db, struct origins *origins, uint32_t number, struct catalog_origin *ret,
                struct error *err);
