// SPDX-License-Identifier: Apache-2.0
/* Folders with meta/info.json belong to the LeRobot importer, with all below them; the rest are plain files.
 */
#include "tools/import/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/count.h"
#include "cache/base/escape.h"
#include "cache/base/utf8.h"
#include "tools/import/draft.h"
#include "tools/import/files.h"
#include "tools/import/import_skip.h"
#include "tools/import/lerobot.h"
#include "tools/import/lerobot_lost.h"
#include "tools/import/manifest_import.h"
#include "tools/import/recognise.h"
#include "tools/import/source.h"
#include "tools/import/stream_name.h"
#include "tools/import/table.h"

static const char info_path[] = "meta/info.json";

struct importing {
    const struct import_request *request;
    struct import_counts *counts;
    struct source *source;
    struct drafts *drafts;
    struct stream_names *stream_names;
    bool *multi_used;                /* by name of request->multi */
    struct known *known;             /* NULL: of nothing */
    struct table_renumbered *tables; /* NULL: not asked for */
    struct copier copier;
    struct store *to; /* the data set's own store, where copies go */
    bool *taken;      /* by object: belongs to a LeRobot root */
    bool *open;       /* by object: may still be written to */
    bool incomplete;  /* not all of the source could be read */
    uint32_t root;
    char *prefix; /* with '-', or "" */
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

static bool has_info(const struct source *source, const char *folder, size_t len)
{
    CLEANUP_FREE char *start = mem_copy(folder, len);
    CLEANUP_FREE char *path = mem_printf("%s%s%s", start, len ? "/" : "", info_path);
    return source_find(source, path) != NULL;
}

/* All below a root belongs to it, other info.json files too. */
static bool lies_in_root(const struct source *source, const char *folder, size_t len)
{
    if (len && has_info(source, "", 0))
        return true;
    for (size_t i = 0; i < len; i++)
        if (folder[i] == '/' && has_info(source, folder, i))
            return true;
    return false;
}

static char *last_component(const char *url)
{
    const char *slash = strrchr(url, '/');
    return mem_text(slash && slash[1] ? slash + 1 : url);
}

/* The attribute `source`: a folder's name need not be UTF-8, a value must. */
static char *source_value(const struct importing *importing, const char *folder)
{
    CLEANUP_FREE char *name =
        *folder ? mem_text(folder) : last_component(store_url(importing->source->store));
    if (utf8_valid(name, strlen(name)))
        return STEAL(name);
    CLEANUP_BUF struct buf escaped = BUF_INIT;
    escape_append(&escaped, name, strlen(name), "/ ", true);
    return (char *)buf_steal(&escaped);
}

/* How a LeRobot root's files are accounted for: everything below it is taken, what it does not name is said.
 * In meta/ it may keep what it likes. `named` NULL: it could not be read. */
static void take_below(struct importing *importing, const char *folder, const bool *named)
{
    size_t count, len = strlen(folder);
    for (size_t first = source_below(importing->source, folder, &count), i = first; i < first + count; i++) {
        const char *path = importing->source->objects[i].path;
        importing->taken[i] = true;
        if (named && !named[i] && strncmp(path + len, "meta/", 5))
            notes_add(importing->request->notes, "ignored, because the LeRobot data set does not name it",
                      path);
    }
}

/* With a limit of clips nobody knows how many this is. */
static int refuse_set(struct importing *importing, const char *file, struct error *err)
{
    struct faults *faults = importing->request->faults;
    importing->incomplete = true;
    if (importing->request->skip.limited)
        return faults_refuse(faults, file, err);
    return faults_add(faults, &(struct fault){.file = file, .place = "", .clip = ""}, err);
}

static int import_lerobot(struct importing *importing, const char *info, size_t folder_len, struct error *err)
{
    CLEANUP_FREE char *folder = mem_copy(info, folder_len);
    CLEANUP_FREE char *below = mem_printf("%s%s", folder, folder_len ? "/" : "");
    CLEANUP_FREE char *name = source_value(importing, folder);
    CLEANUP_FREE char *prefix = mem_printf("%s%s", importing->prefix, below);
    for (char *p = prefix + strlen(importing->prefix); *p; p++)
        if (*p == '/')
            *p = '-';
    CLEANUP_FREE bool *named = mem_zero(importing->source->count * sizeof *named);
    bool incomplete = false;
    struct lerobot_import lerobot = {.source = importing->source,
                                     .folder = folder,
                                     .key_prefix = prefix,
                                     .name = name,
                                     .root = importing->root,
                                     .drafts = importing->drafts,
                                     .notes = importing->request->notes,
                                     .progress = importing->request->progress,
                                     .open = importing->open,
                                     .named = named,
                                     .incomplete = &incomplete};
    importing->counts->lerobot_sets++;
    int rc = lerobot_import(&lerobot, err);
    importing->incomplete |= incomplete;
    take_below(importing, below, rc || incomplete ? NULL : named);
    return rc;
}

/* The file that an error names first, of those below a folder; else meta/info.json: it is about all of them.
 */
static char *blamed_file(const struct source *source, const char *info, size_t folder_len,
                         const struct error *err)
{
    CLEANUP_FREE char *folder = mem_copy(info, folder_len);
    size_t count;
    for (size_t first = source_below(source, folder, &count), i = first; i < first + count; i++) {
        CLEANUP_FREE char *name = source_name(source, source->objects[i].path);
        size_t len = strlen(name);
        if (!strncmp(err->text, name, len) && !strncmp(err->text + len, ": ", 2))
            return STEAL(name);
    }
    return source_name(source, info);
}

static int import_roots(struct importing *importing, struct error *err)
{
    const struct source *source = importing->source;
    int rc = 0;
    for (size_t i = 0; !rc && i < source->count; i++) {
        size_t folder_len;
        const char *path = source->objects[i].path;
        if (!lerobot_folder(path, &folder_len) || lies_in_root(source, path, folder_len))
            continue;
        rc = import_lerobot(importing, path, folder_len, err);
        if (!rc)
            continue;
        CLEANUP_FREE char *name = blamed_file(source, path, folder_len, err);
        rc = refuse_set(importing, name, err);
    }
    return rc;
}

static int refuse_lost(struct importing *importing, struct error *err)
{
    const struct source *source = importing->source;
    char *folder = NULL;
    int rc = 0;
    for (size_t at = 0; !rc && lerobot_lost_check(source, importing->taken, &at, &folder, err);) {
        CLEANUP_FREE char *path = mem_printf("%s%s", folder, info_path);
        CLEANUP_FREE char *name = source_name(source, path);
        take_below(importing, folder, NULL);
        free(folder);
        rc = refuse_set(importing, name, err);
    }
    return rc;
}

static bool is_left(const struct importing *importing)
{
    for (size_t i = 0; i < importing->source->count; i++)
        if (!importing->taken[i])
            return true;
    return false;
}

/* Does the request say something of clips, beside what is found? */
static bool says_more(const struct import_request *request)
{
    return request->set_count || request->table_count || request->type_count || request->stream_count;
}

static int import_sources(struct importing *importing, struct error *err)
{
    const struct source *source = importing->source;
    int rc = import_roots(importing, err);
    if (rc)
        return rc;
    struct files_import files = {.source = source,
                                 .taken = importing->taken,
                                 .layout = importing->request->layout,
                                 .key_prefix = importing->prefix,
                                 .root = importing->root,
                                 .known = importing->known,
                                 .restore = importing->request->restore,
                                 .may_skip = !says_more(importing->request),
                                 .drafts = importing->drafts,
                                 .notes = importing->request->notes,
                                 .progress = importing->request->progress};
    bool plain = importing->request->layout != NULL;
    if (!plain)
        rc = refuse_lost(importing, err);
    bool left = is_left(importing);
    if (!rc && left)
        rc = files_import(&files, err);
    if (!rc && left && !plain && !importing->counts->lerobot_sets)
        rc = lerobot_lost_check_known(source, importing->drafts, err);
    return rc;
}

/* Hands over what is wrong with all of a file, so that others are looked at, too. */
static int refuse(const struct importing *importing, const char *file, int rc, struct error *err)
{
    return rc ? faults_refuse(importing->request->faults, file, err) : 0;
}

static int join_tables(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    bool one_root = importing->counts->lerobot_sets == 1;
    bool ask = request->renumbered && !request->table_is_renumbered && importing->known;
    if (ask && known_reader(importing->known))
        importing->tables = table_renumbered_new(importing->drafts);
    struct table_join join = {.stores = request->stores,
                              .drafts = importing->drafts,
                              .notes = request->notes,
                              .multi = request->multi,
                              .multi_used = importing->multi_used,
                              .multi_count = request->multi_count,
                              .one_root = one_root,
                              .renumbered = importing->tables};
    int rc = 0;
    for (size_t i = 0; !rc && i < request->set_count; i++)
        rc = table_set(&join, request->sets[i], err);
    for (size_t i = 0; !rc && i < request->table_count; i++)
        rc = refuse(importing, request->tables[i], table_join_file(&join, request->tables[i], err), err);
    for (size_t i = 0; !rc && i < request->multi_count; i++)
        if (!importing->multi_used[i])
            rc = error_set(err, EINVAL, "--multi '%s': neither a table nor --set has this column",
                           request->multi[i]);
    return rc ? rc : table_check_forced(importing->drafts, err);
}

/* What can be said before a scan that may take long. */
static int check_request(const struct import_request *request, struct error *err)
{
    for (size_t i = 0; i < request->set_count; i++) {
        const char *equals = strchr(request->sets[i], '=');
        if (!equals || equals == request->sets[i])
            return error_set(err, EINVAL, "--set '%s': expected NAME=VALUE", request->sets[i]);
    }
    for (size_t i = 0; i < request->table_count; i++)
        if (!strstr(request->tables[i], "://") && strcmp(request->tables[i], "-") != 0 &&
            access(request->tables[i], R_OK))
            return error_set(err, errno, "%s: %s", request->tables[i], strerror(errno));
    return 0;
}

/* What --stream and --type say holds for all that follows. */
static int new_drafts(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    importing->drafts = drafts_new();
    importing->drafts->faults = request->faults;
    importing->drafts->scans = request->scans;
    importing->drafts->part = request->part;
    int rc = stream_names_new(request->streams, request->stream_count, &importing->stream_names, err);
    importing->drafts->stream_names = importing->stream_names;
    for (size_t i = 0; !rc && i < request->type_count; i++)
        rc = table_force(importing->drafts, request->types[i], err);
    return rc;
}

/* A manifest's clips are those of the roots that it names. */
static int add_known_roots(struct importing *importing, struct error *err)
{
    struct changeset_reader reader = CHANGESET_READER(importing->drafts->set);
    struct changeset_op op;
    int rc = 0;
    while (!rc && changeset_next(&reader, &op))
        if (op.kind == CHANGESET_ROOT)
            rc = known_add_root(importing->known, op.text, err);
    changeset_reader_done(&reader);
    return rc;
}

static int tell_manifest(const struct import_request *request, struct error *err)
{
    struct import_listing listing;
    int rc = request->listed ? import_listing_of_file(request->stores, request->source, &listing, err) : 0;
    return rc || !request->listed ? rc : request->listed(request->ctx, &listing, err);
}

static int tell_listing(const struct importing *importing, struct error *err)
{
    struct import_listing listing;
    if (!importing->request->listed)
        return 0;
    import_listing_of(importing->source, &listing);
    return importing->request->listed(importing->request->ctx, &listing, err);
}

static int scan_manifest(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    struct manifest_found found = {0};
    struct manifest_import manifest = {.stores = request->stores,
                                       .file = request->source,
                                       .key_prefix = importing->prefix,
                                       .multi = request->multi,
                                       .multi_count = request->multi_count,
                                       .multi_used = importing->multi_used,
                                       .dataset = request->dataset,
                                       .dry = request->dry,
                                       .drafts = importing->drafts,
                                       .notes = request->notes,
                                       .progress = request->progress};
    int told = tell_manifest(request, err);
    if (told)
        return told;
    if (request->layout)
        return error_set(err, EINVAL, "%s: a manifest says what its clips are, without --layout",
                         request->source);
    if (request->copy != COPY_NONE)
        return error_set(err, EINVAL, "%s: --copy is for folders, not for manifests", request->source);
    if (request->replaces)
        return error_set(err, EINVAL, "%s: --replaces is for folders, not for manifests", request->source);
    int rc = request->dataset ? known_open(request->dataset, request->source, &importing->known, err) : 0;
    importing->drafts->known = importing->known;
    manifest.alone = !says_more(request) && !(importing->known && known_reader(importing->known));
    if (!rc)
        rc = manifest_import(&manifest, &found, err);
    if (!rc && importing->known)
        rc = add_known_roots(importing, err);
    importing->counts->objects = found.objects;
    importing->counts->bytes = found.bytes;
    importing->counts->pinned_weakly = found.pinned_weakly;
    return rc;
}

static int take_over(struct importing *importing, struct error *err)
{
    CLEANUP_STORE struct store *store = NULL;
    int rc = store_open(importing->request->stores, importing->request->replaces, &store, err);
    if (!rc)
        rc = known_take_over(importing->known, store_url(store), err);
    return rc ? error_within(err, rc, "--replaces") : 0;
}

static int open_known(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    int rc = 0;
    if (!request->dataset)
        return 0;
    rc = known_open(request->dataset, store_url(importing->source->store), &importing->known, err);
    importing->drafts->known = importing->known;
    if (!rc)
        rc = recognise(&(struct recognition){.source = importing->source,
                                             .known = importing->known,
                                             .notes = request->notes,
                                             .dry = request->dry},
                       err);
    if (!rc && request->replaces)
        rc = take_over(importing, err);
    if (!rc && request->renumbered)
        rc = moved_find(request->stores, importing->known, importing->source, &importing->counts->moved, err);
    bool links = request->copy == COPY_LINK; /* which cost nothing, and change what other parts would list */
    if (rc < 0 || request->copy == COPY_NONE || (links && request->part))
        return rc < 0 ? rc : 0;
    rc = store_open(request->stores, dataset_url(request->dataset), &importing->to, err);
    if (rc)
        return rc;
    rc = copier_init(&importing->copier, request->copy, importing->to, importing->known, importing->source,
                     err);
    importing->copier.dry = request->dry;
    importing->copier.serve = request->serve;
    importing->copier.made = request->copies;
    importing->copier.part = request->part;
    importing->copier.scans = request->scans;
    importing->drafts->copier = &importing->copier;
    return rc;
}

char *import_source_name(const char *source)
{
    char *absolute = strstr(source, "://") ? NULL : realpath(source, NULL);
    return absolute ? absolute : mem_text(source);
}

/* In an import that renumbers. */
static int check_tables(const struct importing *importing, struct error *err)
{
    size_t count = importing->tables ? table_renumbered_count(importing->tables) : 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        const char *file;
        rc = table_renumbered_check(importing->tables, i, &file, err);
        rc = refuse(importing, file, rc, err);
    }
    return rc;
}

