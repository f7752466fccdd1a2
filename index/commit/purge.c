// SPDX-License-Identifier: Apache-2.0
/* Versions are written again one over the other, as commits have written them: so what they share is stored
 * once, and what changed from one to the next. */
#include "index/commit/purge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/catalog/catalog_known.h"
#include "index/catalog/hot.h"
#include "index/catalog/schema.h"
#include "index/commit/commit_state.h"
#include "index/commit/scrub/scrub.h"
#include "index/dataset/dataset_state.h"
#include "index/pages/pages_write.h"

static const struct catalog_patience patient = {0};

struct purging {
    struct dataset *dataset;
    const struct rowset *rows;
    struct rowset *objects;
    struct scrub_dictionaries *dictionaries;
    struct pages *was, *is; /* the version before the one under way: as it is read now, as it becomes */
    uint8_t *scrubbed;      /* a bit a page of it that was changed */
    uint32_t scrubbed_pages;
    bool gaps;  /* versions that may have had such a row are gone: forgotten */
    bool begun; /* some version had such a row: all from here on are written again */
    struct purge_list *list;
    uint8_t (*packs)[MAP_ID_BYTES]; /* that were made */
    size_t pack_count, pack_cap;
    int64_t begun_ns; /* commit_clock_ns() */
    struct dataset_purged done;
};

static void purging_done(struct purging *p)
{
    rowset_unref(p->objects);
    scrub_dictionaries_free(p->dictionaries);
    pages_unref(p->was);
    pages_unref(p->is);
    free(p->scrubbed);
    free(p->packs);
}

/* ---- which pages differ ---- */

struct map_ids { /* a version's packs by number */
    struct map_pack *list;
    uint32_t count;
};

static int read_ids(struct pages *pages, struct map_ids *ret, struct error *err)
{
    struct map_root root;
    int rc = pages_root(pages, &patient, &root, err);
    if (rc < 0)
        return rc;
    ret->list = mem_alloc((root.packs + 1) * sizeof *ret->list);
    for (ret->count = 0; !rc && ret->count < root.packs; ret->count++)
        rc = pages_pack(pages, ret->count, &patient, &ret->list[ret->count], err);
    return rc;
}

static void ids_done(struct map_ids *ids)
{
    free(ids->list);
}

static bool same_place(const struct map_place *a, const struct map_ids *a_ids, const struct map_place *b,
                       const struct map_ids *b_ids)
{
    if (a->zero || b->zero)
        return a->zero && b->zero;
    return a->offset == b->offset && a->len == b->len && a->pack < a_ids->count && b->pack < b_ids->count &&
           !memcmp(a_ids->list[a->pack].id, b_ids->list[b->pack].id, MAP_ID_BYTES);
}

/* A bit a page that lies elsewhere than in the version before. */
static int mark_moved(struct purging *p, struct pages *pages, uint8_t *differ, struct error *err)
{
    struct map_ids was CLEANUP(ids_done) = {0}, is CLEANUP(ids_done) = {0};
    uint32_t count = pages_top(pages)->pages, before = p->was ? pages_top(p->was)->pages : 0;
    if (!before) {
        memset(differ, 0xff, count / 8 + 1);
        return 0;
    }
    int rc = read_ids(p->was, &was, err);
    if (!rc)
        rc = read_ids(pages, &is, err);
    for (uint32_t leaf = 0; !rc && leaf < map_leaves_of(count); leaf++) {
        struct map_place now[MAP_FAN], then[MAP_FAN], apart;
        bool there = leaf < map_leaves_of(before);
        rc = pages_leaf(pages, leaf, false, now, &apart, err);
        if (!rc && there)
            rc = pages_leaf(p->was, leaf, false, then, &apart, err);
        for (uint32_t i = 0; !rc && i < map_leaf_pages(count, leaf); i++) {
            uint32_t page = leaf * MAP_FAN + i;
            bool same = there && page < before && same_place(&now[i], &is, &then[i], &was);
            differ[page / 8] |= (uint8_t)(!same << page % 8);
        }
    }
    return rc;
}

/* ---- a version ---- */

static bool was_scrubbed(const struct purging *p, uint32_t page)
{
    return page < p->scrubbed_pages && p->scrubbed[page / 8] >> page % 8 & 1;
}

