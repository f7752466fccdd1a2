// SPDX-License-Identifier: Apache-2.0
/*
 * A person says that what lies at a place is what was imported, though it was written to since and nobody
 * holds a hash of it. What can be compared is compared: its size, and what was seen of it at its import. If
 * one is another, nothing is recorded or learnt.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/dataset/root_walk.h"
#include "index/roots/root_record.h"

enum { EXAMPLES = 3 };

struct accepting {
    struct dataset *dataset;
    uint32_t id;
    struct store *at;
    const char *url, *below; /* the place; what of it: a path or a folder, "" for all */
    struct dataset_accepted *counts;
    struct buf pins, examples;
    uint64_t refused;
    struct accepted *accepted; /* to be learnt once it is recorded */
    size_t count, cap;
};

struct accepted {
    char *path, *was, *now;
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
    mem_grow(&a->accepted, &a->cap, a->count + 1, sizeof *a->accepted);
    a->accepted[a->count++] =
        (struct accepted){mem_text(was->path), mem_text(was->pinned.pin), mem_text(now->pin)};
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
    if (rc < 0) { /* at another place, or gone: no reason not to take the others */
        a->counts->missing += rc == -ENOENT;
        if (rc != -ENOENT)
            refuse(a, why.text);
        return 0;
    }
    const struct dataset_judged judged = {a->id, a->at, was->path, &was->pinned, &now};
    rc = dataset_judge(a->dataset, &judged, &grounds, &why);
    if (rc < 0)
        return error_copy(err, &why);
    if (!rc)
        rc = accept_changed(a, was, &now, err);
    if (rc == 1)
        dataset_pin_line(a->dataset, &judged, &a->pins);
    return rc < 0 ? rc : 0;
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
    if (!rc && a->counts->objects == a->counts->missing)
        rc = error_set(err, ENOENT, "%s%s%s: nothing lies there that a version reads", a->url,
                       *a->below ? "/" : "", a->below);
    if (!rc && a->refused)
        rc = error_set(
            err, ESTALE, "%llu of %llu recordings are not what was imported: %s; nothing was changed",
            (unsigned long long)a->refused, (unsigned long long)a->counts->objects, buf_text(&a->examples));
    if (!rc && a->pins.len)
        rc = roots_change(a->dataset->roots, a->id,
                          &(struct root_change){.kind = ROOT_PINS, .url = a->url, .pins = &a->pins}, err);
    for (size_t i = 0; !rc && i < a->count; i++)
        learnt_keep(roots_learnt(a->dataset->roots),
                    &(struct learnt_object){a->id, a->accepted[i].path, a->accepted[i].was}, a->url,
                    a->accepted[i].now, EVIDENCE_ACCEPTED);
    return rc;
}

static void accepting_done(struct accepting *a)
{
    for (size_t i = 0; i < a->count; i++) {
        free(a->accepted[i].path);
        free(a->accepted[i].was);
        free(a->accepted[i].now);
    }
    free(a->accepted);
    buf_done(&a->pins);
    buf_done(&a->examples);
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
        rc = roots_look(dataset->roots, err);
    search.path = rc ? NULL : store_url(named);
    if (!rc)
        rc = roots_each(dataset->roots, match, &search, err);
    if (!rc && !search.url)
        rc = error_set(err, ENOENT, "%s lies in no place that %s reads from", search.path,
                       dataset_url(dataset));
    if (!rc)
        rc = store_open(dataset->stores, search.url, &at, err);
    if (!rc) {
        struct accepting a = {.dataset = dataset,
                              .id = search.id,
                              .at = at,
                              .url = search.url,
                              .below = search.below,
                              .counts = ret};
        rc = run(&a, err);
        accepting_done(&a);
    }
    free(search.url);
    return rc;
}
