// SPDX-License-Identifier: Apache-2.0
/* What the newest version knows of a source (known), what an import means for it (growth), and copies (copy).
 */
#include "tests/dataset/fixture.h"
#include "tools/import/copy.h"
#include "tools/import/growth.h"
#include "tools/import/known.h"

struct lab { /* the folder "source", and what "data" knows of it */
    struct dataset *dataset;
    struct source *source;
    struct known *known;
    struct error err;
};

static void know(struct lab *lab, const char *name)
{
    CLEANUP_FREE char *url = in(name);
    if (lab->known)
        known_free(STEAL(lab->known));
    if (lab->source)
        source_free(STEAL(lab->source));
    cr_assert_eq(source_open(stores, url, &lab->source, &lab->err), 0, "%s", lab->err.text);
    cr_assert_eq(known_open(lab->dataset, store_url(lab->source->store), &lab->known, &lab->err), 0, "%s",
                 lab->err.text);
}

/* One version: the clip "a", cut out of source/a.bin. */
static void begin(struct lab *lab)
{
    fixture_made();
    init_data();
    *lab = (struct lab){.dataset = open_data()};
    commit(lab->dataset, "a", "x");
    know(lab, "source");
}

static void end(struct lab *lab)
{
    known_free(lab->known);
    source_free(lab->source);
    dataset_free(lab->dataset);
    fixture_removed();
    check_leaks();
}

static void remove_clip(struct lab *lab, const char *key)
{
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_remove(set, key, &lab->err), 0);
    cr_assert_eq(dataset_commit(lab->dataset, set, &(struct dataset_commit){0}, NULL, NULL, &lab->err), 0,
                 "%s", lab->err.text);
    changeset_free(set);
    know(lab, "source");
}

Test(known, an_object_is_known_under_its_pin_only)
{
    struct lab lab;
    begin(&lab);
    struct known_object found;
    struct source_object object = *source_find(lab.source, "a.bin");
    cr_assert_eq(known_object(lab.known, &object, &found, &lab.err), 1);
    cr_assert(!found.copy);
    object.pinned.size++;
    cr_assert_eq(known_object(lab.known, &object, &found, &lab.err), 0);
    object.pinned.size--;
    strcat(object.pinned.pin, "x");
    cr_assert_eq(known_object(lab.known, &object, &found, &lab.err), 0);
    end(&lab);
}

Test(known, a_clip_is_of_the_source_that_its_object_lies_in)
{
    struct lab lab;
    begin(&lab);
    struct catalog_known clip;
    CLEANUP_BUF struct buf url = BUF_INIT;
    CLEANUP_FREE char *source = in("source");
    enum value_type type = VALUE_BOOL;
    cr_assert_eq(known_version(lab.known), 1);
    cr_assert_eq(known_clip(lab.known, "a", &clip, &lab.err), 1);
    cr_assert_eq(known_clip(lab.known, "b", &clip, &lab.err), 0);
    cr_assert_eq(known_is_ours(lab.known, clip.row, &lab.err), 1);
    cr_assert(!known_attribute(lab.known, "label", &type, &lab.err) && type == VALUE_TEXT);
    cr_assert(!known_attribute(lab.known, "none", &type, &lab.err) && type == 0);
    know(&lab, "source2");
    cr_assert_eq(known_clip(lab.known, "a", &clip, &lab.err), 1);
    cr_assert_eq(known_is_ours(lab.known, clip.row, &lab.err), 0);
    cr_assert_eq(known_source(lab.known, clip.row, &url, &lab.err), 0);
    cr_assert_str_eq(buf_text(&url), source);
    buf_done(&url);
    end(&lab);
}

Test(known, a_removed_clip_is_no_clip_but_known_as_removed)
{
    struct lab lab;
    begin(&lab);
    struct catalog_known clip;
    cr_assert_eq(known_removed(lab.known, "a", &clip, &lab.err), 0);
    remove_clip(&lab, "a");
    cr_assert_eq(known_clip(lab.known, "a", &clip, &lab.err), 0);
    cr_assert_eq(known_removed(lab.known, "a", &clip, &lab.err), 1);
    cr_assert_eq(known_removed(lab.known, "b", &clip, &lab.err), 0);
    end(&lab);
}

