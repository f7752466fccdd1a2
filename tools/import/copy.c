// SPDX-License-Identifier: Apache-2.0
/* Whatever way a copy comes about, its path is that of the source's pin (known.c), and what is known of its
 * bytes goes into the change set with it. */
#include "tools/import/copy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"

enum { PART_BYTES = 8 << 20 };

int copy_mode_parse(const char *text, enum copy_mode *ret, struct error *err)
{
    static const struct {
        const char *text;
        enum copy_mode mode;
    } modes[] = {{"", COPY_ALL}, {"all", COPY_ALL}, {"open", COPY_OPEN}, {"link", COPY_LINK}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(text, modes[i].text)) {
            *ret = modes[i].mode;
            return 0;
        }
    return error_set(err, EINVAL, "--copy=%s: expected open, link or all", text);
}

/* ---- which ---- */

/* "top/chunk-001/file-017.mp4" -> "top/chunk-#/file-#.mp4"; folders above keep their numbers. */
static char *series_of(const char *path)
{
    size_t len = strlen(path), out = 0;
    char *series = mem_alloc(len + 1);
    const char *file = strrchr(path, '/'), *folder = file;
    while (folder && folder > path && folder[-1] != '/')
        folder--;
    file = file ? file + 1 : path;
    const char *from = folder && !strncmp(folder, "chunk-", 6) ? folder : file;
    for (const char *p = path; *p; p++) {
        bool digit = p >= from && isdigit((unsigned char)*p);
        if (!digit)
            series[out++] = *p;
        else if (!out || series[out - 1] != '#' || !isdigit((unsigned char)p[-1]))
            series[out++] = '#';
    }
    series[out] = 0;
    return series;
}

bool *copy_open_objects(const struct source *source)
{
    CLEANUP_STRMAP struct strmap *last = strmap_new(); /* series -> index of its last object */
    bool *open = mem_zero((source->count + !source->count) * sizeof *open);
    for (size_t i = 0; i < source->count; i++) {
        bool is_new;
        CLEANUP_FREE char *series = series_of(source->objects[i].path);
        struct strmap_entry *entry = strmap_put(last, series, strlen(series), &is_new);
        if (is_new || strverscmp(source->objects[i].path, source->objects[entry->value].path) > 0)
            entry->value = i;
    }
    for (size_t i = 0; i < strmap_count(last); i++)
        open[strmap_at(last, i)->value] = true;
    return open;
}

int copier_init(struct copier *ret, enum copy_mode mode, struct store *store, struct known *known,
                struct source *source, struct error *err)
{
    *ret = (struct copier){.store = store, .source = source, .known = known, .links = mode == COPY_LINK};
    if (mode == COPY_LINK && !store_may_copy(store, source->store, STORE_COPY_LINK))
        return error_set(err, EINVAL,
                         "--copy=link: hard links are for files, but from %s to %s there are none",
                         store_url(source->store), store_url(store));
    if (mode == COPY_OPEN)
        ret->open = copy_open_objects(source);
    ret->taken = mem_zero((source->count + 1) * sizeof *ret->taken);
    return 0;
}

void copier_done(struct copier *copier)
{
    for (size_t i = 0; copier->taken && i < copier->source->count; i++)
        free(copier->taken[i]);
    free(copier->taken);
    free(copier->open);
    free(copier->counted);
}

bool copier_wants(const struct copier *copier, const struct source_object *object)
{
    return !copier->open || copier->open[object - copier->source->objects];
}

/* ---- copying ---- */

static int copy_small(const struct copier *copier, const struct source_object *object, const char *path,
                      struct store_object *ret, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int rc = source_read_all(copier->source, object->path, PART_BYTES, &bytes, err);
    if (!rc)
        rc = store_put(copier->store, path, bytes.data, bytes.len, STORE_PUT_REPLACE, ret, err);
    if (rc < 0)
        return rc;
    struct evidence_whole *whole = evidence_whole_new();
    evidence_whole_add(whole, bytes.data, bytes.len);
    evidence_whole_finish(whole, &ret->evidence);
    return 0;
}

static int copy_parts(const struct copier *copier, const struct source_object *object,
                      struct store_upload *upload, struct evidence_whole *whole, struct error *err)
{
    CLEANUP_FREE uint8_t *part = mem_alloc(PART_BYTES);
    uint64_t size = object->pinned.size;
    int rc = 0;
    for (uint64_t at = 0; !rc && at < size; at += PART_BYTES) {
        size_t len = size - at < PART_BYTES ? (size_t)(size - at) : PART_BYTES;
        rc = source_read(copier->source, object, at, len, part, err);
        if (rc >= 0)
            rc = store_upload_part(upload, part, len, err);
        if (rc >= 0)
            evidence_whole_add(whole, part, len);
    }
    return rc;
}

