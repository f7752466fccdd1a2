// SPDX-License-Identifier: Apache-2.0
/*
 * Finding the newest version, and what a data set is, in few round trips.
 *
 *     1  elidefs/head, which holds a copy of a manifest       with it: a listing of tags, roots, ...
 *     2  versions/N, N+1, N+2, N+4, N+8, all at once          with them: hot pages of vN, roots, ...
 *
 * The head is a hint. The newest version is the last whose manifest is there, and the copy only says what to
 * ask for before that is known: the manifest itself is read and counts. Where the hint was old, steps go on
 * doubling, then the gap is searched at several places a round.
 *
 * A store that does not answer while something is noted of this data set is *away*: what is noted is what
 * there is, until a later look finds the store again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/dataset/dataset_state.h"
#include "index/pages/pages.h"

enum { PROBES = 4 };
#define AWAY_AFTER_NS (5 * INT64_C(1000000000)) /* where something is noted, nobody waits longer */

/* ---- manifests, several at once ---- */

static void begin_manifest(struct dataset *dataset, uint32_t version, bool plain,
                           struct layout_reading *reading)
{
    *reading = (struct layout_reading){.max_bytes = MANIFEST_BYTES_MAX, .plain = plain};
    layout_manifest_path(version, reading->path);
    layout_read_begin(&dataset->layout, reading);
}

/* *ret_exists tells whether there is one, whatever it is worth. */
static int end_manifest(struct dataset *dataset, uint32_t version, struct layout_reading *reading,
                        const struct catalog_patience *patience, bool *ret_exists, struct manifest **ret,
                        struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_FREE char *name = mem_printf("%s/%s", dataset_url(dataset), reading->path);
    CLEANUP_MANIFEST struct manifest *manifest = NULL;
    int rc = layout_read_end(&dataset->layout, reading, patience, &bytes, err);
    *ret_exists = !rc || rc == -EFBIG;
    if (!rc)
        rc = manifest_parse(name, bytes.data, bytes.len, &manifest, err);
    if (rc < 0)
        return rc;
    if (manifest->version != version)
        return error_set(err, EUCLEAN, "%s: is the manifest of v%u", name, manifest->version);
    *ret = STEAL(manifest);
    return 0;
}

int dataset_read_manifest(struct dataset *dataset, uint32_t version, const struct catalog_patience *patience,
                          const struct manifest **ret, struct error *err)
{
    struct layout_reading reading;
    struct manifest *manifest;
    bool exists;
    begin_manifest(dataset, version, false, &reading);
    int rc = end_manifest(dataset, version, &reading, patience, &exists, &manifest, err);
    return rc < 0 ? rc : dataset_keep_manifest(dataset, manifest, ret, err);
}

/* So many at once that the round trips of a day's versions do not add up. */
enum { TOGETHER = 16 };

int dataset_read_manifests(struct dataset *dataset, uint32_t first, uint32_t last,
                           const struct catalog_patience *patience, struct error *err)
{
    struct layout_reading readings[TOGETHER];
    uint32_t list[TOGETHER];
    int rc = 0;
    for (uint64_t version = first; !rc && version <= last;) {
        size_t count = 0;
        for (; version <= last && count < TOGETHER; version++)
            if (!dataset_known_manifest(dataset, (uint32_t)version)) {
                list[count] = (uint32_t)version;
                begin_manifest(dataset, (uint32_t)version, false, &readings[count++]);
            }
        for (size_t i = 0; !rc && i < count; i++) {
            struct manifest *manifest = NULL;
            const struct manifest *kept;
            bool exists;
            rc = end_manifest(dataset, list[i], &readings[i], patience, &exists, &manifest, err);
            if (!rc)
                rc = dataset_keep_manifest(dataset, manifest, &kept, err);
        }
        for (size_t i = 0; i < count; i++)
            layout_read_drop(&readings[i]);
    }
    return rc;
}

/* Which versions to ask for, and what came of it: `low` is the highest that is known to exist, `high` the
 * lowest that does not. A manifest that cannot be read stands for itself only: its version exists. */
struct search {
    uint64_t low, high;
    uint64_t list[PROBES];
    struct layout_reading readings[PROBES];
    size_t count;
};

static void add_probe(struct search *search, uint64_t version)
{
    if (version < search->high)
        search->list[search->count++] = version;
}