Test(known, who_gave_a_clip_is_what_its_version_says)
{
    struct lab lab;
    begin(&lab);
    struct catalog_known clip;
    const char *given = "?";
    cr_assert_eq(known_clip(lab.known, "a", &clip, &lab.err), 1);
    cr_assert_eq(known_given_by(lab.known, clip.row, &given, &lab.err), 0);
    cr_assert_null(given);
    struct changeset *set = one_clip("b", "source", "a.bin", "y");
    cr_assert_eq(dataset_commit(lab.dataset, set, &(struct dataset_commit){.source = "s3://lab/m.jsonl"},
                                NULL, NULL, &lab.err),
                 0);
    changeset_free(set);
    know(&lab, "source");
    cr_assert_eq(known_clip(lab.known, "b", &clip, &lab.err), 1);
    cr_assert_eq(known_given_by(lab.known, clip.row, &given, &lab.err), 0);
    cr_assert_str_eq(given, "s3://lab/m.jsonl");
    end(&lab);
}

/* ---- growth ---- */

/* An import that found one clip, `key`, whose content is that of the clip `content`. */
static int settle(struct lab *lab, const char *key, const char *content, struct growth growth,
                  struct drafts **ret_drafts, struct growth_counts *ret)
{
    struct draft *clip;
    growth.drafts = *ret_drafts = drafts_new();
    growth.known = lab->known;
    growth.notes = notes_new();
    growth.source = growth.name = "new";
    cr_assert_eq(drafts_clip(growth.drafts, key, "line 1", &clip, &lab->err), 0);
    sha256_of(content, strlen(content), clip->fingerprint);
    int rc = growth_settle(&growth, ret, &lab->err);
    notes_free(growth.notes);
    return rc;
}

Test(growth, content_under_another_key_was_renumbered)
{
    struct lab lab;
    struct drafts *drafts;
    struct growth_counts counts;
    begin(&lab);
    cr_assert_eq(settle(&lab, "b", "a", (struct growth){0}, &drafts, &counts), -EEXIST);
    cr_assert_str_eq(lab.err.text,
                     "new was renumbered: 1 of its clips are known under other keys: 'a' is now 'b'; "
                     "--renumbered lets their labels go with them");
    drafts_free(drafts);
    cr_assert_eq(settle(&lab, "b", "a", (struct growth){.renumbered = true}, &drafts, &counts), 0);
    cr_assert(counts.renumbered == 1 && !strcmp(drafts->clips[0].labels_of, "a"));
    cr_assert_eq(changeset_removals(drafts->set), 1);
    drafts_free(drafts);
    cr_assert_eq(settle(&lab, "b", "a", (struct growth){.partial = true}, &drafts, &counts), 0);
    cr_assert(!counts.renumbered && !drafts->clips[0].labels_of, "it may lie beside what is not listed");
    drafts_free(drafts);
    end(&lab);
}

Test(growth, new_content_replaces_that_of_its_source_and_no_other)
{
    struct lab lab;
    struct drafts *drafts;
    struct growth_counts counts;
    begin(&lab);
    cr_assert_eq(settle(&lab, "a", "new", (struct growth){0}, &drafts, &counts), 0);
    cr_assert(!drafts->clips[0].left_out && !counts.gone);
    drafts_free(drafts);
    know(&lab, "source2");
    cr_assert_eq(settle(&lab, "a", "new", (struct growth){0}, &drafts, &counts), -EEXIST);
    cr_assert(strstr(lab.err.text, "1 of the keys, such as 'a', is that of clips from ") &&
                  strstr(lab.err.text, "/source; to have the clips from new beside them") &&
                  strstr(lab.err.text, "--prefix NAME"),
              "%s", lab.err.text);
    drafts_free(drafts);
    end(&lab);
}

