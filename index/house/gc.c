// SPDX-License-Identifier: Apache-2.0
/*
 * In which order things are read and freed is the whole of it. What may refer to something that is due:
 *
 *     a version that was committed since     is read after the claim; a writer that refers to what it did not
 *                                            upload a moment ago looks at marks first (index/base/marks.h)
 *     a tag on a version that is forgotten   is read after the claim; none can be set on one that is known to
 *                                            be, and that has been so for a grace
 *     what was freed and made again since    others have written marks, then: all begins again
 */
#include "index/house/gc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/workers.h"
#include "index/dataset/dataset_state.h"
#include "index/house/copies.h"
#include "index/house/garbage.h"
#include "index/house/reach.h"

enum { AHEAD = 32, FREERS = 16, TRIES = 10 };
/* How long a look at marks is believed. */
static const int64_t look_ns = 60 * INT64_C(1000000000);

struct gc {
    struct dataset *dataset;
    const struct gc_options *options;
    struct gc_report *report;
    struct reach *reach;
    uint32_t head;          /* versions up to this one were looked at, */
    uint32_t purge;         /* as this one has left them */
    struct garbage garbage; /* that no version needs */
    struct history history;
    bool again; /* somebody wrote a mark meanwhile */
};

static void gc_done(struct gc *gc)
{
    reach_free(gc->reach);
    garbage_done(&gc->garbage);
    history_done(&gc->history);
}

static void begin(const struct gc *gc, const char *what, const char *unit, uint64_t total)
{
    if (gc->options->begin)
        gc->options->begin(gc->options->ctx, what, unit, total);
}

static void step(const struct gc *gc)
{
    if (gc->options->step)
        gc->options->step(gc->options->ctx);
}

/* ---- what versions need ---- */

static bool is_live(struct gc *gc, const struct manifest *manifest)
{
    return manifest->version && !manifest->stub && !dataset_is_forgotten(gc->dataset, manifest->version);
}

/* What cannot be read might need anything. */
static int cannot_tell(const struct manifest *manifest, const struct error *why, struct error *err)
{
    return error_set(err, why->code, "what v%u needs is not known, so nothing is freed: %s",
                     manifest->version, why->text);
}

static int add_version(struct gc *gc, const struct manifest *manifest, struct error *err)
{
    struct error why = {0};
    int rc = reach_add(gc->reach, manifest, &why);
    return rc < 0 ? cannot_tell(manifest, &why, err) : 0;
}

/* Those behind `gc->head`. */
static int add_versions(struct gc *gc, uint32_t head, struct error *err)
{
    uint32_t wanted = gc->head;
    int rc = dataset_read_manifests(gc->dataset, gc->head + 1, head, PATIENCE_ENDLESS, err);
    for (uint32_t version = gc->head + 1; !rc && version <= head; version++) {
        for (; wanted < head && wanted < version + AHEAD; wanted++) {
            const struct manifest *next = dataset_known_manifest(gc->dataset, wanted + 1);
            if (is_live(gc, next))
                reach_want(gc->reach, next);
        }
        const struct manifest *manifest = dataset_known_manifest(gc->dataset, version);
        rc = is_live(gc, manifest) ? add_version(gc, manifest, err) : 0;
        step(gc);
    }
    if (!rc)
        gc->head = head;
    return rc;
}

/* Versions that are forgotten and not freed yet may have a tag that cannot be read. */
static int check_tags(struct gc *gc, struct error *err)
{
    struct error why = {0};
    if (!dataset_check_tags(gc->dataset, &why))
        return 0;
    for (uint32_t version = 1; version < gc->head; version++)
        if (!dataset_known_manifest(gc->dataset, version)->stub && dataset_is_forgotten(gc->dataset, version))
            return error_set(err, why.code, "nothing is freed: %s", why.text);
    return 0;
}

/* ---- what lies there ---- */

static int take_pack(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct gc *gc = ctx;
    if (!reach_has(gc->reach, path + strlen("elidefs/packs/")))
        garbage_add(&gc->garbage, GC_PACKS, path + strlen("elidefs/"), object->size);
    return 0;
}

static int take_copy(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct gc *gc = ctx;
    garbage_add(&gc->garbage, GC_COPIES, path + strlen("elidefs/"), object->size);
    return 0;
}

