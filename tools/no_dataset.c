// SPDX-License-Identifier: Apache-2.0
/* From what is certain to what is likely; the first that applies is said, and never two. */
#include "tools/no_dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/memory.h"
#include "index/base/name.h"
#include "index/base/version.h"
#include "index/dataset/dataset.h"
#include "query/say/nearest.h"

enum { LISTED_NAMES = 8, FOLDERS_MAX = 1000 };

static bool is_url(const char *given)
{
    return strstr(given, "://") != NULL;
}

/* ---- DATASET PATH in one word ---- */

static bool is_version(const char *name, size_t len)
{
    if (len == strlen("latest") && !memcmp(name, "latest", len))
        return true;
    return version_parse(name, len, NULL);
}

/* Where a version or a condition begins: "v1/arm=left" of "kitchen/v1/arm=left". NULL: nowhere. */
static const char *query_part(const char *given)
{
    for (const char *at = given; *at; at += strspn(at, "/")) {
        size_t len = strcspn(at, "/");
        enum name_kind kind = name_kind(at, len);
        if (kind == NAME_COMPONENT || kind == NAME_STAGE || is_version(at, len))
            return at;
        at += len;
    }
    return NULL;
}

/* The part of `given` before `at`, without the slashes at its end; owned. */
static char *before(const char *given, const char *at)
{
    while (at > given && at[-1] == '/')
        at--;
    return mem_copy(given, (size_t)(at - given));
}

static bool is_set_before(struct stores *stores, const char *given, const char *at)
{
    CLEANUP_FREE char *above = before(given, at);
    return *above && above[strlen(above) - 1] != ':' && dataset_exists(stores, above, NULL) > 0;
}

/* Where the path begins that lies in a data set, or NULL. A folder's parents cost nothing to ask. */
static const char *part_in_set(struct stores *stores, const char *given)
{
    const char *part = query_part(given);
    if (part && is_set_before(stores, given, part))
        return part;
    for (const char *at = is_url(given) ? given : given + strlen(given); at > given; at--)
        if (at[-1] == '/' && *at && is_set_before(stores, given, at))
            return at;
    return NULL;
}

static int refuse_path(const char *given, const char *part, struct error *err)
{
    CLEANUP_FREE char *above = before(given, part);
    if (query_part(part) != part)
        return error_set(err, ENOENT, "%s lies inside the data set %s", given, above);
    return error_set(err, ENOENT, "%s lies in the data set %s: type them apart, %s %s", given, above, above,
                     part);
}

/* ---- folders of this machine ---- */

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Offers the data sets in a folder; the first one's path goes to *ret_first (owned), if that is asked for. */
static void offer_folders(struct stores *stores, const char *folder, struct nearest *nearest,
                          char **ret_first)
{
    DIR *dir = opendir(*folder ? folder : "/");
    int left = FOLDERS_MAX;
    for (struct dirent *entry; dir && left && (entry = readdir(dir)); left--) {
        if (*entry->d_name == '.')
            continue;
        CLEANUP_FREE char *path = mem_printf("%s/%s", folder, entry->d_name);
        if (!is_folder(path) || dataset_exists(stores, path, NULL) <= 0)
            continue;
        if (nearest)
            nearest_offer(nearest, entry->d_name, strlen(entry->d_name));
        if (ret_first && !*ret_first)
            *ret_first = STEAL(path);
    }
    if (dir)
        closedir(dir);
}

/* ---- names of the configuration ---- */

struct names {
    struct nearest nearest;
    struct buf listed; /* the first few */
    size_t count;
};

static int offer_name(void *ctx, const char *name, const char *url)
{
    struct names *names = ctx;
    (void)url;
    nearest_offer(&names->nearest, name, strlen(name));
    if (names->count++ < LISTED_NAMES)
        buf_printf(&names->listed, "%s%s", names->listed.len ? ", " : "", name);
    return 0;
}

static int refuse_name(struct stores *stores, const char *given, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct names names = {0};
    nearest_init(&names.nearest, given, strlen(given));
    stores_each_dataset(offer_name, &names, NULL);
    offer_folders(stores, ".", &names.nearest, NULL);
    buf_printf(&text, "no data set named '%s'", given);
    if (names.nearest.count)
        nearest_print(&names.nearest, "", &text);
    else if (names.count)
        buf_printf(&text, ": the names are %s%s", buf_text(&names.listed),
                   names.count > LISTED_NAMES ? ", ..." : "");
    else
        buf_text_append(&text, ": ~/.config/elidefs/config gives no names");
    if (!names.nearest.count)
        buf_printf(&text, "; and there is no folder %s here: \"elidefs init %s\" makes one", given, given);
    nearest_done(&names.nearest);
    buf_done(&names.listed);
    return error_set(err, ENOENT, "%s", buf_text(&text));
}

