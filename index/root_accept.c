// SPDX-License-Identifier: Apache-2.0
/*
 * A person says that what lies at a place is what was imported, though it was written to since and nobody
 * holds a hash of it. What can be compared is compared: its size, and what was seen of it at its import. All
 * is accepted or nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "index/root_pins.h"
#include "index/root_record.h"
#include "index/root_walk.h"

enum { EXAMPLES = 3 };

struct accepting {
    struct dataset *dataset;
    uint32_t id;
    struct store *at;
    const char *url, *below; /* the place; what of it: a path or a folder, "" for all */
    struct dataset_accepted *counts;
    struct buf pins, examples;
    uint64_t refused;
};

static bool is_asked_for(const struct accepting *a, const char *path)
{
    size_t len = strlen(a->below);
    return !len || (!strncmp(path, a->below, len) && (!path[len] || path[len] == '/'));
}

static void refuse(struct accepting *a, const char *why)
{
    if (a->refused++ < EXAMPLES)
        buf_printf(&a->examples, "%s%s", a->examples.len ? "; " : "", why);
}

/* Another time or ETag, and no hash of the whole: 1 if nothing speaks against it. */
static int accept_changed(struct accepting *a, const struct dataset_object *was, struct store_object *now,
                          struct error *err)
{
    struct error why = {0};
    uint64_t compared = 0;
    int rc = evidence_compare(a->at, was->path, &was->pinned, now, &compared, &why);
    if (rc < 0)
        return error_copy(err, &why);
    if (!rc) {
        refuse(a, why.text);
        return 0;
    }
    if (!was->pinned.evidence.count &&
        store_is_local(a->at)) { /* else nobody elsewhere could tell it again */
        rc = evidence_take_whole(a->at, was->path, now, &now->evidence, &why);
        if (rc < 0)
            return error_copy(err, &why);
    }
    a->counts->accepted++;
    a->counts->bytes += now->size;
    a->counts->compared += compared < now->size ? compared : now->size;
    return 1;
}

static int accept(void *ctx, const struct root_walked *walked, struct error *err)
{
    struct accepting *a = ctx;
    const struct dataset_object *was = walked->read;
    struct store_object now = {0};
    enum evidence_grounds grounds = EVIDENCE_PIN;
    struct error why = {0};
    if (!walked->newest || !is_asked_for(a, was->path))
        return 0;
    a->counts->objects++;
    int rc = store_head(a->at, was->path, &now, &why);
    if (rc < 0) {
        refuse(a, why.text);
        return 0;
    }
    rc = dataset_judge(a->dataset, &(struct dataset_judged){a->id, a->at, was->path, &was->pinned, &now},
                       &grounds, &why);
    if (rc < 0)
        return error_copy(err, &why);
    if (!rc) {
        rc = accept_changed(a, was, &now, err);
        if (rc <= 0)
            return rc;
        learnt_keep(roots_learnt(a->dataset->roots),
                    &(struct learnt_object){a->id, was->path, was->pinned.pin}, a->url, now.pin,
                    EVIDENCE_CONTENT);
    }
    root_pins_print(&a->pins, was->path, was->pinned.pin, &now);
    return 0;
}

/* ---- which place ---- */

struct search {
    const char *path; /* canonical */
    uint32_t id;
    char *url;
    const char *below;
};

static int match(void *ctx, uint32_t id, const char *const *urls, size_t count, struct error *err)
{
    struct search *search = ctx;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const char *below = root_below(urls[i], search->path);
        if (!below || (search->url && strlen(search->url) >= strlen(urls[i])))
            continue;
        free(search->url);
        *search = (struct search){search->path, id, mem_text(urls[i]), below};
    }
    return 0;
}

static int run(struct accepting *a, struct error *err)
{
    int rc = root_walk(a->dataset, a->id, accept, a, err);
    if (!rc && !a->counts->objects)
        rc = error_set(err, ENOENT, "%s%s%s: no version reads anything there", a->url, *a->below ? "/" : "",
                       a->below);
    if (!rc && a->refused)
        rc = error_set(
            err, ESTALE, "%llu of %llu recordings are not what was imported: %s; nothing was changed",
            (unsigned long long)a->refused, (unsigned long long)a->counts->objects, buf_text(&a->examples));
    if (!rc && a->pins.len)
        rc = roots_change(a->dataset->roots, a->id,
                          &(struct root_change){.kind = ROOT_PINS, .url = a->url, .pins = &a->pins}, err);
    return rc;
}

int dataset_root_accept(struct dataset *dataset, const char *path, struct dataset_accepted *ret,
                        struct error *err)
{
    CLEANUP_STORE struct store *named = NULL, *at = NULL;
    struct search search = {0};
    int rc = dataset_check_writable(dataset, err);
    if (!rc)
        rc = store_open(dataset->stores, path, &named, err);
    if (!rc)
        rc = roots_load(dataset->roots, err);
    search.path = rc ? NULL : store_url(named);
    if (!rc)
        rc = roots_each(dataset->roots, match, &search, err);
    if (!rc && !search.url)
        rc = error_set(err, ENOENT, "%s lies in no place that %s reads from", search.path,
                       dataset_url(dataset));
    if (!rc)
        rc = store_open(dataset->stores, search.url, &at, err);
    if (!rc) {
        struct accepting a = {dataset, search.id, at, search.url, search.below, ret, BUF_INIT, BUF_INIT, 0};
        rc = run(&a, err);
        buf_done(&a.pins);
        buf_done(&a.examples);
    }
    free(search.url);
    return rc;
}
