// SPDX-License-Identifier: Apache-2.0
/* A data set with clips of two people, of whom one wants hers taken out of all versions, and what must hold
 * then. Include in one test file each. */
#pragma once

#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "index/commit/changeset_labels.h"
#include "index/commit/purge.h"
#include "tests/catalog/unpacked.h"

static inline void made(void)
{
    fixture_made();
    make_file("source/jane/secret-drive.bin", "0123456789");
    init_data();
    hook_data();
}

static inline void removed(void)
{
    unhook_data();
    fixture_removed();
}

/* A person's clip, with all that says whose it is. */
static inline void commit_jane(struct dataset *dataset, const char *key, const char *label)
{
    struct error err = {0};
    struct changeset *set = one_clip(key, "source", "jane/secret-drive.bin", label);
    changeset_extra(set, "extra of jane", 13);
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.message = "more"}, NULL, NULL, &err),
                 0, "%s", err.text);
    changeset_free(set);
}

static inline void label(struct dataset *dataset, const char *key, const char *value)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    struct changeset_setter setter = {"anna", CHANGESET_ALL, "a table"};
    struct value is = {.type = VALUE_TEXT, .text = value, .len = strlen(value)};
    cr_assert_eq(changeset_setter(set, &setter, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_attribute(set, "label", VALUE_TEXT, false, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_labels(set, key, 1, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_value(set, "label", &is, &err), 0, "%s", err.text);
    cr_assert_eq(
        dataset_commit(dataset, set, &(struct dataset_commit){.message = "labels"}, NULL, NULL, &err), 0,
        "%s", err.text);
    changeset_free(set);
}

static inline void remove_clip(struct dataset *dataset, const char *key)
{
    struct error err = {0};
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_remove(set, key, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_commit(dataset, set, &(struct dataset_commit){.message = "less"}, NULL, NULL, &err),
                 0, "%s", err.text);
    changeset_free(set);
}

/* v1 without her; she comes in v2, is labelled in v3, goes in v4; v5 adds another one. */
static inline void make_versions(struct dataset *dataset)
{
    commit(dataset, "bob-1", "good");
    commit_jane(dataset, "jane-doe-1", "jane waves");
    label(dataset, "jane-doe-1", "jane laughs");
    remove_clip(dataset, "jane-doe-1");
    commit(dataset, "bob-2", "bad");
}

static inline int try_purge(struct dataset *dataset, const char *key, bool dry, struct dataset_purged *ret,
                            struct error *err)
{
    struct dataset_purge purge = {.keys = &key, .count = 1, .message = "asked to", .dry = dry};
    return dataset_purge(dataset, &purge, ret, err);
}

static inline struct dataset_purged purge(struct dataset *dataset, const char *key)
{
    struct error err = {0};
    struct dataset_purged done = {0};
    cr_assert_eq(try_purge(dataset, key, false, &done, &err), 0, "%s", err.text);
    return done;
}

static inline char *json_of(struct dataset *dataset, uint32_t version, const char *key)
{
    struct error err = {0};
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_BUF struct buf json = BUF_INIT;
    uint32_t row;
    int rc = dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, &err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    rc = catalog_clip_find(reader, key, strlen(key), &row, &err);
    if (!rc)
        rc = catalog_json(reader, row, &json, &err);
    cr_assert(!rc || rc == -ENOENT, "%s", err.text);
    return rc ? NULL : mem_text(buf_text(&json));
}

static inline void expect_json(struct dataset *dataset, uint32_t version, const char *key,
                               const char *expected)
{
    CLEANUP_FREE char *json = json_of(dataset, version, key);
    if (!expected)
        cr_assert_null(json, "v%u: %s", version, json);
    else
        cr_assert_str_eq(json ? json : "none", expected);
}

/* No page of any version, unpacked, holds any of these. */
static inline void expect_gone(struct dataset *dataset)
{
    static const char *const texts[] = {"jane", "waves", "laughs", "secret-drive", "extra of"};
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        struct error err = {0};
        CLEANUP_BUF struct buf all = BUF_INIT;
        CLEANUP_FREE char *path = mem_printf("%s/pulled-%u", folder, version);
        unlink(path);
        cr_assert_eq(dataset_pull(dataset, version, path, &err), 0, "%s", err.text);
        unpack_all(path, &all);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            cr_assert_null(memmem(all.data, all.len, texts[i], strlen(texts[i])), "v%u has '%s'", version,
                           texts[i]);
    }
}

static inline bool is_used(struct dataset *dataset, uint32_t version, const char *pack)
{
    struct dataset_pack *packs = NULL;
    size_t count = 0;
    bool used = false;
    cr_assert_eq(dataset_packs(dataset, version, &packs, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        used |= packs[i].used_pages && !strcmp(packs[i].id, pack);
    free(packs);
    return used;
}

static inline void expect_stored(struct dataset *dataset)
{
    struct pages_check *check = dataset_check_new(dataset);
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        struct error err = {0};
        cr_assert_eq(dataset_check_stored(dataset, check, version, &err), 0, "%s", err.text);
    }
    pages_check_free(check);
}

#define BOB_1 "{\"key\":\"bob-1\",\"label\":\"good\"}\n"
#define BOB_2 "{\"key\":\"bob-2\",\"label\":\"bad\"}\n"

static inline void expect_purged(struct dataset *dataset)
{
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        expect_json(dataset, version, "bob-1", BOB_1);
        expect_json(dataset, version, "bob-2", version < 5 ? NULL : BOB_2);
        expect_json(dataset, version, "jane-doe-1", NULL);
    }
    expect_gone(dataset);
    expect_stored(dataset);
}
