// SPDX-License-Identifier: Apache-2.0
/* Sources first, then their files: a reader does one thing at a time. */
#include "tools/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/strmap.h"

struct listing {
    struct strmap *roots; /* number -> first place */
    struct source {
        uint32_t id, changed;
        char *url;
    } * list;
    size_t count, cap;
};

static void listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->list[i].url);
    free(listing->list);
    for (size_t i = 0; i < strmap_count(listing->roots); i++)
        free((char *)strmap_at(listing->roots, i)->value);
    strmap_free(listing->roots);
}

static struct strmap_entry *root_entry(const struct listing *listing, uint32_t id, bool *ret_new)
{
    CLEANUP_FREE char *number = mem_printf("%u", id);
    return ret_new ? strmap_put(listing->roots, number, strlen(number), ret_new)
                   : strmap_find(listing->roots, number, strlen(number));
}

static int take_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    bool is_new;
    struct strmap_entry *entry = root_entry(ctx, id, &is_new);
    (void)err;
    if (is_new)
        entry->value = (uintptr_t)mem_text(url);
    return 0;
}

static int take_source(void *ctx, const struct catalog_source *source, struct error *err)
{
    struct listing *listing = ctx;
    const struct strmap_entry *root = root_entry(listing, source->root, NULL);
    CLEANUP_BUF struct buf folder = BUF_INIT; /* a name on a disk may hold anything */
    (void)err;
    escape_append(&folder, source->folder, strlen(source->folder), "/ ", true);
    mem_grow(&listing->list, &listing->cap, listing->count + 1, sizeof *listing->list);
    listing->list[listing->count++] =
        (struct source){source->id, source->changed,
                        mem_printf("%s%s%s", root ? (const char *)root->value : "?", folder.len ? "/" : "",
                                   buf_text(&folder))};
    return 0;
}

static int print_file(void *ctx, const char *name, uint64_t size, struct error *err)
{
    const uint32_t *id = ctx;
    (void)err;
    printf("%u/%s %llu bytes\n", *id, name, (unsigned long long)size);
    return 0;
}

static int open_reader(struct session *session, uint32_t version, struct catalog_reader **ret,
                       struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL; /* the reader has a reference of its own */
    int rc = dataset_catalog(session->dataset, version, PATIENCE_ENDLESS, &catalog, err);
    return rc ? rc : catalog_reader_acquire(catalog, PATIENCE_ENDLESS, ret, err);
}

int sources_print(struct session *session, uint32_t version, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct listing listing CLEANUP(listing_done) = {.roots = strmap_new()};
    int rc = open_reader(session, version, &reader, err);
    if (!rc)
        rc = dataset_roots(session->dataset, take_root, &listing, err);
    if (!rc)
        rc = catalog_sources(reader, take_source, &listing, err);
    for (size_t i = 0; !rc && i < listing.count; i++) {
        struct source *source = &listing.list[i];
        printf("%u %s (v%u)\n", source->id, source->url, source->changed);
        rc = catalog_source_files(reader, source->id, print_file, &source->id, err);
    }
    return rc;
}

/* "1/meta/info.json" */
static int take_name(const char *name, uint32_t *ret_source, const char **ret_file, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long id = *name >= '1' && *name <= '9' ? strtoul(name, &end, 10) : 0;
    if (!id || errno || id > UINT32_MAX || *end != '/')
        return error_set(
            err, EINVAL,
            "'%s' is no file of a source, as in 1/meta/info.json; `elidefs catalog sources DATASET` "
            "lists them",
            name);
    *ret_source = (uint32_t)id;
    *ret_file = end + 1;
    return 0;
}

int sources_cat(struct session *session, uint32_t version, const char *name, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    const char *file = NULL;
    uint32_t source = 0;
    int rc = take_name(name, &source, &file, err);
    if (!rc)
        rc = open_reader(session, version, &reader, err);
    if (!rc)
        rc = catalog_source_file(reader, source, file, &bytes, err);
    if (!rc && fwrite(bytes.data ? bytes.data : (const uint8_t *)"", 1, bytes.len, stdout) != bytes.len)
        rc = error_set(err, EIO, "standard output: %s", strerror(errno));
    return rc;
}
