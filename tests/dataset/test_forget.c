// SPDX-License-Identifier: Apache-2.0
/* Which versions are forgotten: who may say so, and who learns it. */
#include "fixture.h"

#include "index/dataset/dataset_state.h"

static void made(void)
{
    fixture_made();
    init_data();
    hook_data();
    struct dataset *dataset = open_data();
    for (int i = 0; i < 5; i++) {
        CLEANUP_FREE char *key = mem_printf("clip-%d", i);
        commit(dataset, key, "good");
    }
    dataset_free(dataset);
}

static void removed(void)
{
    unhook_data();
    fixture_removed();
}

static int forget(struct dataset *dataset, uint32_t first, uint32_t last, struct error *err)
{
    struct dataset_range range = {first, last};
    struct dataset_forget what = {.ranges = &range, .count = 1, .author = "lena@lab", .message = "badly lit"};
    return dataset_forget(dataset, &what, err);
}

/* Which of v1 to v5 are, as "2 3 ". */
static void check_forgotten(struct dataset *dataset, const char *want, const char *why)
{
    CLEANUP_BUF struct buf is = BUF_INIT;
    for (uint32_t version = 0; version <= 5; version++)
        if (dataset_is_forgotten(dataset, version))
            buf_printf(&is, "%u ", version);
    cr_assert_str_eq(buf_text(&is), want, "%s", why);
}

CHECKED_TEST(forget, who_asks_for_a_forgotten_version_is_told_when_by_whom_and_why, made, removed)
{
    struct error err = {0};
    struct dataset *before = open_data(), *dataset = open_data(), *after;
    cr_assert_eq(forget(dataset, 2, 3, &err), 0, "%s", err.text);
    after = open_data();
    check_forgotten(dataset, "2 3 ", "to whom forgot them");
    check_forgotten(after, "2 3 ", "to who opens the data set after that");
    check_forgotten(before, "", "who has it open does not know yet");
    cr_assert_eq(dataset_refresh(before, NULL, &err), 0, "%s", err.text);
    check_forgotten(before, "2 3 ", "it learns it by looking");
    cr_assert_eq(dataset_check_forgotten(after, 3, &err), -ENOENT);
    cr_assert(!strncmp(err.text, "v3 was forgotten on 20", 22), "%s", err.text);
    cr_assert(strstr(err.text, " by lena@lab: badly lit"), "%s", err.text);
    cr_assert_eq(commit(dataset, "clip-6", "good"), 6, "numbers are not used again");
    dataset_free(before);
    dataset_free(dataset);
    dataset_free(after);
}

CHECKED_TEST(forget, what_a_manifest_says_is_forgotten_is_so_though_the_listing_is_older, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data(), *other = open_data();
    const struct series_list *listed = NULL;
    const struct manifest *newest = NULL;
    struct series_listing *listing = series_listing_begin(&dataset->layout);
    cr_assert_eq(series_listed(listing, SERIES_FORGOTTEN, &listed, &err), 0, "%s", err.text);
    cr_assert_eq(forget(other, 2, 3, &err), 0, "%s", err.text);
    cr_assert_eq(commit(other, "clip-6", "good"), 6);
    cr_assert_eq(dataset_manifest(other, 6, &newest, &err), 0, "%s", err.text);
    cr_assert_eq(forgotten_load(dataset->forgotten, newest, listing, &err), 0, "%s", err.text);
    check_forgotten(dataset, "2 3 ", "the manifest names it");
    series_listing_free(listing);
    dataset_free(dataset);
    dataset_free(other);
}

CHECKED_TEST(forget, neither_the_newest_version_nor_a_tagged_one_is_forgotten_nor_any_named_with_it, made,
             removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    cr_assert_eq(dataset_tag_put(dataset, "paper", 3, &err), 0, "%s", err.text);
    cr_assert_eq(forget(dataset, 2, 4, &err), -EPERM);
    cr_assert(strstr(err.text, "v3 has the tag 'paper'"), "%s", err.text);
    cr_assert_eq(forget(dataset, 4, 5, &err), -EPERM);
    cr_assert(strstr(err.text, "v5 is the newest version"), "%s", err.text);
    cr_assert_eq(forget(dataset, 0, 1, &err), -ENOENT);
    cr_assert_eq(forget(dataset, 4, 6, &err), -EPERM);
    cr_assert_eq(forget(dataset, 9, 9, &err), -ENOENT);
    check_forgotten(dataset, "", "nothing was");
    cr_assert_eq(objects("elidefs/series/forgotten/"), 0);
    cr_assert_eq(dataset_tag_remove(dataset, "paper", &err), 0);
    cr_assert_eq(forget(dataset, 2, 4, &err), 0, "%s", err.text);
    check_forgotten(dataset, "2 3 4 ", "without the tag");
    dataset_free(dataset);
}