static int take_part(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct gc *gc = ctx;
    garbage_add(&gc->garbage, GC_PARTS, path + strlen("elidefs/"), object->size);
    return 0;
}

static int list(struct gc *gc, const char *prefix, store_list_fn *take, struct error *err)
{
    struct error why = {0};
    int rc = store_list(gc->dataset->layout.store, prefix, take, gc, &why);
    return rc < 0 && rc != -ENOENT ? error_copy(err, &why) : 0;
}

/* The newest first: as a rule it names all that any version names. */
static int take_copies(struct gc *gc, uint32_t behind, struct error *err)
{
    int rc = 0;
    for (uint32_t version = gc->head; !rc && version > behind && garbage_has(&gc->garbage, GC_COPIES);
         version--) {
        const struct manifest *manifest = dataset_known_manifest(gc->dataset, version);
        if (is_live(gc, manifest))
            rc = copies_take_named(gc->dataset, version, &gc->garbage, err);
    }
    return rc;
}

static void take_versions(struct gc *gc)
{
    for (uint32_t version = 1; version < gc->head; version++) {
        char path[LAYOUT_PATH_BYTES];
        const struct manifest *manifest = dataset_known_manifest(gc->dataset, version);
        if (manifest->stub)
            continue;
        layout_manifest_path(version, path);
        if (dataset_is_forgotten(gc->dataset, version))
            garbage_add(&gc->garbage, GC_VERSIONS, path + strlen("elidefs/"), 0);
        else
            gc->report->tagged += forgotten_find(gc->dataset->forgotten, version, NULL);
    }
}

static void count_needed(struct gc *gc)
{
    struct reach_counts counts = reach_counts(gc->reach);
    gc->report->packs = counts.packs;
    gc->report->pack_bytes = counts.bytes;
    gc->report->needed_bytes = counts.needed_bytes;
}

static int look(struct gc *gc, struct error *err)
{
    uint32_t head;
    int rc = dataset_refresh(gc->dataset, &head, err);
    gc->purge = dataset_purge_seq(gc->dataset);
    begin(gc, "read", "versions", head);
    if (!rc)
        rc = add_versions(gc, head, err);
    if (!rc)
        rc = check_tags(gc, err);
    if (!rc)
        rc = list(gc, "elidefs/packs/", take_pack, err);
    if (!rc)
        rc = list(gc, "elidefs/data/", take_copy, err);
    if (!rc)
        rc = list(gc, "elidefs/parts/", take_part, err);
    if (!rc)
        rc = take_copies(gc, 0, err);
    if (rc < 0)
        return rc;
    take_versions(gc);
    garbage_sort(&gc->garbage);
    garbage_count(&gc->garbage, gc->report->unneeded);
    count_needed(gc);
    return 0;
}

int gc_measure(struct dataset *dataset, struct gc_report *ret, struct error *err)
{
    const struct gc_options options = {.dry = true};
    uint32_t head;
    *ret = (struct gc_report){0};
    struct gc gc CLEANUP(gc_done) = {.dataset = dataset, .options = &options, .report = ret};
    gc.reach = reach_new(dataset);
    int rc = dataset_refresh(dataset, &head, err);
    if (!rc)
        rc = add_versions(&gc, head, err);
    if (!rc)
        count_needed(&gc);
    return rc;
}

/* ---- marks ---- */

/* With the next number. -EAGAIN where somebody else wrote that: all is to be looked at again. */
static int put_mark(struct gc *gc, bool claims, struct error *err)
{
    struct mark mark CLEANUP(mark_done) = {0};
    struct error why = {0};
    garbage_mark(&gc->garbage, gc->history.next, claims, &mark);
    int rc = mark_put(&gc->dataset->layout, &mark, &why);
    gc->again = rc == -EEXIST;
    if (rc < 0)
        return gc->again ? error_set(err, EAGAIN, "%s", why.text) : error_copy(err, &why);
    gc->history.next++;
    return 0;
}

/* A mark that was listed is not there any more: somebody removes old ones. */
static int again_if_gone(struct gc *gc, int rc, struct error *err)
{
    if (rc != -ENOENT)
        return rc;
    gc->again = true;
    return error_recode(err, EAGAIN);
}

