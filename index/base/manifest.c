// SPDX-License-Identifier: Apache-2.0
/* Reading goes field by field with one sticky error, so that a damaged manifest is told by its first bad
 * field. */
#include "index/base/manifest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/json.h"
#include "cache/base/utf8.h"
#include "index/base/version.h"

/* What this program can read beyond the fields every manifest has, and the first elidefs that could; the
 * newest of them last. */
static const struct {
    const char *name, *program;
} features[] = {{MANIFEST_CATALOG, MANIFEST_CATALOG_PROGRAM}};
enum { FEATURES = sizeof features / sizeof *features };
/* What versions from before the first release required. */
static const char *const old_features[] = {"catalog-whole", "catalog-2", "catalog-3", "catalog-4",
                                           "catalog-5"};

struct fields {
    const char *name;        /* of the manifest */
    const char *where;       /* "", "catalog.", ... */
    const struct json *json; /* the object that is read */
    struct error *err;
    int rc;
};

static void bad(struct fields *f, const char *key, const char *what)
{
    if (!f->rc)
        f->rc = error_set(f->err, EUCLEAN, "%s: '%s%s' %s", f->name, f->where, key, what);
}

static const char *field_text(struct fields *f, const char *key)
{
    const char *text = json_get_text(f->json, key);
    if (!text)
        bad(f, key, "is missing or is not text");
    return text ? text : "";
}

static uint64_t field_count(struct fields *f, const char *key, uint64_t max)
{
    const struct json *json = json_get(f->json, key);
    if (json_kind(json) != JSON_KIND_INTEGER || json_as_integer(json) < 0)
        bad(f, key, "is missing or is not a count");
    else if ((uint64_t)json_as_integer(json) > max)
        bad(f, key, "is too large");
    else
        return (uint64_t)json_as_integer(json);
    return 0;
}

static void field_sha256(struct fields *f, const char *key, uint8_t ret[SHA256_BYTES])
{
    const char *text = field_text(f, key);
    if (hex_parse(text, strlen(text), ret, SHA256_BYTES))
        bad(f, key, "is not a SHA-256 in hex");
}

static struct fields field_object(struct fields *f, const char *key, const char *where)
{
    struct fields inner = {.name = f->name, .where = where, .err = f->err, .json = json_get(f->json, key)};
    if (json_kind(inner.json) != JSON_KIND_OBJECT)
        bad(f, key, "is missing or is not an object");
    inner.rc = f->rc;
    return inner;
}

static bool is_lower_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static bool is_uuid(const char *text)
{
    if (strlen(text) != MANIFEST_UUID_BYTES - 1)
        return false;
    for (size_t i = 0; i < MANIFEST_UUID_BYTES - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
            return false;
    }
    return true;
}

static bool is_old_feature(const char *feature)
{
    for (size_t i = 0; i < sizeof old_features / sizeof *old_features; i++)
        if (!strcmp(old_features[i], feature))
            return true;
    return false;
}

static bool is_known_feature(const char *feature)
{
    for (size_t i = 0; i < FEATURES; i++)
        if (!strcmp(features[i].name, feature))
            return true;
    return false;
}

bool manifest_is_feature_name(const char *feature)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(feature);
    return len && len <= MANIFEST_FEATURE_MAX && strspn(feature, allowed) == len;
}

int manifest_check_requires(const char *name, const struct json *json, struct error *err)
{
    const struct json *list = json_get(json, "requires");
    const char *feature = json_count(list) ? json_as_text(json_at(list, 0)) : NULL;
    if (!list || (json_kind(list) == JSON_KIND_ARRAY && !json_count(list)))
        return 0;
    if (!feature || !manifest_is_feature_name(feature))
        return error_set(err, EUCLEAN, "%s: 'requires' is no list of names of features", name);
    return error_set(err, ENOTSUP,
                     "%s: needs '%s', which this elidefs " ELIDEFS_VERSION
                     " does not know (a newer one does)",
                     name, feature);
}

