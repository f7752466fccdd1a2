// SPDX-License-Identifier: Apache-2.0
/* A tag's objects are written once each; the one with the highest number counts. */
#include "index/dataset/tag.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct known_tag {
    struct manifest_tag is;
    bool damaged; /* or of a newer program: it names no version that could be told */
};

struct tags {
    struct layout *layout;
    pthread_mutex_t lock;   /* guards what follows */
    struct known_tag *tags; /* by name */
    size_t count, cap;
};

struct tags *tags_new(struct layout *layout)
{
    struct tags *tags = MEM_NEW(struct tags);
    tags->layout = layout;
    pthread_mutex_init(&tags->lock, NULL);
    return tags;
}

void tags_free(struct tags *tags)
{
    if (!tags)
        return;
    pthread_mutex_destroy(&tags->lock);
    free(tags->tags);
    free(tags);
}

/* The first tag whose name is not before `name`. */
static size_t place_locked(const struct tags *tags, const char *name)
{
    size_t low = 0, high = tags->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(tags->tags[mid].is.name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct known_tag *find_locked(struct tags *tags, const char *name)
{
    size_t at = place_locked(tags, name);
    return at < tags->count && !strcmp(tags->tags[at].is.name, name) ? &tags->tags[at] : NULL;
}

static void keep(struct tags *tags, const struct known_tag *tag)
{
    pthread_mutex_lock(&tags->lock);
    struct known_tag *old = find_locked(tags, tag->is.name);
    if (!old) {
        size_t at = place_locked(tags, tag->is.name);
        mem_grow(&tags->tags, &tags->cap, tags->count + 1, sizeof *tags->tags);
        memmove(tags->tags + at + 1, tags->tags + at, (tags->count - at) * sizeof *tags->tags);
        tags->tags[at] = *tag;
        tags->count++;
    } else if (old->is.seq < tag->is.seq) {
        *old = *tag;
    }
    pthread_mutex_unlock(&tags->lock);
}

static struct known_tag known(struct tags *tags, const char *name)
{
    struct known_tag tag = {0};
    pthread_mutex_lock(&tags->lock);
    const struct known_tag *found = find_locked(tags, name);
    if (found)
        tag = *found;
    pthread_mutex_unlock(&tags->lock);
    return tag;
}

uint32_t tags_find(struct tags *tags, const char *name)
{
    return known(tags, name).is.version;
}

bool tags_name_version(struct tags *tags, uint32_t version, char ret_name[MANIFEST_TAG_BYTES])
{
    bool found = false;
    pthread_mutex_lock(&tags->lock);
    for (size_t i = 0; !found && i < tags->count; i++)
        if ((found = tags->tags[i].is.version == version))
            memcpy(ret_name, tags->tags[i].is.name, MANIFEST_TAG_BYTES);
    pthread_mutex_unlock(&tags->lock);
    return found;
}

bool tags_name_damaged(struct tags *tags, char ret_name[MANIFEST_TAG_BYTES])
{
    bool found = false;
    pthread_mutex_lock(&tags->lock);
    for (size_t i = 0; !found && i < tags->count; i++)
        if ((found = tags->tags[i].damaged))
            memcpy(ret_name, tags->tags[i].is.name, MANIFEST_TAG_BYTES);
    pthread_mutex_unlock(&tags->lock);
    return found;
}

/* All that are known, also those that name nothing any more. */
static size_t copy_all(struct tags *tags, struct manifest_tag **ret)
{
    pthread_mutex_lock(&tags->lock);
    size_t count = tags->count;
    *ret = mem_alloc((count + 1) * sizeof **ret);
    for (size_t i = 0; i < count; i++)
        (*ret)[i] = tags->tags[i].is;
    pthread_mutex_unlock(&tags->lock);
    return count;
}

size_t tags_copy(struct tags *tags, struct manifest_tag **ret)
{
    size_t count = copy_all(tags, ret), kept = 0;
    for (size_t i = 0; i < count; i++)
        if ((*ret)[i].version)
            (*ret)[kept++] = (*ret)[i];
    return kept;
}

/* "12\n"; "0\n": none any more. What follows the line is for later programs. */
static bool parse_version(const struct buf *bytes, uint32_t *ret)
{
    const char *text = buf_text(bytes);
    size_t digits = strspn(text, "0123456789");
    unsigned long version = digits && digits < 9 ? strtoul(text, NULL, 10) : 0;
    if (!digits || digits >= 9 || text[digits] != '\n' || (!version && digits > 1) ||
        version > MANIFEST_VERSION_MAX)
        return false;
    *ret = (uint32_t)version;
    return true;
}

/* What stands at the end of a series that moved. A tag that cannot be read names nothing, also where an
 * older object of it could be, and does no harm to the others. */
static void keep_moved(struct tags *tags, const struct series_list *series)
{
    for (size_t i = 0; i < series->count; i++) {
        const struct series *one = &series->list[i];
        struct known_tag tag = {.is.seq = one->seq};
        if (!one->moved)
            continue;
        tag.damaged = !parse_version(&one->bytes, &tag.is.version);
        snprintf(tag.is.name, sizeof tag.is.name, "%.*s", (int)sizeof tag.is.name - 1, one->name);
        keep(tags, &tag);
    }
}

/* Reads what stands behind what is known of one. */
static int follow(struct tags *tags, const char *name, struct error *err)
{
    CLEANUP_SERIES struct series_list series = {0};
    series_add(&series, name, known(tags, name).is.seq, false);
    int rc = series_follow(tags->layout, SERIES_TAGS, &series, err);
    if (!rc)
        keep_moved(tags, &series);
    return rc;
}

static int check_sound(struct tags *tags, const char *name, struct error *err)
{
    return known(tags, name).damaged
               ? error_set(err, EUCLEAN,
                           "%s: tag '%s' is damaged, or of a newer elidefs: it does not hold the number of a "
                           "version; `elidefs untag` takes it away",
                           store_url(tags->layout->store), name)
               : 0;
}

/* Which of those listed are newer than what is known. */
static void take_listed(struct tags *tags, const struct series_list *listed, struct series_list *ret)
{
    for (size_t i = 0; i < listed->count; i++) {
        const struct series *one = &listed->list[i];
        if (!manifest_check_tag(one->name, NULL) && known(tags, one->name).is.seq < one->seq)
            series_add_listed(ret, one);
    }
}

/* Without a listing: what was written since for names that are known. */
static void take_known(struct tags *tags, struct series_list *ret)
{
    CLEANUP_FREE struct manifest_tag *copy = NULL;
    size_t count = copy_all(tags, &copy);
    for (size_t i = 0; i < count; i++)
        series_add(ret, copy[i].name, copy[i].seq, false);
}

int tags_load(struct tags *tags, const struct manifest *newest, struct series_listing *listing,
              struct error *err)
{
    CLEANUP_SERIES struct series_list series = {0};
    const struct series_list *listed = NULL;
    struct error list_err = {0};
    for (size_t i = 0; newest && i < newest->tag_count; i++)
        keep(tags, &(struct known_tag){.is = newest->tags[i]});
    int rc = series_listed(listing, SERIES_TAGS, &listed, &list_err);
    if (rc < 0 && rc != -EACCES && rc != -ENOTSUP)
        return error_copy(err, &list_err);
    if (rc < 0)
        take_known(tags, &series);
    else
        take_listed(tags, listed, &series);
    rc = series_follow(tags->layout, SERIES_TAGS, &series, err);
    if (!rc)
        keep_moved(tags, &series);
    return rc;
}

static int check_same(struct tags *tags, const char *name, uint32_t version, struct error *err)
{
    uint32_t now = tags_find(tags, name);
    if (now == version)
        return 0;
    if (!now)
        return error_set(err, EEXIST, "%s: somebody removed the tag '%s' just now",
                         store_url(tags->layout->store), name);
    return error_set(err, EEXIST, "%s: the tag '%s' names v%u already", store_url(tags->layout->store), name,
                     now);
}

/* Writes the next object of the series; 0 stands for no version. */
static int put_next(struct tags *tags, const char *name, uint32_t version, struct error *err)
{
    char path[LAYOUT_PATH_BYTES], text[16];
    uint32_t seq = known(tags, name).is.seq;
    series_path(SERIES_TAGS, name, seq + 1, path);
    int len = snprintf(text, sizeof text, "%u\n", version);
    struct error put_err = {0};
    int rc = store_put(tags->layout->store, path, text, (size_t)len, STORE_PUT_IF_ABSENT, NULL, &put_err);
    if (rc < 0 && rc != -EEXIST)
        return error_copy(err, &put_err);
    rc = follow(tags, name, err); /* ours, or that of whom was faster */
    if (!rc)
        rc = check_sound(tags, name, err);
    return rc < 0 ? rc : check_same(tags, name, version, err);
}

int tags_put(struct tags *tags, const char *name, uint32_t version, bool move, struct error *err)
{
    int rc = manifest_check_tag(name, err);
    if (!rc)
        rc = follow(tags, name, err);
    if (!rc)
        rc = check_sound(tags, name, err);
    if (rc < 0)
        return rc;
    struct manifest_tag now = known(tags, name).is;
    if (now.version && (!move || now.version == version))
        return check_same(tags, name, version, err);
    return put_next(tags, name, version, err);
}

int tags_remove(struct tags *tags, const char *name, struct error *err)
{
    int rc = manifest_check_tag(name, err);
    if (!rc)
        rc = follow(tags, name, err);
    if (rc < 0)
        return rc;
    struct known_tag now = known(tags, name);
    if (!now.is.version && !now.damaged)
        return error_set(err, ENOENT, "%s: there is no tag '%s'", store_url(tags->layout->store), name);
    return put_next(tags, name, 0, err);
}
