// SPDX-License-Identifier: Apache-2.0
/* Applies change sets to files in a folder, one a version, as commits do to a data set. */
#include "tests/catalog/versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"

/* Ends the test's process where the test itself is wrong. */
static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        abort();
    }
}

void versions_init(struct versions *versions)
{
    *versions = (struct versions){0};
    must(file_make_temp_folder(NULL, "catalog", &versions->folder, &versions->err), &versions->err);
}

static void close_head(struct versions *versions)
{
    catalog_reader_release(versions->reader);
    catalog_unref(versions->catalog);
    versions->reader = NULL;
    versions->catalog = NULL;
}

void versions_done(struct versions *versions)
{
    close_head(versions);
    file_remove_tree(versions->folder, NULL);
    free(versions->folder);
}

char *versions_path(const struct versions *versions, uint32_t version)
{
    return mem_printf("%s/v%u", versions->folder, version);
}

static void read_version(const struct versions *versions, uint32_t version, struct interim **interim)
{
    CLEANUP_FREE char *path = versions_path(versions, version);
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct error err;
    must(catalog_open_path(path, &catalog, &err), &err);
    must(catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err), &err);
    must(*interim ? interim_take(*interim, reader, &err) : interim_new(STEAL(reader), interim, &err), &err);
}

static void open_head(struct versions *versions)
{
    CLEANUP_FREE char *path = versions_path(versions, versions->head);
    struct catalog_patience patience = {0};
    must(catalog_open_path(path, &versions->catalog, &versions->err), &versions->err);
    must(catalog_reader_acquire(versions->catalog, &patience, &versions->reader, &versions->err),
         &versions->err);
}

void versions_scrub(struct versions *versions, uint32_t version, const struct rowset *rows,
                    const struct rowset *objects, struct scrub_dictionaries *dictionaries,
                    struct scrub_counts *ret)
{
    CLEANUP_FREE char *path = versions_path(versions, version), *other = mem_printf("%s.scrubbed", path);
    CLEANUP_OVERLAY struct overlay *file = NULL;
    CLEANUP_ROWSET struct rowset *read = rowset_new();
    must(overlay_new_plain(path, SCHEMA_PAGE_BYTES, &file, &versions->err), &versions->err);
    must(scrub_find_objects(file, rows, read, &versions->err), &versions->err);
    struct scrub_options options = {file, rows, objects ? objects : read, dictionaries};
    must(scrub(&options, ret, &versions->err), &versions->err);
    must(overlay_save(file, other, &(struct catalog_patience){0}, &versions->err), &versions->err);
    if (version == versions->head)
        close_head(versions);
    if (rename(other, path)) {
        perror(path);
        abort();
    }
    if (version == versions->head)
        open_head(versions);
}

int versions_apply(struct versions *versions, struct changeset *set)
{
    CLEANUP_INTERIM struct interim *interim = NULL;
    for (uint32_t version = versions->base; version && version <= versions->head; version++)
        read_version(versions, version, &interim);
    CLEANUP_FREE char *parent = versions_path(versions, versions->head),
                      *result = versions_path(versions, versions->head + 1);
    CLEANUP_OVERLAY struct overlay *file = NULL;
    int rc = versions->head ? overlay_new_plain(parent, SCHEMA_PAGE_BYTES, &file, &versions->err)
                            : overlay_new(NULL, SCHEMA_PAGE_BYTES, &file, &versions->err);
    must(rc, &versions->err);
    struct apply_options options = {.file = file,
                                    .version = versions->head + 1,
                                    .time_ns = versions->head + 1,
                                    .interim = interim,
                                    .limits = versions->limits};
    rc = apply(&options, set, &versions->counts, &versions->err);
    changeset_free(set);
    versions->pages_written = 0;
    for (uint32_t page = 0; page < overlay_pages(file); page++)
        versions->pages_written += overlay_has(file, page);
    if (rc)
        return rc;
    must(overlay_save(file, result, &(struct catalog_patience){0}, &versions->err), &versions->err);
    close_head(versions);
    versions->head++;
    open_head(versions);
    return 0;
}

