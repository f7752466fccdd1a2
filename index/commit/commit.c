// SPDX-License-Identifier: Apache-2.0
/*
 * Committing: what is written, in which order, and what is taken back.
 *
 *     parent's pages + change set --apply()--> pages that differ --> packs --> roots --> MANIFEST --> head's
 * hint
 *
 * The manifest's PUT-if-absent is the commit: before it nothing refers to what was written, after it the
 * version is there. The packs are taken back if the manifest certainly did not and will not arrive; where
 * that cannot be told, packs that nothing names are the lesser evil than a version whose packs are gone. A
 * root that was recorded stays: another import may rely on it already.
 *
 * Where another writer's manifest is there first, the change set is applied to that version: nothing of the
 * source is read again, only what the versions since the set was made say of themselves (interim.h).
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cache/base/instant.h"
#include "index/catalog/hot.h"
#include "index/catalog/schema.h"
#include "index/commit/commit_state.h"
#include "index/commit/purge.h"
#include "index/roots/root_record.h"
#include "index/roots/trust.h"

/* Only who names one needs to know which there are; who has just committed knew it then. */
static int load_roots(struct commit *commit, struct error *err)
{
    struct roots *roots = commit->dataset->roots;
    if (commit->knows_roots)
        return 0;
    int rc = commit->fresh ? roots_load_once(roots, err) : roots_look(roots, err);
    commit->knows_roots = rc >= 0;
    return rc;
}

static int commit_root(void *ctx, const char *url, uint32_t *ret, struct error *err)
{
    struct commit *commit = ctx;
    uint32_t id;
    int rc = load_roots(commit, err);
    if (!rc)
        rc = roots_id(commit->dataset->roots, url, &id, err);
    if (rc < 0)
        return rc;
    mem_grow(&commit->uses, &commit->use_cap, commit->use_count + 1, sizeof *commit->uses);
    commit->uses[commit->use_count++] = (struct root_use){.id = id, .url = mem_text(url)};
    *ret = id;
    return 0;
}

/* ---- the new catalog ---- */

static int open_file(struct commit *commit, struct error *err)
{
    CLEANUP_PAGES struct pages *parent = NULL;
    int rc = commit->parent->version ? dataset_pages(commit->dataset, commit->parent, &parent, err) : 0;
    if (parent)
        pages_want_hot(parent);
    return rc < 0 ? rc : overlay_new(parent, SCHEMA_PAGE_BYTES, &commit->file, err);
}

static int make_catalog(struct commit *commit, const struct changeset *set, struct error *err)
{
    int rc = open_file(commit, err);
    if (rc < 0)
        return rc;
    struct apply_options options = {.file = commit->file,
                                    .version = commit->manifest.version,
                                    .time_ns = commit->manifest.time_ns,
                                    .interim = commit->interim,
                                    .root_id = commit_root,
                                    .ctx = commit};
    rc = apply(&options, set, &commit->counts, err);
    if (rc < 0)
        return rc;
    const struct apply_counts *counts = &commit->counts;
    if (counts->clips_added || counts->clips_replaced || counts->clips_removed || counts->clips_labelled ||
        counts->attributes_changed || counts->sources_changed || commit->request->options->anyway)
        return 0;
    return error_set(err, EALREADY, "%s: nothing new: v%u already holds this", dataset_url(commit->dataset),
                     commit->parent->version);
}

/* ---- all of it ---- */

static int publish(struct commit *commit, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < commit->use_count; i++)
        rc = roots_publish(commit->dataset->roots, commit->uses[i].id, commit->uses[i].url, err);
    commit->lost |= rc == -EREMCHG;
    if (!rc && !commit->fresh)
        rc = commit_check_parent(commit, err);
    if (!rc)
        rc = commit_keep(commit, err);
    if (!rc)
        rc = commit_manifest_put(commit, err);
    return rc;
}

static int write_pages(struct commit *commit, struct error *err)
{
    struct hot_pages hot;
    commit->uploading_ns = commit_clock_ns();
    int rc = hot_pages_find(commit->file, &hot, err);
    if (rc < 0)
        return rc;
    struct pages_write write = {.overlay = commit->file,
                                .hot = hot.list,
                                .hot_count = hot.count,
                                .first = hot.listed,
                                .first_count = hot.listed_count,
                                .pack_bytes = commit->request->options->pack_bytes,
                                .gather_bytes = commit->counts.upkeep_left};
    rc = pages_write(commit->dataset->pages, &write, &commit->written, err);
    hot_pages_done(&hot);
    commit->manifest.catalog = commit->written.top;
    return rc;
}

/* What a version changed lies in the pack that it brought; where that is small it is asked for as a whole. */
static void want_pack(struct commit *commit, const struct map_top *top)
{
    enum { PACK_BYTES_MAX = 1 << 20 };
    struct map_extent pack = top->root;
    pack.offset = 0;
    pack.len = pack.pack_size;
    if (pack.len && pack.pack_size <= PACK_BYTES_MAX)
        page_store_want(commit->dataset->pages, &pack);
}

