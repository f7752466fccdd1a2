// SPDX-License-Identifier: Apache-2.0
/* Spellings of one object, and which root each is given. */
#include "tools/import/manifest_object.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "tests/test_leaks.h"

/* Two places that share no folder but "/". */
struct places {
    char *tmp, *other;
    struct stores *stores;
    struct drafts *drafts;
    struct notes *notes;
    struct error err;
};

static void put(const char *folder, const char *path)
{
    CLEANUP_FREE char *full = mem_printf("%s/%s", folder, path);
    char *slash = strrchr(full, '/');
    *slash = 0;
    cr_assert_eq(file_make_folders(full, 0755, NULL), 0);
    *slash = '/';
    cr_assert_eq(file_replace(full, "x", 1, 0644, NULL), 0);
}

static struct places places_new(void)
{
    struct places p = {.drafts = drafts_new(), .notes = notes_new()};
    struct stores_options options = {.config_path = "/dev/null"};
    cr_assert_eq(stores_new(&options, &p.stores, &p.err), 0);
    cr_assert_eq(file_make_temp_folder("/tmp", "elidefs-objects", &p.tmp, &p.err), 0);
    cr_assert_eq(file_make_temp_folder("/var/tmp", "elidefs-objects", &p.other, &p.err), 0);
    put(p.tmp, "own/rec/a.bin");
    put(p.tmp, "day1/a.bin");
    put(p.tmp, "day1/x/a.bin");
    put(p.other, "a.bin");
    return p;
}

static void places_done(struct places *p)
{
    file_remove_tree(p->tmp, NULL);
    file_remove_tree(p->other, NULL);
    free(p->tmp);
    free(p->other);
    drafts_free(p->drafts);
    notes_free(p->notes);
    stores_free(p->stores);
}

static struct manifest_objects *objects_new(struct places *p)
{
    struct manifest_objects *objects = NULL;
    CLEANUP_FREE char *file = mem_printf("%s/own/clips.jsonl", p->tmp);
    cr_assert_eq(manifest_objects_new(p->stores, file, &objects, &p->err), 0, "%s", p->err.text);
    return objects;
}

static size_t add(struct places *p, struct manifest_objects *objects, const char *format, const char *folder)
{
    char url[4096];
    size_t number = 0;
    snprintf(url, sizeof url, format, folder);
    cr_assert_eq(manifest_objects_add(objects, url, &number, &p->err), 0, "%s", p->err.text);
    return number;
}

static void pin(struct places *p, struct manifest_objects *objects)
{
    int rc = manifest_objects_pin(objects, p->notes, &p->err);
    if (!rc)
        rc = manifest_objects_enter(objects, p->drafts, &p->err);
    cr_assert_eq(rc, 0, "%s", p->err.text);
}

static void check_place(const struct manifest_objects *objects, size_t i, const char *root, const char *below,
                        const char *path)
{
    const struct manifest_object *object = manifest_objects_at(objects, i);
    CLEANUP_FREE char *url = mem_printf("%s%s", root, below);
    cr_expect_str_eq(store_url(object->source->store), url);
    cr_expect_str_eq(object->object->path, path);
    cr_expect_eq(object->object->pinned.size, 1);
}

Test(manifest_object, one_object_has_one_number_however_it_is_spelled)
{
    struct places p = places_new();
    struct manifest_objects *objects = objects_new(&p);
    size_t first = add(&p, objects, "%s", "rec/a.bin");
    cr_expect_eq(add(&p, objects, "%s", "./rec/../rec/a.bin"), first);
    cr_expect_eq(add(&p, objects, "%s/own/rec/a.bin", p.tmp), first);
    cr_expect_eq(add(&p, objects, "file://%s/own/r%%65c/a.bin", p.tmp), first);
    cr_expect_eq(add(&p, objects, "%s", "rec/../../own/rec/a.bin"), first);
    pin(&p, objects);
    cr_expect_eq(manifest_objects_count(objects), 1);
    check_place(objects, first, p.tmp, "/own", "rec/a.bin");
    cr_expect_str_eq(manifest_objects_root(objects),
                     store_url(manifest_objects_at(objects, 0)->source->store));
    manifest_objects_free(objects);
    places_done(&p);
    check_leaks();
}

Test(manifest_object, what_lies_elsewhere_has_the_deepest_folder_that_holds_it_as_root)
{
    struct places p = places_new();
    struct manifest_objects *objects = objects_new(&p);
    size_t own = add(&p, objects, "%s", "rec/a.bin"), deep = add(&p, objects, "%s", "../day1/x/a.bin");
    size_t flat = add(&p, objects, "%s/day1/a.bin", p.tmp);
    pin(&p, objects);
    check_place(objects, own, p.tmp, "/own", "rec/a.bin");
    check_place(objects, deep, p.tmp, "/day1", "x/a.bin");
    check_place(objects, flat, p.tmp, "/day1", "a.bin");
    cr_expect_null(manifest_objects_root(objects));
    manifest_objects_free(objects);
    places_done(&p);
    check_leaks();
}

Test(manifest_object, the_root_is_never_the_folder_of_all_folders)
{
    struct places p = places_new();
    struct manifest_objects *objects = objects_new(&p);
    size_t here = add(&p, objects, "%s/day1/x/a.bin", p.tmp), there = add(&p, objects, "%s/a.bin", p.other);
    pin(&p, objects);
    check_place(objects, here, p.tmp, "/day1/x", "a.bin");
    check_place(objects, there, p.other, "", "a.bin");
    manifest_objects_free(objects);
    places_done(&p);
    check_leaks();
}

Test(manifest_object, what_names_no_object_or_none_it_may_is_refused)
{
    static const struct {
        const char *file, *url, *says;
    } cases[] = {
        {"/tmp/clips.jsonl", "rec/", "names no file"},
        {"/tmp/clips.jsonl", "rec/..", "names no file"},
        {"/tmp/clips.jsonl", "", "names no file"},
        {"/tmp/clips.jsonl", "/vmlinuz", "lies in the folder '/'"},
        {"/tmp/clips.jsonl", "/tmp/../vmlinuz", "lies in the folder '/'"},
        {"/tmp/clips.jsonl", "s3://bucket", "names no file"},
        {"/tmp/clips.jsonl", "s3://bucket/", "names no file"},
        {"/tmp/clips.jsonl", "file:///a%00b/c", "is no file URL"},
        {"/tmp/clips.jsonl", "file://host/c", "is no file URL"},
        {"s3://bucket/a/clips.jsonl", "/etc/passwd", "is a local file"},
        {"s3://bucket/a/clips.jsonl", "file:///etc/passwd", "is a local file"},
        {"s3://bucket/a/clips.jsonl", "../../x", "leaves its bucket"},
        {"s3://bucket/a/clips.jsonl", "../..", "leaves its bucket"},
        {"s3://bucket/a/clips.jsonl", "..", "names no file"},
    };
    struct stores *stores;
    struct stores_options options = {.config_path = "/dev/null", .region = "here", .no_sign_request = true};
    struct error err = {0};
    cr_assert_eq(stores_new(&options, &stores, &err), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest_objects *objects = NULL;
        size_t number;
        cr_assert_eq(manifest_objects_new(stores, cases[i].file, &objects, &err), 0, "%s", err.text);
        int rc = manifest_objects_add(objects, cases[i].url, &number, &err);
        cr_expect(rc < 0 && strstr(err.text, cases[i].says), "%s in %s: %s", cases[i].url, cases[i].file,
                  rc < 0 ? err.text : "taken");
        manifest_objects_free(objects);
    }
    stores_free(stores);
    check_leaks();
}
