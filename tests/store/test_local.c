// SPDX-License-Identifier: Apache-2.0
/* The local folder as a store. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/store/ops.h"
#include "tests/store/temp_folder.h"
#include "tests/test_leaks.h"

struct place {
    char *folder;
    struct stores *stores;
    struct store *store;
    struct error err;
};

static void place_init(struct place *place)
{
    *place = (struct place){.folder = temp_folder()};
    cr_assert_eq(stores_new(&(struct stores_options){0}, &place->stores, &place->err), 0, "%s",
                 place->err.text);
    cr_assert_eq(store_open(place->stores, place->folder, &place->store, &place->err), 0, "%s",
                 place->err.text);
}

static void place_done(struct place *place)
{
    store_unref(place->store);
    stores_free(place->stores);
    temp_folder_done(place->folder);
    check_leaks();
}

#define OK(call)                                                                                             \
    do {                                                                                                     \
        int rc_ = (call);                                                                                    \
        cr_assert_eq(rc_, 0, "%s: %d %s", #call, rc_, p.err.text);                                           \
    } while (0)
#define FAILS(errno_, words, call)                                                                           \
    do {                                                                                                     \
        memset(&p.err, 0, sizeof p.err);                                                                     \
        int rc_ = (call);                                                                                    \
        cr_assert_eq(rc_, -(errno_), #call ": %d %s", rc_, p.err.text);                                      \
        cr_assert_eq(p.err.code, (errno_));                                                                  \
        cr_assert_not_null(strstr(p.err.text, words), "%s", p.err.text);                                     \
    } while (0)

Test(local, what_was_put_is_read_back_with_its_pin)
{
    struct place p;
    place_init(&p);
    struct store_object object, head;
    char got[4];
    OK(store_put(p.store, "a/b/c.txt", "0123456789", 10, STORE_PUT_REPLACE, &object, &p.err));
    OK(store_head(p.store, "a/b/c.txt", &head, &p.err));
    cr_assert_eq(head.size, 10);
    cr_assert_str_eq(head.pin, object.pin);
    cr_assert_eq(strncmp(head.pin, "mtime=", 6), 0);
    OK(store_read(p.store, "a/b/c.txt", &head, 3, 4, got, &p.err));
    cr_assert_eq(memcmp(got, "3456", 4), 0);
    place_done(&p);
}

Test(local, a_whole_object_is_read_with_a_cap)
{
    struct place p;
    place_init(&p);
    struct buf buf = BUF_INIT;
    struct store_object object;
    OK(store_put(p.store, "x", "hello", 5, STORE_PUT_REPLACE, NULL, &p.err));
    OK(store_put(p.store, "empty", "", 0, STORE_PUT_REPLACE, NULL, &p.err));
    OK(store_read_all(p.store, "x", 5, &buf, &object, &p.err));
    cr_assert_str_eq(buf_text(&buf), "hello");
    cr_assert_eq(object.size, 5);
    FAILS(EFBIG, "larger than 4 bytes", store_read_all(p.store, "x", 4, &buf, NULL, &p.err));
    cr_assert_eq(buf.len, 5);
    buf_clear(&buf);
    OK(store_read_all(p.store, "empty", 4, &buf, &object, &p.err));
    cr_assert_eq(buf.len, 0);
    FAILS(ENOENT, "/nothing: no such object", store_read_all(p.store, "nothing", 4, &buf, NULL, &p.err));
    buf_done(&buf);
    place_done(&p);
}

Test(local, a_replaced_or_rewritten_file_is_stale)
{
    struct place p;
    place_init(&p);
    struct store_object first;
    char got[3];
    OK(store_put(p.store, "x", "one", 3, STORE_PUT_REPLACE, &first, &p.err));
    OK(store_put(p.store, "x", "two", 3, STORE_PUT_REPLACE, NULL, &p.err));
    FAILS(ESTALE, "x: the file has changed since it was pinned",
          store_read(p.store, "x", &first, 0, 3, got, &p.err));
    OK(store_head(p.store, "x", &first, &p.err));
    usleep(20000);
    temp_file(p.folder, "x", "six");
    FAILS(ESTALE, "changed", store_read(p.store, "x", &first, 0, 3, got, &p.err));
    place_done(&p);
}

Test(local, a_pin_of_another_kind_is_refused)
{
    struct place p;
    place_init(&p);
    struct store_object object;
    char got[1];
    OK(store_put(p.store, "x", "one", 3, STORE_PUT_REPLACE, &object, &p.err));
    strcpy(object.pin, "etag=\"abc\"");
    FAILS(EINVAL, "is no pin of a local file", store_read(p.store, "x", &object, 0, 1, got, &p.err));
    place_done(&p);
}

Test(local, symbolic_links_and_things_that_are_no_files_are_refused)
{
    struct place p;
    place_init(&p);
    struct buf buf = BUF_INIT;
    temp_file(p.folder, "real", "x");
    cr_assert_eq(chdir(p.folder), 0);
    cr_assert_eq(symlink("real", "link"), 0);
    cr_assert_eq(symlink("/etc", "folder"), 0);
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    cr_assert_eq(mkdir("sub", 0700), 0);
    FAILS(EACCES, "/link: a symbolic link", store_read_all(p.store, "link", 99, &buf, NULL, &p.err));
    FAILS(EACCES, "symbolic link", store_read_all(p.store, "folder/passwd", 99, &buf, NULL, &p.err));
    FAILS(EACCES, "symbolic link",
          store_put(p.store, "folder/elidefs-no", "x", 1, STORE_PUT_REPLACE, NULL, &p.err));
    FAILS(EACCES, "/pipe: not a regular file", store_read_all(p.store, "pipe", 99, &buf, NULL, &p.err));
    FAILS(ENOENT, "/sub: a folder", store_read_all(p.store, "sub", 99, &buf, NULL, &p.err));
    struct store_object object;
    FAILS(EACCES, "/pipe", store_head(p.store, "pipe", &object, &p.err));
    buf_done(&buf);
    place_done(&p);
}

Test(local, bad_paths_and_ranges_are_refused)
{
    struct place p;
    place_init(&p);
    static const char *const bad[] = {"", "/x", "..", "a/../x", "a//b", "a/", "./x", "a/."};
    struct store_object object;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAILS(EINVAL, "is not the path of an object", store_head(p.store, bad[i], &object, &p.err));
    char got[8];
    OK(store_put(p.store, "x", "12345", 5, STORE_PUT_REPLACE, &object, &p.err));
    FAILS(EINVAL, "outside the object", store_read(p.store, "x", &object, 3, 3, got, &p.err));
    FAILS(EINVAL, "outside the object", store_read(p.store, "x", &object, UINT64_MAX, 3, got, &p.err));
    FAILS(EINVAL, "is not the path", store_read(p.store, "../x", &object, 0, 3, got, &p.err));
    FAILS(EINVAL, "behind its end", store_read(p.store, "x", NULL, 5, 1, got, &p.err));
    FAILS(EIO, "wanted 3 bytes at 3, got 2", store_read(p.store, "x", NULL, 3, 3, got, &p.err));
    place_done(&p);
}

struct racer {
    struct store *store;
    int rc;
    char text[16];
};

static void *race(void *ctx)
{
    struct racer *racer = ctx;
    racer->rc = store_put(racer->store, "deep/folder/commit", racer->text, strlen(racer->text),
                          STORE_PUT_IF_ABSENT, NULL, NULL);
    return NULL;
}

Test(local, of_many_threads_one_put_if_absent_wins)
{
    enum { RACERS = 16 };
    struct place p;
    place_init(&p);
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    struct buf buf = BUF_INIT;
    for (int i = 0; i < RACERS; i++) {
        racers[i].store = p.store;
        snprintf(racers[i].text, sizeof racers[i].text, "racer %d", i);
        pthread_create(&threads[i], NULL, race, &racers[i]);
    }
    int winner = -1, winners = 0;
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(!racers[i].rc || racers[i].rc == -EEXIST, "%d", racers[i].rc);
        if (!racers[i].rc)
            winner = i, winners++;
    }
    cr_assert_eq(winners, 1);
    OK(store_read_all(p.store, "deep/folder/commit", 99, &buf, NULL, &p.err));
    cr_assert_str_eq(buf_text(&buf), racers[winner].text);
    buf_done(&buf);
    place_done(&p);
}

Test(local, of_many_processes_one_put_if_absent_wins)
{
    enum { RACERS = 8 };
    struct place p;
    place_init(&p);
    pid_t pids[RACERS];
    for (int i = 0; i < RACERS; i++) {
        pids[i] = fork();
        if (!pids[i]) {
            char id = (char)('0' + i);
            _exit(store_put(p.store, "commit", &id, 1, STORE_PUT_IF_ABSENT, NULL, NULL) ? 1 : 0);
        }
    }
    int winners = 0;
    for (int i = 0; i < RACERS; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        winners += WIFEXITED(status) && !WEXITSTATUS(status);
    }
    cr_assert_eq(winners, 1);
    place_done(&p);
}

static int add_path(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    buf_printf(ctx, "%s:%llu ", path, (unsigned long long)object->size);
    return 0;
}

static int stop_listing(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    return 7;
}

Test(local, a_listing_is_sorted_like_an_object_stores_and_skips_links_and_temporary_files)
{
    struct place p;
    place_init(&p);
    static const char *const paths[] = {"a/z", "a/b/c", "a-b", "a.txt", "b", "ab/x"};
    struct buf buf = BUF_INIT;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        OK(store_put(p.store, paths[i], "12", i % 3, STORE_PUT_REPLACE, NULL, &p.err));
    temp_file(p.folder, ".elidefs-temp-0123456789abcdef", "half");
    cr_assert_eq(chdir(p.folder), 0);
    cr_assert_eq(symlink("a", "link"), 0);
    OK(store_list(p.store, "", add_path, &buf, &p.err));
    cr_assert_str_eq(buf_text(&buf), "a-b:2 a.txt:0 a/b/c:1 a/z:0 ab/x:2 b:1 ");
    buf_clear(&buf);
    OK(store_list(p.store, "a/", add_path, &buf, &p.err));
    OK(store_list(p.store, "ab", add_path, &buf, &p.err));
    OK(store_list(p.store, "none/here", add_path, &buf, &p.err));
    cr_assert_str_eq(buf_text(&buf), "a/b/c:1 a/z:0 ab/x:2 ");
    cr_assert_eq(store_list(p.store, "", stop_listing, NULL, &p.err), 7);
    FAILS(EINVAL, "is not a prefix", store_list(p.store, "../", add_path, &buf, &p.err));
    buf_done(&buf);
    place_done(&p);
}

Test(local, an_upload_is_invisible_until_finished_and_an_aborted_one_leaves_nothing)
{
    struct place p;
    place_init(&p);
    struct store_upload *upload;
    struct store_object object;
    struct buf buf = BUF_INIT;
    enum { PART = 5 << 20 };
    char *part = mem_zero(PART);
    OK(store_upload_begin(p.store, "up/big", &upload, &p.err));
    OK(store_upload_part(upload, part, PART, &p.err));
    OK(store_upload_part(upload, "end", 3, &p.err));
    OK(store_list(p.store, "", add_path, &buf, &p.err));
    cr_assert_eq(buf.len, 0);
    OK(store_upload_finish(upload, &object, &p.err));
    cr_assert_eq(object.size, PART + 3);
    OK(store_upload_begin(p.store, "up/other", &upload, &p.err));
    OK(store_upload_part(upload, "x", 1, &p.err));
    store_upload_abort(upload);
    CLEANUP_FREE char *folder = mem_printf("%s/up", p.folder);
    struct stat st;
    cr_assert_eq(stat(folder, &st), 0);
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(unlink("big"), 0);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(folder), 0, "something was left behind");
    free(part);
    buf_done(&buf);
    place_done(&p);
}

Test(local, removing_is_quiet_about_what_is_not_there)
{
    struct place p;
    place_init(&p);
    struct store_object object;
    OK(store_put(p.store, "a/x", "x", 1, STORE_PUT_REPLACE, NULL, &p.err));
    OK(store_remove(p.store, "a/x", &p.err));
    OK(store_remove(p.store, "a/x", &p.err));
    OK(store_remove(p.store, "no/such/folder", &p.err));
    FAILS(ENOENT, "no such object", store_head(p.store, "a/x", &object, &p.err));
    OK(store_probe(p.store, &p.err));
    place_done(&p);
}

Test(local, urls_of_folders_become_one_absolute_form)
{
    struct place p;
    place_init(&p);
    cr_assert_eq(chdir(p.folder), 0);
    cr_assert_eq(mkdir("sp ace", 0700), 0);
    char *here = realpath(".", NULL);
    const char *const urls[] = {"sp ace", "./sp ace/", "sp ace/../sp ace"};
    CLEANUP_FREE char *file_url = mem_printf("file://%s/sp%%20ace", here);
    CLEANUP_FREE char *wanted = mem_printf("%s/sp ace", here);
    for (size_t i = 0; i < 4; i++) {
        struct store *store;
        OK(store_open(p.stores, i < 3 ? urls[i] : file_url, &store, &p.err));
        cr_assert_str_eq(store_url(store), wanted);
        cr_assert(store_is_local(store));
        store_unref(store);
    }
    struct store *store;
    FAILS(EINVAL, "no store has the scheme 'ftp'", store_open(p.stores, "ftp://x/y", &store, &p.err));
    FAILS(EINVAL, "three slashes", store_open(p.stores, "file://host/x", &store, &p.err));
    OK(store_open(p.stores, "not/yet/there", &store, &p.err));
    struct store_object object;
    FAILS(ENOENT, "not/yet/there: no such folder", store_head(store, "x", &object, &p.err));
    OK(store_put(store, "x", "1", 1, STORE_PUT_IF_ABSENT, NULL, &p.err));
    store_unref(store);
    free(here);
    place_done(&p);
}

Test(local, nothing_runs_after_a_stop)
{
    struct place p;
    place_init(&p);
    char got[1];
    OK(store_put(p.store, "x", "1", 1, STORE_PUT_REPLACE, NULL, &p.err));
    stores_stop(p.stores);
    FAILS(ECANCELED, "cancelled", store_read(p.store, "x", NULL, 0, 1, got, &p.err));
    FAILS(ECANCELED, "cancelled", store_put(p.store, "y", "1", 1, STORE_PUT_REPLACE, NULL, &p.err));
    place_done(&p);
}

/* ---- a store that would lose commits ---- */

static int put_over_all(struct store *store, const struct store_put *put, struct store_object *ret,
                        struct error *err)
{
    return 0;
}

static int remove_nothing(struct store *store, const char *path, struct error *err)
{
    return 0;
}

static void free_store(struct store *store)
{
    free(store);
}

Test(local, a_store_that_ignores_conditions_fails_the_probe)
{
    static const struct store_ops ops = {.put = put_over_all, .remove = remove_nothing, .free = free_store};
    struct place p;
    place_init(&p);
    struct store *store = MEM_NEW(struct store);
    store_init(store, &ops, p.stores, mem_text("s3://careless"));
    FAILS(ENOTSUP, "s3://careless: the store ignores If-None-Match", store_probe(store, &p.err));
    store_unref(store);
    place_done(&p);
}