Test(growth, what_was_removed_stays_so_under_any_key_unless_it_is_restored)
{
    struct lab lab;
    struct drafts *drafts;
    struct growth_counts counts;
    begin(&lab);
    remove_clip(&lab, "a");
    static const char *const keys[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(settle(&lab, keys[i], "a", (struct growth){0}, &drafts, &counts), 0, "%s", lab.err.text);
        cr_assert(drafts->clips[0].left_out && counts.left_out == 1, "%s", keys[i]);
        cr_assert_eq(drafts->clips[0].hidden, i == 1);
        drafts_free(drafts);
        cr_assert_eq(settle(&lab, keys[i], "a", (struct growth){.restore = true}, &drafts, &counts), 0);
        cr_assert(!drafts->clips[0].left_out, "%s", keys[i]);
        drafts_free(drafts);
    }
    end(&lab);
}

/* ---- copies ---- */

Test(copy, a_series_is_what_differs_in_numbers_and_its_last_file_is_open)
{
    static const struct {
        const char *path;
        bool open;
    } files[] = {{"a/chunk-000/file-009.mp4", false},
                 {"a/chunk-000/file-010.mp4", false},
                 {"a/chunk-001/file-002.mp4", true},
                 {"b.bin", true},
                 {"run_1/x2.bin", false},
                 {"run_1/x10.bin", true},
                 {"run_2/x1.bin", true}};
    enum { COUNT_OF = sizeof files / sizeof *files };
    struct source_object objects[COUNT_OF];
    for (size_t i = 0; i < COUNT_OF; i++)
        objects[i] = (struct source_object){.path = (char *)(uintptr_t)files[i].path};
    struct source source = {.objects = objects, .count = COUNT_OF};
    bool *open = copy_open_objects(&source);
    for (size_t i = 0; i < COUNT_OF; i++)
        cr_expect_eq(open[i], files[i].open, "%s", files[i].path);
    free(open);
    check_leaks();
}

Test(copy, a_copy_is_made_once_and_can_be_taken_back)
{
    struct lab lab;
    struct copier copier;
    struct known_object first, again;
    char path[64];
    begin(&lab);
    CLEANUP_STRMAP struct strmap *made = strmap_new();
    CLEANUP_FREE char *url = in("data");
    CLEANUP_STORE struct store *store = NULL;
    cr_assert_eq(store_open(stores, url, &store, &lab.err), 0);
    const struct source_object *object = source_find(lab.source, "a.bin");
    cr_assert_eq(copier_init(&copier, COPY_ALL, store, lab.known, lab.source, &lab.err), 0);
    copier.made = made;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(copier_take(&copier, object, i ? &again : &first, &lab.err), 0, "%s", lab.err.text);
    known_copy_path(lab.known, object, path);
    cr_assert(first.copy && !strcmp(first.path, path) && !strcmp(again.path, path));
    cr_assert(copier.counts.objects == 1 && copier.counts.bytes == 10 && strmap_count(made) == 1);
    cr_assert_eq(objects("elidefs/data/"), 1);
    cr_assert_eq(copy_take_back(store, made), 1);
    cr_assert_eq(objects("elidefs/data/"), 0);
    copier_done(&copier);
    strmap_free(STEAL(made));
    store_unref(STEAL(store));
    free(STEAL(url));
    end(&lab);
}

Test(copy, a_dry_run_counts_each_object_once_and_copies_none)
{
    struct lab lab;
    struct copier copier;
    struct known_object found = {0};
    begin(&lab);
    cr_assert_eq(copier_init(&copier, COPY_ALL, NULL, lab.known, lab.source, &lab.err), 0);
    copier.dry = true;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(copier_take(&copier, source_find(lab.source, "a.bin"), &found, &lab.err), 0);
    cr_assert(copier.counts.objects == 1 && copier.counts.bytes == 10 && !found.copy);
    cr_assert_eq(objects("elidefs/data/"), 0);
    copier_done(&copier);
    end(&lab);
}

/* Copies a.bin, and says how many copies were made for it. */
static uint64_t copy_once(struct lab *lab, struct store *store, struct known_object *ret)
{
    struct copier copier;
    cr_assert_eq(copier_init(&copier, COPY_ALL, store, lab->known, lab->source, &lab->err), 0);
    copier.unshared = true; /* as where the file system has no reflinks */
    cr_assert_eq(copier_take(&copier, source_find(lab->source, "a.bin"), ret, &lab->err), 0, "%s",
                 lab->err.text);
    uint64_t made = copier.counts.objects;
    copier_done(&copier);
    return made;
}

