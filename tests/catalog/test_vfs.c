// SPDX-License-Identifier: Apache-2.0
/* A catalog in pages, from a store that gives, holds or fails. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "tests/catalog/paged.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum { CLIPS = 3000 };

struct scene {
    struct versions versions; /* the same catalog as a plain file */
    struct paged paged;
    struct catalog *catalog;
    struct error err;
};

static struct changeset *many_clips(void)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "task", VALUE_TEXT, false);
    set_attribute(set, "name", VALUE_TEXT, false);
    set_attribute(set, "length", VALUE_INT, false);
    for (int i = 0; i < CLIPS; i++) {
        char text[32];
        snprintf(text, sizeof text, "ep%06d", i);
        set_clip(set, text, i);
        snprintf(text, sizeof text, "task %d", i % 7);
        set_value(set, "task", VALUE_TEXT, text);
        snprintf(text, sizeof text, "a name of its own %d", i * 7919);
        set_value(set, "name", VALUE_TEXT, text);
        snprintf(text, sizeof text, "%d", i % 100);
        set_value(set, "length", VALUE_INT, text);
        set_stream(set, "front", "a.mp4", (uint64_t)i, 100);
    }
    return set;
}

static void scene_init(struct scene *scene, enum held_mode mode)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    memset(scene, 0, sizeof *scene);
    versions_init(&scene->versions);
    cr_assert_eq(versions_apply(&scene->versions, many_clips()), 0, "%s", scene->versions.err.text);
    CLEANUP_FREE char *path = versions_path(&scene->versions, 1);
    cr_assert_eq(paged_init(&scene->paged, &scene->err), 0, "%s", scene->err.text);
    cr_assert_eq(paged_open(&scene->paged, path, "v1", &pages, &scene->err), 0, "%s", scene->err.text);
    scene->catalog = catalog_open_pages(pages);
    held_set_mode(scene->paged.held, mode);
}

static void scene_done(struct scene *scene)
{
    catalog_unref(scene->catalog);
    paged_done(&scene->paged);
    versions_done(&scene->versions);
}

/* All a reader is asked for clip i, as text. */
static int ask(struct catalog_reader *reader, uint32_t i, struct buf *answer, struct error *err)
{
    char key[16];
    uint32_t row;
    struct catalog_attribute length;
    struct rowset *rows;
    struct value value = {.type = VALUE_INT, .integer = i % 100};
    snprintf(key, sizeof key, "ep%06u", i);
    buf_clear(answer);
    int rc = catalog_clip_find(reader, key, strlen(key), &row, err);
    if (!rc)
        rc = catalog_json(reader, row, answer, err);
    if (!rc)
        rc = catalog_attribute_find(reader, "length", 6, &length, err);
    struct catalog_literal literal = {.attribute = length.id, .op = CATALOG_EQ, .values = &value, .count = 1};
    if (!rc)
        rc = catalog_select(reader, &literal, &rows, err);
    if (rc)
        return rc;
    buf_printf(answer, "%llu rows", (unsigned long long)rowset_count(rows));
    rowset_unref(rows);
    return 0;
}

static int ask_with(struct scene *scene, const struct catalog_patience *patience, uint32_t i,
                    struct buf *answer)
{
    struct catalog_reader *reader;
    int rc = catalog_reader_acquire(scene->catalog, patience, &reader, &scene->err);
    if (rc)
        return rc;
    rc = ask(reader, i, answer, &scene->err);
    catalog_reader_release(reader);
    return rc;
}

Test(vfs, a_query_that_may_not_wait_is_run_again_until_its_pages_are_here)
{
    struct scene scene;
    struct buf plain = BUF_INIT, answer = BUF_INIT;
    struct catalog_patience nowait = {.nowait = true}, patient = {0};
    scene_init(&scene, HELD_GIVE);
    unsigned again = 0;
    for (uint32_t i = 0; i < CLIPS; i += 17) {
        int rc = ask_with(&scene, &nowait, i, &answer);
        if (rc == -EAGAIN) {
            again++;
            cr_assert_eq(ask_with(&scene, &patient, i, &answer), 0, "%s", scene.err.text);
            rc = ask_with(&scene, &nowait, i, &answer);
        }
        cr_assert_eq(rc, 0, "%s", scene.err.text);
        cr_assert_eq(ask(scene.versions.reader, i, &plain, &scene.err), 0, "%s", scene.err.text);
        cr_assert_str_eq(buf_text(&answer), buf_text(&plain));
    }
    cr_assert(again > 1 && again < CLIPS / 17, "%u restarts", again);
    buf_done(&plain), buf_done(&answer);
    scene_done(&scene);
    check_leaks();
}

