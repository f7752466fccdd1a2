// SPDX-License-Identifier: Apache-2.0
/* Copies that a store makes by itself: links and clones in folders, and what a server says of its own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/store/fault.h"
#include "cache/store/ops.h"
#include "tests/store/responder.h"
#include "tests/store/temp_folder.h"
#include "tests/test_leaks.h"

struct place {
    char *folder;
    struct stores *stores;
    struct store *store, *from; /* folder/set, folder/rec */
    struct store_object was;    /* rec/sub/a.bin */
    struct error err;
};

static struct store *open_store(struct place *p, const char *url)
{
    struct store *store = NULL;
    cr_assert_eq(store_open(p->stores, url, &store, &p->err), 0, "%s", p->err.text);
    return store;
}

static void place_init(struct place *p)
{
    *p = (struct place){.folder = temp_folder()};
    CLEANUP_FREE char *set = mem_printf("%s/set", p->folder), *rec = mem_printf("%s/rec", p->folder);
    cr_assert_eq(stores_new(&(struct stores_options){0}, &p->stores, &p->err), 0, "%s", p->err.text);
    p->store = open_store(p, set);
    p->from = open_store(p, rec);
    cr_assert_eq(store_put(p->from, "sub/a.bin", "0123456789", 10, STORE_PUT_REPLACE, &p->was, &p->err), 0);
}

static void place_done(struct place *p)
{
    store_unref(p->store);
    store_unref(p->from);
    stores_free(p->stores);
    temp_folder_done(p->folder);
    check_leaks();
}

static int copy(struct place *p, const char *to, enum store_copy_how how, struct store_object *ret)
{
    const struct store_copy copy = {p->from, "sub/a.bin", &p->was, to, how};
    p->err = (struct error){0};
    return store_copy(p->store, &copy, ret, &p->err);
}

static size_t files_in(const struct place *p, const char *folder)
{
    CLEANUP_FREE char *command = mem_printf("find '%s/%s' -type f | wc -l", p->folder, folder);
    FILE *pipe = popen(command, "r");
    size_t count = 0;
    cr_assert_eq(fscanf(pipe, "%zu", &count), 1);
    pclose(pipe);
    return count;
}

static void rewrite(const struct place *p, const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/rec/sub/a.bin", p->folder);
    FILE *file = fopen(path, "r+");
    cr_assert(file && fputs(text, file) >= 0 && !fclose(file));
}

Test(copies, a_link_is_the_same_file_and_its_pin_is_the_sources_from_now_on)
{
    struct place p;
    place_init(&p);
    struct store_object made, now;
    for (int i = 0; i < 2; i++) { /* the second finds its own name there */
        cr_assert_eq(copy(&p, "data/x", STORE_COPY_LINK, &made), 0, "%s", p.err.text);
        cr_assert_eq(store_head(p.from, "sub/a.bin", &now, &p.err), 0);
        cr_assert(made.size == 10 && !strcmp(made.pin, now.pin), "%s, %s", made.pin, now.pin);
        cr_assert_str_neq(now.pin, p.was.pin, "a link changes the ctime");
        p.was = now;
    }
    cr_assert_eq(files_in(&p, "set"), 1, "no temporary name is left");
    cr_assert_eq(store_put(p.store, "data/x", "other", 5, STORE_PUT_REPLACE, NULL, &p.err), 0);
    cr_assert_eq(store_head(p.from, "sub/a.bin", &p.was, &p.err), 0);
    cr_assert_eq(copy(&p, "data/x", STORE_COPY_LINK, &made), 0, "it takes the place of another file");
    cr_assert_eq(made.size, 10);
    place_done(&p);
}

