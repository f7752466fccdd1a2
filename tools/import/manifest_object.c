// SPDX-License-Identifier: Apache-2.0
/*
 * URL -> folder and name -> (root, path). Folders are few and files many, so folders are resolved once each.
 */
#include "tools/import/manifest_object.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/strmap.h"
#include "cache/base/workers.h"
#include "index/roots/root_record.h"

enum { AT_A_TIME = 16 };

struct named {
    struct manifest_object shown;
    const char *folder; /* canonical URL, in `folders` */
    char *name;
    size_t root, number; /* its source, and place there */
};

struct common { /* the first `len` bytes of `folder` are what some folders share */
    const char *folder;
    size_t len;
};

struct manifest_objects {
    struct stores *stores;
    char *own; /* canonical URL of the manifest's folder */
    bool local;
    struct strmap *by_text; /* URL as written -> number of the object */
    struct strmap *by_url;  /* canonical -> number */
    struct strmap *folders; /* as written -> index into texts */
    char **texts;           /* canonical folders */
    size_t text_count, text_cap;
    struct named *named;
    size_t count, cap;
    struct source **roots;
    size_t root_count, root_cap;
    struct common common;   /* of all local folders outside `own` */
    struct common *commons; /* of those that share their first component */
    size_t common_count, common_cap;
    struct strmap *tops; /* first component -> index into commons */
    const struct import_part *part;
    struct scan_cache *scans;
};

/* ---- URLs ---- */

static bool is_url(const char *text)
{
    return strstr(text, "://") != NULL;
}

static int canonical_folder(struct stores *stores, const char *folder, char **ret, struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    int rc = store_open(stores, folder, &store, err);
    if (!rc)
        *ret = mem_text(store_url(store));
    return rc;
}

/* Where the host or bucket of a URL ends. */
static size_t authority_end(const char *url)
{
    const char *start = strstr(url, "://") + 3, *slash = strchr(start, '/');
    return slash ? (size_t)(slash - url) : strlen(url);
}

/* "s3://b/sets/../x/./a.mp4" -> "s3://b/x/a.mp4": in a bucket nothing but text says what ".." is. */
static int resolve_dots(const char *url, char **ret, struct error *err)
{
    CLEANUP_BUF struct buf out = BUF_INIT;
    size_t top = authority_end(url);
    buf_append(&out, url, top);
    for (const char *at = url + top; *at;) {
        size_t len = strcspn(++at, "/");
        bool up = len == 2 && !memcmp(at, "..", 2);
        if (up && out.len == top)
            return error_set(err, EINVAL, "'%s' leaves its bucket", url);
        while (up && out.data[out.len - 1] != '/')
            buf_truncate(&out, out.len - 1);
        if (up)
            buf_truncate(&out, out.len - 1);
        else if (len != 1 || *at != '.')
            buf_printf(&out, "/%.*s", (int)len, at);
        at += len;
    }
    *ret = (char *)buf_steal(&out);
    return 0;
}

static int decode_file_url(const char *url, char **ret, struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    const char *text = url + strlen("file://");
    int rc = escape_decode(&path, text, strlen(text), err);
    if (!rc && (*text != '/' || strlen(buf_text(&path)) != path.len))
        rc = error_set(err, EINVAL, "'%s' is no file URL", url);
    if (!rc)
        *ret = (char *)buf_steal(&path);
    return rc;
}

/* The whole URL, or the whole path of a local file. */
static int make_absolute(const struct manifest_objects *objects, const char *text, char **ret,
                         struct error *err)
{
    CLEANUP_FREE char *joined = NULL;
    if (!strncmp(text, "file://", strlen("file://")))
        return decode_file_url(text, ret, err);
    if (!is_url(text) && *text != '/') {
        size_t len = strlen(objects->own);
        joined = mem_printf("%s%s%s", objects->own, len && objects->own[len - 1] == '/' ? "" : "/", text);
        if (is_url(joined))
            return resolve_dots(joined, ret, err);
    }
    *ret = joined ? STEAL(joined) : mem_text(text);
    return 0;
}

