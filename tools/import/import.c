// SPDX-License-Identifier: Apache-2.0
/* Folders with meta/info.json belong to the LeRobot importer, with all below them; the rest are plain files.
 */
#include "tools/import/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/name.h"
#include "tools/import/draft.h"
#include "tools/import/files.h"
#include "tools/import/lerobot.h"
#include "tools/import/source.h"
#include "tools/import/table.h"

static const char info_path[] = "meta/info.json";

struct importing {
    const struct import_request *request;
    struct import_counts *counts;
    struct source *source;
    struct drafts *drafts;
    bool *taken;
    uint32_t root;
    char *prefix; /* escaped, with '-', or "" */
};

/* The folder of a LeRobot root whose info.json this is; false for any other path. */
static bool lerobot_folder(const char *path, size_t *ret_len)
{
    size_t len = strlen(path), tail = sizeof info_path - 1;
    if (len < tail || strcmp(path + len - tail, info_path) || (len > tail && path[len - tail - 1] != '/'))
        return false;
    *ret_len = len > tail ? len - tail - 1 : 0;
    return true;
}

static bool inside(const char *path, const char *folder, size_t folder_len)
{
    return !folder_len || (!strncmp(path, folder, folder_len) && path[folder_len] == '/');
}

static char *last_component(const char *url)
{
    const char *slash = strrchr(url, '/');
    return mem_text(slash && slash[1] ? slash + 1 : url);
}

static int import_lerobot(struct importing *importing, const char *info, size_t folder_len, struct error *err)
{
    CLEANUP_FREE char *folder = mem_copy(info, folder_len);
    CLEANUP_FREE char *name =
        folder_len ? mem_text(folder) : last_component(store_url(importing->source->store));
    CLEANUP_BUF struct buf prefix = BUF_INIT;
    buf_text_append(&prefix, importing->prefix);
    if (folder_len) {
        CLEANUP_FREE char *joined = mem_text(folder);
        for (char *p = joined; *p; p++)
            if (*p == '/')
                *p = '-';
        name_escape(&prefix, joined, folder_len);
        buf_u8(&prefix, '-');
    }
    struct lerobot_import lerobot = {.source = importing->source,
                                     .folder = folder,
                                     .key_prefix = buf_text(&prefix),
                                     .name = name,
                                     .root = importing->root,
                                     .drafts = importing->drafts,
                                     .notes = importing->request->notes};
    importing->counts->lerobot_sets++;
    return lerobot_import(&lerobot, err);
}

/* How a LeRobot root's other files are accounted for: everything below it is taken, what it does not name is
 * said. */
static void take_below(struct importing *importing, const char *folder, size_t folder_len)
{
    static const char *const own[] = {"meta/", "data/", "videos/"};
    for (size_t i = 0; i < importing->source->count; i++) {
        const char *path = importing->source->objects[i].path;
        if (!inside(path, folder, folder_len))
            continue;
        importing->taken[i] = true;
        const char *rest = folder_len ? path + folder_len + 1 : path;
        bool named = false;
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            named |= !strncmp(rest, own[k], strlen(own[k]));
        if (!named)
            notes_add(importing->request->notes, "ignored, because the LeRobot data set does not name it",
                      path);
    }
}

static int import_sources(struct importing *importing, struct error *err)
{
    const struct source *source = importing->source;
    int rc = 0;
    for (size_t i = 0; !rc && i < source->count; i++) {
        size_t folder_len;
        if (importing->taken[i] || !lerobot_folder(source->objects[i].path, &folder_len))
            continue;
        rc = import_lerobot(importing, source->objects[i].path, folder_len, err);
        take_below(importing, source->objects[i].path, folder_len);
    }
    if (rc)
        return rc;
    struct files_import files = {.source = source,
                                 .taken = importing->taken,
                                 .layout = importing->request->layout,
                                 .key_prefix = importing->prefix,
                                 .root = importing->root,
                                 .drafts = importing->drafts,
                                 .notes = importing->request->notes};
    bool left = false;
    for (size_t i = 0; i < source->count; i++)
        left |= !importing->taken[i];
    return left ? files_import(&files, err) : 0;
}

static int join_tables(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    bool one_root = importing->counts->lerobot_sets == 1;
    struct table_join join = {.stores = request->stores,
                              .drafts = importing->drafts,
                              .notes = request->notes,
                              .multi = request->multi,
                              .multi_count = request->multi_count,
                              .one_root = one_root};
    int rc = 0;
    for (size_t i = 0; !rc && i < request->set_count; i++)
        rc = table_set(&join, request->sets[i], err);
    for (size_t i = 0; !rc && i < request->table_count; i++)
        rc = table_join_file(&join, request->tables[i], err);
    return rc;
}

static int scan(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    int rc = source_open(request->stores, request->source, &importing->source, err);
    if (rc)
        return rc;
    const struct source *source = importing->source;
    importing->drafts = drafts_new();
    importing->taken = mem_zero(source->count * sizeof *importing->taken);
    importing->root = changeset_root(importing->drafts->set, store_url(source->store));
    CLEANUP_BUF struct buf prefix = BUF_INIT;
    if (request->prefix) {
        name_escape(&prefix, request->prefix, strlen(request->prefix));
        buf_u8(&prefix, '-');
    }
    importing->prefix = (char *)buf_steal(&prefix);
    importing->counts->objects = source->count;
    for (size_t i = 0; i < source->count; i++) {
        importing->counts->bytes += source->objects[i].pinned.size;
        importing->counts->pinned_weakly |= !source->objects[i].pinned.versioned;
    }
    rc = import_sources(importing, err);
    if (!rc && !importing->drafts->count)
        rc = error_set(err, ENOENT, "%s: no clip was found", store_url(source->store));
    if (!rc)
        rc = join_tables(importing, err);
    return rc ? rc : drafts_emit(importing->drafts, err);
}

int import_scan(const struct import_request *request, struct changeset **ret,
                struct import_counts *ret_counts, struct error *err)
{
    *ret_counts = (struct import_counts){0};
    struct importing importing = {.request = request, .counts = ret_counts};
    int rc = scan(&importing, err);
    if (!rc) {
        ret_counts->clips = importing.drafts->count;
        *ret = STEAL(importing.drafts->set);
    }
    if (importing.drafts)
        drafts_free(importing.drafts);
    if (importing.source)
        source_free(importing.source);
    free(importing.taken);
    free(importing.prefix);
    return rc;
}