static int offer_url(void *ctx, const char *name, const char *url)
{
    (void)name;
    nearest_offer(ctx, url, strlen(url));
    return 0;
}

/* ---- what lies there ---- */

static int stop_at_first(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    (void)ctx, (void)path, (void)object, (void)err;
    return 1;
}

enum kind { KIND_NOTHING, KIND_READ_ONLY, KIND_FILES, KIND_LEROBOT };

static enum kind kind_of(struct stores *stores, const char *url)
{
    CLEANUP_STORE struct store *store = NULL;
    struct store_object object;
    if (store_open(stores, url, &store, NULL))
        return KIND_NOTHING;
    if (!store_head(store, "meta/info.json", &object, NULL))
        return KIND_LEROBOT;
    if (store_is_read_only(store))
        return KIND_READ_ONLY;
    return store_list(store, "", stop_at_first, NULL, NULL) > 0 ? KIND_FILES : KIND_NOTHING;
}

static int refuse_place(struct stores *stores, const char *given, struct error *err)
{
    const char *named = stores_dataset_url(stores, given), *url = named ? named : given;
    CLEANUP_FREE char *said = mem_text(err->text), *inside = NULL;
    enum kind kind = kind_of(stores, url);
    if (kind == KIND_LEROBOT)
        return error_set(
            err, ENOENT,
            "%s: a LeRobot folder lies there, which is imported into one: \"elidefs init DATASET\", "
            "then \"elidefs import DATASET %s\"",
            said, given);
    if (!is_url(url))
        offer_folders(stores, url, NULL, &inside);
    if (inside)
        return error_set(err, ENOENT, "%s: there is one in it, %s", said, inside);
    if (kind == KIND_READ_ONLY)
        return error_set(err, ENOENT, "%s", said);
    if (kind == KIND_FILES)
        return error_set(err, ENOENT,
                         "%s: other files lie there; to import them, \"elidefs init DATASET\", then "
                         "\"elidefs import DATASET %s\"",
                         said, given);
    return error_set(err, ENOENT, "%s: type \"elidefs init %s\"", said, given);
}

/* What is spelt nearly so: URLs of the configuration, data sets beside it. True if there is any. */
static bool print_near(struct stores *stores, const char *given, struct buf *text)
{
    CLEANUP_NEAREST struct nearest urls = {0}, beside = {0};
    const char *slash = strrchr(given, '/'), *last = slash ? slash + 1 : given;
    CLEANUP_FREE char *folder = mem_copy(given, (size_t)(last - given));
    nearest_init(&urls, given, strlen(given));
    nearest_init(&beside, last, strlen(last));
    stores_each_dataset(offer_url, &urls, NULL);
    if (urls.count)
        nearest_print(&urls, "", text);
    else if (!is_url(given))
        offer_folders(stores, *folder ? folder : ".", &beside, NULL);
    nearest_print(&beside, folder, text);
    return urls.count || beside.count;
}

/* Nothing of this machine lies there, or it is in a bucket. */
static int refuse_elsewhere(struct stores *stores, const char *given, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_text_append(&text, err->text);
    if (print_near(stores, given, &text))
        return error_set(err, ENOENT, "%s", buf_text(&text));
    if (is_url(given) && strncmp(err->text, "no data set", strlen("no data set")) != 0)
        return -ENOENT; /* no such bucket */
    if (query_part(given))
        return error_set(
            err, ENOENT,
            "%s looks like a path in a data set, but nothing is mounted above it, and no data set "
            "stands before it: DATASET PATH",
            given);
    return refuse_place(stores, given, err);
}

int no_dataset_explain(struct stores *stores, const char *given, struct error *err)
{
    const char *part = part_in_set(stores, given);
    struct stat st;
    bool known = stores_dataset_url(stores, given) != NULL, there = !known && !stat(given, &st);
    if (part)
        return refuse_path(given, part, err);
    if (there && !S_ISDIR(st.st_mode))
        return error_set(err, ENOENT, "%s is a file: a data set is a folder, a prefix in a bucket, or a name",
                         given);
    if (known || there)
        return refuse_place(stores, given, err);
    if (!strchr(given, '/') && !query_part(given))
        return refuse_name(stores, given, err);
    return refuse_elsewhere(stores, given, err);
}
