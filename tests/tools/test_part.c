// SPDX-License-Identifier: Apache-2.0
/* Parts of imports: what falls to whom, and handing over what was read where the store fails at any request.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/store/fault.h"
#include "tests/test_leaks.h"
#include "tools/import/part_put.h"
#include "tools/import/part_take.h"

static char *folder;
static struct stores *stores;

static void begin(void)
{
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-part", &folder, NULL), 0);
    cr_assert_eq(stores_new(&(struct stores_options){0}, &stores, NULL), 0);
}

static void end(void)
{
    stores_free(stores);
    file_remove_tree(folder, NULL);
    free(folder);
}

TestSuite(part, .init = begin, .fini = end);

Test(part, every_path_falls_to_one_part_and_each_gets_its_share)
{
    enum { PARTS = 5, PATHS = 1000 };
    unsigned shares[PARTS] = {0};
    for (int i = 0; i < PATHS; i++) {
        char path[32];
        unsigned takers = 0;
        snprintf(path, sizeof path, "a/%d.mp4", i);
        for (uint32_t k = 0; k < PARTS; k++) {
            bool has = import_part_has(&(struct import_part){k + 1, PARTS}, path);
            shares[k] += has;
            takers += has;
        }
        cr_assert_eq(takers, 1);
        cr_assert(import_part_has(NULL, path));
    }
    for (int k = 0; k < PARTS; k++)
        cr_assert(shares[k] > PATHS / PARTS / 2, "part %d has %u", k + 1, shares[k]);
}

Test(part, names_of_records_are_numbers_in_their_shortest_form)
{
    static const char *const bad[] = {"0-of-2.json",      "3-of-2.json",  "01-of-2.json",
                                      "1-of-2.json.json", "1-of-2",       "-1-of-2.json",
                                      "1-of-20000.json",  " 1-of-2.json", ""};
    struct import_part part = {0};
    cr_assert(part_name_parse("12-of-345.json", &part));
    cr_assert(part.number == 12 && part.count == 345);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(part_name_parse(bad[i], &part), "%s", bad[i]);
}

/* ---- a store that fails ---- */

static const struct store_object pinned = {.size = 1000, .pin = "etag-1"};

static struct scan_cache *scans_of(const char *name)
{
    struct scan_cache *scans = scan_cache_open(folder, name, true);
    cr_assert(scans);
    return scans;
}

/* Reads one recording. */
static void put_one(struct scan_cache *scans, const char *path)
{
    CLEANUP_SCAN struct scan scan = SCAN_INIT;
    scan_add(&scan, 0, path, strlen(path));
    scan_cache_put(scans, &(struct scan_of){"s3://b", path, &pinned}, &scan);
}

static bool has(struct scan_cache *scans, const char *path)
{
    CLEANUP_SCAN struct scan scan = SCAN_INIT;
    return scan_cache_find(scans, &(struct scan_of){"s3://b", path, &pinned}, &scan) &&
           scan_find(&scan, 0, strlen(path));
}

static const struct import_request request = {.source = "s3://b"};
static const struct import_listing listing = {.objects = 2, .bytes = 2000};

static struct store *open_store(struct store **ret_fault)
{
    struct store *inner = NULL;
    CLEANUP_FREE char *url = mem_printf("%s/set", folder);
    cr_assert_eq(store_open(stores, url, &inner, NULL), 0);
    return *ret_fault = store_fault_new(inner, &(struct fault_plan){.kind = FAULT_NONE});
}

static unsigned objects(void)
{
    CLEANUP_FREE char *command = mem_printf("find '%s/set' -type f 2>/dev/null | wc -l", folder);
    unsigned count = 0;
    FILE *pipe = popen(command, "r");
    cr_assert_eq(fscanf(pipe, "%u", &count), 1);
    pclose(pipe);
    return count;
}

