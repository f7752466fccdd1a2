// SPDX-License-Identifier: Apache-2.0
/*
 * Versions that a newer program made. Each stands for itself: what this program does not know refuses that
 * version, and who meets it is told which is the newest that can be read.
 *
 * A version requires what its parent does, or what took its place (index/FORMAT.md, "Room"), so versions that
 * can be read come first, and the last of them is found by halving: a few manifests, of which most are known.
 */
#include <errno.h>

#include "index/dataset/dataset_state.h"

static bool is_supported(const struct manifest *manifest)
{
    /* one that was forgotten is no matter of programs */
    return manifest->stub || !manifest_check_supported(manifest, NULL);
}

/* Can this version be read, or where its manifest is damaged, the one before it, above `low`? *version is
 * the one that told, `low` if none could. */
static int ask(struct dataset *dataset, uint32_t low, const struct catalog_patience *patience,
               uint32_t *version, bool *ret_supported, struct error *err)
{
    for (; *version > low; --*version) {
        const struct manifest *manifest;
        int rc = dataset_find_manifest(dataset, *version, patience, &manifest, err);
        if (!rc)
            *ret_supported = is_supported(manifest);
        if (rc != -EUCLEAN && rc != -ENOENT && rc != -EFBIG)
            return rc;
    }
    return 0;
}

/* `high` cannot be read. */
static int halve(struct dataset *dataset, uint32_t high, const struct catalog_patience *patience,
                 uint32_t *ret, struct error *err)
{
    uint32_t low = 0, found = 0; /* v0 is empty: nobody can read, or fail to read it */
    for (uint64_t step = 1; high - low > 1; step *= 2) { /* near the end first: new programs are new */
        uint32_t middle = low + (high - low) / 2;
        uint32_t at = high - middle > step ? high - (uint32_t)step : middle, asked = at;
        bool supported = false;
        int rc = ask(dataset, low, patience, &asked, &supported, err);
        if (rc)
            return rc;
        if (asked > low && !supported)
            high = asked;
        else
            low = at; /* what lies between is damaged */
        found = supported ? asked : found;
    }
    *ret = found;
    return 0;
}

int dataset_newest_readable(struct dataset *dataset, const struct catalog_patience *patience, uint32_t *ret,
                            struct error *err)
{
    uint32_t head = dataset_head(dataset), newest = head;
    bool supported = head == 0;
    int rc = ask(dataset, 0, patience, &newest, &supported, err);
    if (!rc && !supported)
        rc = newest ? halve(dataset, newest, patience, &newest, err) : 0;
    if (!rc)
        *ret = newest;
    return rc;
}

/* Where that cannot be found out, the reason for what was asked is told without it. */
int dataset_check_readable(struct dataset *dataset, const struct manifest *manifest,
                           const struct catalog_patience *patience, struct error *err)
{
    struct error why = {0};
    uint32_t newest;
    int rc = manifest_check_supported(manifest, &why);
    if (!rc)
        return 0;
    if (manifest->stub || manifest->outdated) /* no program reads it */
        return error_copy(err, &why);
    if (dataset_newest_readable(dataset, patience, &newest, NULL))
        return error_copy(err, &why);
    if (!newest)
        return error_set(err, ENOTSUP, "%s; it can read no version of %s", why.text, dataset_url(dataset));
    return error_set(err, ENOTSUP, "%s; the newest that it can read is v%u", why.text, newest);
}

int dataset_check_extendable(struct dataset *dataset, struct error *err)
{
    const struct manifest *newest = dataset_known_manifest(dataset, dataset_head(dataset));
    int rc = newest ? manifest_check_supported(newest, err) : 0;
    return rc ? error_within(err, rc, "nothing can be added to %s", dataset_url(dataset)) : 0;
}