static int folder_of(struct manifest_objects *objects, const char *folder, const char **ret,
                     struct error *err)
{
    struct strmap_entry *entry = strmap_find(objects->folders, folder, strlen(folder));
    if (entry) {
        *ret = objects->texts[entry->value];
        return 0;
    }
    char *canonical = NULL;
    int rc = is_url(folder) ? 0 : canonical_folder(objects->stores, folder, &canonical, err);
    if (rc)
        return rc;
    strmap_put(objects->folders, folder, strlen(folder), NULL)->value = objects->text_count;
    mem_grow(&objects->texts, &objects->text_cap, objects->text_count + 1, sizeof *objects->texts);
    *ret = objects->texts[objects->text_count++] = canonical ? canonical : mem_text(folder);
    return 0;
}

static int check_url(const struct manifest_objects *objects, const char *url, const char *slash,
                     struct error *err)
{
    const char *name = slash ? slash + 1 : url;
    if (!slash || !*name || !strcmp(name, ".") || !strcmp(name, "..") ||
        (is_url(url) && (size_t)(slash - url) < authority_end(url)))
        return error_set(err, EINVAL, "'%s' names no file", url);
    if (!is_url(url) && !objects->local)
        return error_set(err, EACCES, "'%s' is a local file, which a manifest in a store cannot name", url);
    return 0;
}

/* ---- noting ---- */

int manifest_objects_new(struct stores *stores, const char *file, struct manifest_objects **ret,
                         struct error *err)
{
    CLEANUP_MANIFEST_OBJECTS struct manifest_objects *objects = MEM_NEW(struct manifest_objects);
    *objects = (struct manifest_objects){.stores = stores,
                                         .local = !is_url(file) || !strncmp(file, "file://", 7),
                                         .by_text = strmap_new(),
                                         .by_url = strmap_new(),
                                         .folders = strmap_new(),
                                         .tops = strmap_new()};
    const char *slash = strrchr(file, '/');
    CLEANUP_FREE char *folder =
        !slash ? mem_text(".") : mem_copy(file, slash == file ? 1 : (size_t)(slash - file));
    int rc = canonical_folder(stores, folder, &objects->own, err);
    if (rc)
        return rc;
    *ret = STEAL(objects);
    return 0;
}

void manifest_objects_free(struct manifest_objects *objects)
{
    for (size_t i = 0; i < objects->root_count; i++)
        source_free(objects->roots[i]);
    for (size_t i = 0; i < objects->count; i++) {
        free(objects->named[i].name);
        free(objects->named[i].shown.why);
    }
    for (size_t i = 0; i < objects->text_count; i++)
        free(objects->texts[i]);
    free(objects->roots);
    free(objects->named);
    free(objects->texts);
    free(objects->own);
    strmap_free(objects->by_text);
    strmap_free(objects->by_url);
    strmap_free(objects->folders);
    strmap_free(objects->tops);
    free(objects->commons);
    free(objects);
}

void manifest_objects_share(struct manifest_objects *objects, const struct import_part *part,
                            struct scan_cache *scans)
{
    objects->part = part;
    objects->scans = scans;
}

static int add_resolved(struct manifest_objects *objects, const char *url, size_t *ret, struct error *err)
{
    const char *slash = strrchr(url, '/'), *folder;
    int rc = check_url(objects, url, slash, err);
    if (rc)
        return rc;
    CLEANUP_FREE char *written = mem_copy(url, slash == url ? 1 : (size_t)(slash - url));
    rc = folder_of(objects, written, &folder, err);
    if (!rc && !strcmp(folder, "/"))
        rc = error_set(err, EACCES, "'%s' lies in the folder '/', which cannot be a root", url);
    if (rc)
        return rc;
    CLEANUP_FREE char *whole = mem_printf("%s/%s", folder, slash + 1);
    bool is_new;
    struct strmap_entry *entry = strmap_put(objects->by_url, whole, strlen(whole), &is_new);
    if (is_new) {
        entry->value = objects->count;
        mem_grow(&objects->named, &objects->cap, objects->count + 1, sizeof *objects->named);
        objects->named[objects->count++] = (struct named){.folder = folder, .name = mem_text(slash + 1)};
    }
    *ret = entry->value;
    return 0;
}

int manifest_objects_add(struct manifest_objects *objects, const char *url, size_t *ret, struct error *err)
{
    const struct strmap_entry *entry = strmap_find(objects->by_text, url, strlen(url));
    if (entry) {
        *ret = entry->value;
        return 0;
    }
    CLEANUP_FREE char *absolute = NULL;
    int rc = make_absolute(objects, url, &absolute, err);
    if (!rc)
        rc = add_resolved(objects, absolute, ret, err);
    if (!rc)
        strmap_put(objects->by_text, url, strlen(url), NULL)->value = *ret;
    return rc;
}

