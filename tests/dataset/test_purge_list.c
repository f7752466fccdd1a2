// SPDX-License-Identifier: Apache-2.0
/* The golden list of what was purged, and each of its fields made wrong. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/dataset/purge_list.h"
#include "tests/test_leaks.h"

static void golden(struct buf *buf)
{
    struct error err = {0};
    cr_assert_eq(file_read(DATASET_GOLDEN "/purges.json", 1 << 20, buf, &err), 0, "%s", err.text);
}

static int parse_changed(const char *from, const char *to, struct purge_list *ret, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, changed = BUF_INIT;
    golden(&bytes);
    const char *text = buf_text(&bytes), *at = strstr(text, from);
    cr_assert(at, "%s", from);
    buf_append(&changed, text, (size_t)(at - text));
    buf_text_append(&changed, to);
    buf_text_append(&changed, at + strlen(from));
    return purge_list_parse("list", changed.data, changed.len, ret, err);
}

Test(purge_list, every_field_of_the_golden_file_is_read)
{
    CLEANUP_PURGE_LIST struct purge_list list = {0};
    struct error err = {0};
    cr_assert_eq(parse_changed("{", "{", &list, &err), 0, "%s", err.text);
    cr_assert_eq(list.newest, 9);
    cr_assert_eq(list.event_count, 2);
    cr_assert_eq(list.events[0].time_ns, INT64_C(1772440200250000000));
    cr_assert_str_eq(list.events[0].author, "ada@lab");
    cr_assert_eq(rowset_count(list.events[0].rows), 4);
    cr_assert(rowset_contains(list.events[0].rows, 3) && rowset_contains(list.events[0].rows, 70002));
    cr_assert_eq(purge_list_event_of(&list, 0xff), &list.events[0]);
    cr_assert_eq(purge_list_event_of(&list, UINT64_C(0xfedcba9876543210)), &list.events[0]);
    cr_assert_null(purge_list_event_of(&list, 0));
    cr_assert_str_eq(list.events[1].author, "Küche");
    cr_assert_eq(list.version_count, 2);
    cr_assert_eq(purge_list_find(&list, 7)->clips, 70001);
    cr_assert_eq(purge_list_find(&list, 7)->top.pages, 300);
    cr_assert_eq(purge_list_find(&list, 9)->top.root.len, 140);
    cr_assert_null(purge_list_find(&list, 8));
}

Test(purge_list, it_is_printed_as_the_golden_file)
{
    CLEANUP_PURGE_LIST struct purge_list list = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT, printed = BUF_INIT;
    struct error err = {0};
    golden(&bytes);
    cr_assert_eq(purge_list_parse("list", bytes.data, bytes.len, &list, &err), 0, "%s", err.text);
    purge_list_print(&printed, &list);
    cr_assert_str_eq(buf_text(&printed), buf_text(&bytes));
}

/* Key hashes stand in data sets: whoever asks must come to the same. */
Test(purge_list, the_hash_of_a_key_is_what_the_format_says)
{
    cr_assert_eq(purge_key_hash("6f9619ff-8b86-4011-b42d-00c04fc964ff", "jane-doe-1", 10),
                 UINT64_C(0x44082b925d947896));
}

Test(purge_list, what_is_wrong_is_named)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"newest\": 9", "\"newest\": -1", "'newest'"},
        {"\"newest\": 9", "\"newest\": 1048576", "'newest'"},
        {"\"purges\": [", "\"purges\": [7, ", "'purges'"},
        {"\"time\": \"2026", "\"time\": \"20x6", "'purges'"},
        {"\"author\": \"ada@lab\"", "\"author\": 7", "'purges'"},
        {"[[3,3],", "[[3,2],", "'purges'"},
        {"[[3,3],", "[[3],", "'purges'"},
        {"[[3,3],", "[[-3,3],", "'purges'"},
        {"[[3,3],", "[[70000,70000],", "'purges'"},
        {"70002]", "4294967295]", "'purges'"},
        {"\"rows\": [[0,0]]", "\"rows\": {}", "'purges'"},
        {"\"keys\": []", "\"keys\": {}", "'purges'"},
        {"\"00000000000000ff\"", "\"00000000000000fF\"", "'purges'"},
        {"\"00000000000000ff\"", "\"ff\"", "'purges'"},
        {"\"00000000000000ff\"", "\"fedcba9876543210\"", "'purges'"},
        {"\"versions\": [", "\"versions\": [7, ", "'versions'"},
        {"\"version\": 7", "\"version\": 0", "'versions'"},
        {"\"version\": 7", "\"version\": 9", "'versions'"},
        {"\"clips\": 70001", "\"clips\": 4294967296", "'versions'"},
        {"\"pages\": 300", "\"pages\": 0", "'catalog.pages' is 0"},
        {"\"hot\": []}}]}", "\"hot\": []}}]", "list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct purge_list list = {0};
        struct error err = {0};
        cr_assert_eq(parse_changed(cases[i].from, cases[i].to, &list, &err), -EUCLEAN, "%s", cases[i].to);
        cr_assert(strstr(err.text, cases[i].says), "%s: %s", cases[i].to, err.text);
    }
    check_leaks();
}