static int copy_large(const struct copier *copier, const struct source_object *object, const char *path,
                      struct store_object *ret, struct error *err)
{
    struct store_upload *upload;
    int rc = store_upload_begin(copier->store, path, &upload, err);
    if (rc < 0)
        return rc;
    struct evidence_whole *whole = evidence_whole_new();
    struct evidence evidence = {0};
    rc = copy_parts(copier, object, upload, whole, err);
    evidence_whole_finish(whole, &evidence);
    if (rc < 0) {
        store_upload_abort(upload);
        return rc;
    }
    rc = store_upload_finish(upload, ret, err);
    if (!rc)
        ret->evidence = evidence;
    return rc;
}

/* An import that was given up may have left it: 1, 0 or -errno. Its path says that it is these bytes, and
 * what can be compared without reading both must say so, too. */
static int is_there(const struct copier *copier, const struct source_object *object, const char *path,
                    struct store_object *ret, struct error *err)
{
    struct store_object there, now;
    struct error why = {0};
    uint64_t bytes;
    if (store_head(copier->store, path, &there, NULL) || there.size != object->pinned.size)
        return 0;
    source_now(object, &now);
    int rc = evidence_take(object->store, object->path, &now, &now.evidence, err);
    if (rc < 0)
        return rc;
    if (evidence_compare(copier->store, path, &now, &there, &bytes, &why) < 1)
        return 0; /* whatever is wrong with it: it is written anew */
    if (store_is_local(copier->store))
        rc = evidence_take_whole(copier->store, path, &there, &there.evidence, err);
    if (!rc)
        *ret = there;
    return rc < 0 ? rc : 1;
}

/* ---- what the stores do by themselves ---- */

/* All that is known of a copy that did not pass through us is what an import reads of it. */
static void note_unread(const struct source_object *object, struct store_object *copied)
{
    struct evidence seen = object->pinned.evidence;
    seen.whole = copied->evidence.whole;
    memcpy(seen.sha256, copied->evidence.sha256, sizeof seen.sha256);
    seen.ours = !seen.whole;
    seen.sampled = seen.has_md5 = seen.has_parts = false;
    copied->evidence = seen;
}

/* The source has the ctime of the link now: whoever looks for it as it was need not wonder. */
static void learn_link(const struct copier *copier, struct source_object *object,
                       const struct store_object *now)
{
    uint32_t id;
    free(object->pin_now);
    object->pin_now = mem_text(now->pin);
    if (known_in_source(copier->known, object, &id, NULL) == 1)
        dataset_learn_pin(known_dataset(copier->known),
                          &(struct dataset_judged){known_root(copier->known), object->store, object->path,
                                                   &object->pinned, now});
}

static int copy_link(struct copier *copier, const struct source_object *object, const char *path,
                     struct store_object *ret, struct error *err)
{
    struct store_object now;
    source_now(object, &now);
    const struct store_copy copy = {object->store, object->path, &now, path, STORE_COPY_LINK};
    int rc = store_copy(copier->store, &copy, ret, err);
    if (rc == -ENOTSUP) { /* no flaw of one clip */
        error_recode(err, EXDEV);
        return error_prefix(err, "--copy=link");
    }
    if (rc < 0)
        return rc;
    learn_link(copier, &copier->source->objects[object - copier->source->objects], ret);
    note_unread(object, ret);
    copier->counts.linked++;
    return 1;
}

static int tell_server(struct copier *copier, struct error *err)
{
    const struct source *source = copier->source;
    struct copy_counts wanted = {0};
    for (size_t i = 0; i < source->count; i++) {
        struct known_object found = {0};
        int rc = copier_wants(copier, &source->objects[i])
                     ? known_object(copier->known, &source->objects[i], &found, err)
                     : 1;
        if (rc < 0)
            return rc;
        if (copier_wants(copier, &source->objects[i]) && !found.copy) {
            wanted.objects++;
            wanted.bytes += source->objects[i].pinned.size;
        }
    }
    copier->serve(wanted.objects, wanted.bytes);
    copier->serve = NULL;
    return 0;
}

/* Where a store cannot, or may not, copy by itself, whoever reads and writes learns why. */
static bool is_no_help(int rc)
{
    return rc == -ENOTSUP || rc == -EACCES || rc == -EIO;
}