void set_attribute(struct changeset *set, const char *name, enum value_type type, bool multi)
{
    struct error err;
    must(changeset_attribute(set, name, type, multi, &err), &err);
}

void set_clip(struct changeset *set, const char *key, int print)
{
    struct error err;
    struct changeset_clip clip = {
        .key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "a test"};
    memset(clip.fingerprint, print & 0xff, sizeof clip.fingerprint);
    memcpy(clip.fingerprint + 8, &print, sizeof print);
    must(changeset_clip(set, &clip, &err), &err);
}

struct value value_of(enum value_type type, const char *text)
{
    struct error err;
    struct value value;
    must(value_parse(type, text, strlen(text), &value, &err), &err);
    return value;
}

void set_value(struct changeset *set, const char *name, enum value_type type, const char *text)
{
    struct error err;
    struct value value;
    CLEANUP_BUF struct buf room = BUF_INIT;
    must(value_parse_in(&room, type, text, strlen(text), &value, &err), &err);
    must(changeset_value(set, name, &value, &err), &err);
}

void set_stream(struct changeset *set, const char *name, const char *path, uint64_t offset, uint64_t len)
{
    struct error err;
    struct slice slice = SLICE_INIT;
    uint32_t object;
    must(changeset_object(set, changeset_root(set, "/a/root"), path, 10000, "mtime=1;inode=2", &object, &err),
         &err);
    slice_add_inline(&slice, "HEADER", 6);
    slice_add_range(&slice, offset, len);
    struct changeset_stream stream = {name, "mp4", "mp4", object, &slice};
    must(changeset_stream(set, &stream, &err), &err);
    slice_done(&slice);
}

struct changeset *labels_by(const char *setter, enum changeset_policy policy)
{
    struct error err;
    struct changeset *set = changeset_new();
    must(changeset_setter(set, &(struct changeset_setter){setter, policy, "labels.csv: line"}, &err), &err);
    return set;
}

void set_labels(struct changeset *set, const char *key, uint64_t line)
{
    struct error err;
    must(changeset_labels(set, key, line, &err), &err);
}

void set_events(struct changeset *set, const char *label, const double *spans)
{
    struct error err;
    must(changeset_events(set, label, &err), &err);
    for (; spans && *spans >= 0; spans += 2)
        must(changeset_event(set, (int64_t)(spans[0] * 1e3 + 0.5) * 1000000,
                             (int64_t)(spans[1] * 1e3 + 0.5) * 1000000, &err),
             &err);
}

struct catalog_counts versions_counts(struct versions *versions, const char *name)
{
    struct catalog_attribute attribute;
    struct catalog_counts counts = {0};
    int rc = catalog_attribute_find(versions->reader, name, strlen(name), &attribute, &versions->err);
    if (!rc)
        rc = catalog_attribute_counts(versions->reader, attribute.id, &counts, &versions->err);
    if (rc)
        fprintf(stderr, "%s: %s\n", name, versions->err.text);
    return rc ? (struct catalog_counts){UINT64_MAX, UINT64_MAX} : counts;
}

void versions_apply_layers(struct versions *v, const struct versions_layers *layers)
{
    struct apply_limits limits = APPLY_LIMITS;
    struct changeset *sealed = changeset_new(), *tail = changeset_new();
    char key[32];
    limits.tail_rows = 2 * layers->more;
    v->limits = &limits;
    layers->add(sealed, 0, layers->clips);
    must(versions_apply(v, sealed), &v->err);
    layers->add(tail, layers->clips, layers->clips + layers->more);
    must(versions_apply(v, tail), &v->err);
    struct changeset *labels = labels_by("anna", CHANGESET_ALL);
    set_attribute(labels, "arm", VALUE_TEXT, false);
    for (unsigned i = 0; i < layers->labelled; i++) {
        snprintf(key, sizeof key, "ep%0*u", layers->digits, i * (layers->clips / layers->labelled));
        set_labels(labels, key, (uint64_t)i + 1);
        set_value(labels, "arm", VALUE_TEXT, "both");
    }
    must(versions_apply(v, labels), &v->err);
    v->limits = NULL;
}
