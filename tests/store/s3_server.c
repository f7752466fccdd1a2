// SPDX-License-Identifier: Apache-2.0
/* All operations of the store against a real S3 server, which the environment names (tests/ceph/with.sh). */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/store/s3_bucket.h"

/* ---- one object ---- */

static void put_and_read(struct server *s)
{
    struct store_object put, head;
    struct buf buf = BUF_INIT;
    char got[4];
    OK(store_put(s->store, "a/b.txt", "0123456789", 10, STORE_PUT_REPLACE, &put, &err));
    OK(store_head(s->store, "a/b.txt", &head, &err));
    CHECK(head.size == 10 && !strcmp(head.pin, put.pin) && head.modified_ns > 0, "%s", head.pin);
    CHECK(!strcmp(head.pin, "etag=\"781e5e245d69b566979b86e28d23f2c7\""), "%s", head.pin);
    OK(store_read(s->store, "a/b.txt", &head, 3, 4, got, &err));
    CHECK(!memcmp(got, "3456", 4), "%.4s", got);
    OK(store_read_all(s->store, "a/b.txt", 10, &buf, &head, &err));
    CHECK(!strcmp(buf_text(&buf), "0123456789") && head.size == 10, "%s", buf_text(&buf));
    FAILS(EFBIG, "larger than 9 bytes", store_read_all(s->store, "a/b.txt", 9, &buf, NULL, &err));
    OK(store_put(s->store, "empty", "", 0, STORE_PUT_REPLACE, NULL, &err));
    buf_clear(&buf);
    OK(store_read_all(s->store, "empty", 9, &buf, &head, &err));
    CHECK(!buf.len && !head.size, "%zu", buf.len);
    OK(store_remove(s->store, "a/b.txt", &err));
    OK(store_remove(s->store, "a/b.txt", &err));
    FAILS(ENOENT, "sub/folder/a/b.txt: no such object", store_head(s->store, "a/b.txt", &head, &err));
    FAILS(ENOENT, "no such object", store_read_all(s->store, "a/b.txt", 9, &buf, NULL, &err));
    FAILS(EINVAL, "behind the object's end", store_read(s->store, "empty", NULL, 5, 1, got, &err));
    OK(store_put(s->store, "short", "123", 3, STORE_PUT_REPLACE, &head, &err));
    FAILS(EIO, "wanted 4 bytes at 0, got 3", store_read(s->store, "short", NULL, 0, 4, got, &err));
    head.size = 9;
    FAILS(ESTALE, "its size has changed", store_read(s->store, "short", &head, 0, 3, got, &err));
    buf_done(&buf);
}

static void overwritten(struct server *s)
{
    struct store_object first;
    char got[3];
    OK(store_put(s->store, "x", "one", 3, STORE_PUT_REPLACE, &first, &err));
    OK(store_put(s->store, "x", "two", 3, STORE_PUT_REPLACE, NULL, &err));
    FAILS(ESTALE, "sub/folder/x: the object is not the one that was pinned; it has been overwritten",
          store_read(s->store, "x", &first, 0, 3, got, &err));
    OK(store_remove(s->store, "x", &err));
    FAILS(ENOENT, "sub/folder/x: no such object", store_read(s->store, "x", &first, 0, 3, got, &err));
}

enum { LISTED = 9 };

struct listed {
    struct store_object newest[LISTED];
    int count;
};

static int check_newest(void *ctx, const char *path, const struct store_object *object, struct error *ret_err)
{
    struct listed *listed = ctx;
    CLEANUP_FREE char *expected = mem_printf("a b/%d+", listed->count);
    CHECK(!strcmp(path, expected), "%s, not %s", path, expected);
    const struct store_object *newest = &listed->newest[listed->count++];
    CHECK(!strcmp(object->pin, newest->pin) && object->versioned && object->size == newest->size,
          "%s: %s, not %s", path, object->pin, newest->pin);
    return 0;
}