static int settle(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    CLEANUP_FREE char *name = import_source_name(request->source);
    struct growth growth = {.known = importing->known,
                            .drafts = importing->drafts,
                            .notes = request->notes,
                            .source =
                                importing->source ? store_url(importing->source->store) : request->source,
                            .name = name,
                            .partial = !importing->source,
                            .incomplete = importing->incomplete,
                            .renumbered = request->renumbered,
                            .restore = request->restore};
    int rc = growth_settle(&growth, &importing->counts->growth, err);
    if (!rc && importing->counts->growth.renumbered)
        return check_tables(importing, err);
    return refuse(importing, "", rc, err);
}

/* What is not finished is no fault. Of a source with nothing else there is nothing to say but that. */
static int check_unfinished(const struct importing *importing, struct error *err)
{
    const struct drafts *drafts = importing->drafts;
    const struct strmap *unfinished = drafts->unfinished;
    size_t files = strmap_count(unfinished);
    importing->counts->waiting = drafts->waiting;
    for (size_t i = 0; i < files; i++)
        notes_add(importing->request->notes, "not finished yet, and tried again by the next import",
                  strmap_at(unfinished, i)->key);
    bool known = importing->known && known_version(importing->known);
    if (!files || known || drafts_count(drafts) > drafts->waiting)
        return 0;
    return error_set(err, ENOENT, "%s: no clip is finished yet: the recorder is still writing %s",
                     importing->request->source, strmap_at(unfinished, 0)->key);
}