static int put_part(struct store *store, uint32_t number, struct error *err)
{
    struct part_record record = {.part = {number, 2}, .listing = listing, .base = 3 + number, .files = 1};
    CLEANUP_SCAN_CACHE struct scan_cache *scans = scans_of("part");
    put_one(scans, number == 1 ? "one.mp4" : "two.mp4");
    part_line_of(&request, &record.line);
    record.format = mem_text(PART_FORMAT);
    record.program = mem_text("0");
    record.time = mem_text("now");
    int rc = part_put(store, &record, scans, err);
    scan_cache_forget(scans);
    part_record_done(&record);
    return rc;
}

/* Like a merge, into a scan cache of its own. */
static int take_parts(struct store *store, struct part_taken *taken, struct error *err)
{
    struct part_line line;
    part_line_of(&request, &line);
    struct part_taking taking = {.store = store, .line = &line, .listing = &listing};
    CLEANUP_SCAN_CACHE struct scan_cache *scans = scans_of("merge");
    int rc = part_find(&taking, taken, err);
    if (!rc)
        rc = part_take(&taking, taken, scans, err);
    if (!rc)
        cr_assert(has(scans, "one.mp4") && has(scans, "two.mp4") && !has(scans, "three.mp4"));
    scan_cache_forget(scans);
    part_line_done(&line);
    return rc;
}

Test(part, whichever_request_fails_a_part_is_complete_or_leaves_nothing)
{
    struct store *fault = NULL;
    CLEANUP_STORE struct store *store = open_store(&fault);
    unsigned failed = 0, n = 0;
    for (int rc = -1; rc < 0;) {
        struct error err = {0};
        store_fault_set(fault,
                        &(struct fault_plan){.kind = FAULT_FAIL, .first = ++n, .count = 1, .code = EIO});
        rc = put_part(store, 1, &err);
        failed += rc < 0;
        cr_assert_eq(objects(), rc < 0 ? 0 : 2, "request %u: %s", n, err.text);
    }
    cr_assert_eq(failed, 2, "what was read, and the record");
}

Test(part, whichever_answer_is_lost_a_part_is_complete)
{
    struct store *fault = NULL;
    CLEANUP_STORE struct store *store = open_store(&fault);
    struct error err = {0};
    store_fault_set(fault, &(struct fault_plan){.kind = FAULT_LOST, .first = 2, .count = 1});
    cr_assert_eq(put_part(store, 1, &err), 1, "%s", err.text);
    cr_assert_eq(objects(), 2);
    store_fault_set(fault, &(struct fault_plan){.kind = FAULT_NONE});
    cr_assert_eq(put_part(store, 1, &err), 0, "the first one stands");
    cr_assert_eq(objects(), 2, "the second has taken back what it put");
}

Test(part, whichever_request_fails_a_merge_takes_all_parts_or_says_why)
{
    struct store *fault = NULL;
    CLEANUP_STORE struct store *store = open_store(&fault);
    struct part_taken first = {0}, taken = {0};
    struct error err = {0};
    cr_assert_eq(put_part(store, 1, &err), 1);
    cr_assert_eq(take_parts(store, &first, &err), -ENOENT);
    cr_assert(strstr(err.text, "1 part of this import is missing: 2/2"), "%s", err.text);
    cr_assert_eq(put_part(store, 2, &err), 1);
    cr_assert_eq(take_parts(store, &first, &err), 0, "%s", err.text);
    cr_assert(first.count == 2 && first.base == 4 && first.files == 2);
    unsigned n = 0;
    for (int rc = -1; rc < 0;) {
        err = (struct error){0};
        store_fault_set(fault,
                        &(struct fault_plan){.kind = FAULT_FAIL, .first = ++n, .count = 1, .code = EIO});
        rc = take_parts(store, &taken, &err);
        cr_assert(!rc || rc == -EIO, "request %u: %s", n, err.text);
        if (rc && taken.records)
            part_taken_done(&taken), taken.records = NULL;
    }
    cr_assert_eq(n, 1 + 2 + 2 + 1, "a listing, two records, what two have read");
    cr_assert_str_eq(taken.commit, first.commit, "it follows from the parts");
    part_taken_done(&taken);
    part_taken_done(&first);
}
