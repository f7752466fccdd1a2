// SPDX-License-Identifier: Apache-2.0
/*
 * Looks for paths that only LeRobot writes among those of a source, and for its episodes among the clips that
 * the data set has of it, before anything is imported as plain files.
 */
#include "tools/import/lerobot_lost.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"
#include "index/catalog/catalog.h"

static bool starts(const char *path, const char *with)
{
    return !strncmp(path, with, strlen(with));
}

static bool ends(const char *path, const char *with)
{
    size_t len = strlen(path), tail = strlen(with);
    return len >= tail && !strcmp(path + len - tail, with);
}

/* `path` below the folder that would be the data set. */
static bool is_meta(const char *path)
{
    static const char *const files[] = {"meta/episodes.jsonl", "meta/episodes_stats.jsonl",
                                        "meta/tasks.jsonl", "meta/tasks.parquet"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!strcmp(path, files[i]))
            return true;
    return starts(path, "meta/episodes/") && ends(path, ".parquet");
}

static bool is_data(const char *path)
{
    return starts(path, "data/chunk-") && ends(path, ".parquet");
}

static bool has_below(const struct source *source, const char *folder, size_t len, const char *name)
{
    CLEANUP_FREE char *start = mem_copy(folder, len);
    CLEANUP_FREE char *prefix = mem_printf("%s%s", start, name);
    size_t count;
    source_below(source, prefix, &count);
    return count > 0;
}

static int say(const struct source *source, const char *path, size_t folder_len, const char *why,
               struct error *err)
{
    CLEANUP_FREE char *folder = mem_copy(path, folder_len);
    CLEANUP_FREE char *info = mem_printf("%smeta/info.json", folder);
    CLEANUP_FREE char *name = source_name(source, info);
    return error_set(err, ENOENT,
                     "%s: this file is missing, but %s: the LeRobot data set is not complete (--layout "
                     "imports plain files all the same)",
                     name, why);
}

/* Each folder above the file may be the one; `at`: where its name in that folder starts. */
static int check_file(const struct source *source, const char *path, char **ret_folder, struct error *err)
{
    int rc = 0;
    for (const char *at = path; !rc && at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        size_t len = (size_t)(at - path);
        CLEANUP_FREE char *why = mem_printf("%s is there", at);
        if (is_meta(at) || (is_data(at) && has_below(source, path, len, "videos/")))
            rc = say(source, path, len, why, err);
        if (rc)
            *ret_folder = mem_copy(path, len);
    }
    return rc;
}

int lerobot_lost_check(const struct source *source, const bool *taken, size_t *at, char **ret_folder,
                       struct error *err)
{
    int rc = 0;
    for (; *at < source->count; ++*at)
        if (!taken[*at] && (rc = check_file(source, source->objects[*at].path, ret_folder, err)))
            break;
    return rc;
}

/* ---- what is known ---- */

struct search {
    struct drafts *drafts;
    char *key;  /* of the first clip that is an episode, or NULL */
    bool again; /* one of them is a draft */
};

/* "ep000012", perhaps behind a prefix. */
static bool is_episode_key(const char *key)
{
    enum { DIGITS = 6 };
    size_t len = strlen(key), digits = 0;
    while (digits < len && isdigit((unsigned char)key[len - digits - 1]))
        digits++;
    if (digits < DIGITS || len < digits + 2 || memcmp(key + len - digits - 2, "ep", 2) != 0)
        return false;
    return len == digits + 2 || key[len - digits - 3] == '-';
}

static int has_rows(struct known *known, uint32_t row, struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(known_reader(known), row, &clip, err);
    for (uint32_t i = 0; !rc && i < clip.file_count; i++)
        if (!strcmp(clip.files[i].name, "state"))
            return 1;
    return rc;
}

static int find_episode(void *ctx, uint32_t row, const char *key, struct error *err)
{
    struct search *search = ctx;
    if (!is_episode_key(key))
        return 0;
    search->again |= drafts_find(search->drafts, key) != NULL;
    if (search->again || search->key)
        return search->again;
    CLEANUP_FREE char *name = mem_text(key);
    int rc = has_rows(search->drafts->known, row, err);
    if (rc == 1)
        search->key = STEAL(name);
    return rc < 0 ? rc : 0;
}

int lerobot_lost_check_known(const struct source *source, struct drafts *drafts, struct error *err)
{
    struct search search = {.drafts = drafts};
    struct known *known = drafts->known;
    int rc = known ? known_clips(known, find_episode, &search, err) : 0;
    if (rc >= 0 && search.key && !search.again) {
        CLEANUP_FREE char *why =
            mem_printf("v%u has '%s' as an episode of this source", known_version(known), search.key);
        rc = say(source, "", 0, why, err);
    }
    free(search.key);
    return rc < 0 ? rc : 0;
}