static void count_source(struct importing *importing)
{
    const struct source *source = importing->source;
    struct import_counts *counts = importing->counts;
    counts->objects = source->count;
    for (size_t i = 0; i < source->count; i++) {
        counts->bytes += source->objects[i].pinned.size;
        counts->pinned_weakly |= !source->objects[i].pinned.versioned;
    }
    counts->pinned_weakly &= importing->request->copy == COPY_NONE;
    for (uint64_t k = 0; k < source->hidden; k++)
        notes_add(importing->request->notes, "left out, because its name starts with '.'",
                  source->hidden_example);
}

/* Folders that nobody may look into: what is in them is not known. */
static int take_refusals(struct importing *importing, struct error *err)
{
    const struct source *source = importing->source;
    int rc = 0;
    for (size_t i = 0; !rc && i < source->refusal_count; i++) {
        CLEANUP_FREE char *name = source_name(source, source->refusals[i].path);
        struct fault fault = {.file = name, .place = "", .clip = ""};
        error_copy(err, &source->refusals[i].why);
        rc = faults_add(importing->request->faults, &fault, err);
    }
    importing->incomplete |= source->refusal_count > 0;
    return rc;
}

static int scan_folder(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    struct stat st;
    if (!strstr(request->source, "://") && !stat(request->source, &st) && !S_ISDIR(st.st_mode))
        return error_set(err, ENOTDIR,
                         "%s: a file, but a source is a folder, a bucket prefix or a manifest (.jsonl, .csv, "
                         ".tsv, .parquet)",
                         request->source);
    int rc = source_open(request->stores, request->source, &importing->source, err);
    if (!rc)
        rc = tell_listing(importing, err);
    if (!rc)
        rc = open_known(importing, err);
    if (rc)
        return rc;
    importing->source->part = request->part;
    const struct source *source = importing->source;
    count_source(importing);
    importing->taken = mem_zero(source->count * sizeof *importing->taken);
    importing->open = copy_open_objects(source);
    importing->root = changeset_root(importing->drafts->set, store_url(source->store));
    progress_expect(request->progress, source->count);
    rc = take_refusals(importing, err);
    if (!rc)
        rc = import_sources(importing, err);
    bool found = importing->drafts->count || strmap_count(importing->drafts->unfinished) ||
                 (request->faults && faults_count(request->faults));
    if (!rc && !found)
        rc = error_set(err, ENOENT, "%s: no clip was found", store_url(source->store));
    return rc;
}