/* ---- roots ---- */

static bool is_foreign_folder(const struct manifest_objects *objects, const char *folder)
{
    return !is_url(folder) && !root_below(objects->own, folder);
}

/* How many bytes of two folders are the same, by whole components. */
static size_t common_len(const char *a, const char *b)
{
    size_t last = 0;
    for (size_t i = 0;; i++) {
        if ((!a[i] || a[i] == '/') && (!b[i] || b[i] == '/'))
            last = i;
        if (!a[i] || a[i] != b[i])
            return last;
    }
}

static size_t top_len(const char *folder)
{
    return 1 + strcspn(folder + 1, "/");
}

static void fold(struct common *common, const char *folder)
{
    size_t len = common->folder ? common_len(common->folder, folder) : strlen(folder);
    if (!common->folder || len < common->len)
        common->len = len;
    common->folder = common->folder ? common->folder : folder;
}

static void fold_foreign_folders(struct manifest_objects *objects)
{
    for (size_t i = 0; i < objects->text_count; i++) {
        const char *folder = objects->texts[i];
        bool is_new;
        if (!is_foreign_folder(objects, folder))
            continue;
        fold(&objects->common, folder);
        struct strmap_entry *entry = strmap_put(objects->tops, folder, top_len(folder), &is_new);
        if (is_new) {
            entry->value = objects->common_count;
            mem_grow(&objects->commons, &objects->common_cap, objects->common_count + 1,
                     sizeof *objects->commons);
            objects->commons[objects->common_count++] = (struct common){.folder = NULL};
        }
        fold(&objects->commons[entry->value], folder);
    }
}

/* The deepest folder that holds all foreign ones, or, if that is "/", those that share this one's first
 * component. */
static char *common_folder(const struct manifest_objects *objects, const char *folder)
{
    const struct strmap_entry *top = strmap_find(objects->tops, folder, top_len(folder));
    const struct common *common = objects->common.len ? &objects->common : &objects->commons[top->value];
    return mem_copy(common->folder, common->len);
}

static char *root_of(const struct manifest_objects *objects, const char *folder)
{
    if (root_below(objects->own, folder))
        return mem_text(objects->own);
    return is_url(folder) ? mem_copy(folder, authority_end(folder)) : common_folder(objects, folder);
}

static int add_root(struct manifest_objects *objects, const char *url, struct notes *notes, struct error *err)
{
    CLEANUP_SOURCE struct source *source = MEM_NEW(struct source);
    int rc = store_open(objects->stores, url, &source->store, err);
    if (rc)
        return rc;
    source->part = objects->part;
    if (strcmp(url, objects->own) != 0)
        notes_add(notes, "recordings lie outside the manifest's folder; who mounts them must trust this root",
                  store_url(source->store));
    mem_grow(&objects->roots, &objects->root_cap, objects->root_count + 1, sizeof *objects->roots);
    objects->roots[objects->root_count++] = STEAL(source);
    return 0;
}

/* Web addresses are escaped, paths of objects are not. */
static int path_of(const struct named *named, const char *below, char **ret, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s%s%s", below, *below ? "/" : "", named->name);
    if (strncmp(named->folder, "http", strlen("http")) != 0) {
        *ret = STEAL(path);
        return 0;
    }
    CLEANUP_BUF struct buf decoded = BUF_INIT;
    int rc = escape_decode(&decoded, path, strlen(path), err);
    if (!rc && strlen(buf_text(&decoded)) != decoded.len)
        rc = error_set(err, EINVAL, "'%s' holds a NUL byte", path);
    if (!rc)
        *ret = (char *)buf_steal(&decoded);
    return rc;
}

static int add_to_root(struct named *named, struct source *source, struct error *err)
{
    char *path = NULL;
    int rc = path_of(named, root_below(store_url(source->store), named->folder), &path, err);
    if (rc)
        return rc;
    named->number = source->count;
    source_add(source, path, &(struct store_object){0});
    return 0;
}

/* `roots`: URL -> index into objects->roots, SIZE_MAX: it cannot be opened; `by_folder`: the same for a
 * folder. */