/* The time of the mark that was put last. */
static int read_clock(struct gc *gc, int64_t *ret_ns, struct error *err)
{
    char path[LAYOUT_PATH_BYTES];
    struct store_object object;
    mark_path(gc->history.next - 1, path);
    int rc = store_head(gc->dataset->layout.store, path, &object, err);
    if (!rc && !object.modified_ns)
        rc = error_set(err, ENOTSUP, "%s/%s: the store does not say when it was written",
                       dataset_url(gc->dataset), path);
    if (!rc)
        *ret_ns = object.modified_ns;
    return rc;
}

/* The mark that was put last is one of them, too. */
static void add_own(struct history *history, int64_t now_ns)
{
    history->seen = mem_resize(history->seen, (history->count + 1) * sizeof *history->seen);
    history->seen[history->count++] = (struct mark_seen){history->next - 1, now_ns};
}

static int find_due(struct gc *gc, struct error *err)
{
    struct history *history = &gc->history;
    bool none = !gc->garbage.count && !(history->mark_count && history->marks[0].count);
    int64_t now_ns = 0;
    if (none)
        return 0;
    garbage_judge(&gc->garbage, history); /* what is claimed stays so */
    int rc = put_mark(gc, false, err);
    if (!rc)
        rc = again_if_gone(gc, read_clock(gc, &now_ns, err), err);
    if (rc < 0)
        return rc;
    add_own(history, now_ns);
    rc = history_read_since(&gc->dataset->layout, history, now_ns, gc->options->grace_ns, err);
    if (!rc)
        garbage_judge(&gc->garbage, history);
    return again_if_gone(gc, rc, err);
}

static bool anything_due(const struct gc *gc)
{
    for (size_t i = 0; i < gc->garbage.count; i++)
        if (gc->garbage.list[i].due)
            return true;
    return false;
}

/* For who only wants to know: what a run before has found, and when the first did. */
static int tell_marked(struct gc *gc, struct error *err)
{
    struct history *history = &gc->history;
    const struct mark *newest = history->mark_count ? &history->marks[0] : NULL;
    for (size_t i = 0; newest && i < gc->garbage.count; i++) {
        const struct garbage_item *item = &gc->garbage.list[i];
        struct gc_amount *marked = &gc->report->marked[item->kind];
        if (!mark_find(newest, item->path))
            continue;
        marked->count++;
        marked->bytes += item->bytes;
        gc->report->marked_ns = history->seen[0].modified_ns;
    }
    return 0;
}

/* ---- right before ---- */

static void keep_item(struct garbage_item *item)
{
    item->due = item->claimed = false;
    item->freed = true; /* it is no garbage: the next mark does not name it */
}

/* 0: it is none. */
static uint32_t version_of(const struct garbage_item *item)
{
    return item->kind == GC_VERSIONS ? (uint32_t)strtoul(item->path + strlen("versions/"), NULL, 10) : 0;
}

static int add_back(struct gc *gc, uint32_t version, struct error *err)
{
    int rc = add_version(gc, dataset_known_manifest(gc->dataset, version), err);
    if (!rc)
        rc = copies_take_named(gc->dataset, version, &gc->garbage, err);
    gc->report->tagged++;
    return rc;
}

/* A version that is not forgotten any more, since somebody has tagged it, needs what it needs. */
static int take_back_versions(struct gc *gc, struct error *err)
{
    CLEANUP_FREE uint32_t *back = mem_alloc((gc->garbage.count + 1) * sizeof *back);
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < gc->garbage.count; i++) {
        struct garbage_item *item = &gc->garbage.list[i];
        uint32_t version = version_of(item);
        if (!version || dataset_is_forgotten(gc->dataset, version))
            continue;
        keep_item(item);
        back[count++] = version;
    }
    for (size_t i = 0; !rc && i < count; i++) /* copies leave the list */
        rc = add_back(gc, back[i], err);
    return rc;
}

