// SPDX-License-Identifier: Apache-2.0
/* The manifest's PUT-if-absent is the commit. Where its end is not clear, what is there decides: a manifest
 * holds an id of its own; one that others commit, too, is theirs where it is not byte for byte ours. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/commit/commit_state.h"

int commit_manifest_begin(struct commit *commit, struct error *err)
{
    const struct dataset_commit *options = commit->request->options;
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
    m->purge = purges_now(commit->dataset->purges);
    manifest_clean_text(m->author);
    manifest_clean_text(m->message);
    snprintf(m->commit_id, sizeof m->commit_id, "%s", commit->request->id);
    return 0;
}

/* What is written for ever is read once before. */
int commit_manifest_end(struct commit *commit, struct error *err)
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
    m->roots = commit->parent->roots > m->roots ? commit->parent->roots : m->roots;
    for (size_t i = 0; i < commit->use_count; i++)
        m->roots = commit->uses[i].id > m->roots ? commit->uses[i].id : m->roots;
    m->tag_count = tags_copy(commit->dataset->tags, &m->tags);
    m->forgets_count = forgotten_series(commit->dataset->forgotten, &m->forgets);
    manifest_print(&commit->bytes, m);
    if (commit->bytes.len > MANIFEST_BYTES_MAX)
        return error_set(err, E2BIG, "the manifest would be over %d bytes: the message is too long",
                         MANIFEST_BYTES_MAX);
    return manifest_parse("the new manifest", commit->bytes.data, commit->bytes.len, &commit->read_back, err);
}

int commit_check_parent(struct commit *commit, struct error *err)
{
    char path[LAYOUT_PATH_BYTES];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_MANIFEST struct manifest *is = NULL;
    layout_manifest_path(commit->parent->version, path);
    int rc = store_read_all(commit->dataset->layout.store, path, MANIFEST_BYTES_MAX, &bytes, NULL, err);
    if (rc < 0)
        return rc;
    if (manifest_parse(path, bytes.data, bytes.len, &is, NULL) < 0 ||
        memcmp(is->sha256, commit->parent->sha256, SHA256_BYTES) != 0)
        return error_set(err, EUCLEAN, "%s: the manifest of v%u was changed, which never happens by itself",
                         dataset_url(commit->dataset), commit->parent->version);
    return 0;
}

static int lost_race(struct commit *commit, const struct manifest *winner, struct error *err)
{
    uint32_t version = commit->manifest.version;
    commit->lost = true;
    return error_set(err, EREMCHG, "%s: v%u%s%s came first; nothing was committed",
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
        bool ours = winner && !strcmp(winner->commit_id, commit->manifest.commit_id) &&
                    theirs.len == commit->bytes.len && !memcmp(theirs.data, commit->bytes.data, theirs.len);
        return ours ? 0 : lost_race(commit, winner, err);
    }
    bool local = store_is_local(dataset->layout.store);
    if (is_refusal(put_rc) || (local && rc == -ENOENT))
        return put_rc;
    commit->unsettled = true;
    return error_within(err, put_rc, "it is not known whether v%u was committed; \"elidefs log\" will tell",
                        commit->manifest.version);
}

int commit_manifest_put(struct commit *commit, struct error *err)
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