/* `store`: in a bucket with versions, where "x" has been removed. */
static void versions_are_listed(struct store *store)
{
    struct listed listed = {.count = 0};
    for (int i = 0; i < LISTED * 3; i++) {
        CLEANUP_FREE char *path = mem_printf("a b/%d+", i % LISTED);
        OK(store_put(store, path, path, (size_t)(i / LISTED + 1), STORE_PUT_REPLACE,
                     &listed.newest[i % LISTED], &err));
    }
    OK(store_list_versions(store, "", check_newest, &listed, &err));
    CHECK(listed.count == LISTED, "%d", listed.count);
    CLEANUP_STORE struct store *raw = NULL;
    OK(s3_new(store->stores, store_url(store), &raw, &err));
    struct store_listing listing = {
        .prefix = "a ", .after = "", .versions = true, .each = check_newest, .ctx = &listed};
    for (unsigned keys = 1; keys <= 4; keys++) { /* pages end between objects and within one's versions */
        s3_of(raw)->page_keys = keys;
        listed.count = 0;
        OK(raw->ops->list(raw, &listing, &err));
        CHECK(listed.count == LISTED, "%d, %u with a page", listed.count, keys);
    }
    listed.count = 4;
    listing.after = "a b/3+";
    OK(raw->ops->list(raw, &listing, &err));
    CHECK(listed.count == LISTED, "%d", listed.count);
}

static void versioned(struct server *s)
{
    struct server other;
    bucket_with_versions(s, &other);
    CLEANUP_FREE char *url = mem_printf("s3://%s", other.bucket);
    CLEANUP_STORE struct store *store = NULL;
    OK(store_open(s->stores, url, &store, &err));
    struct store_object first;
    char got[3];
    OK(store_put(store, "x", "one", 3, STORE_PUT_REPLACE, &first, &err));
    CHECK(first.versioned && strstr(first.pin, ";version="), "%s", first.pin);
    OK(store_put(store, "x", "two", 3, STORE_PUT_REPLACE, NULL, &err));
    OK(store_remove(store, "x", &err));
    OK(store_read(store, "x", &first, 0, 3, got, &err));
    CHECK(!memcmp(got, "one", 3), "%.3s", got);
    versions_are_listed(store);
}

/* ---- many writers ---- */

struct racer {
    struct store *store;
    const char *path;
    int rc;
    char text[16];
};

static void *race(void *ctx)
{
    struct racer *racer = ctx;
    racer->rc = store_put(racer->store, racer->path, racer->text, strlen(racer->text), STORE_PUT_IF_ABSENT,
                          NULL, NULL);
    return NULL;
}

static void put_if_absent_has_one_winner(struct server *s)
{
    enum { RACERS = 16 };
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    struct buf buf = BUF_INIT;
    int winner = -1, winners = 0;
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.store = s->store, .path = "versions/00000001.json"};
        snprintf(racers[i].text, sizeof racers[i].text, "racer %d", i);
        pthread_create(&threads[i], NULL, race, &racers[i]);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(!racers[i].rc || racers[i].rc == -EEXIST, "%d", racers[i].rc);
        if (!racers[i].rc)
            winner = i, winners++;
    }
    CHECK(winners == 1, "%d winners", winners);
    OK(store_read_all(s->store, "versions/00000001.json", 99, &buf, NULL, &err));
    CHECK(!strcmp(buf_text(&buf), racers[winner].text), "%s", buf_text(&buf));
    FAILS(EEXIST, "exists already",
          store_put(s->store, "versions/00000001.json", "x", 1, STORE_PUT_IF_ABSENT, NULL, &err));
    OK(store_probe(s->store, &err));
    buf_done(&buf);
}

/* ---- large objects ---- */