/* Where a character that a terminal would obey starts: the C0 and C1 sets and DEL, but for line ends and
 * tabs.
 */
static char *control_in(char *text)
{
    for (size_t len = strlen(text), n; len; text += n, len -= n) {
        n = utf8_char(text, len);
        uint32_t c = n ? utf8_code_point(text, n) : 0;
        if (c != '\n' && c != '\t' && (c < 0x20 || (c >= 0x7f && c < 0xa0)))
            return text;
    }
    return NULL;
}

void manifest_clean_text(char *text)
{
    while ((text = control_in(text)))
        *text++ = ' ';
}

static char *field_line(struct fields *f, const char *key)
{
    char *text = mem_text(field_text(f, key));
    if (control_in(text))
        bad(f, key, "holds a control character");
    return text;
}

/* Of which version of which data set. */
static void read_names(struct fields *f, struct manifest *m)
{
    const char *uuid = field_text(f, "dataset");
    if (!is_uuid(uuid))
        bad(f, "dataset", "is not a UUID");
    snprintf(m->uuid, sizeof m->uuid, "%s", uuid);
    m->version = (uint32_t)field_count(f, "version", MANIFEST_VERSION_MAX);
}

static void read_when(struct fields *f, struct manifest *m)
{
    const char *time = field_text(f, "time");
    if (instant_parse(time, strlen(time), &m->time_ns))
        bad(f, "time", "is not an RFC 3339 time");
    m->author = field_line(f, "author");
    m->message = field_line(f, "message");
}

static void read_commit(struct fields *f, struct manifest *m)
{
    const char *commit = field_text(f, "commit");
    if (!is_lower_hex(commit, LAYOUT_ID_BYTES - 1))
        bad(f, "commit", "is not 32 hex digits");
    snprintf(m->commit_id, sizeof m->commit_id, "%s", commit);
}

static void read_identity(struct fields *f, struct manifest *m)
{
    read_commit(f, m);
    read_when(f, m);
    if (json_get(f->json, "source"))
        m->source = field_line(f, "source");
}

static void read_parent(struct fields *f, struct manifest *m)
{
    const struct json *json = json_get(f->json, "parent");
    if (m->version == 0) {
        if (!json || json_kind(json) != JSON_KIND_NULL)
            bad(f, "parent", "is not null, but v0 has none");
        return;
    }
    struct fields parent = field_object(f, "parent", "parent.");
    m->parent = (uint32_t)field_count(&parent, "version", MANIFEST_VERSION_MAX);
    field_sha256(&parent, "sha256", m->parent_sha256);
    if (m->parent != m->version - 1)
        bad(&parent, "version", "is not the version before");
    f->rc = parent.rc;
}

/* A version without the catalog's feature is from before the first release, unless it requires what is yet
 * to come. */
static void read_requires(struct fields *f, struct manifest *m)
{
    const struct json *list = json_get(f->json, "requires");
    CLEANUP_BUF struct buf unsupported = BUF_INIT;
    bool current = m->version == 0, old = false;
    if (json_kind(list) != JSON_KIND_ARRAY || json_count(list) > MANIFEST_FEATURES_MAX)
        bad(f, "requires", "is missing or is not a list of at most 16");
    for (size_t i = 0; !f->rc && i < json_count(list); i++) {
        const char *feature = json_as_text(json_at(list, i));
        if (!feature || !manifest_is_feature_name(feature))
            bad(f, "requires", "holds something that is not the name of a feature");
        else if (!strcmp(feature, MANIFEST_CATALOG))
            current = true;
        else if (is_old_feature(feature))
            old = true;
        else if (!is_known_feature(feature))
            buf_printf(&unsupported, "%s%s", unsupported.len ? ", " : "", feature);
    }
    m->outdated = old || (!current && !unsupported.len);
    if (unsupported.len)
        m->unsupported = mem_text(buf_text(&unsupported));
}

static void read_program(struct fields *f, struct manifest *m)
{
    if (!json_get(f->json, "program"))
        return;
    const char *text = field_text(f, "program");
    if (!manifest_is_feature_name(text))
        bad(f, "program", "is not the number of a version");
    m->program = mem_text(text);
}