/* All of them will be read. What goes wrong with that is told by who reads them. */
static void want_moved(struct pages *pages, const uint8_t *differ)
{
    CLEANUP_FREE uint32_t *list = mem_alloc((pages_top(pages)->pages + 1) * sizeof *list);
    size_t count = 0;
    for (uint32_t page = 0; page < pages_top(pages)->pages; page++)
        if (differ[page / 8] >> page % 8 & 1)
            list[count++] = page;
    pages_want(pages, list, count, &patient, NULL);
}

/* What the version has becomes an overlay of what the one before has become. */
static int lay_over(struct purging *p, const uint8_t *differ, struct overlay *scrubbed, struct overlay *over,
                    struct error *err)
{
    const struct pages *pages = overlay_parent(scrubbed);
    uint32_t count = overlay_pages(scrubbed), bytes = overlay_page_bytes(scrubbed);
    CLEANUP_FREE uint8_t *page_bytes = mem_alloc(bytes);
    int rc = overlay_pages(over) > count ? overlay_truncate(over, count, err) : 0;
    for (uint32_t page = 0; !rc && page < count; page++) {
        struct page_range range = {.page = page, .len = bytes};
        bool stays = page < pages_top(pages)->pages && !(differ[page / 8] >> page % 8 & 1);
        if (stays && !overlay_has(scrubbed, page) && !was_scrubbed(p, page))
            continue;
        rc = overlay_read(scrubbed, &range, page_bytes, &patient, err);
        if (!rc)
            rc = overlay_write(over, page, page_bytes, err);
    }
    return rc;
}

static void note_scrubbed(struct purging *p, const struct overlay *scrubbed)
{
    p->scrubbed_pages = overlay_pages(scrubbed);
    free(p->scrubbed);
    p->scrubbed = mem_zero(p->scrubbed_pages / 8 + 1);
    for (uint32_t page = 0; page < p->scrubbed_pages; page++)
        p->scrubbed[page / 8] |= (uint8_t)(overlay_has(scrubbed, page) << page % 8);
}

static int write_over(struct purging *p, struct overlay *over, struct map_top *ret, struct error *err)
{
    enum { GATHER_BYTES = 64 << 20 };
    struct hot_pages hot;
    struct pages_written written;
    int rc = hot_pages_find(over, &hot, err);
    if (rc < 0)
        return rc;
    struct pages_write write = {.overlay = over,
                                .hot = hot.list,
                                .hot_count = hot.count,
                                .first = hot.listed,
                                .first_count = hot.listed_count,
                                .gather_bytes = GATHER_BYTES};
    rc = pages_write(p->dataset->pages, &write, &written, err);
    hot_pages_done(&hot);
    if (rc < 0)
        return rc;
    *ret = written.top;
    mem_grow(&p->packs, &p->pack_cap, p->pack_count + written.id_count, sizeof *p->packs);
    memcpy(p->packs + p->pack_count, written.ids, written.id_count * sizeof *p->packs);
    p->pack_count += written.id_count;
    p->done.bytes += written.bytes;
    pages_written_done(&written);
    return 0;
}

/* `pages` and what becomes of them are the version before from here on. */
static void step(struct purging *p, struct pages *pages, struct pages *is)
{
    pages_unref(p->was);
    pages_unref(p->is);
    p->was = pages_ref(pages);
    p->is = pages_ref(is);
}

static int rewrite(struct purging *p, struct purge_version *version, const uint8_t *differ,
                   struct overlay *scrubbed, struct error *err)
{
    struct pages *pages = overlay_parent(scrubbed);
    CLEANUP_OVERLAY struct overlay *over = NULL;
    CLEANUP_PAGES struct pages *is = NULL;
    int rc = overlay_new(p->is, SCHEMA_PAGE_BYTES, &over, err);
    if (!rc)
        rc = lay_over(p, differ, scrubbed, over, err);
    if (!rc)
        rc = write_over(p, over, &version->top, err);
    if (rc < 0)
        return rc;
    purge_list_put(p->list, version);
    is = pages_new(p->dataset->pages, &version->top, pages_name(pages));
    note_scrubbed(p, scrubbed);
    step(p, pages, is);
    return 0;
}

/* 1: its manifest says that what it held is gone, since it was forgotten. */
static int open_pages(struct purging *p, uint32_t number, struct pages **ret, struct error *err)
{
    const struct manifest *manifest;
    int rc = dataset_manifest(p->dataset, number, &manifest, err);
    if (rc < 0)
        return rc;
    rc = dataset_pages(p->dataset, manifest, ret, err);
    return rc == -ENOENT ? 1 : rc;
}

