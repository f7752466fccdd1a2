// SPDX-License-Identifier: Apache-2.0
/*
 * What stands beside the versions (index/base/series.h): one listing says how far all of it goes, and what is
 * new is read of each kind at once. Some kinds are begun with what the head's copy of a manifest says, while
 * it is not known yet which version is the newest.
 */
#include "index/dataset/dataset_state.h"

static int load_tags(struct dataset *dataset, const struct manifest *newest, struct series_listing *listing,
                     struct error *err)
{
    return tags_load(dataset->tags, newest, listing, err);
}

static int load_roots(struct dataset *dataset, const struct manifest *newest, struct series_listing *listing,
                      struct error *err)
{
    return roots_load(dataset->roots, newest ? newest->roots : 0, listing, err);
}

static bool roots_are_loaded(struct dataset *dataset, const struct manifest *newest)
{
    return true; /* how many there are is no more than a guess */
}

static int load_forgotten(struct dataset *dataset, const struct manifest *newest,
                          struct series_listing *listing, struct error *err)
{
    return forgotten_load(dataset->forgotten, newest, listing, err);
}

static bool forgotten_are_loaded(struct dataset *dataset, const struct manifest *newest)
{
    return !newest || forgotten_is_loaded(dataset->forgotten, newest);
}

static int load_purges(struct dataset *dataset, const struct manifest *newest, struct series_listing *listing,
                       struct error *err)
{
    return dataset_load_purges(dataset, newest, listing, err);
}

static bool purges_are_loaded(struct dataset *dataset, const struct manifest *newest)
{
    return !newest || purges_is_loaded(dataset->purges, newest);
}

static const struct {
    int (*load)(struct dataset *dataset, const struct manifest *newest, struct series_listing *listing,
                struct error *err);
    /* NULL: not ahead. Else: was what was loaded ahead all that `newest` knows of? */
    bool (*is_loaded)(struct dataset *dataset, const struct manifest *newest);
    bool quiet; /* what cannot be read is said when it is asked for */
} kinds[SERIES_KINDS] = {
    [SERIES_TAGS] = {.load = load_tags},
    [SERIES_ROOTS] = {.load = load_roots, .is_loaded = roots_are_loaded, .quiet = true},
    [SERIES_FORGOTTEN] = {.load = load_forgotten, .is_loaded = forgotten_are_loaded},
    [SERIES_PURGES] = {.load = load_purges, .is_loaded = purges_are_loaded},
};

void dataset_series_begin(struct dataset *dataset, bool roots, struct series_loading *ret)
{
    *ret = (struct series_loading){.dataset = dataset, .roots = roots};
    ret->listing = series_listing_begin(&dataset->layout);
}

static void run_load(void *ctx)
{
    struct series_load *load = ctx;
    struct series_loading *loading = load->loading;
    load->rc = kinds[load->kind].load(loading->dataset, load->newest, loading->listing, &load->err);
    load->ran = load->rc >= 0;
}

static void begin_load(struct series_loading *loading, enum series_kind kind, const struct manifest *newest)
{
    struct series_load *load = &loading->loads[kind];
    *load = (struct series_load){.loading = loading, .kind = kind, .newest = newest};
    meanwhile_begin(&load->meanwhile, run_load, load);
}

void dataset_series_ahead(struct series_loading *loading, const struct manifest *copy)
{
    for (unsigned kind = 0; kind < SERIES_KINDS; kind++)
        if (kinds[kind].is_loaded && (kind != SERIES_ROOTS || (loading->roots && loading->dataset->roots)))
            begin_load(loading, kind, copy);
}

void dataset_series_wait(struct series_loading *loading)
{
    for (unsigned kind = 0; kind < SERIES_KINDS; kind++)
        meanwhile_end(&loading->loads[kind].meanwhile);
}

void dataset_series_forget_roots(struct series_loading *loading)
{
    dataset_series_wait(loading);
    loading->loads[SERIES_ROOTS].ran = false;
}

int dataset_series_end(struct series_loading *loading, const struct manifest *newest, struct error *err)
{
    int rc = 0;
    dataset_series_wait(loading);
    for (unsigned kind = 0; kind < SERIES_KINDS; kind++)
        if ((kind != SERIES_ROOTS || loading->roots) &&
            !(loading->loads[kind].ran && kinds[kind].is_loaded(loading->dataset, newest)))
            begin_load(loading, kind, newest);
    dataset_series_wait(loading);
    for (unsigned kind = 0; !rc && kind < SERIES_KINDS; kind++)
        if (loading->loads[kind].rc < 0 && !kinds[kind].quiet)
            rc = error_copy(err, &loading->loads[kind].err);
    return rc;
}

void dataset_series_done(struct series_loading *loading)
{
    dataset_series_wait(loading);
    series_listing_free(loading->listing);
    loading->listing = NULL;
}