CHECKED_TEST(forget, what_is_forgotten_twice_is_so_since_the_first_time, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct dataset_range range = {1, 4};
    cr_assert_eq(forget(dataset, 2, 3, &err), 0, "%s", err.text);
    cr_assert_eq(forget(dataset, 2, 2, &err), 0, "%s", err.text);
    cr_assert_eq(objects("elidefs/series/forgotten/"), 1, "nothing new was written");
    cr_assert_eq(dataset_forget(dataset, &(struct dataset_forget){&range, 1, "max@lab", NULL}, &err), 0);
    cr_assert_eq(objects("elidefs/series/forgotten/"), 2);
    check_forgotten(dataset, "1 2 3 4 ", "both times");
    dataset_check_forgotten(dataset, 2, &err);
    cr_assert(strstr(err.text, "by lena@lab: badly lit"), "%s", err.text);
    dataset_check_forgotten(dataset, 4, &err);
    cr_assert(strstr(err.text, "by max@lab") && !strstr(err.text, "max@lab:"), "%s", err.text);
    dataset_free(dataset);
}

CHECKED_TEST(forget, a_tag_cannot_be_set_on_a_forgotten_version_by_who_does_not_know_yet, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data(), *other = open_data();
    cr_assert_eq(forget(dataset, 2, 2, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_tag_put(other, "paper", 2, &err), -ENOENT);
    cr_assert(strstr(err.text, "v2 was forgotten on"), "%s", err.text);
    cr_assert_eq(dataset_tag_move(other, "paper", 2, &err), -ENOENT);
    cr_assert_eq(objects("elidefs/series/tags/"), 0);
    dataset_free(dataset);
    dataset_free(other);
}

CHECKED_TEST(forget, a_tag_that_cannot_be_read_may_keep_any_version_so_none_is_forgotten_until_it_is_gone,
             made, removed)
{
    static const char *const texts[] = {"", "two\n", "{\"versions\": [2, 3]}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err = {0};
        CLEANUP_FREE char *path = mem_printf("data/elidefs/series/tags/paper/%zu", 2 * i + 1);
        make_file(path, texts[i]);
        struct dataset *dataset = open_data();
        cr_assert_eq(forget(dataset, 2, 3, &err), -EUCLEAN, "%s", err.text);
        cr_assert(strstr(err.text, "the tag 'paper' is damaged, or of a newer elidefs") &&
                      strstr(err.text, "`elidefs untag` to take the tag away"),
                  "%s", err.text);
        check_forgotten(dataset, "", "nothing is");
        cr_assert_eq(dataset_tag_remove(dataset, "paper", &err), 0, "%s", err.text);
        cr_assert_eq(dataset_tag_remove(dataset, "paper", &err), -ENOENT);
        dataset_free(dataset);
    }
    struct error err = {0};
    struct dataset *dataset = open_data();
    cr_assert_eq(forget(dataset, 2, 3, &err), 0, "%s", err.text);
    check_forgotten(dataset, "2 3 ", "now they are");
    dataset_free(dataset);
}

static void tag_v2(void *ctx)
{
    struct error err = {0};
    struct dataset *other = open_data();
    cr_assert_eq(dataset_tag_put(other, "paper", 2, &err), 0, "%s", err.text);
    dataset_free(other);
}

CHECKED_TEST(forget, a_tag_that_is_set_at_the_same_moment_wins_as_long_as_it_stands, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked();
    hooked->put_match = "elidefs/series/forgotten/";
    hooked->before = tag_v2;
    cr_assert_eq(forget(dataset, 2, 3, &err), 0, "%s", err.text);
    check_forgotten(dataset, "3 ", "v2 is tagged");
    cr_assert_eq(dataset_tag_remove(dataset, "paper", &err), 0);
    check_forgotten(dataset, "2 3 ", "not any more");
    dataset_free(dataset);
}

static void forget_v1(void *ctx)
{
    struct error err = {0};
    struct dataset *other = open_data();
    cr_assert_eq(forget(other, 1, 1, &err), 0, "%s", err.text);
    dataset_free(other);
}

CHECKED_TEST(forget, two_that_forget_at_the_same_moment_both_have_their_way, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked(), *after;
    hooked->put_match = "elidefs/series/forgotten/";
    hooked->before = forget_v1;
    cr_assert_eq(forget(dataset, 3, 3, &err), 0, "%s", err.text);
    after = open_data();
    check_forgotten(dataset, "1 3 ", "to the second");
    check_forgotten(after, "1 3 ", "to the next");
    dataset_free(dataset);
    dataset_free(after);
}

CHECKED_TEST(forget, a_reply_that_was_lost_is_resolved_by_reading_back, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_hooked();
    hooked->put_match = "elidefs/series/forgotten/";
    hooked->put_rc = -EEXIST;
    cr_assert_eq(forget(dataset, 3, 3, &err), 0, "%s", err.text);
    check_forgotten(dataset, "3 ", "once");
    cr_assert_eq(objects("elidefs/series/forgotten/"), 1);
    hooked->stores = false;
    hooked->put_rc = -EACCES;
    cr_assert_eq(forget(dataset, 2, 2, &err), -EACCES);
    check_forgotten(dataset, "3 ", "what was refused is not");
    dataset_free(dataset);
}

CHECKED_TEST(forget, a_store_that_does_not_list_tells_it_all_the_same, made, removed)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    const struct manifest *newest = NULL;
    cr_assert_eq(forget(dataset, 2, 2, &err), 0, "%s", err.text);
    hooked->blind = true;
    struct dataset *blind = open_hooked();
    check_forgotten(blind, "2 ", "no manifest says so yet");
    cr_assert_eq(commit(dataset, "clip-6", "good"), 6);
    cr_assert_eq(dataset_manifest(dataset, 6, &newest, &err), 0, "%s", err.text);
    cr_assert_eq(newest->forgets_count, 1);
    cr_assert_eq(newest->forgets[0].seq, 1);
    cr_assert_eq(forget(dataset, 4, 4, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_refresh(blind, NULL, &err), 0, "%s", err.text);
    check_forgotten(blind, "2 4 ", "what was forgotten since it was opened");
    dataset_free(blind);
    blind = open_hooked();
    check_forgotten(blind, "2 4 ", "one the manifest knows of, one it does not");
    dataset_free(blind);
    dataset_free(dataset);
}

CHECKED_TEST(forget, what_is_damaged_there_forgets_nothing_and_does_no_harm, made, removed)
{
    static const char *const texts[] = {
        "",
        "{\"forgotten\": 7}",
        "{\"forgotten\": [7]}",
        "{\"forgotten\": [{\"first\": 3, \"last\": 2, \"time\": \"2026-03-01\", \"author\": \"a\", "
        "\"message\": \"\"}]}",
        "{\"forgotten\": [{\"first\": 0, \"last\": 2, \"time\": \"2026-03-01\", \"author\": \"a\", "
        "\"message\": \"\"}]}",
        "{\"forgotten\": [{\"first\": 3, \"last\": 1024, \"time\": \"2026-03-01\", \"author\": \"a\", "
        "\"message\": \"\"}]}",
        "{\"forgotten\": [{\"first\": 3, \"last\": 3, \"time\": \"soon\", \"author\": \"a\", \"message\": "
        "\"\"}]}",
        "{\"forgotten\": [{\"first\": 3, \"last\": 3, \"time\": \"2026-03-01\", \"message\": \"\"}]}",
    };
    make_file("data/elidefs/series/forgotten/x/1", "{\"forgotten\": []}");
    make_file("data/elidefs/series/forgotten/7/1", "{\"forgotten\": []}");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        make_file("data/elidefs/series/forgotten/0/1", texts[i]);
        struct dataset *dataset = open_data();
        check_forgotten(dataset, "", texts[i]);
        dataset_free(dataset);
    }
    struct dataset *dataset = open_data();
    struct error err = {0};
    cr_assert_eq(forget(dataset, 2, 2, &err), 0, "%s", err.text);
    check_forgotten(dataset, "2 ", "behind it");
    dataset_free(dataset);
    make_file("data/elidefs/series/forgotten/0/3",
              "{\"forgotten\": [{\"first\": 1, \"last\": 5, \"time\": \"2026-03-01\", \"author\": \"a\", "
              "\"message\": \"\"}]}");
    dataset = open_data();
    check_forgotten(dataset, "1 2 3 4 ", "whatever is written there, the newest is not forgotten");
    dataset_free(dataset);
}