/* 1: done, 0: all bytes must pass through us. */
static int copy_shared(struct copier *copier, const struct source_object *object, const char *path,
                       struct store_object *ret, struct error *err)
{
    struct store_object now;
    struct error why = {0};
    bool serves = !store_is_local(copier->store);
    int rc = 0;
    if (copier->unshared || !store_may_copy(copier->store, object->store, STORE_COPY_SHARE))
        return 0;
    if (serves && copier->serve)
        rc = tell_server(copier, err);
    if (rc < 0)
        return rc;
    source_now(object, &now);
    const struct store_copy copy = {object->store, object->path, &now, path, STORE_COPY_SHARE};
    rc = store_copy(copier->store, &copy, ret, &why);
    copier->unshared = is_no_help(rc);
    if (rc < 0)
        return copier->unshared ? 0 : error_copy(err, &why);
    note_unread(object, ret);
    copier->counts.shared += !serves;
    copier->counts.served += serves;
    return 1;
}

/* ---- one object ---- */

/* 1: it is made, 0: it was there. */
static int copy_object(struct copier *copier, const struct source_object *object, const char *path,
                       struct store_object *ret, struct error *err)
{
    if (copier->links)
        return copy_link(copier, object, path, ret, err);
    int rc = copy_shared(copier, object, path, ret, err);
    if (rc)
        return rc;
    rc = is_there(copier, object, path, ret, err);
    if (rc)
        return rc < 0 ? rc : 0;
    bool small = object->pinned.size <= PART_BYTES;
    rc = small ? copy_small(copier, object, path, ret, err) : copy_large(copier, object, path, ret, err);
    return rc < 0 ? rc : 1;
}

/* ---- parts ---- */

static struct scan_of noted_of(const struct copier *copier, const struct source_object *object)
{
    return (struct scan_of){store_url(copier->source->store), object->path, &object->pinned};
}

/* A part has made it. */
static bool is_noted(const struct copier *copier, const struct source_object *object, const char *path,
                     struct store_object *ret)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct store_object noted, there;
    struct scan_of of = noted_of(copier, object);
    if (copier->part || !scan_cache_noted(copier->scans, SCAN_COPY, &of, &bytes) ||
        !import_pinned_decode(&bytes, &noted) || store_head(copier->store, path, &there, NULL) ||
        strcmp(noted.pin, there.pin) != 0)
        return false;
    *ret = noted;
    return true;
}

static void note(const struct copier *copier, const struct source_object *object,
                 const struct store_object *copy)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct scan_of of = noted_of(copier, object);
    if (!copier->part)
        return;
    import_pinned_encode(copy, &bytes);
    scan_cache_note(copier->scans, SCAN_COPY, &of, &bytes);
}

static void count_once(struct copier *copier, const struct source_object *object)
{
    size_t number = (size_t)(object - copier->source->objects);
    if (!copier->counted)
        copier->counted = mem_zero(copier->source->count * sizeof *copier->counted);
    if (copier->counted[number])
        return;
    copier->counted[number] = true;
    copier->counts.objects++;
    copier->counts.bytes += object->pinned.size;
}

int copier_take(struct copier *copier, const struct source_object *object, struct known_object *ret,
                struct error *err)
{
    if (copier->dry) {
        count_once(copier, object);
        return 0;
    }
    struct known_object **taken = &copier->taken[object - copier->source->objects];
    if (*taken) {
        *ret = **taken;
        return 0;
    }
    struct known_object copied = {.copy = true, .made = true};
    known_copy_path(copier->known, object, copied.path);
    bool noted = is_noted(copier, object, copied.path, &copied.pinned);
    int rc = noted ? 1 : copy_object(copier, object, copied.path, &copied.pinned, err);
    if (rc < 0)
        return error_prefix(err, "copying %s/%s", store_url(copier->source->store), object->path);
    copied.pinned.size = object->pinned.size;
    if (rc) {
        copier->counts.objects++;
        copier->counts.bytes += copied.pinned.size;
    }
    note(copier, object, &copied.pinned);
    if (rc && copier->made && !noted)
        strmap_put(copier->made, copied.path, strlen(copied.path), NULL);
    *taken = mem_copy(&copied, sizeof copied);
    *ret = copied;
    return 0;
}

size_t copy_take_back(struct store *store, const struct strmap *made)
{
    size_t removed = 0;
    for (size_t i = 0; i < strmap_count(made); i++)
        removed += !store_remove(store, strmap_at(made, i)->key, NULL);
    return removed;
}