static void uploads(struct server *s)
{
    enum { PART = 5 << 20 };
    struct store_upload *upload;
    struct store_object object, head;
    uint8_t *part = mem_alloc(PART), *back = mem_alloc(PART);
    random_bytes(part, PART);
    OK(store_upload_begin(s->store, "big", &upload, &err));
    OK(store_upload_part(upload, part, PART, &err));
    FAILS(ENOENT, "no such object", store_head(s->store, "big", &head, &err));
    OK(store_upload_part(upload, part, PART, &err));
    OK(store_upload_part(upload, "the end", 7, &err));
    OK(store_upload_finish(upload, &object, &err));
    OK(store_head(s->store, "big", &head, &err));
    CHECK(head.size == 2 * PART + 7 && object.size == head.size && !strcmp(head.pin, object.pin), "%s",
          head.pin);
    OK(store_read(s->store, "big", &object, PART - 100, PART, back, &err));
    CHECK(!memcmp(back, part + PART - 100, 100) && !memcmp(back + 100, part, PART - 100), "other bytes");
    OK(store_read(s->store, "big", &object, 2 * PART, 7, back, &err));
    CHECK(!memcmp(back, "the end", 7), "%.7s", back);
    OK(store_upload_begin(s->store, "dropped", &upload, &err));
    OK(store_upload_part(upload, "x", 1, &err));
    store_upload_abort(upload);
    FAILS(ENOENT, "no such object", store_head(s->store, "dropped", &head, &err));
    OK(store_upload_begin(s->store, "nothing", &upload, &err));
    OK(store_upload_finish(upload, &object, &err));
    OK(store_head(s->store, "nothing", &head, &err));
    CHECK(head.size == 0, "%s", head.pin);
    free(part), free(back);
}

/* ---- listing ---- */

enum { MANY = 1050, WRITERS = 4 };

struct writer {
    struct store *store;
    int from;
};

static void *write_many(void *ctx)
{
    struct writer *writer = ctx;
    for (int i = writer->from; i < MANY; i += WRITERS) {
        struct error why = {0};
        char path[32];
        snprintf(path, sizeof path, "many/%05d", i);
        int rc = store_put(writer->store, path, path, (size_t)i % 7, STORE_PUT_REPLACE, NULL, &why);
        CHECK(!rc, "%s", why.text);
    }
    return NULL;
}

static int count_one(void *ctx, const char *path, const struct store_object *object, struct error *ret_err)
{
    int *count = ctx;
    char wanted[32];
    snprintf(wanted, sizeof wanted, "many/%05d", *count);
    CHECK(!strcmp(path, wanted) && object->size == (uint64_t)*count % 7 && object->modified_ns > 0 &&
              !strncmp(object->pin, "etag=\"", 6),
          "%s where %s should be", path, wanted);
    ++*count;
    return 0;
}

static void listings(struct server *s)
{
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.store = s->store, .from = i};
        pthread_create(&threads[i], NULL, write_many, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    int count = 0;
    OK(store_list(s->store, "many/", count_one, &count, &err));
    CHECK(count == MANY, "%d", count);
    CLEANUP_STORE struct store *raw = NULL;
    OK(s3_new(s->stores, store_url(s->store), &raw, &err));
    s3_of(raw)->page_keys = 7;
    count = 100;
    struct store_listing listing = {
        .prefix = "many/00", .after = "many/00099", .each = count_one, .ctx = &count};
    OK(raw->ops->list(raw, &listing, &err));
    CHECK(count == 1000, "%d", count);
}

static const char *const odd_keys[] = {
    "odd/a b",        "odd/a%20b",
    "odd/a%25",       "odd/a&b=c",
    "odd/a'b\"c",     "odd/a(1)!*",
    "odd/a+b",        "odd/a;b:c@d,",
    "odd/a<b>",       "odd/a?b",
    "odd/a[b]{c}|^`", "odd/a\\b",
    "odd/a~b",        "odd/\xc3\xa9\xe6\x97\xa5",
};