Test(copies, a_source_that_was_written_to_is_not_copied)
{
    static const enum store_copy_how hows[] = {STORE_COPY_LINK, STORE_COPY_SHARE};
    struct place p;
    struct store_object made;
    place_init(&p);
    usleep(20000);
    rewrite(&p, "0123456780");
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(copy(&p, "data/x", hows[i], &made), -ESTALE);
        cr_assert(strstr(p.err.text, "rec/sub/a.bin: the file has changed since it was pinned"), "%s",
                  p.err.text);
    }
    cr_assert_eq(files_in(&p, "set"), 0, "nothing is left of it");
    place_done(&p);
}

Test(copies, a_clone_holds_the_bytes_or_the_file_system_has_none)
{
    struct place p;
    struct store_object made;
    char got[10];
    place_init(&p);
    int rc = copy(&p, "data/x", STORE_COPY_SHARE, &made);
    if (rc == -ENOTSUP) {
        cr_assert(strstr(p.err.text, "cannot share blocks"), "%s", p.err.text);
        cr_assert_eq(files_in(&p, "set"), 0, "nothing is left of the try");
    } else {
        cr_assert_eq(rc, 0, "%s", p.err.text);
        cr_assert_eq(store_read(p.store, "data/x", &made, 0, 10, got, &p.err), 0, "%s", p.err.text);
        cr_assert_eq(memcmp(got, "0123456789", 10), 0);
    }
    place_done(&p);
}

Test(copies, links_reach_no_other_file_system_and_both_are_named)
{
    struct place p;
    struct store_object made;
    struct stat here, there;
    place_init(&p);
    CLEANUP_FREE char *url = mem_printf("/dev/shm/elidefs-copies-%d", (int)getpid());
    if (!stat(p.folder, &here) && !stat("/dev/shm", &there) && here.st_dev != there.st_dev &&
        !mkdir(url, 0700)) {
        store_unref(p.store);
        p.store = open_store(&p, url);
        cr_assert_eq(copy(&p, "x", STORE_COPY_LINK, &made), -ENOTSUP);
        cr_assert(strstr(p.err.text, "rec/sub/a.bin lies in the file system mounted at /") &&
                      strstr(p.err.text, "in the one at /dev") && /* or /dev/shm, where that is mounted */
                      strstr(p.err.text, ": a hard link cannot reach"),
                  "%s", p.err.text);
        cr_assert_eq(rmdir(url), 0, "nothing is left of the try");
    }
    place_done(&p);
}

Test(copies, between_stores_of_two_kinds_there_are_none)
{
    struct place p;
    struct store_object made;
    place_init(&p);
    struct store *bucket = open_store(&p, "s3://bucket/folder");
    cr_assert_not(store_may_copy(bucket, p.from, STORE_COPY_SHARE));
    cr_assert_not(store_may_copy(p.store, bucket, STORE_COPY_SHARE));
    cr_assert_not(store_may_copy(bucket, bucket, STORE_COPY_LINK));
    cr_assert(store_may_copy(bucket, bucket, STORE_COPY_SHARE));
    const struct store_copy copy = {p.from, "sub/a.bin", &p.was, "x", STORE_COPY_SHARE};
    cr_assert_eq(store_copy(bucket, &copy, &made, &p.err), -ENOTSUP);
    store_unref(bucket);
    place_done(&p);
}

Test(copies, a_fault_passes_through_to_the_store_behind_it)
{
    struct place p;
    struct store_object made;
    place_init(&p);
    p.store = store_fault_new(p.store,
                              &(struct fault_plan){.kind = FAULT_FAIL, .first = 1, .count = 1, .code = EIO});
    cr_assert_eq(copy(&p, "x", STORE_COPY_LINK, &made), -EIO);
    cr_assert_eq(copy(&p, "x", STORE_COPY_LINK, &made), 0, "%s", p.err.text);
    place_done(&p);
}

/* ---- a server ---- */

#define PUT_COPY  "PUT /bucket/set/x"
#define HEAD_COPY "HEAD /bucket/set/x"
/* SHA-256 of nothing, as base64. */
#define HASH "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

