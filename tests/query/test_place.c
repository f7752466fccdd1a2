// SPDX-License-Identifier: Apache-2.0
/* Whole paths of the command line, over a data set in a local folder with two versions and a tag. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/commit/changeset.h"
#include "index/commit/commit.h"
#include "query/files.h"
#include "query/say/place.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

struct fixture {
    char *folder;
    struct stores *stores;
    struct cache *cache;
    struct dataset *dataset;
};

static void setup(struct fixture *ret)
{
    struct error err = {0};
    cr_assert_eq(file_make_temp_folder(NULL, "place", &ret->folder, &err), 0, "%s", err.text);
    setenv("HOME", ret->folder, 1); /* what this user trusts is recorded below it */
    unsetenv("XDG_CONFIG_HOME");
    CLEANUP_FREE char *url = mem_printf("%s/data", ret->folder), *cache = mem_printf("%s/cache", ret->folder);
    cr_assert_eq(stores_new(&(struct stores_options){0}, &ret->stores, &err), 0, "%s", err.text);
    cr_assert_eq(cache_new(&(struct cache_options){.folder = cache}, &ret->cache, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_init(ret->stores, url, &err), 0, "%s", err.text);
    struct dataset_options options = {.stores = ret->stores, .cache = ret->cache};
    cr_assert_eq(dataset_open(&options, url, &ret->dataset, &err), 0, "%s", err.text);
}

static void commit(struct fixture *fixture, const char *const *lines)
{
    struct error err = {0};
    struct world world = {.attributes = world_kitchen_attributes};
    struct apply_counts counts;
    uint32_t version;
    for (; *lines; lines++) {
        CLEANUP_FREE char *line = mem_text(*lines);
        world_add_line(&world, line);
    }
    CLEANUP_CHANGESET struct changeset *set = world_changeset(&world);
    cr_assert_eq(dataset_commit(fixture->dataset, set, &(struct dataset_commit){.message = "test"}, &version,
                                &counts, &err),
                 0, "%s", err.text);
    world_done(&world);
}

static void teardown(struct fixture *fixture)
{
    dataset_free(fixture->dataset);
    cache_free(fixture->cache);
    stores_free(fixture->stores);
    file_remove_tree(fixture->folder, NULL);
    free(fixture->folder);
}

