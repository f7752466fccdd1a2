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
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/catalog/hot.h"
#include "index/catalog/schema.h"
#include "index/commit/commit.h"
#include "index/dataset/dataset_state.h"
#include "index/pages/pages_write.h"
#include "index/roots/root_record.h"
#include "index/roots/trust.h"

struct root_use {
    uint32_t id;
    char *url;
};

struct commit {
    struct dataset *dataset;
    const struct manifest *parent;
    struct overlay *file;         /* the new catalog */
    struct pages_written written; /* what was put into the store for it */
    struct root_use *uses;        /* the roots the catalog names by id */
    size_t use_count, use_cap;
    uint32_t base; /* that labels were made for; 0: any */
    uint64_t pack_bytes;
    struct apply_counts counts;
    struct manifest manifest;   /* of the new version */
    struct buf bytes;           /* the same, printed */
    struct manifest *read_back; /* and read again */
    bool unsettled;             /* the manifest may still arrive: its packs must stay */
};

static int commit_root(void *ctx, const char *url, uint32_t *ret, struct error *err)
{
    struct commit *commit = ctx;
    uint32_t id;
    int rc = roots_id(commit->dataset->roots, url, &id, err);
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
                                    .base = commit->base,
                                    .root_id = commit_root,
                                    .ctx = commit};
    rc = apply(&options, set, &commit->counts, err);
    if (rc < 0)
        return rc;
    const struct apply_counts *counts = &commit->counts;
    if (counts->clips_added || counts->clips_replaced || counts->clips_removed || counts->clips_labelled ||
        counts->attributes_changed)
        return 0;
    return error_set(err, EALREADY, "%s: nothing new: v%u already holds this", dataset_url(commit->dataset),
                     commit->parent->version);
}

/* ---- the new manifest ---- */

static int begin_manifest(struct commit *commit, const struct dataset_commit *options, struct error *err)
{
    struct manifest *m = &commit->manifest;
    const struct manifest *parent = commit->parent;
    if (parent->version == MANIFEST_VERSION_MAX)
        return error_set(err, EOVERFLOW, "%s: has as many versions as there can be",
                         dataset_url(commit->dataset));
    int64_t now = instant_now();
    memcpy(m->uuid, parent->uuid, sizeof m->uuid);
    m->version = parent->version + 1;
    m->parent = parent->version;
    memcpy(m->parent_sha256, parent->sha256, SHA256_BYTES);
    m->time_ns =
        now > parent->time_ns ? now : parent->time_ns + 1; /* a copy made after v1 is older than v2 */
    m->author = options->author ? mem_text(options->author) : dataset_author();
    m->message = mem_text(options->message ? options->message : "");
    m->source = options->source ? mem_text(options->source) : NULL;
    if (m->source)
        manifest_clean_text(m->source);
    manifest_clean_text(m->author);
    manifest_clean_text(m->message);
    layout_random_id(m->commit_id);
    return 0;
}

/* What is written for ever is read once before. */
static int end_manifest(struct commit *commit, struct error *err)
{
    struct manifest *m = &commit->manifest;
    m->clips = commit->counts.clips;
    m->rows = commit->counts.rows;
    m->added = commit->counts.clips_added;
    m->replaced = commit->counts.clips_replaced;
    m->removed = commit->counts.clips_removed;
    m->labelled = commit->counts.clips_labelled;
    m->unchanged = commit->counts.clips_unchanged;
    m->roots = roots_count(commit->dataset->roots);
    for (size_t i = 0; i < commit->use_count; i++)
        m->roots = commit->uses[i].id > m->roots ? commit->uses[i].id : m->roots;
    m->tag_count = tags_copy(commit->dataset->tags, &m->tags);
    manifest_print(&commit->bytes, m);
    if (commit->bytes.len > MANIFEST_BYTES_MAX)
        return error_set(err, E2BIG, "the manifest would be over %d bytes: the message is too long",
                         MANIFEST_BYTES_MAX);
    return manifest_parse("the new manifest", commit->bytes.data, commit->bytes.len, &commit->read_back, err);
}

static int check_parent_unchanged(struct commit *commit, struct error *err)
{
    char path[LAYOUT_PATH_BYTES];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    uint8_t digest[SHA256_BYTES];
    layout_manifest_path(commit->parent->version, path);
    int rc = store_read_all(commit->dataset->layout.store, path, MANIFEST_BYTES_MAX, &bytes, NULL, err);
    if (rc < 0)
        return rc;
    sha256_of(bytes.data, bytes.len, digest);
    if (memcmp(digest, commit->parent->sha256, SHA256_BYTES))
        return error_set(err, EUCLEAN, "%s: the manifest of v%u was changed, which never happens by itself",
                         dataset_url(commit->dataset), commit->parent->version);
    return 0;
}

static int lost_race(struct commit *commit, const struct manifest *winner, struct error *err)
{
    uint32_t version = commit->manifest.version;
    return error_set(err, EAGAIN, "%s: v%u%s%s came first; nothing was committed, import again",
                     dataset_url(commit->dataset), version, winner ? " by " : "",
                     winner ? winner->author : "");
}

static bool is_refusal(int rc)
{
    return rc == -EACCES || rc == -ENOTSUP || rc == -ENOENT || rc == -EINVAL;
}

/* The PUT failed, or somebody's manifest is there: ours, if only the reply was lost. What is there decides.
 */
