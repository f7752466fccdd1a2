// SPDX-License-Identifier: Apache-2.0
/* Clips are removed while somebody else commits: just before the manifest of the removal is put. */
#include "tests/dataset/fixture.h"

#include <stdio.h>

#include "tools/removal.h"

static struct dataset *dataset;

static void made(void)
{
    fixture_made();
    init_data();
    hook_data();
    hooked->put_match = "elidefs/versions/";
    dataset = open_hooked();
    struct dataset *other = open_data();
    commit(other, "ep0", "fail");
    commit(other, "ep1", "good");
    dataset_free(other);
}

static void removed(void)
{
    dataset_free(STEAL(dataset));
    unhook_data();
    fixture_removed();
}

/* Another writer: a clip whose content is `content`, in the place of what has the key. */
static void put_clip(const char *key, const char *content, const char *label)
{
    struct error err = {0};
    struct dataset *other = open_data();
    struct changeset *set = changeset_new();
    struct changeset_clip clip = {.key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "test"};
    struct value value = {.type = VALUE_TEXT, .text = label, .len = strlen(label)};
    sha256_of(content, strlen(content), clip.fingerprint);
    cr_assert_eq(changeset_attribute(set, "label", VALUE_TEXT, false, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_clip(set, &clip, &err), 0, "%s", err.text);
    cr_assert_eq(changeset_value(set, "label", &value, &err), 0, "%s", err.text);
    cr_assert_eq(dataset_commit(other, set, &(struct dataset_commit){0}, NULL, NULL, &err), 0, "%s",
                 err.text);
    changeset_free(set);
    dataset_free(other);
}

static void ep0_is_replaced_by_a_good_one(void *ctx)
{
    put_clip("ep0", "another recording", "good");
}

static void ep1_fails_too(void *ctx)
{
    put_clip("ep1", "ep1", "fail");
}

static int remove_path(const char *path, uint64_t *ret_removed, struct error *err)
{
    struct removal removal = {.path = path};
    struct apply_counts counts = {0};
    uint32_t version = 0;
    int rc = removal_commit(dataset, &removal, &version, &counts, err);
    *ret_removed = counts.clips_removed;
    return rc;
}

CHECKED_TEST(removal, a_clip_that_is_replaced_meanwhile_and_matches_no_more_stays, made, removed)
{
    struct error err = {0};
    uint64_t count = 0;
    hooked->before = ep0_is_replaced_by_a_good_one;
    cr_assert_eq(remove_path("label=fail", &count, &err), -ENOENT);
    cr_assert_str_eq(err.text, "label has no value 'fail': it has good; v2 has it (v2/label=fail)");
    cr_assert_eq(dataset_head(dataset), 3, "only the other's version is new");
}

CHECKED_TEST(removal, a_clip_that_comes_to_match_meanwhile_is_removed_too, made, removed)
{
    struct error err = {0};
    uint64_t count = 0;
    hooked->before = ep1_fails_too;
    cr_assert_eq(remove_path("latest/label=fail", &count, &err), 0, "%s", err.text);
    cr_assert_eq(count, 2);
    cr_assert_eq(dataset_head(dataset), 4);
}

CHECKED_TEST(removal, a_clip_of_an_older_version_that_is_replaced_meanwhile_stops_it, made, removed)
{
    struct error err = {0};
    uint64_t count = 0;
    hooked->before = ep0_is_replaced_by_a_good_one;
    cr_assert_eq(remove_path("v2/label.in=fail,good", &count, &err), -ESTALE, "%s", err.text);
    cr_assert_str_eq(err.text,
                     "1 of 2 clips have been replaced since v2, such as 'ep0'; nothing was removed: what "
                     "is there now is named by a path in latest");
    cr_assert_eq(remove_path("v2/label=good", &count, &err), 0, "ep1 is what it was: %s", err.text);
    cr_assert_eq(count, 1);
}

CHECKED_TEST(removal, labels_of_an_older_version_choose_clips_that_are_the_same, made, removed)
{
    struct error err = {0};
    uint64_t count = 0;
    put_clip("ep1", "ep1", "fail");
    cr_assert_eq(remove_path("v2/label=good", &count, &err), 0, "%s", err.text);
    cr_assert_eq(count, 1);
    cr_assert_eq(remove_path("v2/label=good", &count, &err), -EALREADY, "it is gone: %s", err.text);
}

CHECKED_TEST(removal, every_clip_is_meant_only_by_who_says_so, made, removed)
{
    struct error err = {0};
    uint64_t count = 0;
    cr_assert_eq(remove_path("v2", &count, &err), -EINVAL);
    cr_assert_str_eq(err.text, "'v2' means every clip: say which, such as outcome=fail, or --all");
}