static void read_extent(struct fields *f, struct map_extent *ret)
{
    const char *id = field_text(f, "pack");
    if (!is_lower_hex(id, 2 * MAP_ID_BYTES))
        bad(f, "pack", "is not 32 hex digits");
    else
        hex_parse(id, 2 * MAP_ID_BYTES, ret->id, MAP_ID_BYTES);
    ret->pack_size = (uint32_t)field_count(f, "size", MAP_PACK_SIZE_MAX);
    ret->offset = (uint32_t)field_count(f, "offset", ret->pack_size);
    ret->len = (uint32_t)field_count(f, "length", ret->pack_size - ret->offset);
    if (!ret->len)
        bad(f, "length", "is 0");
}

static void read_hot(struct fields *f, struct map_top *top)
{
    const struct json *list = json_get(f->json, "hot");
    if (json_kind(list) != JSON_KIND_ARRAY || json_count(list) > MAP_HOT_MAX)
        bad(f, "hot", "is missing or is not a list of at most 8");
    for (size_t i = 0; !f->rc && i < json_count(list); i++) {
        struct fields at = {
            .name = f->name, .where = "catalog.hot.", .err = f->err, .json = json_at(list, i)};
        if (json_kind(at.json) != JSON_KIND_OBJECT)
            bad(f, "hot", "holds something that is not an object");
        else
            read_extent(&at, &top->hot[top->hot_count++]);
        f->rc = f->rc ? f->rc : at.rc;
    }
}

static void read_top(struct fields *f, struct map_top *top)
{
    struct fields at = *f, map = field_object(&at, "map", "catalog.map.");
    read_extent(&map, &top->root);
    field_sha256(&map, "sha256", top->sha256);
    if (!map.rc && top->root.len > MAP_ROOT_BYTES_MAX)
        bad(&map, "length", "is too large");
    at.rc = map.rc;
    top->pages = (uint32_t)field_count(&at, "pages", UINT32_MAX - 1);
    top->page_bytes = (uint32_t)field_count(&at, "page_size", MAP_PAGE_BYTES_MAX);
    if (top->page_bytes < MAP_PAGE_BYTES_MIN || (top->page_bytes & (top->page_bytes - 1)))
        bad(&at, "page_size", "is not a power of two from 4096 to 32768");
    else if (!top->pages)
        bad(&at, "pages", "is 0");
    read_hot(&at, top);
    f->rc = at.rc;
}

static void read_catalog(struct fields *f, struct manifest *m)
{
    struct fields at = field_object(f, "catalog", "catalog.");
    read_top(&at, &m->catalog);
    f->rc = at.rc;
}

int manifest_parse_top(const char *name, const struct json *json, struct map_top *ret, struct error *err)
{
    struct fields f = {.name = name, .where = "catalog.", .json = json, .err = err};
    struct map_top top = {0};
    if (json_kind(json) != JSON_KIND_OBJECT)
        return error_set(err, EUCLEAN, "%s: a catalog is missing or is not an object", name);
    read_top(&f, &top);
    if (!f.rc)
        *ret = top;
    return f.rc;
}

static void read_purge(struct fields *f, struct manifest *m)
{
    if (!json_get(f->json, "purge"))
        return;
    struct fields at = field_object(f, "purge", "purge.");
    m->purge.seq = (uint32_t)field_count(&at, "seq", UINT32_MAX);
    field_sha256(&at, "sha256", m->purge.sha256);
    f->rc = at.rc;
}