CHECKED_TEST(forget, a_thousand_versions_share_a_series_and_a_message_has_its_bounds, made, removed)
{
    struct error err = {0};
    struct layout layout = {.store = &hooked->base};
    struct forgotten *forgotten = forgotten_new(&layout);
    char author[] = "lena@lab", message[] = "old";
    struct forgetting what = {.first = 1000, .last = 3100, .author = author, .message = message}, found;
    cr_assert_eq(forgotten_put(forgotten, &what, &err), 0, "%s", err.text);
    cr_assert_eq(objects("elidefs/series/forgotten/"), 4);
    cr_assert(forgotten_find(forgotten, 2047, &found));
    cr_assert_eq(found.first, 1024);
    cr_assert_eq(found.last, 2047);
    forgetting_done(&found);
    cr_assert_not(forgotten_find(forgotten, 999, NULL));
    cr_assert_not(forgotten_find(forgotten, 3101, NULL));
    CLEANUP_FREE char *most = mem_alloc(FORGOTTEN_MESSAGE_MAX + 2);
    memset(most, 'x', FORGOTTEN_MESSAGE_MAX + 1);
    most[FORGOTTEN_MESSAGE_MAX + 1] = 0;
    what.message = most;
    int rc = 0;
    for (what.first = what.last = 4096; !rc && what.first < 5120; what.last = what.first += 2)
        rc = forgotten_put(forgotten, &what, &err);
    cr_assert_eq(rc, -E2BIG);
    cr_assert(strstr(err.text, "give a shorter one"), "%s", err.text);
    forgotten_free(forgotten);
    struct dataset *dataset = open_data();
    struct dataset_range range = {2, 2};
    cr_assert_eq(dataset_forget(dataset, &(struct dataset_forget){&range, 1, NULL, most}, &err), -E2BIG);
    dataset_free(dataset);
}