static int give_root(struct manifest_objects *objects, struct strmap *roots, struct strmap *by_folder,
                     struct named *named, struct notes *notes, struct error *err)
{
    bool is_new;
    struct strmap_entry *folder = strmap_put(by_folder, named->folder, strlen(named->folder), &is_new);
    if (is_new) {
        CLEANUP_FREE char *url = root_of(objects, named->folder);
        struct strmap_entry *root = strmap_put(roots, url, strlen(url), &is_new);
        if (is_new) {
            root->value = objects->root_count;
            int rc = add_root(objects, url, notes, err);
            if (rc) {
                root->value = folder->value = SIZE_MAX;
                return rc;
            }
        }
        folder->value = root->value;
    }
    if (folder->value == SIZE_MAX)
        return error_set(err, EINVAL, "'%s/%s' lies in a root that cannot be opened", named->folder,
                         named->name);
    named->root = folder->value;
    if (!root_below(store_url(objects->roots[named->root]->store), named->folder))
        return error_set(err, EINVAL, "'%s/%s' is not spelled as its store spells it", named->folder,
                         named->name);
    return add_to_root(named, objects->roots[named->root], err);
}

/* ---- pins ---- */

struct round {
    struct manifest_objects *objects;
    atomic_size_t next;
};

static void fail(struct named *named, const struct error *why)
{
    named->shown.why = mem_copy(why, sizeof *why);
}

static int pin(const struct manifest_objects *objects, const struct source *source,
               struct source_object *object, struct error *err)
{
    const struct scan_of named = {store_url(source->store), object->path, &(struct store_object){0}};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (!import_part_has(objects->part, object->path))
        return error_set(err, IMPORT_PART_OTHER, "another part pins it");
    if (scan_cache_noted(objects->scans, SCAN_PIN, &named, &bytes) &&
        import_pinned_decode(&bytes, &object->pinned))
        return 0;
    int rc = store_head(source->store, object->path, &object->pinned, err);
    if (rc || !objects->part)
        return rc;
    buf_clear(&bytes);
    import_pinned_encode(&object->pinned, &bytes);
    scan_cache_note(objects->scans, SCAN_PIN, &named, &bytes);
    return 0;
}

static void pin_some(void *ctx)
{
    struct round *round = ctx;
    size_t i;
    while ((i = atomic_fetch_add(&round->next, 1)) < round->objects->count) {
        struct named *named = &round->objects->named[i];
        if (named->shown.why)
            continue;
        struct source *source = round->objects->roots[named->root];
        struct source_object *object = &source->objects[named->number];
        struct error err = {0};
        if (pin(round->objects, source, object, &err) < 0)
            fail(named, &err);
    }
}

static int pin_all(struct manifest_objects *objects, struct error *err)
{
    struct round round = {.objects = objects};
    struct workers *workers;
    int rc = workers_new(AT_A_TIME, &workers, err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < AT_A_TIME; i++)
        workers_submit(workers, pin_some, &round);
    workers_free(workers);
    return 0;
}

int manifest_objects_pin(struct manifest_objects *objects, struct notes *notes, struct error *err)
{
    CLEANUP_STRMAP struct strmap *roots = strmap_new();
    CLEANUP_STRMAP struct strmap *by_folder = strmap_new();
    fold_foreign_folders(objects);
    for (size_t i = 0; i < objects->count; i++) {
        struct error why = {0};
        if (give_root(objects, roots, by_folder, &objects->named[i], notes, &why))
            fail(&objects->named[i], &why);
    }
    return pin_all(objects, err);
}

const char *manifest_objects_root(const struct manifest_objects *objects)
{
    return objects->root_count == 1 ? store_url(objects->roots[0]->store) : NULL;
}

int manifest_objects_each_root(struct manifest_objects *objects, manifest_source_fn *each, void *ctx,
                               struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < objects->root_count; i++)
        rc = each(ctx, objects->roots[i], err);
    return rc;
}

int manifest_objects_enter(struct manifest_objects *objects, struct drafts *drafts, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < objects->count; i++) {
        struct named *named = &objects->named[i];
        if (named->shown.why)
            continue;
        const struct source *source = objects->roots[named->root];
        named->shown.source = source;
        named->shown.object = &source->objects[named->number];
        rc = drafts_object(drafts, changeset_root(drafts->set, store_url(source->store)), named->shown.object,
                           &named->shown.id, err);
    }
    return rc;
}

size_t manifest_objects_count(const struct manifest_objects *objects)
{
    return objects->count;
}

const struct manifest_object *manifest_objects_at(const struct manifest_objects *objects, size_t i)
{
    return &objects->named[i].shown;
}

const char *manifest_objects_name(const struct manifest_objects *objects, size_t i)
{
    return objects->named[i].name;
}