static void read_counts(struct fields *f, struct manifest *m)
{
    m->rows = field_count(f, "rows", UINT32_MAX);
    m->clips = field_count(f, "clips", UINT32_MAX);
    if (m->clips > m->rows)
        bad(f, "clips", "is more than 'rows'");
    struct fields diff = field_object(f, "diff", "diff.");
    m->added = field_count(&diff, "added", UINT32_MAX);
    m->replaced = field_count(&diff, "replaced", UINT32_MAX);
    m->unchanged = field_count(&diff, "unchanged", UINT32_MAX);
    if (diff.json && json_get(diff.json, "removed"))
        m->removed = field_count(&diff, "removed", UINT32_MAX);
    if (diff.json && json_get(diff.json, "labelled"))
        m->labelled = field_count(&diff, "labelled", UINT32_MAX);
    f->rc = diff.rc;
}

static void read_roots(struct fields *f, struct manifest *m)
{
    if (json_get(f->json, "roots"))
        m->roots = (uint32_t)field_count(f, "roots", UINT32_MAX);
}

static void read_tags(struct fields *f, struct manifest *m)
{
    struct fields tags = field_object(f, "tags", "tags.");
    void *iter = NULL;
    const char *name;
    const struct json *value;
    size_t cap = 0;
    while (!tags.rc && json_next(tags.json, &iter, &name, &value)) {
        struct fields tag = field_object(&tags, name, "tags.*.");
        struct manifest_tag t = {.version = (uint32_t)field_count(&tag, "version", m->version),
                                 .seq = (uint32_t)field_count(&tag, "seq", UINT32_MAX)};
        if (manifest_check_tag(name, NULL) || !t.version || !t.seq)
            bad(&tag, name, "is not a tag");
        tags.rc = tag.rc;
        snprintf(t.name, sizeof t.name, "%s", name);
        mem_grow(&m->tags, &cap, m->tag_count + 1, sizeof *m->tags);
        m->tags[m->tag_count++] = t;
    }
    f->rc = f->rc ? f->rc : tags.rc;
}

/* "0": 3; versions ascend. */
static void read_forgets(struct fields *f, struct manifest *m)
{
    if (!json_get(f->json, "forgets"))
        return;
    struct fields at = field_object(f, "forgets", "forgets.");
    void *iter = NULL;
    const char *name;
    const struct json *value;
    size_t cap = 0;
    while (!at.rc && json_next(at.json, &iter, &name, &value)) {
        struct manifest_forgets one = {.seq = (uint32_t)field_count(&at, name, UINT32_MAX)};
        size_t digits = strspn(name, "0123456789");
        one.first = digits && digits < 8 && !name[digits] ? (uint32_t)strtoul(name, NULL, 10) : UINT32_MAX;
        if (!at.rc && (one.first > m->version || !one.seq ||
                       (m->forgets_count && one.first <= m->forgets[m->forgets_count - 1].first)))
            bad(&at, name, "is not how far a series goes");
        mem_grow(&m->forgets, &cap, m->forgets_count + 1, sizeof *m->forgets);
        m->forgets[m->forgets_count++] = one;
    }
    f->rc = f->rc ? f->rc : at.rc;
}

/* In the place of a manifest that is gone: what was committed goes on being known to have been. */
static void read_stub(struct fields *f, struct manifest *m)
{
    read_commit(f, m);
    struct fields at = field_object(f, "forgotten", "forgotten.");
    m->stub = true;
    if (at.rc)
        return;
    read_when(&at, m);
    field_sha256(&at, "sha256", m->sha256);
    if (!m->version)
        bad(&at, "version", "is 0, which cannot be forgotten");
    f->rc = at.rc;
}

static void read_all(struct fields *f, struct manifest *m)
{
    if (json_kind(f->json) != JSON_KIND_OBJECT)
        f->rc = error_set(f->err, EUCLEAN, "%s: is not a JSON object", f->name);
    read_names(f, m);
    read_parent(f, m);
    if (json_get(f->json, "forgotten")) {
        read_stub(f, m);
        return;
    }
    read_identity(f, m);
    read_requires(f, m);
    read_program(f, m);
    read_counts(f, m);
    read_roots(f, m);
    read_purge(f, m);
    read_tags(f, m);
    read_forgets(f, m);
    if (m->version > 0 && !m->unsupported && !m->outdated)
        read_catalog(f, m);
}

