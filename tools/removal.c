// SPDX-License-Identifier: Apache-2.0
/* Gathers and commits against the newest version, again from the start if another commit came between. */
#include "tools/removal.h"

#include <errno.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/instant.h"
#include "index/catalog/catalog_known.h"
#include "index/commit/commit.h"
#include "query/say/place.h"

struct removing {
    struct catalog_reader *reader; /* of the version that the path means */
    struct catalog_reader *newest; /* NULL: the same */
    struct changeset *set;
    uint64_t clips, replaced;
    char *example; /* key of one that was */
};

/* A key names what an older version had only while nothing else has come in its place. */
static int check_same(struct removing *removing, const char *key, struct error *err)
{
    struct catalog_known was, is;
    int rc = catalog_known_key(removing->reader, key, &was, err);
    if (rc > 0)
        rc = catalog_known_key(removing->newest, key, &is, err);
    if (rc <= 0 || !is.live || !memcmp(was.print, is.print, sizeof is.print))
        return rc < 0 ? rc : 0;
    if (!removing->replaced++)
        removing->example = mem_text(key);
    return 0;
}

static int remove_row(void *ctx, uint32_t row, struct error *err)
{
    struct removing *removing = ctx;
    struct catalog_clip clip;
    int rc = catalog_clip(removing->reader, row, &clip, err);
    CLEANUP_FREE char *key = rc ? NULL : mem_text(clip.key); /* borrowed until the next question */
    removing->clips++;
    if (!rc && removing->newest)
        rc = check_same(removing, key, err);
    return rc ? rc : changeset_remove(removing->set, key, err);
}

/* A path is easily mistyped: one without a condition is every clip there is. */
static int take(struct removing *removing, const struct removal *removal, const struct place *place,
                struct error *err)
{
    size_t conditions;
    query_clauses(place->query, &conditions);
    if (!place->is_file && !conditions && !removal->all)
        return error_set(err, EINVAL, "'%s' means every clip: say which, such as outcome=fail, or --all",
                         removal->path);
    return place->is_file ? remove_row(removing, place->row, err)
                          : query_each_clip(place->query, removing->reader, CATALOG_COMING_FILES, remove_row,
                                            removing, err);
}

static int open_version(struct dataset *dataset, uint32_t version, struct catalog_reader **ret,
                        struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL; /* the reader has a reference of its own */
    int rc = dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, err);
    return rc ? rc : catalog_reader_acquire(catalog, PATIENCE_ENDLESS, ret, err);
}

/* *ret_after: the version that this is true of. */
static int gather(struct dataset *dataset, const struct removal *removal, struct changeset *set,
                  uint32_t *ret_after, struct error *err)
{
    CLEANUP_PLACE struct place place = {0};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL, *newest = NULL;
    int rc = dataset_refresh(dataset, NULL, err); /* others may have committed since the last try */
    if (!rc)
        rc = place_resolve(dataset, removal->path, &place, err);
    if (rc)
        return rc;
    *ret_after = dataset_head(dataset);
    rc = open_version(dataset, place.version, &reader, err);
    if (!rc && place.version < *ret_after)
        rc = open_version(dataset, *ret_after, &newest, err);
    struct removing removing = {.reader = reader, .newest = newest, .set = set};
    if (!rc)
        rc = take(&removing, removal, &place, err);
    if (!rc && removing.replaced)
        rc = error_set(err, ESTALE,
                       "%llu of %s have been replaced since v%u, such as '%s'; nothing was removed: what "
                       "is there now is named by a path in latest",
                       (unsigned long long)removing.replaced, COUNT(removing.clips, "clip"), place.version,
                       removing.example);
    free(removing.example);
    return rc;
}

static int try_once(struct dataset *dataset, const struct removal *removal, uint32_t *ret_version,
                    struct apply_counts *ret_counts, struct error *err)
{
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct dataset_commit info = {.message = removal->message, .based = true, .exact = true};
    int rc = gather(dataset, removal, set, &info.base, err);
    if (rc)
        return rc;
    return changeset_removals(set) ? dataset_commit(dataset, set, &info, ret_version, ret_counts, err)
                                   : error_set(err, EALREADY, "nothing to remove");
}

int removal_commit(struct dataset *dataset, const struct removal *removal, uint32_t *ret_version,
                   struct apply_counts *ret_counts, struct error *err)
{
    int64_t end = clock_now_ns() + COMMIT_PATIENCE_NS;
    int rc;
    do
        rc = try_once(dataset, removal, ret_version, ret_counts, err);
    while (rc == -EREMCHG && clock_now_ns() < end);
    return rc;
}