static int open_version(struct purging *p, uint32_t number, struct pages **ret, struct overlay **ret_overlay,
                        struct error *err)
{
    int rc = open_pages(p, number, ret, err);
    if (rc)
        return rc;
    pages_want_hot(*ret);
    return overlay_new(*ret, SCHEMA_PAGE_BYTES, ret_overlay, err);
}

static int purge_version(struct purging *p, uint32_t number, struct error *err)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    CLEANUP_OVERLAY struct overlay *scrubbed = NULL;
    CLEANUP_FREE uint8_t *differ = NULL;
    struct scrub_counts counts;
    int rc = open_version(p, number, &pages, &scrubbed, err);
    struct scrub_options options = {scrubbed, p->rows, p->objects, p->dictionaries, p->gaps};
    if (rc)
        return rc < 0 ? rc : 0;
    differ = mem_zero(pages_top(pages)->pages / 8 + 1);
    rc = mark_moved(p, pages, differ, err);
    if (!rc) {
        want_moved(pages, differ);
        rc = scrub(&options, &counts, err);
    }
    if (rc < 0)
        return rc;
    struct purge_version version = {.version = number, .clips = counts.left};
    p->begun |= counts.rows > 0;
    if (p->begun) {
        p->done.versions++;
        p->done.first = p->done.first ? p->done.first : number;
    }
    if (p->begun)
        return rewrite(p, &version, differ, scrubbed, err);
    step(p, pages, pages);
    return 0;
}

static int find_objects(struct purging *p, uint32_t number, struct error *err)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    int rc = open_version(p, number, &pages, &overlay, err);
    p->gaps |= rc == 1;
    return rc ? (rc < 0 ? rc : 0) : scrub_find_objects(overlay, p->rows, p->objects, err);
}

/* Where some versions are gone, as those are that were forgotten, others are looked at one after the other.
 */
static int find_first_after(struct purging *p, uint32_t row, uint32_t last, uint32_t *ret, struct error *err)
{
    const struct manifest *manifest;
    uint32_t version = 1;
    int rc = dataset_read_manifests(p->dataset, 1, last, PATIENCE_ENDLESS, err);
    for (; !rc && version <= last; version++) {
        rc = dataset_manifest(p->dataset, version, &manifest, err);
        if (!rc && manifest->catalog.pages && manifest->rows > row)
            break;
    }
    *ret = version;
    return rc;
}

/* The first version that has one of the rows: later ones have all that came before. Behind the last: none. */
static int find_first(struct purging *p, uint32_t last, uint32_t *ret, struct error *err)
{
    uint32_t row = 0, low = 1, high = last + 1;
    int rc = 0;
    rowset_rows(p->rows, 0, &row, 1);
    while (!rc && low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct manifest *manifest;
        rc = dataset_manifest(p->dataset, middle, &manifest, err);
        if (!rc && !manifest->catalog.pages)
            return find_first_after(p, row, last, ret, err);
        if (!rc && manifest->rows > row)
            high = middle;
        else
            low = middle + 1;
    }
    *ret = low;
    return rc;
}

/* The last one before those that are written again stays as it is. */
static int begin_behind(struct purging *p, uint32_t version, struct error *err)
{
    int rc = 1;
    for (; rc == 1 && version; version--) {
        CLEANUP_PAGES struct pages *pages = NULL;
        CLEANUP_OVERLAY struct overlay *overlay = NULL;
        rc = open_version(p, version, &pages, &overlay, err);
        p->gaps |= rc == 1;
        if (!rc)
            rc = scrub_note_dictionary(overlay, p->dictionaries, err);
        if (!rc)
            step(p, pages, pages);
    }
    return rc < 0 ? rc : 0;
}

/* The versions from `first` on, at the earliest, are without the rows, in p->list. */
static int purge_versions(struct purging *p, uint32_t first, uint32_t last, struct error *err)
{
    uint32_t had;
    p->objects = rowset_new();
    p->dictionaries = scrub_dictionaries_new();
    int rc = find_first(p, last, &had, err);
    first = had > first ? had : first;
    if (!rc)
        rc = begin_behind(p, first - 1, err);
    for (uint32_t version = had; !rc && version <= last; version++)
        rc = find_objects(p, version, err);
    for (uint32_t version = first; !rc && version <= last; version++)
        rc = purge_version(p, version, err);
    if (!rc)
        p->list->newest = last > p->list->newest ? last : p->list->newest;
    return rc;
}