int manifest_parse(const char *name, const void *bytes, size_t len, struct manifest **ret, struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    int rc = json_parse(name, bytes, len, &json, err);
    if (rc)
        return error_recode(err, EUCLEAN);
    CLEANUP_MANIFEST struct manifest *m = MEM_NEW(struct manifest);
    struct fields f = {.name = name, .where = "", .json = json, .err = err};
    read_all(&f, m);
    if (f.rc)
        return f.rc;
    if (!m->stub)
        sha256_of(bytes, len, m->sha256);
    *ret = STEAL(m);
    return 0;
}

void manifest_free(struct manifest *manifest)
{
    if (!manifest)
        return;
    free(manifest->author);
    free(manifest->message);
    free(manifest->source);
    free(manifest->unsupported);
    free(manifest->program);
    free(manifest->tags);
    free(manifest->forgets);
    free(manifest);
}

/* "'a', 'b'" */
static void print_quoted(struct buf *buf, const char *features_text)
{
    buf_u8(buf, '\'');
    for (const char *at = features_text; *at; at++) {
        if (*at == ',')
            buf_text_append(buf, "', '"), at++;
        else
            buf_u8(buf, (uint8_t)*at);
    }
    buf_u8(buf, '\'');
}

int manifest_check_supported(const struct manifest *manifest, struct error *err)
{
    CLEANUP_BUF struct buf names = BUF_INIT, who = BUF_INIT;
    if (manifest->stub)
        return manifest_say_forgotten(manifest->version, manifest->time_ns, manifest->author,
                                      manifest->message, err);
    if (!manifest->unsupported && !manifest->outdated)
        return 0;
    if (!manifest->unsupported)
        return error_set(
            err, ENOTSUP,
            "v%u was made by an elidefs from before the first release: import its sources again, "
            "into a new data set",
            manifest->version);
    print_quoted(&names, manifest->unsupported);
    if (manifest->program)
        buf_printf(&who, "elidefs %s and newer do", manifest->program);
    return error_set(err, ENOTSUP, "v%u needs %s, which this elidefs " ELIDEFS_VERSION " does not know (%s)",
                     manifest->version, buf_text(&names), who.len ? buf_text(&who) : "a newer one does");
}

int manifest_check_parent(const struct manifest *child, const struct manifest *parent, struct error *err)
{
    if (strcmp(child->uuid, parent->uuid))
        return error_set(err, EUCLEAN, "v%u belongs to data set %s, but v%u to data set %s", child->version,
                         child->uuid, parent->version, parent->uuid);
    if (!memcmp(child->parent_sha256, parent->sha256, SHA256_BYTES))
        return 0;
    char says[SHA256_HEX_BYTES], is[SHA256_HEX_BYTES];
    hex_print(child->parent_sha256, SHA256_BYTES, says);
    hex_print(parent->sha256, SHA256_BYTES, is);
    return error_set(err, EUCLEAN,
                     "the history is broken: v%u says that the manifest of v%u has SHA-256 %s, but it has %s",
                     child->version, parent->version, says, is);
}

int manifest_check_tag(const char *name, struct error *err)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);
    if (!len || len >= MANIFEST_TAG_BYTES || strspn(name, alnum) != len || strchr("._-", name[0]))
        return error_set(err, EINVAL,
                         "'%s' is no name for a tag: 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first",
                         name);
    if (!strcmp(name, "latest") || !strcmp(name, "tags") || version_parse(name, len, NULL))
        return error_set(err, EINVAL, "'%s' cannot be a tag: a path already means something else by it",
                         name);
    return 0;
}

void manifest_new_uuid(char ret_uuid[MANIFEST_UUID_BYTES])
{
    uint8_t bits[16];
    random_bytes(bits, sizeof bits);
    bits[6] = (uint8_t)((bits[6] & 0x0f) | 0x40);
    bits[8] = (uint8_t)((bits[8] & 0x3f) | 0x80);
    char hex[33];
    hex_print(bits, sizeof bits, hex);
    snprintf(ret_uuid, MANIFEST_UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}