static int scan(struct importing *importing, struct error *err)
{
    const struct import_request *request = importing->request;
    bool prefixed = request->prefix && *request->prefix;
    importing->prefix = mem_printf("%s%s", prefixed ? request->prefix : "", prefixed ? "-" : "");
    importing->multi_used = mem_zero(request->multi_count * sizeof *importing->multi_used);
    int rc = check_request(request, err);
    if (!rc)
        rc = new_drafts(importing, err);
    if (!rc)
        rc =
            manifest_import_is(request->source) ? scan_manifest(importing, err) : scan_folder(importing, err);
    if (rc || request->part)
        return rc;
    if (!rc)
        rc = stream_names_apply(importing->stream_names, importing->drafts, err);
    if (!rc)
        rc = join_tables(importing, err);
    if (!rc)
        rc = drafts_check(importing->drafts, err);
    if (!rc && importing->known)
        rc = settle(importing, err);
    if (!rc)
        rc = import_skip_check(importing->request, importing->drafts, importing->counts, err);
    if (!rc)
        rc = check_unfinished(importing, err);
    return rc ? rc : drafts_emit(importing->drafts, err);
}

int import_scan(const struct import_request *request, struct changeset **ret,
                struct import_counts *ret_counts, struct error *err)
{
    *ret_counts = (struct import_counts){0};
    struct importing importing = {.request = request, .counts = ret_counts};
    int rc = scan(&importing, err);
    if (!rc) {
        ret_counts->after = importing.known ? known_version(importing.known) : 0;
        ret_counts->clips =
            drafts_count(importing.drafts) - importing.drafts->bad - importing.drafts->waiting;
        ret_counts->copied = importing.copier.counts;
        *ret = STEAL(importing.drafts->set);
    }
    if (importing.tables)
        table_renumbered_free(importing.tables);
    if (importing.drafts)
        drafts_free(importing.drafts);
    if (importing.stream_names)
        stream_names_free(importing.stream_names);
    if (importing.known)
        known_free(importing.known);
    copier_done(&importing.copier);
    if (importing.to)
        store_unref(importing.to);
    if (importing.source)
        source_free(importing.source);
    free(importing.multi_used);
    free(importing.taken);
    free(importing.open);
    free(importing.prefix);
    return rc;
}