static int count_odd(void *ctx, const char *path, const struct store_object *object, struct error *ret_err)
{
    size_t *seen = ctx;
    for (size_t i = 0; i < sizeof odd_keys / sizeof *odd_keys; i++)
        if (!strcmp(path, odd_keys[i]))
            *seen |= (size_t)1 << i;
    return 0;
}

static void keys_that_need_encoding(struct server *s)
{
    enum { COUNT = sizeof odd_keys / sizeof *odd_keys };
    for (size_t i = 0; i < COUNT; i++)
        OK(store_put(s->store, odd_keys[i], odd_keys[i], strlen(odd_keys[i]), STORE_PUT_REPLACE, NULL, &err));
    for (size_t i = 0; i < COUNT; i++) {
        struct buf buf = BUF_INIT;
        OK(store_read_all(s->store, odd_keys[i], 99, &buf, NULL, &err));
        CHECK(!strcmp(buf_text(&buf), odd_keys[i]), "%s holds %s", odd_keys[i], buf_text(&buf));
        buf_done(&buf);
    }
    size_t seen = 0;
    OK(store_list(s->store, "odd/", count_odd, &seen, &err));
    CHECK(seen == ((size_t)1 << COUNT) - 1, "%zx", seen);
}

/* ---- who asks, and where ---- */

static void wrong_keys(struct server *s)
{
    static const struct {
        const char *variable, *value, *words;
    } cases[] = {
        {"AWS_SECRET_ACCESS_KEY", "wrong", "the secret key does not fit the access key"},
        {"AWS_ACCESS_KEY_ID", "NOBODY", "the store does not know this access key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_FREE char *old = mem_text(getenv(cases[i].variable));
        struct stores *stores;
        struct store *store;
        struct buf buf = BUF_INIT;
        setenv(cases[i].variable, cases[i].value, 1);
        OK(stores_new(&(struct stores_options){0}, &stores, &err));
        OK(store_open(stores, store_url(s->store), &store, &err));
        FAILS(EACCES, cases[i].words, store_read_all(store, "short", 9, &buf, NULL, &err));
        CHECK(!strstr(err.text, getenv("AWS_SECRET_ACCESS_KEY")) || i == 0, "a secret in: %s", err.text);
        FAILS(EACCES, "access denied", store_head(store, "short", &(struct store_object){0}, &err));
        FAILS(EACCES, cases[i].words, store_put(store, "new", "1", 1, STORE_PUT_REPLACE, NULL, &err));
        setenv(cases[i].variable, old, 1);
        store_unref(store);
        stores_free(stores);
        buf_done(&buf);
    }
}

/* A process that gives wrong keys at first, as if they had just been replaced. */
static void renewed_keys(struct server *s)
{
    char flag[] = "/tmp/elidefs-flag.XXXXXX", config[] = "/tmp/elidefs-aws.XXXXXX";
    int fd = mkstemp(flag);
    CHECK(fd >= 0 && !close(fd), "%s", flag);
    CLEANUP_FREE char *text =
        mem_printf("[profile renewed]\ncredential_process = key=wrong; [ -e %s ] || key='%s'; rm -f %s; "
                   "echo '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"'$key'\"}'\n",
                   flag, getenv("AWS_SECRET_ACCESS_KEY"), flag, getenv("AWS_ACCESS_KEY_ID"));
    fd = mkstemp(config);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd), "%s", config);
    setenv("AWS_CONFIG_FILE", config, 1);
    struct stores *stores;
    struct store *store;
    struct store_stats stats;
    char got[3];
    OK(stores_new(&(struct stores_options){.profile = "renewed"}, &stores, &err));
    OK(store_open(stores, store_url(s->store), &store, &err));
    OK(store_read(store, "short", NULL, 0, 3, got, &err));
    stores_stats(stores, &stats);
    CHECK(stats.requests == 2 && stats.retries == 1, "%llu requests", (unsigned long long)stats.requests);
    store_unref(store);
    stores_free(stores);
    unsetenv("AWS_CONFIG_FILE");
    unlink(config), unlink(flag);
}