static int settle(struct commit *commit, const char *path, int put_rc, struct error *err)
{
    struct dataset *dataset = commit->dataset;
    CLEANUP_BUF struct buf theirs = BUF_INIT;
    CLEANUP_MANIFEST struct manifest *winner = NULL;
    int rc = layout_read(&dataset->layout, path, MANIFEST_BYTES_MAX, &theirs, NULL);
    if (!rc || rc == -EFBIG) {
        if (!rc && theirs.len)
            manifest_parse(path, theirs.data, theirs.len, &winner, NULL);
        bool ours = winner && !strcmp(winner->commit_id, commit->manifest.commit_id);
        return ours ? 0 : lost_race(commit, winner, err);
    }
    bool local = store_is_local(dataset->layout.store);
    if (is_refusal(put_rc) || (local && rc == -ENOENT))
        return put_rc;
    commit->unsettled = true;
    return error_within(err, put_rc, "it is not known whether v%u was committed; \"elidefs log\" will tell",
                        commit->manifest.version);
}

static int put_manifest(struct commit *commit, struct error *err)
{
    char path[LAYOUT_PATH_BYTES];
    layout_manifest_path(commit->manifest.version, path);
    struct error put_err = {0};
    int rc = store_put(commit->dataset->layout.store, path, commit->bytes.data, commit->bytes.len,
                       STORE_PUT_IF_ABSENT, NULL, &put_err);
    if (rc < 0)
        rc = settle(commit, path, rc, &put_err);
    return rc < 0 ? error_copy(err, &put_err) : 0;
}

/* ---- all of it ---- */

static int publish(struct commit *commit, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < commit->use_count; i++)
        rc = roots_publish(commit->dataset->roots, commit->uses[i].id, commit->uses[i].url, err);
    if (!rc)
        rc = check_parent_unchanged(commit, err);
    if (!rc)
        rc = put_manifest(commit, err);
    return rc;
}

static int write_pages(struct commit *commit, struct error *err)
{
    struct hot_pages hot;
    int rc = hot_pages_find(commit->file, &hot, err);
    if (rc < 0)
        return rc;
    struct pages_write write = {.overlay = commit->file,
                                .hot = hot.list,
                                .hot_count = hot.count,
                                .first = hot.listed,
                                .first_count = hot.listed_count,
                                .pack_bytes = commit->pack_bytes};
    rc = pages_write(commit->dataset->pages, &write, &commit->written, err);
    hot_pages_done(&hot);
    commit->manifest.catalog = commit->written.top;
    return rc;
}

static int write_version(struct commit *commit, struct error *err)
{
    int rc = write_pages(commit, err);
    if (rc < 0)
        return rc;
    rc = end_manifest(commit, err);
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
    CLEANUP_BUF struct buf hint = BUF_INIT;
    buf_printf(&hint, "%u\n", commit->manifest.version);
    if (commit->bytes.len <= LAYOUT_COPY_MAX)
        buf_append(&hint, commit->bytes.data, commit->bytes.len);
    store_put(commit->dataset->layout.store, layout_head_path(), hint.data, hint.len, STORE_PUT_REPLACE, NULL,
              NULL);
    record_trust(commit);
    dataset_keep_manifest(commit->dataset, STEAL(commit->read_back), &kept, NULL);
    dataset_move_head(commit->dataset, commit->manifest.version);
}

static void commit_done(struct commit *commit)
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
    buf_done(&commit->bytes);
    manifest_free(commit->read_back);
}

static int check_settled(struct commit *commit, const struct dataset_commit *options, uint32_t head,
                         struct error *err)
{
    const struct manifest *since;
    int rc = 0;
    for (uint32_t version = options->after + 1; options->settled && !rc && version <= head; version++) {
        rc = dataset_manifest(commit->dataset, version, &since, err);
        if (!rc && (since->added || since->replaced || since->removed || options->labels_too))
            rc = error_set(err, EAGAIN, "%s: v%u by %s came first; nothing was committed, import again",
                           dataset_url(commit->dataset), version, since->author);
    }
    return rc;
}

static int begin(struct commit *commit, const struct dataset_commit *options, struct error *err)
{
    uint32_t head;
    int rc = dataset_refresh(commit->dataset, &head, err);
    if (!rc)
        rc = check_settled(commit, options, head, err);
    if (!rc)
        rc = dataset_manifest(commit->dataset, head, &commit->parent, err);
    if (!rc)
        rc = manifest_check_supported(commit->parent, err);
    if (!rc)
        rc = roots_load(commit->dataset->roots, 0, NULL, err);
    return rc < 0 ? rc : begin_manifest(commit, options, err);
}

int dataset_commit(struct dataset *dataset, const struct changeset *set, const struct dataset_commit *options,
                   uint32_t *ret_version, struct apply_counts *ret_counts, struct error *err)
{
    struct commit commit CLEANUP(commit_done) = {
        .dataset = dataset, .base = options->base, .pack_bytes = options->pack_bytes};
    int rc = begin(&commit, options, err);
    if (!rc)
        rc = make_catalog(&commit, set, err);
    if (!rc && !options->dry)
        rc = write_version(&commit, err);
    if (ret_counts && (!rc || rc == -EALREADY))
        *ret_counts = commit.counts;
    if (rc < 0)
        return rc;
    if (!options->dry)
        after_commit(&commit);
    if (ret_version)
        *ret_version = commit.manifest.version;
    return 0;
}