/* New versions, tags, and what is forgotten. What was purged from a version lies in other packs since. */
static int look_again(struct gc *gc, struct error *err)
{
    uint32_t head, before = gc->head;
    int rc = dataset_refresh(gc->dataset, &head, err);
    if (!rc && dataset_purge_seq(gc->dataset) != gc->purge) {
        gc->head = 0;
        begin(gc, "read again", "versions", head);
    }
    if (!rc)
        rc = add_versions(gc, head, err);
    if (!rc)
        rc = check_tags(gc, err);
    if (!rc)
        rc = take_copies(gc, before, err);
    if (!rc)
        rc = take_back_versions(gc, err);
    for (size_t i = 0; !rc && i < gc->garbage.count; i++) {
        struct garbage_item *item = &gc->garbage.list[i];
        if (item->kind == GC_PACKS && reach_has(gc->reach, item->path + strlen("packs/")))
            keep_item(item);
    }
    return rc;
}

/* ---- freeing ---- */

/* In the place of a manifest: who asks for the version meets the reason, and the chain goes on. */
static int put_stub(struct gc *gc, const struct garbage_item *item, struct error *err)
{
    CLEANUP_FORGETTING struct forgetting found = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_FREE char *path = mem_printf("elidefs/%s", item->path);
    uint32_t version = version_of(item);
    const struct manifest *manifest = dataset_known_manifest(gc->dataset, version);
    if (!dataset_find_forgotten(gc->dataset, version, &found))
        return 0;
    struct manifest stub = {.version = version,
                            .parent = manifest->parent,
                            .stub = true,
                            .time_ns = found.time_ns,
                            .author = found.author,
                            .message = found.message};
    memcpy(stub.uuid, manifest->uuid, sizeof stub.uuid);
    memcpy(stub.commit_id, manifest->commit_id, sizeof stub.commit_id);
    memcpy(stub.parent_sha256, manifest->parent_sha256, SHA256_BYTES);
    memcpy(stub.sha256, manifest->sha256, SHA256_BYTES);
    manifest_print(&bytes, &stub);
    return store_put(gc->dataset->layout.store, path, bytes.data, bytes.len, STORE_PUT_REPLACE, NULL, err);
}

/* Whoever has seen the claim may have freed what it names, and then it may have been made again, and be
 * needed. -EAGAIN: somebody wrote a mark since. */
static int check_newest(struct gc *gc, bool *ret_others, struct error *err)
{
    uint32_t last;
    int rc = marks_last(&gc->dataset->layout, &last, err);
    *ret_others = !rc && last != gc->history.next - 1;
    return *ret_others ? error_set(err, EAGAIN, "others collect garbage here at the same time") : rc;
}

struct freeing {
    struct gc *gc;
    pthread_mutex_t lock; /* guards what follows, `again`, and the items while threads run */
    int64_t looked_ns;    /* when the claim was the newest mark, by clock_boot_ns() */
    size_t next;
    int rc;
    struct error err;
};

static int free_item(struct gc *gc, const struct garbage_item *item, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("elidefs/%s", item->path);
    return item->kind == GC_VERSIONS ? put_stub(gc, item, err)
                                     : store_remove(gc->dataset->layout.store, path, err);
}

static struct garbage_item *next_locked(struct freeing *freeing, bool versions)
{
    const struct garbage *garbage = &freeing->gc->garbage;
    while (!freeing->rc && freeing->next < garbage->count) {
        struct garbage_item *item = &garbage->list[freeing->next++];
        if (item->due && !item->freed && (item->kind == GC_VERSIONS) == versions)
            return item;
    }
    return NULL;
}

static void free_some(struct freeing *freeing, bool versions)
{
    struct garbage_item *item;
    pthread_mutex_lock(&freeing->lock);
    while ((item = next_locked(freeing, versions))) {
        struct error err = {0};
        bool others = false;
        int64_t now_ns = clock_boot_ns();
        bool looks = now_ns - freeing->looked_ns >= look_ns;
        pthread_mutex_unlock(&freeing->lock);
        int rc = looks ? check_newest(freeing->gc, &others, &err) : 0;
        if (!rc)
            rc = free_item(freeing->gc, item, &err);
        pthread_mutex_lock(&freeing->lock);
        freeing->looked_ns = looks && !rc ? now_ns : freeing->looked_ns;
        freeing->gc->again |= others;
        if (rc < 0 && !freeing->rc)
            freeing->rc = error_copy(&freeing->err, &err);
        if (rc < 0)
            continue;
        item->freed = true;
        freeing->gc->report->freed[item->kind].count++;
        freeing->gc->report->freed[item->kind].bytes += item->bytes;
        step(freeing->gc);
    }
    pthread_mutex_unlock(&freeing->lock);
}