/* Someone who may read objects, but not list: a missing one is answered with 403. */
static void no_right_to_list(struct server *s)
{
    CLEANUP_STORE struct store *bucket = NULL;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    CLEANUP_FREE char *url = mem_printf("s3://%s", s->bucket);
    CLEANUP_FREE char *policy =
        mem_printf("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
                   "[\"arn:aws:iam:::user/"
                   "other\"]},\"Action\":[\"s3:GetObject\"],\"Resource\":[\"arn:aws:s3:::%s/*\"]}]}",
                   s->bucket);
    OK(s3_new(s->stores, url, &bucket, &err));
    struct s3_ask ask = {.method = "PUT", .query = "policy=", .body = policy, .body_len = strlen(policy)};
    OK(s3_run(s3_of(bucket), &ask, &reply, &err));
    CLEANUP_FREE char *access = mem_text(getenv("AWS_ACCESS_KEY_ID"));
    CLEANUP_FREE char *secret = mem_text(getenv("AWS_SECRET_ACCESS_KEY"));
    setenv("AWS_ACCESS_KEY_ID", getenv("TEST_OTHER_ACCESS_KEY_ID"), 1);
    setenv("AWS_SECRET_ACCESS_KEY", getenv("TEST_OTHER_SECRET_ACCESS_KEY"), 1);
    struct stores *stores;
    struct store *store;
    struct store_object object;
    struct buf buf = BUF_INIT;
    OK(stores_new(&(struct stores_options){0}, &stores, &err));
    OK(store_open(stores, store_url(s->store), &store, &err));
    FAILS(EACCES, "access denied", store_read_all(store, "no-such-thing", 9, &buf, NULL, &err));
    OK(store_read_all(store, "short", 9, &buf, NULL, &err));
    FAILS(ENOENT, "tells only who may list", store_read_all(store, "no-such-thing", 9, &buf, NULL, &err));
    FAILS(ENOENT, "tells only who may list", store_head(store, "no-such-thing", &object, &err));
    struct store_stats before, after;
    stores_stats(stores, &before);
    FAILS(ENOENT, "tells only who may list", store_read_all(store, "nor-this", 9, &buf, NULL, &err));
    stores_stats(stores, &after);
    CHECK(after.requests - before.requests == 1, "it asked beside it again");
    FAILS(EACCES, "access denied", store_put(store, "new", "1", 1, STORE_PUT_REPLACE, NULL, &err));
    setenv("AWS_ACCESS_KEY_ID", access, 1);
    setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
    store_unref(store);
    stores_free(stores);
    buf_done(&buf);
}

static void missing_bucket(struct server *s)
{
    CLEANUP_STORE struct store *store = NULL;
    struct buf buf = BUF_INIT;
    OK(store_open(s->stores, "s3://no-such-bucket-here/x", &store, &err));
    FAILS(ENOENT, "bucket 'no-such-bucket-here' does not exist",
          store_read_all(store, "k", 9, &buf, NULL, &err));
    FAILS(ENOENT, "bucket 'no-such-bucket-here' does not exist",
          store_put(store, "k", "1", 1, STORE_PUT_REPLACE, NULL, &err));
    FAILS(ENOENT, "bucket 'no-such-bucket-here' does not exist",
          store_list(store, "", count_odd, NULL, &err));
    buf_done(&buf);
}

static void anonymous(struct server *s)
{
    CLEANUP_STORE struct store *owner = NULL;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    struct stores *stores;
    struct store *store;
    struct buf buf = BUF_INIT;
    OK(s3_new(s->stores, store_url(s->store), &owner, &err));
    struct s3_ask ask = {.method = "PUT",
                         .path = "public",
                         .extra = {{.name = "x-amz-acl", .value = "public-read"}},
                         .body = "for all",
                         .body_len = 7};
    OK(s3_run(s3_of(owner), &ask, &reply, &err));
    OK(stores_new(&(struct stores_options){.no_sign_request = true}, &stores, &err));
    OK(store_open(stores, store_url(s->store), &store, &err));
    OK(store_read_all(store, "public", 9, &buf, NULL, &err));
    CHECK(!strcmp(buf_text(&buf), "for all"), "%s", buf_text(&buf));
    FAILS(EACCES, "asked without credentials", store_read_all(store, "short", 9, &buf, NULL, &err));
    store_unref(store);
    stores_free(stores);
    buf_done(&buf);
}

