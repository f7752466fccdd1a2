// SPDX-License-Identifier: Apache-2.0
/* What a component is, is told by its spelling alone (index/base/name.h), so no tag and no clip can be taken
 * for a condition. */
#include "query/say/place.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "index/base/name.h"
#include "index/base/version.h"
#include "query/alias.h"
#include "query/files.h"
#include "query/say/absent.h"
#include "query/say/browse.h"
#include "query/say/hint.h"
#include "query/say/nearest.h"
#include "query/show.h"

enum { LISTED_TAGS = 8 };

/* ---- versions ---- */

static int refuse_empty(struct error *err)
{
    return error_set(err, ENOENT, "the data set has no version yet: import something first");
}

static int numbered_version(struct dataset *dataset, uint32_t number, const char *name, uint32_t *ret,
                            struct error *err)
{
    uint32_t head = dataset_head(dataset);
    if (!head)
        return refuse_empty(err);
    if (!number)
        return place_no_version(dataset, name, err);
    if (number > head)
        return error_set(err, ENOENT, "no %s: the newest version is v%" PRIu32, name, head);
    int rc = dataset_check_forgotten(dataset, number, err);
    if (!rc)
        *ret = number;
    return rc;
}

struct tags {
    struct nearest nearest;
    struct buf listed; /* the first few */
    size_t count;
};

static int offer_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    struct tags *tags = ctx;
    nearest_offer(&tags->nearest, name, strlen(name));
    if (tags->count++ < LISTED_TAGS)
        buf_printf(&tags->listed, "%s%s", tags->listed.len ? ", " : "", name);
    return 0;
}

/* "V12", "12", "version12", "v012": *ret is the version meant, if there is one. */
static bool misspelt_version(const char *name, uint32_t head, uint32_t *ret)
{
    uint64_t number = 0;
    const char *digits = name + strcspn(name, "0123456789");
    size_t len = strspn(digits, "0123456789");
    bool bare = digits == name, letters = strspn(name, "vVersionERSION-_. ") == (size_t)(digits - name);
    if (!len || len > 9 || digits[len] || !(bare || (letters && strchr("vV", *name))))
        return false;
    for (; *digits; digits++)
        number = number * 10 + (uint64_t)(*digits - '0');
    *ret = (uint32_t)number;
    return number > 0 && number <= head;
}

static void print_tags(const struct tags *tags, uint32_t head, struct buf *text)
{
    if (!head) {
        buf_text_append(text, ": the data set has no version yet: import something first");
        return;
    }
    buf_printf(text, ": the newest version is v%" PRIu32, head);
    if (tags->count)
        buf_printf(text, "; tags: %s%s", buf_text(&tags->listed), tags->count > LISTED_TAGS ? ", ..." : "");
}

int place_no_version(struct dataset *dataset, const char *name, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct tags tags = {0};
    uint32_t head = dataset_head(dataset), meant;
    nearest_init(&tags.nearest, name, strlen(name));
    if (head)
        nearest_offer(&tags.nearest, "latest", strlen("latest"));
    int rc = dataset_tags(dataset, offer_tag, &tags, err);
    buf_text_append(&text, "no version or tag '");
    show_append(&text, name, strlen(name));
    buf_u8(&text, '\'');
    if (misspelt_version(name, head, &meant))
        buf_printf(&text, ": did you mean 'v%" PRIu32 "'?", meant);
    else if (tags.nearest.count)
        nearest_print(&tags.nearest, "", &text);
    else
        print_tags(&tags, head, &text);
    nearest_done(&tags.nearest);
    buf_done(&tags.listed);
    return rc < 0 ? rc : error_set(err, ENOENT, "%s", buf_text(&text));
}

int place_version(struct dataset *dataset, const char *name, size_t len, uint32_t *ret, struct error *err)
{
    CLEANUP_FREE char *text = mem_copy(name, len);
    uint32_t head = dataset_head(dataset), number;
    if (version_parse(text, len, &number))
        return numbered_version(dataset, number, text, ret, err);
    if (strcmp(text, "latest") == 0)
        return numbered_version(dataset, head, text, ret, err);
    number = strlen(text) == len ? dataset_tag(dataset, text) : 0;
    if (!number)
        return place_no_version(dataset, text, err);
    *ret = number;
    return 0;
}

/* ---- whole paths ---- */

/* The next component of *path, which moves on; false at the end. */
static bool next_component(const char **path, const char **ret_name, size_t *ret_len)
{
    *path += strspn(*path, "/");
    *ret_name = *path;
    *ret_len = strcspn(*path, "/");
    *path += *ret_len;
    return *ret_len > 0;
}

static bool narrows(const char *name, size_t len)
{
    enum name_kind kind = name_kind(name, len);
    return kind == NAME_COMPONENT || kind == NAME_STAGE;
}