static void *cancel_soon(void *flag)
{
    usleep(50000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

Test(vfs, a_waiting_query_ends_when_it_is_cancelled_or_late_and_can_be_asked_again)
{
    struct scene scene;
    struct buf answer = BUF_INIT;
    atomic_bool cancelled = false;
    scene_init(&scene, HELD_HOLD);
    struct catalog_patience cancellable = {.cancelled = &cancelled},
                            late = {.deadline_ns = clock_now_ns() + 30000000}, patient = {0};
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_soon, &cancelled);
    cr_assert_eq(ask_with(&scene, &cancellable, 1, &answer), -ECANCELED, "%s", scene.err.text);
    pthread_join(thread, NULL);
    cr_assert_eq(ask_with(&scene, &late, 1, &answer), -ETIMEDOUT, "%s", scene.err.text);
    held_set_mode(scene.paged.held, HELD_GIVE);
    cr_assert_eq(ask_with(&scene, &patient, 1, &answer), 0, "%s", scene.err.text);
    buf_done(&answer);
    scene_done(&scene);
    check_leaks();
}

Test(vfs, a_failed_read_is_told_with_its_reason_and_can_be_asked_again)
{
    struct scene scene;
    struct buf answer = BUF_INIT;
    struct catalog_patience patient = {0}, nowait = {.nowait = true};
    scene_init(&scene, HELD_FAIL);
    cr_assert_eq(ask_with(&scene, &patient, 1, &answer), -EIO);
    cr_assert(strstr(scene.err.text, "catalog v1") && strstr(scene.err.text, "on fire"), "%s",
              scene.err.text);
    cr_assert_eq(ask_with(&scene, &nowait, 1, &answer), -EAGAIN, "%s", scene.err.text);
    held_set_mode(scene.paged.held, HELD_GIVE);
    int rc;
    while ((rc = ask_with(&scene, &patient, 1, &answer)) == -EIO)
        ; /* what the other one began may still be failing */
    cr_assert_eq(rc, 0, "%s", scene.err.text);
    cr_assert_eq(ask_with(&scene, &nowait, 1, &answer), 0, "%s", scene.err.text);
    buf_done(&answer);
    scene_done(&scene);
    check_leaks();
}

Test(vfs, a_failed_read_is_told_to_who_wants_its_code_only)
{
    struct scene scene;
    struct catalog_reader *reader;
    scene_init(&scene, HELD_FAIL);
    cr_assert_eq(catalog_reader_acquire(scene.catalog, &(struct catalog_patience){0}, &reader, NULL), -EIO);
    scene_done(&scene);
    check_leaks();
}

struct asker {
    struct scene *scene;
    uint32_t first;
    int failed;
};

static void *ask_many(void *ctx)
{
    struct asker *asker = ctx;
    struct catalog_patience patient = {0};
    struct buf answer = BUF_INIT;
    for (uint32_t i = asker->first; i < CLIPS; i += 97) {
        struct catalog_reader *reader;
        struct error err;
        if (catalog_reader_acquire(asker->scene->catalog, &patient, &reader, &err))
            return NULL;
        asker->failed += ask(reader, i, &answer, &err) != 0;
        catalog_reader_release(reader);
    }
    buf_done(&answer);
    return NULL;
}

Test(vfs, several_threads_ask_at_once)
{
    struct scene scene;
    struct asker askers[4];
    pthread_t threads[4];
    scene_init(&scene, HELD_GIVE);
    for (uint32_t i = 0; i < 4; i++) {
        askers[i] = (struct asker){&scene, i, 0};
        pthread_create(&threads[i], NULL, ask_many, &askers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(askers[i].failed, 0);
    }
    scene_done(&scene);
    check_leaks();
}