static void setup_two_versions(struct fixture *ret)
{
    struct error err = {0};
    uint32_t head;
    setup(ret);
    commit(ret, (const char *const[]){"ep000 arm=left length=1", "ep001 arm=right length=2", NULL});
    commit(ret, (const char *const[]){"ep002 arm=left outcome=fail", NULL});
    cr_assert_eq(dataset_tag_put(ret->dataset, "nightly", 1, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_refresh(ret->dataset, &head, &err), 0, "%s", err.text);
    cr_assert_eq(head, 2);
}

#define IN_A_MOUNT                                                                                           \
    " is what a mount tells of a folder: here name the folder, and ask `elidefs query` (--count, --json, "   \
    "--csv, --facets, --paths0), `attribute list` or `explain`"

/* "v2 arm=left", "v1 arm=left ep000.front.mp4", or the error's text. */
static void check(struct fixture *fixture, const char *path, const char *expected)
{
    CLEANUP_PLACE struct place place = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct error err = {0};
    if (place_resolve(fixture->dataset, path, &place, &err)) {
        cr_assert_str_eq(err.text, expected, "%s: %s", path, err.text);
        return;
    }
    buf_printf(&text, "v%u ", place.version);
    query_canonical(place.query, &text);
    if (place.is_file) {
        CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
        CLEANUP_BUF struct buf name = BUF_INIT;
        struct files_entry entry;
        cr_assert_eq(catalog_reader_acquire(place.catalog, &(struct catalog_patience){0}, &reader, NULL), 0);
        cr_assert_eq(files_entry(reader, place.row, place.stream, &name, &entry, NULL), 0);
        buf_printf(&text, " %s", entry.name);
    }
    cr_assert_str_eq(buf_text(&text), expected, "%s: %s", path, buf_text(&text));
}

struct said {
    const char *path, *expected; /* NULL: the end */
};

static void check_all(void (*prepare)(struct fixture *ret), const struct said *table)
{
    struct fixture fixture;
    prepare(&fixture);
    for (; table->path; table++)
        check(&fixture, table->path, table->expected);
    teardown(&fixture);
    check_leaks();
}

Test(place, a_path_names_a_version_a_query_and_maybe_a_file)
{
    static const struct said table[] = {
        {"", "v2 "},
        {"/", "v2 "},
        {"v1", "v1 "},
        {"latest", "v2 "},
        {"nightly", "v1 "},
        {"tags/nightly/arm=left", "v1 arm=left"},
        {"/v2//arm=left/", "v2 arm=left"},
        {"outcome=fail", "v2 outcome=fail"},
        {"v1/length.gt=1/arm=right", "v1 arm=right/length.gt=1"},
        {"v2/arm=left/ep000.front.mp4", "v2 arm=left ep000.front.mp4"},
        {"arm=left/ep002.json", "v2 arm=left ep002.json"},
        {"v1/ep001.state.parquet", "v1  ep001.state.parquet"},
        {"v2/.by/arm/left", "v2 arm=left"},
        {"v1/length=1/.by/arm/left/ep000.front.mp4", "v1 arm=left/length=1 ep000.front.mp4"},
        {"v1/.by/arm/right/.by/length/1..2", "v1 arm=right/length.rng=1..2"},
        {NULL, NULL},
    };
    check_all(setup_two_versions, table);
}

Test(place, what_is_not_there_is_said_with_the_reason)
{
    static const struct said table[] = {
        {"v3", "no v3: the newest version is v2"},
        {"v99999999999999999999", "no v99999999999999999999: the newest version is v2"},
        {"v0", "no version or tag 'v0': the newest version is v2; tags: nightly"},
        {"v1/.by", "below .by stand a key and a value: .by/KEY/VALUE"},
        {"v1/.by/arm", "below .by stand a key and a value: .by/KEY/VALUE"},
        {"v1/.by/amr/left", "no attribute 'amr': did you mean 'arm'?"},
        {"v1/.by/arm/lfet", "arm has no value 'lfet': did you mean 'left'? (arm=left)"},
        {"v1/.by/outcome/fail", "no attribute 'outcome'; v2 has it (v2/.by/outcome/fail)"},
        {"v01", "no version or tag 'v01': did you mean 'v1'?"},
        {"V2", "no version or tag 'V2': did you mean 'v2'?"},
        {"2/arm=left", "no version or tag '2': did you mean 'v2'?"},
        {"version1", "no version or tag 'version1': did you mean 'v1'?"},
        {"12", "no version or tag '12': the newest version is v2; tags: nightly"},
        {"golden", "no version or tag 'golden': the newest version is v2; tags: nightly"},
        {"tags/nigthly", "no version or tag 'nigthly': did you mean 'nightly'?"},
        {"nightli", "no version or tag 'nightli': did you mean 'nightly'?"},
        {"lastest", "no version or tag 'lastest': did you mean 'latest'?"},
        {"tags", "tags/NAME is a version; tags alone is none"},
        {"v1/ep000.front.mp4/arm=left", "'ep000.front.mp4' is a file"},
        {"v1/ep000.front.mp4/", "'ep000.front.mp4' is a file"},
        {"v1/.elidefs/count", ".elidefs" IN_A_MOUNT},
        {"v1/arm=left/.as",
         "what is in .as/ has no clips of its own: only `query`, `explain` and `cp` take such a "
         "path; give the one before it"},
        {NULL, NULL},
    };
    check_all(setup_two_versions, table);
}

Test(place, a_file_that_is_not_there_is_said_with_the_reason)
{
    static const struct said table[] = {
        {"v2/arm=left/ep001.front.mp4", "'ep001.front.mp4' is not among arm=left: its clip has arm=right"},
        {"v2/outcome=fail+length=7/ep001.json",
         "length has no value '7': the nearest is 2 (outcome=fail+length=2)"},
        {"v2/length.lt=2/outcome=fail+arm=right/ep000.json",
         "'ep000.json' is not among arm=right+outcome=fail: its clip has arm=left, no 'outcome'"},
        {"v2/ep001.fornt.mp4", "its clip has no file 'ep001.fornt.mp4': did you mean 'ep001.front.mp4'?"},
        {"v2/ep001", "'ep001' is a clip; its files are ep001.front.mp4, ep001.wrist.mp4, "
                     "ep001.state.parquet, ep001.json"},
        {"ep001", "no version or tag 'ep001': a clip has this key (v2/ep001.json)"},
        {"/ep001.front.mp4",
         "no version or tag 'ep001.front.mp4': a path begins with a version (v2/ep001.front.mp4)"},
        {"ep777", "no version or tag 'ep777': the newest version is v2; tags: nightly"},
        {"nightly/ep002", "no file 'ep002' here"},
        {"v2/ep777.json", "no file 'ep777.json' here"},
        {"v2/arm", "no file 'arm' here: it is an attribute, so ask for a value of it: arm=left, arm=right"},
        {"v2/right", "no file 'right' here: 'right' is a value of 'arm' (arm=right)"},
        {"v2/length>1", "no file 'length>1' here: a condition is written length.gt=1"},
        {"v2/arm<>left", "no file 'arm<>left' here: a condition is written arm.ne=left"},
        {"v2/arm:left", "no file 'arm:left' here: a condition is written arm=left"},
        {"v2/arm left", "no file 'arm left' here: a condition is written arm=left"},
        {"v2/arm in (left,right)",
         "no file 'arm in (left,right)' here: a condition is written arm.in=left,right"},
        {NULL, NULL},
    };
    check_all(setup_two_versions, table);
}

Test(place, what_another_version_has_is_said)
{
    static const struct said table[] = {
        {"v1/outcome=fail",
         "no attribute 'outcome' in v1: there are arm, length; v2 has it (v2/outcome=fail)"},
        {"nightly/outcome=fail",
         "no attribute 'outcome' in v1: there are arm, length; v2 has it (v2/outcome=fail)"},
        {"v1/ep002.json", "no file 'ep002.json' here; v2 has it (v2/ep002.json)"},
        {"v1/outcome=fial", "no attribute 'outcome' in v1: there are arm, length"},
        {NULL, NULL},
    };
    check_all(setup_two_versions, table);
}

Test(place, a_data_set_without_versions_says_so)
{
    static const struct said table[] = {
        {"", "the data set has no version yet: import something first"},
        {"v1", "the data set has no version yet: import something first"},
        {"arm=left", "the data set has no version yet: import something first"},
        {NULL, NULL},
    };
    check_all(setup, table);
}