/* Steps that double while there is no end; then places that divide the gap. */
static void choose(struct search *search, bool one)
{
    search->count = 0;
    if (search->high > MANIFEST_VERSION_MAX) {
        for (uint64_t step = 1; search->count < (one ? 1 : PROBES) && search->low + step < search->high;
             step *= 2)
            add_probe(search, search->low + step);
        return;
    }
    uint64_t gap = search->high - search->low, parts = gap - 1 < PROBES ? gap - 1 : PROBES;
    for (uint64_t i = 1; i <= parts; i++)
        add_probe(search, search->low + i * gap / (parts + 1));
}

static void begin_probes(struct dataset *dataset, struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        begin_manifest(dataset, (uint32_t)search->list[i], false, &search->readings[i]);
}

static void drop_probes(struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        layout_read_drop(&search->readings[i]);
}

static int end_probes(struct dataset *dataset, struct search *search, const struct catalog_patience *patience,
                      struct error *err)
{
    bool away = atomic_load(&dataset->layout.away);
    int rc = 0;
    for (size_t i = 0; i < search->count && !rc; i++) {
        struct manifest *manifest = NULL;
        const struct manifest *kept;
        struct error why = {0};
        bool exists;
        int got = end_manifest(dataset, (uint32_t)search->list[i], &search->readings[i], patience, &exists,
                               &manifest, &why);
        if (!got)
            dataset_keep_manifest(dataset, manifest, &kept, NULL);
        if (exists && search->list[i] > search->low)
            search->low = search->list[i];
        else if (got == -ENOENT || (got == -EHOSTUNREACH && away))
            search->high = search->list[i] < search->high ? search->list[i] : search->high;
        else if (!exists)
            rc = error_copy(err, &why);
    }
    drop_probes(search);
    if (search->high <= search->low) /* a gap is none: what is there counts */
        search->high = search->low + 1;
    return rc;
}

static int search_on(struct dataset *dataset, struct search *search, bool one,
                     const struct catalog_patience *patience, struct error *err)
{
    int rc = 0;
    while (!rc && search->high - search->low > 1) {
        choose(search, one);
        one = false;
        begin_probes(dataset, search);
        rc = end_probes(dataset, search, patience, err);
    }
    if (!rc)
        dataset_move_head(dataset, (uint32_t)search->low);
    return rc;
}

/* ---- looking again ---- */

/* The store was away, and answers again: is its history still the one that was shown meanwhile? */
static int come_back(struct dataset *dataset, const struct catalog_patience *patience, struct error *err)
{
    const struct manifest *known;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_MANIFEST struct manifest *is = NULL;
    struct layout_reading reading = {.max_bytes = MANIFEST_BYTES_MAX, .unnoted = true, .anyway = true};
    uint32_t head = dataset_head(dataset);
    if (!atomic_load(&dataset->layout.away))
        return 0;
    int rc = dataset_manifest(dataset, head, &known, err);
    if (rc < 0)
        return rc;
    layout_manifest_path(head, reading.path);
    layout_read_begin(&dataset->layout, &reading);
    rc = layout_read_end(&dataset->layout, &reading, patience, &bytes, err);
    if (rc < 0)
        return rc;
    if (manifest_parse(reading.path, bytes.data, bytes.len, &is, NULL) < 0 ||
        memcmp(is->sha256, known->sha256, SHA256_BYTES) != 0)
        return error_set(err, EUCLEAN,
                         "%s: v%u is not the one that is cached, which was shown while the store was away",
                         dataset_url(dataset), head);
    layout_set_away(&dataset->layout, false);
    return 0;
}

static int look_for_newer(struct dataset *dataset, const struct catalog_patience *patience, struct error *err)
{
    struct search search = {.low = dataset_head(dataset), .high = (uint64_t)MANIFEST_VERSION_MAX + 1};
    return search_on(dataset, &search, true, patience, err);
}

int dataset_look(struct dataset *dataset, const struct catalog_patience *patience, uint32_t *ret_head,
                 struct error *err)
{
    int rc = come_back(dataset, patience, err);
    if (!rc)
        rc = look_for_newer(dataset, patience, err);
    if (!rc)
        rc = dataset_load_purges(dataset, dataset_known_manifest(dataset, dataset_head(dataset)), NULL, err);
    if (!rc && ret_head)
        *ret_head = dataset_head(dataset);
    return rc;
}