/* What purge_versions() would do. Nothing is read but manifests. */
static int count_versions(struct purging *p, uint32_t last, struct error *err)
{
    uint32_t version;
    int rc = find_first(p, last, &version, err);
    if (!rc)
        rc = dataset_read_manifests(p->dataset, version, last, PATIENCE_ENDLESS, err);
    for (; !rc && version <= last; version++) {
        CLEANUP_PAGES struct pages *pages = NULL;
        rc = open_pages(p, version, &pages, err);
        if (!rc && !p->done.versions++)
            p->done.first = version;
        rc = rc < 0 ? rc : 0;
    }
    return rc;
}

/* Nothing names them. */
static void remove_packs(const struct purging *p)
{
    const struct pages_written written = {.ids = p->packs, .id_count = p->pack_count};
    pages_written_remove(p->dataset->pages, &written);
}

/* ---- the list ---- */

static void copy_list(const struct purge_list *from, struct purge_list *to)
{
    for (size_t i = 0; from && i < from->version_count; i++)
        purge_list_put(to, &from->versions[i]);
    for (size_t i = 0; from && i < from->event_count; i++) {
        const struct purge_event *event = &from->events[i];
        struct purge_event *own = purge_list_add(to, event->time_ns, event->author);
        rowset_or(own->rows, event->rows);
        own->keys = mem_copy(event->keys, event->key_count * sizeof *own->keys);
        own->key_count = event->key_count;
    }
    to->newest = from ? from->newest : 0;
}

static int put_list(struct purging *p, const struct manifest_purge *now, struct error *err)
{
    int rc = commit_keep_packs(p->dataset, (const uint8_t(*)[MAP_ID_BYTES])p->packs, p->pack_count,
                               p->begun_ns, err);
    if (rc < 0) {
        remove_packs(p);
        return rc;
    }
    rc = purges_put(p->dataset->purges, now, p->list, err);
    if (rc == -EAGAIN) /* else it may be there all the same, and name them */
        remove_packs(p);
    const struct manifest *newest = dataset_known_manifest(p->dataset, dataset_head(p->dataset));
    return rc < 0 ? rc : dataset_load_purges(p->dataset, newest, NULL, err);
}

/* ---- catching up ---- */

/* Was the newest version committed before the newest purge was known, and after that had seen to all? */
static bool is_behind(struct dataset *dataset, const struct purge_list *list, uint32_t head)
{
    const struct manifest *manifest = dataset_known_manifest(dataset, head);
    return list && manifest && head > list->newest && manifest->purge.seq < purges_now(dataset->purges).seq;
}

/* They are made of pages that were stored before: all of these are stored again. */
static int catch_up_once(struct dataset *dataset, const struct purge_list *known, uint32_t head,
                         struct error *err)
{
    CLEANUP_PURGE_LIST struct purge_list list = {0};
    CLEANUP_ROWSET struct rowset *rows = purge_list_rows(known);
    struct manifest_purge now = purges_now(dataset->purges);
    struct purging p CLEANUP(purging_done) = {
        .dataset = dataset, .rows = rows, .list = &list, .begun = true, .begun_ns = commit_clock_ns()};
    copy_list(known, &list);
    int rc = purge_versions(&p, known->newest + 1, head, err);
    if (rc < 0)
        remove_packs(&p);
    return rc < 0 ? rc : put_list(&p, &now, err);
}

int purge_catch_up(struct dataset *dataset, struct error *err)
{
    for (;;) {
        const struct purge_list *list = purges_list(dataset->purges);
        uint32_t head = dataset_head(dataset);
        if (!is_behind(dataset, list, head))
            return 0;
        int rc = catch_up_once(dataset, list, head, err);
        if (rc == -EAGAIN)
            rc = dataset_refresh(dataset, NULL, err);
        if (rc < 0)
            return rc;
    }
}

/* ---- a purge ---- */

static int find_rows_in(struct dataset *dataset, uint32_t version, const struct dataset_purge *purge,
                        struct rowset *rows, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, err);
    for (size_t i = 0; rc >= 0 && i < purge->count; i++) {
        struct catalog_known known;
        rc = catalog_known_key(reader, purge->keys[i], &known, err);
        if (rc == 1)
            rowset_add(rows, known.row);
    }
    return rc < 0 ? rc : 0;
}