/* Asks a server that answers the copy with `body`; what it was sent is appended to `seen`. */
static int copy_at_server(const char *body, struct store_object *ret, struct buf *seen, struct error *err)
{
    const struct responder_answer answers[] = {
        {.line = PUT_COPY, .body = body},
        {.line = HEAD_COPY, .body = "0123456789", .head = "ETag: \"abc\"\r\n"},
        {0}};
    struct responder responder;
    struct place p;
    place_init(&p);
    responder_init(&responder, answers);
    CLEANUP_FREE char *endpoint = mem_printf("http://127.0.0.1:%u", responder.port);
    struct stores *stores;
    cr_assert_eq(
        stores_new(&(struct stores_options){.endpoint_url = endpoint, .no_sign_request = true}, &stores, err),
        0);
    struct store *from, *to;
    cr_assert_eq(store_open(stores, "s3://other/rec", &from, err), 0, "%s", err->text);
    cr_assert_eq(store_open(stores, "s3://bucket/set", &to, err), 0, "%s", err->text);
    const struct store_object was = {.size = 10, .pin = "etag=\"abc\";version=v/1"};
    const struct store_copy copy = {from, "a b.bin", &was, "x", STORE_COPY_SHARE};
    int rc = store_copy(to, &copy, ret, err);
    store_unref(from);
    store_unref(to);
    stores_free(stores);
    shutdown(responder.listener, SHUT_RDWR);
    pthread_join(responder.thread, NULL);
    close(responder.listener);
    buf_append(seen, responder.seen.data, responder.seen.len);
    buf_done(&responder.seen);
    free(STEAL(endpoint));
    place_done(&p);
    return rc;
}

static int served(const char *body, struct store_object *ret)
{
    struct buf seen = BUF_INIT;
    struct error err = {0};
    *ret = (struct store_object){0};
    int rc = copy_at_server(body, ret, &seen, &err);
    buf_done(&seen);
    return rc;
}

Test(copies, a_server_is_told_source_version_and_condition_and_its_hash_is_believed)
{
    struct store_object made = {0};
    struct buf seen = BUF_INIT;
    struct error err = {0};
    int rc = copy_at_server("<CopyObjectResult><ETag>&quot;abc&quot;</ETag><ChecksumSHA256>" HASH
                            "</ChecksumSHA256></CopyObjectResult>",
                            &made, &seen, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert(made.size == 10 && !strcmp(made.pin, "etag=\"abc\""), "%s", made.pin);
    cr_assert(made.evidence.whole && made.evidence.sha256[0] == 0xe3 && made.evidence.sha256[31] == 0x55);
    static const char *const sent[] = {"x-amz-copy-source: /other/rec/a%20b.bin?versionId=v%2F1\r\n",
                                       "x-amz-copy-source-if-match: \"abc\"\r\n",
                                       "x-amz-checksum-algorithm: SHA256\r\n"};
    for (size_t i = 0; i < 3; i++)
        cr_assert(strstr(buf_text(&seen), sent[i]), "%s", buf_text(&seen));
    buf_done(&seen);
}

Test(copies, what_is_no_hash_of_all_bytes_is_none)
{
    static const char *const hashes[] = {
        "", "<ChecksumSHA256>" HASH "-3</ChecksumSHA256>", "<ChecksumSHA256>47DEQ</ChecksumSHA256>",
        "<ChecksumSHA256>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF!=</ChecksumSHA256>",
        "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>"};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        struct store_object made;
        CLEANUP_FREE char *body =
            mem_printf("<CopyObjectResult><ETag>abc</ETag>%s</CopyObjectResult>", hashes[i]);
        cr_assert_eq(served(body, &made), 0);
        cr_assert_not(made.evidence.whole, "%s", hashes[i]);
        free(STEAL(body));
    }
}

Test(copies, another_object_where_it_was_copied_to_is_refused)
{
    struct store_object made;
    cr_assert_eq(served("<CopyObjectResult><ETag>&quot;other&quot;</ETag></CopyObjectResult>", &made), -EIO);
}