Test(copy, what_an_import_left_behind_is_compared_before_it_is_taken)
{
    struct lab lab;
    struct known_object found;
    begin(&lab);
    CLEANUP_FREE char *url = in("data");
    CLEANUP_STORE struct store *store = NULL;
    cr_assert_eq(store_open(stores, url, &store, &lab.err), 0);
    cr_assert_eq(copy_once(&lab, store, &found), 1);
    cr_assert(found.pinned.evidence.whole && !found.pinned.evidence.ours, "its bytes have passed through us");
    cr_assert_eq(copy_once(&lab, store, &found), 0);
    cr_assert(found.pinned.evidence.whole, "it was read whole");
    cr_assert_eq(store_put(store, found.path, "0123456780", 10, STORE_PUT_REPLACE, NULL, &lab.err), 0);
    cr_assert_eq(copy_once(&lab, store, &found), 1, "one byte is another, the size is the same");
    store_unref(STEAL(store));
    free(STEAL(url));
    end(&lab);
}

Test(copy, a_link_is_the_source_which_can_still_be_read_in_that_import)
{
    struct lab lab;
    struct copier copier;
    struct known_object found;
    char got[10];
    begin(&lab);
    CLEANUP_FREE char *url = in("data");
    CLEANUP_STORE struct store *store = NULL;
    cr_assert_eq(store_open(stores, url, &store, &lab.err), 0);
    cr_assert_eq(copier_init(&copier, COPY_LINK, store, lab.known, lab.source, &lab.err), 0, "%s",
                 lab.err.text);
    const struct source_object *object = source_find(lab.source, "a.bin");
    struct store_object was = object->pinned;
    cr_assert_eq(copier_take(&copier, object, &found, &lab.err), 0, "%s", lab.err.text);
    cr_assert(copier.counts.linked == 1 && found.pinned.evidence.ours);
    cr_assert_str_eq(object->pinned.pin, was.pin, "what it is called in this import stays");
    cr_assert_eq(source_read(lab.source, object, 0, 10, got, &lab.err), 0, "%s", lab.err.text);
    copier_done(&copier);
    know(&lab, "source"); /* the old version, whose clip reads the source itself, need not wonder */
    object = source_find(lab.source, "a.bin");
    enum evidence_grounds grounds = EVIDENCE_OTHER;
    struct dataset_judged judged = {known_root(lab.known), object->store, "a.bin", &was, &object->pinned};
    cr_assert_str_neq(object->pinned.pin, was.pin);
    cr_assert_eq(dataset_judge(lab.dataset, &judged, &grounds, &lab.err), 1, "%s", lab.err.text);
    cr_assert_eq(grounds, EVIDENCE_CONTENT, "it was learnt");
    store_unref(STEAL(store));
    free(STEAL(url));
    end(&lab);
}

Test(copy, of_a_bucket_there_are_no_links)
{
    struct lab lab;
    struct copier copier;
    begin(&lab);
    CLEANUP_STORE struct store *bucket = NULL;
    cr_assert_eq(store_open(stores, "s3://bucket/set", &bucket, &lab.err), 0);
    cr_assert_eq(copier_init(&copier, COPY_LINK, bucket, lab.known, lab.source, &lab.err), -EINVAL);
    cr_assert(strstr(lab.err.text, "--copy=link: hard links are for files"), "%s", lab.err.text);
    copier_done(&copier);
    store_unref(STEAL(bucket));
    end(&lab);
}

Test(copy, the_ways_to_copy_are_three)
{
    enum copy_mode mode = COPY_NONE;
    struct error err = {0};
    cr_assert(!copy_mode_parse("", &mode, &err) && mode == COPY_ALL);
    cr_assert(!copy_mode_parse("open", &mode, &err) && mode == COPY_OPEN);
    cr_assert(!copy_mode_parse("all", &mode, &err) && mode == COPY_ALL);
    cr_assert(!copy_mode_parse("link", &mode, &err) && mode == COPY_LINK);
    cr_assert_eq(copy_mode_parse("some", &mode, &err), -EINVAL);
    cr_assert_str_eq(err.text, "--copy=some: expected open, link or all");
}