static void virtual_host_style(struct server *s)
{
    CLEANUP_FREE char *text = mem_printf("[store \"s3://%s\"]\nendpoint = %s\npath_style = false\n",
                                         s->bucket, getenv("TEST_VIRTUAL_HOST_ENDPOINT"));
    char path[] = "/tmp/elidefs-config.XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
    close(fd);
    struct stores *stores;
    struct store *store;
    struct buf buf = BUF_INIT;
    OK(stores_new(&(struct stores_options){.config_path = path}, &stores, &err));
    OK(store_open(stores, store_url(s->store), &store, &err));
    OK(store_read_all(store, "public", 9, &buf, NULL, &err));
    OK(store_put(store, "odd/v h+%", "1", 1, STORE_PUT_REPLACE, NULL, &err));
    OK(store_head(s->store, "odd/v h+%", &(struct store_object){0}, &err));
    store_unref(store);
    stores_free(stores);
    unlink(path);
    buf_done(&buf);
}

static void certificates_are_checked(struct server *s)
{
    const char *endpoint = getenv("TEST_TLS_ENDPOINT");
    struct buf buf = BUF_INIT;
    for (int trusted = 0; endpoint && trusted < 2; trusted++) {
        struct stores *stores;
        struct store *store;
        struct stores_options options = {.endpoint_url = endpoint,
                                         .ca_bundle = trusted ? getenv("TEST_TLS_CA") : NULL};
        OK(stores_new(&options, &stores, &err));
        OK(store_open(stores, store_url(s->store), &store, &err));
        if (trusted)
            OK(store_read_all(store, "public", 9, &buf, NULL, &err));
        else
            FAILS(EIO, "certificate", store_read_all(store, "public", 9, &buf, NULL, &err));
        store_unref(store);
        stores_free(stores);
    }
    CHECK(!endpoint || !strcmp(buf_text(&buf), "for all"), "%s", buf_text(&buf));
    buf_done(&buf);
}

static void stopping_ends_all(struct server *s)
{
    char got[3];
    stores_stop(s->stores);
    FAILS(ECANCELED, "cancelled", store_read(s->store, "short", NULL, 0, 3, got, &err));
    FAILS(ECANCELED, "cancelled", store_put(s->store, "new", "1", 1, STORE_PUT_REPLACE, NULL, &err));
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(struct server *server);
    } tests[] = {
        {"what was put is read back", put_and_read},
        {"an overwritten object is stale", overwritten},
        {"a pinned version outlives an overwrite", versioned},
        {"put-if-absent has one winner", put_if_absent_has_one_winner},
        {"uploads appear when finished", uploads},
        {"listings go over many pages", listings},
        {"keys that need encoding", keys_that_need_encoding},
        {"wrong keys are told", wrong_keys},
        {"refused keys are renewed once", renewed_keys},
        {"a missing object where listing is not allowed", no_right_to_list},
        {"a missing bucket is named", missing_bucket},
        {"public objects need no credentials", anonymous},
        {"the bucket in the host name", virtual_host_style},
        {"certificates are checked", certificates_are_checked},
        {"a stop ends all", stopping_ends_all},
    };
    struct server server;
    if (!getenv("AWS_ENDPOINT_URL")) {
        puts("skipped: no S3 server; run it with tests/ceph/with.sh");
        return 77;
    }
    server_init(&server);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].run(&server);
        printf("ok %s\n", tests[i].name);
        fflush(stdout);
    }
    server_done(&server);
    return 0;
}