int dataset_refresh(struct dataset *dataset, uint32_t *ret_head, struct error *err)
{
    struct series_loading series CLEANUP(dataset_series_done) = {0};
    int rc = come_back(dataset, PATIENCE_ENDLESS, err);
    if (rc < 0)
        return rc;
    dataset_series_begin(dataset, false, &series);
    rc = look_for_newer(dataset, PATIENCE_ENDLESS, err);
    if (!rc)
        rc = dataset_series_end(&series, dataset_known_manifest(dataset, dataset_head(dataset)), err);
    if (!rc && ret_head)
        *ret_head = dataset_head(dataset);
    return rc;
}

/* ---- opening ---- */

struct discovery {
    struct dataset *dataset;
    const struct dataset_options *options;
    struct layout_reading head;
    struct series_loading series;
    uint32_t hint;         /* what the head says; 0: nothing */
    struct manifest *copy; /* that it holds; NULL: none */
};

static void discovery_done(struct discovery *discovery)
{
    layout_read_drop(&discovery->head);
    dataset_series_done(&discovery->series);
    manifest_free(discovery->copy);
}

static void begin(struct discovery *discovery)
{
    struct layout *layout = &discovery->dataset->layout;
    discovery->head = (struct layout_reading){.max_bytes = LAYOUT_HEAD_MAX, .plain = true};
    snprintf(discovery->head.path, sizeof discovery->head.path, "%s", layout_head_path());
    layout_read_begin(layout, &discovery->head);
    dataset_series_begin(discovery->dataset, discovery->options->roots, &discovery->series);
}

/* "12\n", and then the manifest of v12. What is torn, or of another version, is no copy. */
static void take_head(struct discovery *discovery, const struct buf *text)
{
    const char *digits = buf_text(text);
    size_t len = strspn(digits, "0123456789");
    unsigned long version = len && len < 8 && digits[len] == '\n' ? strtoul(digits, NULL, 10) : 0;
    if (!version || version > MANIFEST_VERSION_MAX)
        return;
    discovery->hint = (uint32_t)version;
    CLEANUP_MANIFEST struct manifest *copy = NULL;
    if (text->len > len + 1 && !manifest_parse("", text->data + len + 1, text->len - len - 1, &copy, NULL) &&
        copy->version == version)
        discovery->copy = STEAL(copy);
}

/* No answer: where something is noted the store is away, else there is nothing to go on with. */
static int go_away(struct discovery *discovery, const struct error *why, struct buf *text, struct error *err)
{
    struct dataset *dataset = discovery->dataset;
    if (layout_noted(&dataset->layout, layout_head_path(), LAYOUT_HEAD_MAX, text))
        return error_copy(err, why);
    layout_set_away(&dataset->layout, true);
    dataset->stray = STEAL(discovery->series.listing);
    dataset->note = mem_printf("%s; what is cached of %s is shown until the store answers again", why->text,
                               dataset_url(dataset));
    return 0;
}

static int end_head(struct discovery *discovery, struct error *err)
{
    struct layout *layout = &discovery->dataset->layout;
    struct catalog_patience patience = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct error why = {0};
    if (!layout_noted(layout, layout_head_path(), LAYOUT_HEAD_MAX, &text))
        patience.deadline_ns = clock_now_ns() + AWAY_AFTER_NS;
    buf_clear(&text);
    int rc = layout_read_end(layout, &discovery->head, &patience, &text, &why);
    if (rc == -ECANCELED)
        return error_copy(err, &why);
    rc = layout_is_away(rc) ? go_away(discovery, &why, &text, err) : 0;
    if (!rc && text.len)
        take_head(discovery, &text);
    return rc;
}

/* What the copy names is asked for before it is known to be true: each page is checked by its hash, and a lie
 * costs so many bytes at most. */
static void want_hot(struct discovery *discovery)
{
    enum { HOT_BYTES_MAX = 16 << 20 };
    const struct map_top *top = &discovery->copy->catalog;
    uint64_t sum = 0;
    for (unsigned i = 0; i < top->hot_count; i++)
        sum += top->hot[i].len;
    for (unsigned i = 0; i < top->hot_count && sum <= HOT_BYTES_MAX; i++)
        page_store_want(discovery->dataset->pages, &top->hot[i]);
}