static int write_version(struct commit *commit, struct error *err)
{
    int rc = write_pages(commit, err);
    if (rc < 0)
        return rc;
    if (commit->request->more)
        want_pack(commit, &commit->written.top);
    rc = commit_manifest_end(commit, err);
    if (!rc)
        rc = publish(commit, err);
    if (rc < 0 && !commit->unsettled)
        pages_written_remove(commit->dataset->pages, &commit->written);
    return rc;
}

/* What this user imported on this machine is trusted. If that cannot be recorded, the mount will say so and
 * name the command. */
static void record_trust(const struct commit *commit)
{
    const char *own = dataset_url(commit->dataset);
    for (size_t i = 0; i < commit->use_count; i++) {
        const char *url = commit->uses[i].url;
        if (!root_below(own, url))
            trust_record(dataset_uuid(commit->dataset), &url, 1, NULL);
    }
}

/* The version is there; nothing that fails from here on takes that back. */
static void after_commit(struct commit *commit)
{
    const struct manifest *kept;
    record_trust(commit);
    dataset_keep_manifest(commit->dataset, STEAL(commit->read_back), &kept, NULL);
    dataset_move_head(commit->dataset, commit->manifest.version);
}

void commit_hint(struct dataset *dataset)
{
    CLEANUP_BUF struct buf hint = BUF_INIT, copy = BUF_INIT;
    const struct manifest *newest = dataset_known_manifest(dataset, dataset_head(dataset));
    if (!newest)
        return;
    manifest_print(&copy, newest);
    buf_printf(&hint, "%u\n", newest->version);
    if (copy.len <= LAYOUT_COPY_MAX)
        buf_append(&hint, copy.data, copy.len);
    store_put(dataset->layout.store, layout_head_path(), hint.data, hint.len, STORE_PUT_REPLACE, NULL, NULL);
}

/* ---- what others have committed since ---- */

static int open_reader(struct commit *commit, uint32_t version, struct catalog_reader **ret,
                       struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL; /* the reader has a reference of its own */
    const struct manifest *manifest = NULL;
    int rc = dataset_manifest(commit->dataset, version, &manifest, err);
    if (!rc && manifest->stub)
        return error_set(
            err, EREMCHG,
            "%s: v%u has been forgotten, so it is not known what has changed since v%u, which this "
            "was made for: make it again",
            dataset_url(commit->dataset), version, commit->request->options->base);
    if (!rc)
        rc = dataset_catalog(commit->dataset, version, PATIENCE_ENDLESS, &catalog, err);
    return rc ? rc : catalog_reader_acquire(catalog, PATIENCE_ENDLESS, ret, err);
}

static int begin_interim(struct commit *commit, uint32_t base, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = base ? open_reader(commit, base, &reader, err) : 0;
    return rc ? rc : interim_new(STEAL(reader), &commit->interim, err);
}

/* All at once. */
static int want_packs(struct commit *commit, uint32_t first, uint32_t last, struct error *err)
{
    int rc = dataset_read_manifests(commit->dataset, first, last, PATIENCE_ENDLESS, err);
    for (uint32_t version = first; !rc && version <= last; version++)
        want_pack(commit, &dataset_known_manifest(commit->dataset, version)->catalog);
    return rc;
}

/* Kept from try to try: each version is read once. */
static int follow(struct commit *commit, const struct dataset_commit *options, uint32_t head,
                  struct error *err)
{
    if (!options->based || head <= options->base)
        return 0;
    uint32_t known = commit->interim ? interim_version(commit->interim) : options->base;
    int rc = want_packs(commit, known + 1, head, err);
    if (!rc && !commit->interim)
        rc = begin_interim(commit, options->base, err);
    while (!rc && interim_version(commit->interim) < head) {
        CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
        rc = open_reader(commit, interim_version(commit->interim) + 1, &reader, err);
        if (!rc)
            rc = interim_take(commit->interim, reader, err);
    }
    return rc;
}

static int check_exact(struct commit *commit, const struct dataset_commit *options, uint32_t head,
                       struct error *err)
{
    const struct manifest *next;
    if (!options->exact || head <= options->base)
        return 0;
    int rc = dataset_manifest(commit->dataset, options->base + 1, &next, err);
    return rc ? rc
              : error_set(err, EREMCHG, "%s: v%u by %s came first; nothing was committed",
                          dataset_url(commit->dataset), next->version, next->author);
}

/* ---- tries ---- */

