// SPDX-License-Identifier: Apache-2.0
/* Copies that a real S3 server makes, which the environment names (tests/ceph/with.sh). */
#include "tests/store/s3_bucket.h"

static void check_copy(struct server *s, const char *path, const struct store_object *copy, const char *text)
{
    struct buf buf = BUF_INIT;
    struct store_object now;
    OK(store_read_all(s->store, path, 99 << 20, &buf, &now, &err));
    CHECK(buf.len == strlen(text) && !memcmp(buf.data, text, buf.len), "%zu", buf.len);
    CHECK(copy->size == now.size && !strcmp(copy->pin, now.pin), "%s, not %s", copy->pin, now.pin);
    buf_done(&buf);
}

/* Within one bucket and from one to another; with versions, too. */
static void copies(struct server *s)
{
    struct server versioned;
    bucket_with_versions(s, &versioned);
    CLEANUP_FREE char *url = mem_printf("s3://%s/some recordings", versioned.bucket);
    CLEANUP_STORE struct store *other = NULL;
    struct store_object was, copy;
    OK(store_open(s->stores, url, &other, &err));
    CHECK(store_may_copy(s->store, other, STORE_COPY_SHARE), "two buckets");
    OK(store_put(other, "a&b + c.bin", "one", 3, STORE_PUT_REPLACE, &was, &err));
    OK(store_put(other, "a&b + c.bin", "two", 3, STORE_PUT_REPLACE, NULL, &err));
    CHECK(was.versioned, "%s", was.pin);
    OK(store_copy(s->store, &(struct store_copy){other, "a&b + c.bin", &was, "copies/1", STORE_COPY_SHARE},
                  &copy, &err));
    check_copy(s, "copies/1", &copy, "one");
    OK(store_copy(s->store, &(struct store_copy){s->store, "copies/1", &copy, "copies/2", STORE_COPY_SHARE},
                  &was, &err));
    check_copy(s, "copies/2", &was, "one");
    OK(store_put(s->store, "copies/1", "six", 3, STORE_PUT_REPLACE, NULL, &err));
    FAILS(ESTALE, "copies/1: the object is not the one that was pinned",
          store_copy(s->store,
                     &(struct store_copy){s->store, "copies/1", &copy, "copies/3", STORE_COPY_SHARE}, &was,
                     &err));
    FAILS(ENOENT, "no such object",
          store_copy(s->store,
                     &(struct store_copy){s->store, "copies/9", &copy, "copies/3", STORE_COPY_SHARE}, &was,
                     &err));
    FAILS(ENOENT, "no such object", store_head(s->store, "copies/3", &was, &err));
}

static void copies_in_parts(struct server *s)
{
    enum { SIZE = 11 << 20 };
    CLEANUP_FREE char *bytes = mem_alloc(SIZE + 1);
    struct store_object was, copy;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)('a' + i * 2654435761u % 26);
    bytes[SIZE] = 0;
    OK(store_put(s->store, "large", bytes, SIZE, STORE_PUT_REPLACE, &was, &err));
    uint64_t most = s->store->copy_max_bytes, part = s->store->copy_part_bytes;
    CHECK(most == UINT64_C(5) << 30 && part == UINT64_C(512) << 20, "%llu", (unsigned long long)most);
    s->store->copy_max_bytes = SIZE - 1;
    s->store->copy_part_bytes = 5 << 20;
    OK(store_copy(s->store, &(struct store_copy){s->store, "large", &was, "parts", STORE_COPY_SHARE}, &copy,
                  &err));
    CHECK(strstr(copy.pin, "-3\""), "%s", copy.pin);
    check_copy(s, "parts", &copy, bytes);
    for (int shorter = 0; shorter < 2; shorter++) {
        bytes[3] = 'X';
        OK(store_put(s->store, "large", bytes, (size_t)(SIZE - shorter), STORE_PUT_REPLACE, NULL, &err));
        FAILS(ESTALE, "large: the object is not the one that was pinned",
              store_copy(s->store, &(struct store_copy){s->store, "large", &was, "parts2", STORE_COPY_SHARE},
                         &copy, &err));
        FAILS(ENOENT, "no such object", store_head(s->store, "parts2", &copy, &err));
    }
    s->store->copy_max_bytes = most;
    s->store->copy_part_bytes = part;
}

int main(void)
{
    struct server server;
    if (!getenv("AWS_ENDPOINT_URL")) {
        puts("skipped: no S3 server; run it with tests/ceph/with.sh");
        return 77;
    }
    server_init(&server);
    copies(&server);
    copies_in_parts(&server);
    server_done(&server);
    return 0;
}