/* What was begun for the data set that the copy is of is for nothing if it is another. */
static void set_identity(struct discovery *discovery, const char *uuid)
{
    struct dataset *dataset = discovery->dataset;
    if (!strcmp(dataset->uuid, uuid))
        return;
    dataset_series_forget_roots(&discovery->series);
    memcpy(dataset->uuid, uuid, sizeof dataset->uuid);
    roots_free(dataset->roots);
    dataset->roots = NULL;
    page_store_unref(dataset->pages);
    dataset->pages = page_store_new(dataset->layout.store, dataset->cache, uuid);
}

/* The first manifest that is read says which data set this is. */
static int end_base(struct discovery *discovery, uint32_t version, struct layout_reading *reading,
                    struct error *err)
{
    struct dataset *dataset = discovery->dataset;
    struct manifest *manifest;
    const struct manifest *kept;
    bool exists;
    int rc = end_manifest(dataset, version, reading, PATIENCE_ENDLESS, &exists, &manifest, err);
    if (rc < 0)
        return rc;
    if (discovery->copy && version == discovery->copy->version &&
        memcmp(discovery->copy->sha256, manifest->sha256, SHA256_BYTES) != 0 && !dataset->note)
        dataset->note = mem_printf("%s/%s holds another manifest of v%u than %s, which counts",
                                   dataset_url(dataset), layout_head_path(), version, reading->path);
    set_identity(discovery, manifest->uuid);
    dataset_move_head(dataset, version);
    return dataset_keep_manifest(dataset, manifest, &kept, err);
}

/* From this version on, which must be there. */
static int find_from(struct discovery *discovery, uint32_t base, struct error *err)
{
    struct search search = {.low = base, .high = (uint64_t)MANIFEST_VERSION_MAX + 1};
    struct layout_reading reading;
    begin_manifest(discovery->dataset, base, true, &reading);
    choose(&search, false);
    begin_probes(discovery->dataset, &search);
    if (discovery->options->ahead && discovery->copy)
        want_hot(discovery);
    int rc = end_base(discovery, base, &reading, err);
    if (rc < 0) {
        drop_probes(&search);
        return rc;
    }
    const struct catalog_patience waits = {0};
    rc = end_probes(discovery->dataset, &search, &waits, err);
    return rc < 0 ? rc : search_on(discovery->dataset, &search, false, &waits, err);
}

/* A bucket that does not exist is another mistake than a folder with no data set in it. */
static int no_data_set(struct dataset *dataset, struct error *err)
{
    struct store *store = dataset->layout.store;
    struct error list_err = {0};
    if (!store_is_read_only(store) && !store_is_local(store) &&
        layout_peek(store, "elidefs/", &list_err) == -ENOENT)
        return error_copy(err, &list_err);
    return error_set(err, ENOENT, "no data set at %s", dataset_url(dataset));
}

static int find_versions(struct discovery *discovery, struct error *err)
{
    struct error why = {0};
    if (discovery->hint && !find_from(discovery, discovery->hint, NULL))
        return 0;
    int rc = find_from(discovery, 0, &why);
    if (rc == -ENOENT)
        return no_data_set(discovery->dataset, err);
    return rc < 0 ? error_copy(err, &why) : 0;
}

/* ---- all of it ---- */

static int open_roots(struct dataset *dataset, const struct dataset_options *options, struct error *err)
{
    struct roots_options roots = {.stores = options->stores,
                                  .layout = &dataset->layout,
                                  .uuid = dataset->uuid,
                                  .trust = options->trust};
    return roots_new(&roots, &dataset->roots, err);
}

static int find_all(struct discovery *discovery, struct error *err)
{
    struct dataset *dataset = discovery->dataset;
    int rc = 0;
    if (discovery->copy) { /* it tells which data set this is */
        set_identity(discovery, discovery->copy->uuid);
        rc = open_roots(dataset, discovery->options, err);
    }
    if (rc < 0)
        return rc;
    dataset_series_ahead(&discovery->series, discovery->copy);
    rc = find_versions(discovery, err);
    dataset_series_wait(&discovery->series);
    return rc || dataset->roots ? rc : open_roots(dataset, discovery->options, err);
}

int dataset_discover(struct dataset *dataset, const struct dataset_options *options, struct error *err)
{
    struct discovery discovery CLEANUP(discovery_done) = {.dataset = dataset, .options = options};
    begin(&discovery);
    int rc = end_head(&discovery, err);
    if (!rc)
        rc = find_all(&discovery, err);
    const struct manifest *newest = dataset_known_manifest(dataset, dataset_head(dataset));
    return rc < 0 ? rc : dataset_series_end(&discovery.series, newest, err);
}