/* A row is never another clip's, and none is lost: the newest version has all there ever were. */
static int find_rows(struct dataset *dataset, const struct dataset_purge *purge, struct rowset *rows,
                     struct error *err)
{
    int rc = find_rows_in(dataset, dataset_head(dataset), purge, rows, err);
    return rc || !rowset_empty(rows)
               ? rc
               : error_set(err, ENOENT, "%s: no version has such a clip", dataset_url(dataset));
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void add_event(struct dataset *dataset, const struct dataset_purge *purge, const struct rowset *rows,
                      struct purge_list *list)
{
    CLEANUP_FREE char *author = purge->author ? mem_text(purge->author) : dataset_author();
    struct purge_event *event = purge_list_add(list, instant_now(), author);
    rowset_or(event->rows, rows);
    event->keys = mem_alloc(purge->count * sizeof *event->keys);
    for (size_t i = 0; i < purge->count; i++)
        event->keys[i] = purge_key_hash(dataset_uuid(dataset), purge->keys[i], strlen(purge->keys[i]));
    qsort(event->keys, purge->count, sizeof *event->keys, compare_hashes);
    for (size_t i = 0; i < purge->count; i++)
        if (!i || event->keys[event->key_count - 1] != event->keys[i])
            event->keys[event->key_count++] = event->keys[i];
}

static int purge_once(struct dataset *dataset, const struct dataset_purge *purge, struct dataset_purged *ret,
                      struct error *err)
{
    CLEANUP_PURGE_LIST struct purge_list list = {0};
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    struct purging p CLEANUP(purging_done) = {
        .dataset = dataset, .rows = rows, .list = &list, .begun_ns = commit_clock_ns()};
    struct manifest_purge now;
    int rc = dataset_refresh(dataset, NULL, err);
    if (!rc && !purge->dry)
        rc = purge_catch_up(dataset, err);
    now = purges_now(dataset->purges);
    if (!rc)
        rc = find_rows(dataset, purge, rows, err);
    copy_list(purges_list(dataset->purges), &list);
    add_event(dataset, purge, rows, &list);
    if (!rc)
        rc = purge->dry ? count_versions(&p, dataset_head(dataset), err)
                        : purge_versions(&p, 1, dataset_head(dataset), err);
    if (rc < 0)
        remove_packs(&p);
    if (!rc && !purge->dry)
        rc = put_list(&p, &now, err);
    if (rc < 0)
        return rc;
    *ret = p.done;
    ret->clips = rowset_count(rows);
    return 0;
}

/* The version that ends it: whoever commits after it knows of the purge. Who commits before it comes first.
 */
static int end(struct dataset *dataset, const struct dataset_purge *purge, struct dataset_purged *ret,
               struct error *err)
{
    CLEANUP_CHANGESET struct changeset *nothing = changeset_new();
    struct dataset_commit options = {
        .message = purge->message, .author = purge->author, .based = true, .exact = true, .anyway = true};
    int64_t until_ns = clock_now_ns() + COMMIT_PATIENCE_NS;
    int rc;
    do {
        rc = dataset_refresh(dataset, &options.base, err);
        if (!rc)
            rc = dataset_commit(dataset, nothing, &options, &ret->version, NULL, err);
    } while (rc == -EREMCHG && clock_now_ns() < until_ns);
    return rc == -EREMCHG ? error_recode(err, EBUSY) : rc;
}

/* The newest purge is named by no version yet. */
static bool has_no_end(struct dataset *dataset)
{
    const struct manifest *manifest = dataset_known_manifest(dataset, dataset_head(dataset));
    return manifest && manifest->purge.seq < purges_now(dataset->purges).seq;
}

int dataset_end_purge(struct dataset *dataset, const struct dataset_purge *purge, struct dataset_purged *ret,
                      struct error *err)
{
    int rc = dataset_refresh(dataset, NULL, err);
    if (rc < 0 || !has_no_end(dataset))
        return rc;
    rc = end(dataset, purge, ret, err);
    return rc < 0 ? rc : 1;
}

int dataset_purge(struct dataset *dataset, const struct dataset_purge *purge, struct dataset_purged *ret,
                  struct error *err)
{
    struct dataset_purged done = {0};
    int rc;
    do
        rc = purge_once(dataset, purge, &done, err);
    while (rc == -EAGAIN);
    if (rc == -ENOENT && !purge->dry && has_no_end(dataset)) /* it was cut off right before */
        rc = 0;
    if (!rc && !purge->dry)
        rc = end(dataset, purge, &done, err);
    if (!rc)
        *ret = done;
    return rc;
}
