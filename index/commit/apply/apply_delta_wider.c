// SPDX-License-Identifier: Apache-2.0
/* Attributes that get wider: several values a clip, or floats where integers stood. */
#include <errno.h>

#include "index/catalog/shard/shard_parts.h"
#include "index/catalog/shard/shard_walk.h"
#include "index/commit/apply/apply_delta.h"

int apply_delta_unfold(struct db *db, struct attribute *attribute, struct error *err)
{
    int rc = attribute_has_column(attribute) ? shard_parts_drop(db, attribute->info.id, err) : 0;
    attribute->info.multi = true;
    return rc;
}

static int not_exact(const struct attribute *attribute, int64_t number, struct error *err)
{
    return error_set(
        err, EINVAL,
        "the attribute '%s' is integer in the data set and float in the import, and %lld is not exact as "
        "a float (--type '%s=text' makes texts of all in it)",
        attribute->info.name, (long long)number, attribute->info.name);
}

int apply_delta_check_exact(const struct attribute *attribute, int64_t number, struct error *err)
{
    enum { EXACT_BITS = 53 };
    bool exact = number >= -(1ll << EXACT_BITS) && number <= 1ll << EXACT_BITS;
    return exact ? 0 : not_exact(attribute, number, err);
}

static int check_exact(struct db *db, const struct attribute *attribute, struct error *err)
{
    CLEANUP_SHARDS struct shards shards = {0};
    CLEANUP_SHARDS_WALK struct shards_walk walk = {0};
    int rc = shards_open(db, attribute->info.id, VALUE_INT, &shards, err);
    if (!rc)
        rc = shards_walk_init(&walk, &shards, NULL, false, err);
    while (!rc && (rc = shards_walk_next(&walk, err)) == 1)
        rc = apply_delta_check_exact(attribute, walk.key.number, err);
    return rc;
}

int apply_delta_widen(struct db *db, struct attribute *attribute, struct error *err)
{
    int rc = check_exact(db, attribute, err);
    if (!rc)
        rc = shards_widen(db, attribute->info.id, err);
    if (!rc)
        attribute->info.type = VALUE_FLOAT;
    return rc;
}