/* Takes the version off the path; the newest if it begins with a condition or is empty. */
static int take_version(struct dataset *dataset, const char **path, uint32_t *ret, struct error *err)
{
    const char *rest = *path, *name;
    size_t len;
    if (!next_component(&rest, &name, &len) || narrows(name, len))
        return place_version(dataset, "latest", strlen("latest"), ret, err);
    if (len == 4 && !memcmp(name, "tags", 4) && !next_component(&rest, &name, &len))
        return error_set(err, ENOENT, "tags/NAME is a version; tags alone is none");
    *path = rest;
    return place_version(dataset, name, len, ret, err);
}

static int find_file(struct place *place, struct catalog_reader *reader, const char *name, size_t len,
                     struct error *err)
{
    CLEANUP_SET struct set *result = NULL;
    CLEANUP_QUERY struct query *any = query_unordered(place->query);
    int rc = files_find(reader, name, len, &place->row, &place->stream, err);
    if (!rc)
        rc = query_run_window(any, reader, query_window_of_row(any, place->row), &result, err);
    if (!rc)
        rc = files_check(result, place->row, name, len, err);
    if (!rc)
        rc = files_check_shown(place->query, reader, &(struct files_place){place->row, place->stream}, name,
                               len, err);
    if (!rc)
        place->is_file = true;
    return rc == -ENOENT ? absent_file(place->query, reader, name, len, NULL, err) : rc;
}

static int refuse_file(const char *name, size_t len, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, name, len);
    return error_set(err, ENOTDIR, "'%s' is a file", buf_text(&shown));
}

static bool browses(const char *name, size_t len)
{
    return len == strlen(".by") && !memcmp(name, ".by", len);
}

/* What a mount shows of a folder beside its clips. */
static bool is_view(const char *name, size_t len)
{
    static const char *const views[] = {".elidefs", ".as"};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (len == strlen(views[i]) && !memcmp(name, views[i], len))
            return true;
    return false;
}

static int refuse_view(const char *name, size_t len, struct error *err)
{
    if (name[1] == 'a')
        return error_set(
            err, ENOTSUP,
            "what is in .as/ has no clips of its own: only `query`, `explain` and `cp` take such a "
            "path; give the one before it");
    return error_set(err, ENOENT,
                     "%.*s is what a mount tells of a folder: here name the folder, and ask `elidefs query` "
                     "(--count, --json, --csv, --facets, --paths0), `attribute list` or `explain`",
                     (int)len, name);
}

/* ".by/KEY/VALUE", of which `*path` stands behind ".by": as in a mount. */
static int take_value(const struct query *query, struct catalog_reader *reader, const char **path,
                      struct query **ret, struct error *err)
{
    const char *key, *value;
    size_t key_len, value_len;
    struct catalog_attribute attribute;
    next_component(path, &key, &key_len);
    if (!next_component(path, &value, &value_len))
        return error_set(err, ENOENT, "below .by stand a key and a value: .by/KEY/VALUE");
    CLEANUP_FREE char *key_text = mem_copy(key, key_len), *value_text = mem_copy(value, value_len);
    int rc = browse_find_key(key_text, reader, &attribute, err);
    return rc ? rc : browse_extend(query, key_text, value_text, reader, ret, err);
}

static int walk(struct place *place, struct catalog_reader *reader, const char *path, struct error *err)
{
    const char *name;
    size_t len;
    while (next_component(&path, &name, &len)) {
        bool by = browses(name, len);
        if (by || narrows(name, len)) {
            struct query *narrowed;
            int rc = by ? take_value(place->query, reader, &path, &narrowed, err)
                        : query_extend(place->query, name, len, reader, &narrowed, err);
            if (rc)
                return rc == -ENOENT && !by ? hint_component(name, len, reader, err) : rc;
            query_unref(place->query);
            place->query = narrowed;
            continue;
        }
        if (is_view(name, len))
            return refuse_view(name, len, err);
        int rc = find_file(place, reader, name, len, err);
        return rc || !*path ? rc : refuse_file(name, len, err);
    }
    return 0;
}

/* Does the path, without its version, mean something in this one? 0 if it does. */
static int try_version(struct dataset *dataset, uint32_t version, const char *path,
                       const struct catalog_patience *patience)
{
    CLEANUP_PLACE struct place place = {.query = query_all()};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct catalog_patience waits = {0};
    struct error why;
    if (dataset_catalog(dataset, version, patience ? PATIENCE_NONE : PATIENCE_ENDLESS, &place.catalog, &why) <
        0)
        return -ENOENT;
    int rc = catalog_reader_acquire(place.catalog, patience ? patience : &waits, &reader, &why);
    return rc < 0 ? rc : walk(&place, reader, path, &why);
}

