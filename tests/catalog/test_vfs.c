// SPDX-License-Identifier: Apache-2.0
/* A catalog in pages, from a store that gives, holds or fails. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/catalog/db.h"
#include "index/catalog/groups/clips.h"
#include "index/catalog/vfs.h"
#include "tests/catalog/paged.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum { CLIPS = 3000 };

struct scene {
    struct versions versions; /* the same catalog as a plain file */
    struct paged paged;
    struct pages *pages;
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
    memset(scene, 0, sizeof *scene);
    versions_init(&scene->versions);
    cr_assert_eq(versions_apply(&scene->versions, many_clips()), 0, "%s", scene->versions.err.text);
    CLEANUP_FREE char *path = versions_path(&scene->versions, 1);
    cr_assert_eq(paged_init(&scene->paged, &scene->err), 0, "%s", scene->err.text);
    cr_assert_eq(paged_open(&scene->paged, path, "v1", &scene->pages, &scene->err), 0, "%s", scene->err.text);
    scene->catalog = catalog_open_pages(scene->pages);
    held_set_mode(scene->paged.held, mode);
}

static void scene_done(struct scene *scene)
{
    catalog_unref(scene->catalog);
    pages_unref(scene->pages);
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

/* ---- pages in place ---- */

struct fetching { /* a file as SQLite opens it */
    struct vfs_file file;
    sqlite3 *sqlite;
    sqlite3_file *base;
    uint32_t leaf; /* a page that is a leaf of a table, from 0 */
};

static void fetching_init(struct fetching *fetching, struct scene *scene, struct pages *pages)
{
    CLEANUP_BUF struct buf uri = BUF_INIT;
    *fetching = (struct fetching){.file.pages = pages};
    vfs_uri(&fetching->file, &uri);
    cr_assert_eq(vfs_register(&scene->err), 0);
    cr_assert_eq(sqlite3_open_v2(buf_text(&uri), &fetching->sqlite, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                                 vfs_name()),
                 SQLITE_OK);
    sqlite3_file_control(fetching->sqlite, NULL, SQLITE_FCNTL_FILE_POINTER, &fetching->base);
}

static int fetch(struct fetching *fetching, uint32_t page, uint8_t **ret)
{
    void *bytes;
    int rc = fetching->base->pMethods->xFetch(fetching->base, (sqlite3_int64)page * SCHEMA_PAGE_BYTES,
                                              SCHEMA_PAGE_BYTES, &bytes);
    *ret = bytes;
    return rc;
}

static void unfetch(struct fetching *fetching, uint32_t page, uint8_t *bytes)
{
    fetching->base->pMethods->xUnfetch(fetching->base, (sqlite3_int64)page * SCHEMA_PAGE_BYTES, bytes);
}

static void fetching_done(struct fetching *fetching)
{
    cr_assert_eq(sqlite3_close(fetching->sqlite), SQLITE_OK);
}

Test(vfs, pages_are_given_in_place_but_for_those_inside_trees_and_behind_the_end)
{
    struct scene scene;
    struct fetching fetching;
    uint8_t own[SCHEMA_PAGE_BYTES], *bytes;
    unsigned given = 0, kept = 0;
    scene_init(&scene, HELD_GIVE);
    struct pages *pages = scene.pages;
    fetching_init(&fetching, &scene, pages);
    for (int turn = 0; turn < 2; turn++)
        for (uint32_t page = 1; page < pages_top(pages)->pages; page++) {
            cr_assert_eq(fetch(&fetching, page, &bytes), SQLITE_OK);
            cr_assert_eq(fetching.base->pMethods->xRead(fetching.base, own, sizeof own,
                                                        (sqlite3_int64)page * SCHEMA_PAGE_BYTES),
                         SQLITE_OK);
            bool interior = own[0] == 2 || own[0] == 5;
            cr_assert_eq(bytes == NULL, interior);
            kept += interior;
            given += !interior;
            if (interior)
                continue;
            cr_assert_arr_eq(bytes, own, sizeof own);
            for (uint32_t i = 0; i < PAGE_SLACK_BYTES; i++)
                cr_assert_eq(bytes[SCHEMA_PAGE_BYTES + i], 0);
            unfetch(&fetching, page, bytes);
        }
    cr_assert(given > 100 && kept > 2, "%u given, %u not", given, kept);
    cr_assert_eq(fetch(&fetching, pages_top(pages)->pages, &bytes), SQLITE_OK);
    cr_assert_null(bytes);
    cr_assert_eq(fetching.base->pMethods->xFetch(fetching.base, 100, 4096, (void **)&bytes), SQLITE_OK);
    cr_assert_null(bytes);
    fetching_done(&fetching);
    scene_done(&scene);
    check_leaks();
}

Test(vfs, a_page_in_use_is_held_until_it_is_given_back_and_is_the_same_for_all)
{
    enum { PAGE = 1 };
    struct scene scene;
    struct fetching one, other;
    uint8_t *bytes, *others;
    scene_init(&scene, HELD_GIVE);
    fetching_init(&one, &scene, scene.pages);
    fetching_init(&other, &scene, scene.pages);
    uint32_t page = PAGE;
    while (fetch(&one, page, &bytes) == SQLITE_OK && !bytes)
        page++;
    struct page_bytes *held = page_bytes_of(bytes);
    cr_assert_eq(atomic_load(&held->refs), 2, "the memory's and this one");
    cr_assert_eq(fetch(&other, page, &others), SQLITE_OK);
    cr_assert_eq(others, bytes);
    cr_assert_eq(atomic_load(&held->refs), 3);
    unfetch(&one, page, bytes);
    cr_assert_eq(atomic_load(&held->refs), 2);
    one.base->pMethods->xUnfetch(one.base, 0, NULL); /* "what is not in use may go" */
    cr_assert_eq(atomic_load(&held->refs), 2);
    unfetch(&other, page, others);
    cr_assert_eq(atomic_load(&held->refs), 1);
    fetching_done(&one), fetching_done(&other);
    scene_done(&scene);
    check_leaks();
}

Test(vfs, a_page_that_is_not_here_is_fetched_in_place_only_when_it_is)
{
    struct scene scene;
    struct fetching fetching;
    uint8_t *bytes;
    scene_init(&scene, HELD_GIVE);
    fetching_init(&fetching, &scene, scene.pages);
    uint32_t last = pages_top(scene.pages)->pages - 1;
    held_set_mode(scene.paged.held, HELD_FAIL);
    cr_assert_eq(fetch(&fetching, last, &bytes), SQLITE_IOERR_READ);
    cr_assert_null(bytes);
    cr_assert_eq(fetching.file.failed.code, EIO);
    cr_assert(strstr(fetching.file.failed.text, "on fire"), "%s", fetching.file.failed.text);
    fetching.file.patience.nowait = true;
    cr_assert_eq(fetch(&fetching, last, &bytes), SQLITE_IOERR_READ);
    cr_assert_eq(fetching.file.failed.code, EAGAIN, "%s", fetching.file.failed.text);
    held_set_mode(scene.paged.held, HELD_GIVE);
    fetching.file.patience.nowait = false;
    while (fetch(&fetching, last, &bytes) == SQLITE_IOERR_READ)
        cr_assert_eq(fetching.file.failed.code, EIO); /* what the other one began may still be failing */
    cr_assert_not_null(bytes);
    cr_assert_eq(fetching.file.failed.code, 0);
    unfetch(&fetching, last, bytes);
    fetching_done(&fetching);
    scene_done(&scene);
    check_leaks();
}

/* A catalog whose leaves all say that their last cell begins `before` bytes before the page's end. */
static void shift_cells(const char *path, uint32_t before)
{
    uint8_t page[SCHEMA_PAGE_BYTES];
    FILE *file = fopen(path, "r+b");
    for (long at = SCHEMA_PAGE_BYTES; !fseek(file, at, SEEK_SET) && fread(page, sizeof page, 1, file);
         at += SCHEMA_PAGE_BYTES) {
        uint32_t cells = (uint32_t)page[3] << 8 | page[4], cell = SCHEMA_PAGE_BYTES - before;
        if (page[0] != 13 || !cells)
            continue;
        for (uint32_t i = 0; i < cells; i++) {
            page[8 + 2 * i] = (uint8_t)(cell >> 8);
            page[9 + 2 * i] = (uint8_t)cell;
        }
        memset(page + cell, 0xff, before);
        fseek(file, at, SEEK_SET);
        fwrite(page, sizeof page, 1, file);
    }
    fclose(file);
}

/* Who looks for hot pages finds the damage, too. */
static void open_unseen(struct scene *scene, const char *path, struct pages **ret)
{
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    struct pages_written written;
    cr_assert_eq(overlay_new_plain(path, SCHEMA_PAGE_BYTES, &overlay, &scene->err), 0);
    struct pages_write write = {.overlay = overlay};
    cr_assert_eq(pages_write(scene->paged.store, &write, &written, &scene->err), 0, "%s", scene->err.text);
    *ret = pages_new(scene->paged.store, &written.top, "v1");
    pages_written_done(&written);
}

/* For the address sanitizer, too: SQLite reads a few bytes behind the page before it sees what is wrong. */
Test(vfs, cells_that_begin_at_the_end_of_a_page_in_place_are_damage)
{
    for (uint32_t before = 1; before < 12; before++) {
        struct scene scene;
        CLEANUP_PAGES struct pages *pages = NULL;
        CLEANUP_DB struct db *db = NULL;
        CLEANUP_BUF struct buf bytes = BUF_INIT;
        sqlite3_stmt *all;
        const uint8_t *names;
        size_t len;
        int rc;
        scene_init(&scene, HELD_GIVE);
        CLEANUP_FREE char *path = versions_path(&scene.versions, 1);
        shift_cells(path, before);
        open_unseen(&scene, path, &pages);
        cr_assert_eq(db_open_pages(pages, "v1", &(struct catalog_patience){0}, &db, &scene.err), 0, "%s",
                     scene.err.text);
        cr_assert(clips_bytes(db, QUERY_SIZES, 0, &bytes, &scene.err) <= 0);
        cr_assert_eq(db_query(db, QUERY_KEYS, &all, &scene.err), 0, "%s", scene.err.text);
        while ((rc = db_step(db, all, &scene.err)) == 1)
            if ((rc = db_column_bytes(db, all, 1, &names, &len, &scene.err)))
                break;
        cr_assert_eq(rc, -EUCLEAN, "%u bytes before the end: %d", before, rc);
        db_close(STEAL(db));
        pages_unref(STEAL(pages));
        scene_done(&scene);
    }
    check_leaks();
}
