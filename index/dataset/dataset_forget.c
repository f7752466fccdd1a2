// SPDX-License-Identifier: Apache-2.0
/* Forgetting versions, and what becomes of a version that is forgotten and tagged at the same time: a tag
 * wins, as long as it stands. */
#include <errno.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/dataset/dataset_state.h"

bool dataset_find_forgotten(struct dataset *dataset, uint32_t version, struct forgetting *ret)
{
    char tag[MANIFEST_TAG_BYTES];
    return version < dataset_head(dataset) && forgotten_find(dataset->forgotten, version, NULL) &&
           !tags_name_version(dataset->tags, version, tag) &&
           forgotten_find(dataset->forgotten, version, ret);
}

int dataset_check_forgotten(struct dataset *dataset, uint32_t version, struct error *err)
{
    CLEANUP_FORGETTING struct forgetting found = {0};
    if (!dataset_find_forgotten(dataset, version, &found))
        return 0;
    return manifest_say_forgotten(version, found.time_ns, found.author, found.message, err);
}

bool dataset_is_forgotten(struct dataset *dataset, uint32_t version)
{
    return dataset_check_forgotten(dataset, version, NULL) < 0;
}

/* Only what nobody relies on by name. */
static int check_one(struct dataset *dataset, uint32_t version, uint32_t head, struct error *err)
{
    char tag[MANIFEST_TAG_BYTES];
    const char *url = dataset_url(dataset);
    if (!version || version > head)
        return error_set(err, ENOENT, "%s: there is no v%u to forget; the newest is v%u", url, version, head);
    if (version == head)
        return error_set(err, EPERM,
                         "%s: v%u is the newest version, which cannot be forgotten: what comes next is made "
                         "of it",
                         url, version);
    if (tags_name_version(dataset->tags, version, tag))
        return error_set(err, EPERM,
                         "%s: v%u has the tag '%s', so it cannot be forgotten; `elidefs untag` takes the tag "
                         "away",
                         url, version, tag);
    return 0;
}

int dataset_check_tags(struct dataset *dataset, struct error *err)
{
    char tag[MANIFEST_TAG_BYTES];
    return tags_name_damaged(dataset->tags, tag)
               ? error_set(err, EUCLEAN,
                           "%s: the tag '%s' is damaged, or of a newer elidefs, so it cannot be told which "
                           "version it keeps: use that elidefs, or `elidefs untag` to take the tag away",
                           dataset_url(dataset), tag)
               : 0;
}

static int check_all(struct dataset *dataset, const struct dataset_forget *forget, struct error *err)
{
    uint32_t head = dataset_head(dataset);
    int rc = dataset_check_tags(dataset, err);
    for (size_t i = 0; !rc && i < forget->count; i++)
        for (uint64_t version = forget->ranges[i].first; !rc && version <= forget->ranges[i].last; version++)
            rc = check_one(dataset, (uint32_t)version, head, err);
    return rc;
}

int dataset_forget(struct dataset *dataset, const struct dataset_forget *forget, struct error *err)
{
    CLEANUP_FREE char *author = forget->author ? mem_text(forget->author) : dataset_author();
    CLEANUP_FREE char *message = mem_text(forget->message ? forget->message : "");
    int64_t now_ns = instant_now();
    manifest_clean_text(author);
    manifest_clean_text(message);
    if (strlen(message) > FORGOTTEN_MESSAGE_MAX)
        return error_set(err, E2BIG, "the message is longer than %d bytes", FORGOTTEN_MESSAGE_MAX);
    int rc = dataset_refresh(dataset, NULL, err);
    if (!rc)
        rc = check_all(dataset, forget, err);
    for (size_t i = 0; !rc && i < forget->count; i++)
        rc = forgotten_put(dataset->forgotten,
                           &(struct forgetting){.first = forget->ranges[i].first,
                                                .last = forget->ranges[i].last,
                                                .time_ns = now_ns,
                                                .author = author,
                                                .message = message},
                           err);
    return rc ? rc : dataset_refresh(dataset, NULL, err); /* a tag may have been set meanwhile */
}
