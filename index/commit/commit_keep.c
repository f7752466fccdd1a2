// SPDX-License-Identifier: Apache-2.0
/*
 * What a version is about to need must not be freed before its manifest says so. Nothing is freed that no
 * mark names (index/base/marks.h), nor within the least grace from then: so who commits at once what it has
 * uploaded need not look. Who took longer, or means copies that somebody else may have made long ago, looks
 * at the newest mark, and writes one without them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/base/marks.h"
#include "index/commit/commit_state.h"

static const char below[] = "elidefs/", copies[] = "elidefs/data/";

struct kept {
    char **list; /* below elidefs/ */
    size_t count, cap;
};

static void kept_done(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->list[i]);
    free(kept->list);
}

static void add(struct kept *kept, char *path)
{
    mem_grow(&kept->list, &kept->cap, kept->count + 1, sizeof *kept->list);
    kept->list[kept->count++] = path;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Also while the machine slept. */
int64_t commit_clock_ns(void)
{
    return clock_boot_ns();
}

static bool is_long_ago(int64_t then_ns, int64_t most_ns)
{
    return commit_clock_ns() - then_ns >= (most_ns ? most_ns : MARK_GRACE_LEAST_NS / 2);
}

static void add_packs(const uint8_t (*ids)[MAP_ID_BYTES], size_t count, struct kept *kept)
{
    for (size_t i = 0; i < count; i++) {
        char hex[LAYOUT_ID_BYTES];
        hex_print(ids[i], MAP_ID_BYTES, hex);
        add(kept, mem_printf("packs/%s", hex));
    }
}

static bool reads_own_folder(const struct commit *commit)
{
    for (size_t i = 0; i < commit->use_count; i++)
        if (!strcmp(commit->uses[i].url, dataset_url(commit->dataset)))
            return true;
    return false;
}

static void add_copies(const struct commit *commit, struct kept *kept)
{
    struct changeset_reader reader = CHANGESET_READER(commit->request->set);
    struct changeset_op op;
    while (reads_own_folder(commit) && changeset_next(&reader, &op) > 0)
        if (op.kind == CHANGESET_OBJECT && !strncmp(op.text, copies, sizeof copies - 1))
            add(kept, mem_text(op.text + sizeof below - 1));
    changeset_reader_done(&reader);
}

/* ---- is it still there? ---- */

enum { HEADS = 16 };

static int by_path(const void *path, const void *kept)
{
    return strcmp(path, *(char *const *)kept);
}

struct listing {
    const struct kept *kept;
    bool *there;
};

static int note_there(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct listing *listing = ctx;
    const struct kept *kept = listing->kept;
    char **found = bsearch(path + sizeof below - 1, kept->list, kept->count, sizeof *kept->list, by_path);
    if (found)
        listing->there[found - kept->list] = true;
    return 0;
}

static int ask_for(struct store *store, const struct kept *kept, size_t i, bool *there, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s%s", below, kept->list[i]);
    struct store_object object;
    struct error why = {0};
    int rc = store_head(store, path, &object, &why);
    there[i] = !rc;
    return rc < 0 && rc != -ENOENT ? error_copy(err, &why) : 0;
}

static int list(struct store *store, const char *prefix, struct listing *listing, struct error *err)
{
    struct error why = {0};
    int rc = store_list(store, prefix, note_there, listing, &why);
    return rc < 0 && rc != -ENOENT ? error_copy(err, &why) : 0;
}

/* Few are asked for, of many there is a listing. */
static int look_for(struct store *store, const struct kept *kept, bool *there, struct error *err)
{
    int rc = 0;
    if (kept->count > HEADS) {
        struct listing listing = {kept, there};
        rc = list(store, copies, &listing, err);
        return rc ? rc : list(store, "elidefs/packs/", &listing, err);
    }
    for (size_t i = 0; !rc && i < kept->count; i++)
        rc = ask_for(store, kept, i, there, err);
    return rc;
}

/* What took longer than a grace may have been freed before it was referred to. *ret_pack: that was a pack, so
 * it can be made again. */
static int check_there(struct dataset *dataset, const struct kept *kept, bool *ret_pack, struct error *err)
{
    CLEANUP_FREE bool *there = mem_zero(kept->count * sizeof *there);
    int rc = look_for(dataset->layout.store, kept, there, err);
    for (size_t i = 0; !rc && i < kept->count; i++) {
        if (there[i])
            continue;
        *ret_pack = !strncmp(kept->list[i], "packs/", 6);
        rc = error_set(err, EREMCHG,
                       "%s/%s%s: no version needed it yet, and `elidefs gc` has freed it: nothing was "
                       "committed; %s again",
                       dataset_url(dataset), below, kept->list[i], *ret_pack ? "begin" : "import");
    }
    return rc;
}

static int keep(struct dataset *dataset, struct kept *kept, bool *ret_pack, struct error *err)
{
    struct error why = {0};
    if (!kept->count)
        return 0;
    qsort(kept->list, kept->count, sizeof *kept->list, by_text);
    int rc = marks_keep(&dataset->layout, (const char *const *)kept->list, kept->count, &why);
    if (rc == -EACCES || rc == -ENOTSUP) /* who may not list cannot know of any */
        return 0;
    if (rc < 0)
        return error_copy(err, &why);
    return rc ? check_there(dataset, kept, ret_pack, err) : 0;
}

/* Pages that the parent had when it was looked are freed a grace after a purge at the earliest. */
static int check_purges(struct commit *commit, struct error *err)
{
    int rc = is_long_ago(commit->begun_ns, commit->request->options->upload_ns)
                 ? purges_moved(commit->dataset->purges, err)
                 : 0;
    commit->lost |= rc == 1;
    return rc == 1 ? error_set(err, EREMCHG, "%s: clips were purged meanwhile", dataset_url(commit->dataset))
                   : rc;
}

int commit_keep(struct commit *commit, struct error *err)
{
    struct kept kept CLEANUP(kept_done) = {0};
    int rc = check_purges(commit, err);
    if (rc < 0)
        return rc;
    if (is_long_ago(commit->uploading_ns, commit->request->options->upload_ns))
        add_packs((const uint8_t(*)[MAP_ID_BYTES])commit->written.ids, commit->written.id_count, &kept);
    add_copies(commit, &kept);
    return keep(commit->dataset, &kept, &commit->lost, err);
}

int commit_keep_packs(struct dataset *dataset, const uint8_t (*ids)[MAP_ID_BYTES], size_t count,
                      int64_t uploading_ns, struct error *err)
{
    struct kept kept CLEANUP(kept_done) = {0};
    bool pack;
    if (is_long_ago(uploading_ns, 0))
        add_packs(ids, count, &kept);
    return keep(dataset, &kept, &pack, err);
}