static void free_versions(void *ctx)
{
    free_some(ctx, true);
}

static void free_others(void *ctx)
{
    free_some(ctx, false);
}

static int free_all(struct gc *gc, void (*run)(void *ctx), struct error *err)
{
    struct freeing freeing = {.gc = gc, .looked_ns = clock_boot_ns()};
    struct workers *workers = NULL;
    int rc = check_newest(gc, &gc->again, err);
    if (!rc)
        rc = workers_new(FREERS, &workers, err);
    if (rc < 0)
        return rc;
    pthread_mutex_init(&freeing.lock, NULL);
    for (int i = 0; i < FREERS; i++)
        workers_submit(workers, run, &freeing);
    workers_free(workers);
    pthread_mutex_destroy(&freeing.lock);
    return freeing.rc < 0 ? error_copy(err, &freeing.err) : 0;
}

/* Stubs first. */
static int free_due(struct gc *gc, struct error *err)
{
    uint64_t due = 0;
    for (size_t i = 0; i < gc->garbage.count; i++)
        due += gc->garbage.list[i].due;
    begin(gc, "freed", "objects", due);
    int rc = free_all(gc, free_versions, err);
    return rc < 0 ? rc : free_all(gc, free_others, err);
}

/* Those before the oldest that counts for this grace: a run with a longer one waits until another is as old.
 * A failure is none of the run. */
static void remove_old_marks(struct gc *gc)
{
    const struct history *history = &gc->history;
    for (size_t i = 0; history->first < history->count && i < history->first; i++) {
        char path[LAYOUT_PATH_BYTES];
        mark_path(history->seen[i].seq, path);
        store_remove(gc->dataset->layout.store, path, NULL);
    }
}

/* ---- all of it ---- */

static int free_what_is_due(struct gc *gc, struct error *err)
{
    int rc = put_mark(gc, true, err);
    if (!rc)
        rc = look_again(gc, err);
    if (!rc)
        rc = free_due(gc, err);
    return rc < 0 ? rc : put_mark(gc, false, err);
}

static int run_once(struct gc *gc, struct error *err)
{
    int rc = again_if_gone(gc, history_read(&gc->dataset->layout, &gc->history, err), err);
    if (!rc)
        rc = look(gc, err);
    if (!rc && gc->options->dry)
        return tell_marked(gc, err);
    if (!rc)
        rc = find_due(gc, err);
    if (!rc && anything_due(gc))
        rc = free_what_is_due(gc, err);
    if (!rc)
        remove_old_marks(gc);
    return rc;
}

static int check_grace(const struct gc_options *options, struct error *err)
{
    if (options->grace_ns >= MARK_GRACE_LEAST_NS || options->nobody_writes)
        return 0;
    return error_set(
        err, EINVAL,
        "a grace of less than an hour could free what somebody is about to commit: it is for when "
        "nobody writes (--nobody-writes)");
}

int gc_run(struct dataset *dataset, const struct gc_options *options, struct gc_report *ret,
           struct error *err)
{
    *ret = (struct gc_report){0};
    int rc = check_grace(options, err);
    if (!rc && !options->dry)
        rc = dataset_check_writable(dataset, err);
    for (int i = 0; !rc && i < TRIES; i++) {
        struct gc_report report = {0};
        struct gc gc CLEANUP(gc_done) = {.dataset = dataset, .options = options, .report = &report};
        gc.reach = reach_new(dataset);
        rc = run_once(&gc, err);
        for (int kind = 0; kind < GC_KINDS; kind++) {
            report.freed[kind].count += ret->freed[kind].count;
            report.freed[kind].bytes += ret->freed[kind].bytes;
            report.unneeded[kind].count += ret->freed[kind].count; /* it was not there to be found again */
            report.unneeded[kind].bytes += ret->freed[kind].bytes;
        }
        *ret = report;
        if (rc != -EAGAIN || !gc.again)
            return rc;
        rc = 0;
    }
    return rc ? rc
              : error_set(err, EBUSY, "%s: others collect garbage here at the same time: try again later",
                          dataset_url(dataset));
}