static void try_done(struct commit *commit)
{
    roots_forget_reserved(commit->dataset->roots);
    overlay_free(commit->file);
    pages_written_done(&commit->written);
    for (size_t i = 0; i < commit->use_count; i++)
        free(commit->uses[i].url);
    free(commit->uses);
    free(commit->manifest.author);
    free(commit->manifest.message);
    free(commit->manifest.source);
    free(commit->manifest.tags);
    free(commit->manifest.forgets);
    buf_done(&commit->bytes);
    manifest_free(commit->read_back);
    *commit =
        (struct commit){.dataset = commit->dataset, .request = commit->request, .interim = commit->interim};
}

static void commit_done(struct commit *commit)
{
    try_done(commit);
    interim_free(commit->interim);
}

static int look_at_head(struct commit *commit, uint32_t *ret_head, struct error *err)
{
    *ret_head = dataset_head(commit->dataset);
    return commit->fresh ? 0 : dataset_refresh(commit->dataset, ret_head, err);
}

static int begin(struct commit *commit, uint32_t head, struct error *err)
{
    const struct dataset_commit *options = commit->request->options;
    int rc = check_exact(commit, options, head, err);
    if (!rc && !options->dry)
        rc = purge_catch_up(commit->dataset, err);
    if (!rc)
        rc = dataset_manifest(commit->dataset, head, &commit->parent, err);
    if (!rc)
        rc = dataset_check_extendable(commit->dataset, err);
    if (!rc)
        rc = follow(commit, options, head, err);
    return rc < 0 ? rc : commit_manifest_begin(commit, err);
}

static int try_once(struct commit *commit, uint32_t head, struct error *err)
{
    const struct commit_request *request = commit->request;
    int rc = begin(commit, head, err);
    if (!rc)
        rc = make_catalog(commit, request->set, err);
    if (!rc && !request->options->dry)
        rc = write_version(commit, err);
    if (!rc && !request->options->dry)
        after_commit(commit);
    return rc;
}

static int find_commit(struct dataset *dataset, const char *id, uint32_t after, uint32_t *ret,
                       struct error *err)
{
    uint32_t head = dataset_head(dataset);
    int rc = after < head ? dataset_read_manifests(dataset, after + 1, head, PATIENCE_ENDLESS, err) : 0;
    for (uint32_t version = after + 1; !rc && version <= head; version++)
        if (!strcmp(dataset_known_manifest(dataset, version)->commit_id, id)) {
            *ret = version;
            return 1;
        }
    return rc;
}

int dataset_find_commit(struct dataset *dataset, const char *id, uint32_t after, uint32_t *ret,
                        struct error *err)
{
    int rc = dataset_refresh(dataset, NULL, err);
    return rc ? rc : find_commit(dataset, id, after, ret, err);
}

/* Whoever led before has committed it, and could not say so; or another merge of the same. 1, 0 or -errno. */
static int has_landed(struct commit *commit, struct commit_answer *ret, struct error *err)
{
    const struct commit_request *request = commit->request;
    uint32_t version = 0;
    int rc =
        request->others_know ? find_commit(commit->dataset, request->id, request->head, &version, err) : 0;
    if (rc < 1)
        return rc;
    const struct manifest *is = dataset_known_manifest(commit->dataset, version);
    *ret = (struct commit_answer){.version = version,
                                  .counts = {.clips_added = is->added,
                                             .clips_replaced = is->replaced,
                                             .clips_removed = is->removed,
                                             .clips_unchanged = is->unchanged,
                                             .clips_labelled = is->labelled,
                                             .clips = is->clips,
                                             .rows = is->rows}};
    return 1;
}

/* So that those who lost together do not all come again together. */
static void pause_a_little(int64_t try_ns)
{
    enum { PARTS = 1 << 16, LONGEST_NS = 1000000000 };
    uint16_t part;
    random_bytes(&part, sizeof part);
    int64_t most = try_ns / 2 < LONGEST_NS ? try_ns / 2 : LONGEST_NS, ns = most * part / PARTS;
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

int commit_run(const struct commit_request *request, struct commit_answer *ret, struct error *err)
{
    struct commit commit CLEANUP(commit_done) = {.dataset = request->dataset, .request = request};
    int64_t patience = request->options->patience_ns, begun = clock_now_ns(), now = begun,
            end = begun + (patience ? patience : COMMIT_PATIENCE_NS);
    commit.fresh = request->fresh;
    for (;;) {
        uint32_t head;
        commit.begun_ns = commit_clock_ns();
        int rc = look_at_head(&commit, &head, err);
        if (!rc)
            rc = has_landed(&commit, ret, err);
        if (rc)
            return rc < 0 ? rc : 0;
        rc = try_once(&commit, head, err);
        if (rc != -EREMCHG || !commit.lost || (now = clock_now_ns()) >= end) {
            if (!rc || rc == -EALREADY)
                *ret = (struct commit_answer){.version = rc ? head : commit.manifest.version,
                                              .counts = commit.counts};
            return rc == -EREMCHG && commit.lost ? error_recode(err, EBUSY) : rc;
        }
        try_done(&commit);
        pause_a_little(now - begun);
        begun = clock_now_ns();
    }
}