/* The path ends with a file: all before its first dot is the key of its clip. */
static int check_purged(struct dataset *dataset, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len = strcspn(name, ".");
    return len ? dataset_check_purged(dataset, name, len, err) : 0;
}

int place_hint_version(struct dataset *dataset, uint32_t version, const char *path,
                       const struct catalog_patience *patience, struct error *err)
{
    WITH_ERROR(err);
    struct error purged = {0};
    if (check_purged(dataset, path, &purged))
        return error_copy(err, &purged);
    uint32_t others[] = {dataset_head(dataset), version - 1};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i] == version || !others[i] || dataset_is_forgotten(dataset, others[i]))
            continue;
        int rc = try_version(dataset, others[i], path, patience);
        if (rc == -EAGAIN)
            return rc;
        if (rc)
            continue;
        CLEANUP_FREE char *said = mem_text(err->text);
        return error_set(err, err->code, "%s; v%" PRIu32 " has it (v%" PRIu32 "/%s)", said, others[i],
                         others[i], path + strspn(path, "/"));
    }
    return -err->code;
}

/* The path begins with a file, or is a clip's key: ": ... (PATH)" if it means something below `version`. */
static int offer_below(struct place *place, struct catalog_reader *reader, const char *path, struct buf *text)
{
    struct error why;
    uint32_t row;
    path += strspn(path, "/");
    int rc = walk(place, reader, path, &why);
    if (!rc) {
        buf_printf(text, ": a path begins with a version (v%" PRIu32 "/%s)", place->version, path);
        return rc;
    }
    rc = catalog_clip_find(reader, path, strlen(path), &row, &why);
    if (!rc)
        buf_printf(text, ": a clip has this key (v%" PRIu32 "/%s.json)", place->version, path);
    return rc;
}

/* `err` says that `path` begins with no version: what was meant in the newest one, if anything, is said in
 * the place of other versions' names. */
static int hint_newest(struct dataset *dataset, const char *path, struct error *err)
{
    CLEANUP_PLACE struct place place = {.version = dataset_head(dataset), .query = query_all()};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT;
    const char *rest = path, *name;
    size_t len;
    struct error why;
    if (!place.version ||
        dataset_catalog(dataset, place.version, PATIENCE_ENDLESS, &place.catalog, &why) < 0 ||
        catalog_reader_acquire(place.catalog, PATIENCE_ENDLESS, &reader, &why) < 0)
        return -err->code;
    next_component(&rest, &name, &len);
    buf_text_append(&text, "no version or tag '");
    show_append(&text, name, len);
    buf_u8(&text, '\'');
    return offer_below(&place, reader, path, &text) ? -err->code
                                                    : error_set(err, ENOENT, "%s", buf_text(&text));
}

/* ".q/LETTERS_/rest" is "v12/arm=left/rest". */
static int expand_alias(const char *path, struct buf *ret, struct error *err)
{
    path += strspn(path, "/");
    if (strncmp(path, ".q/", 3) != 0)
        return 0;
    path += 3;
    const char *last = strchr(path, '_');
    size_t len = last ? (size_t)(last + 1 - path) : strlen(path);
    if (path[len] && path[len] != '/')
        return error_set(err, ENOENT, ".q: '_' ends the letters, and '/' stands behind it");
    int rc = alias_decode(path, len, ret, err);
    if (!rc)
        buf_text_append(ret, path + len);
    return rc;
}

int place_resolve(struct dataset *dataset, const char *path, struct place *ret, struct error *err)
{
    CLEANUP_PLACE struct place place = {.query = query_all()};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_BUF struct buf expanded = BUF_INIT;
    struct error why = {0};
    if (!err)
        err = &why; /* hints add to what is said */
    int rc = expand_alias(path, &expanded, err);
    if (rc)
        return rc;
    path = expanded.len ? buf_text(&expanded) : path;
    const char *given = path;
    rc = take_version(dataset, &path, &place.version, err);
    if (rc == -ENOENT)
        rc = hint_newest(dataset, given, err);
    if (rc >= 0)
        rc = dataset_catalog(dataset, place.version, PATIENCE_ENDLESS, &place.catalog, err);
    if (rc >= 0)
        rc = catalog_reader_acquire(place.catalog, PATIENCE_ENDLESS, &reader, err);
    if (rc >= 0)
        rc = walk(&place, reader, path, err);
    if (rc == -ENOENT && reader)
        rc = place_hint_version(dataset, place.version, path, NULL, err);
    if (rc < 0)
        return rc;
    *ret = place;
    place = (struct place){0};
    return 0;
}

void place_done(struct place *place)
{
    if (place->catalog)
        catalog_unref(place->catalog);
    query_unref(place->query);
    *place = (struct place){0};
}
