// SPDX-License-Identifier: Apache-2.0
/* Reads over HTTP by many threads at once: they end early, break, are sent elsewhere and are cancelled at any
 * moment. A plain program, so that it also runs under ThreadSanitizer. */
#include <pthread.h>

#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/retry.h"
#include "cache/store/web.h"
#include "tests/store/check.h"
#include "tests/store/watched.h"
#include "tests/store/web_server.h"

enum { THREADS = 8, READS = 24 };

static struct error err;

struct bench {
    struct web_server *server;
    char *folder;
    struct stores *stores;
    struct store *store;
};

/* `authorized`: who asks is read from a file before each request, on a worker. */
static void begin(struct bench *b, bool authorized)
{
    *b = (struct bench){.server = web_server_new()};
    OK(file_make_temp_folder(NULL, "elidefs-web", &b->folder, &err));
    CLEANUP_FREE char *token = mem_printf("%s/token", b->folder),
                      *config = mem_printf("%s/config", b->folder);
    CLEANUP_FREE char *url = mem_printf("http://127.0.0.1:%u", b->server->port);
    CLEANUP_FREE char *text = mem_printf("[store \"%s\"]\nauthorization_file = %s\n", url, token);
    OK(file_replace(token, "Bearer token\n", 13, 0600, &err));
    OK(file_replace(config, text, authorized ? strlen(text) : 0, 0600, &err));
    OK(stores_new(&(struct stores_options){.config_path = config}, &b->stores, &err));
    OK(store_open(b->stores, url, &b->store, &err));
    struct backoff *backoff = retry_backoff(b->store);
    backoff->base_ns = 1000;
    backoff->most_ns = 100000;
    backoff->tries = 100;
    backoff->tokens = backoff->tokens_most = 100000;
}

static void end(struct bench *b)
{
    store_unref(b->store);
    stores_free(b->stores);
    web_server_free(b->server);
    OK(file_remove_tree(b->folder, &err));
    free(b->folder);
}

/* ---- many readers ---- */

static const struct store_object pinned = {.size = WEB_SERVER_BYTES, .pin = "etag=\"1\""};

static void *read_ranges(void *ctx)
{
    static const char *const paths[] = {"big", "cut", "busy", "moved"};
    struct bench *b = ctx;
    CLEANUP_FREE uint8_t *bytes = mem_alloc(WEB_SERVER_BYTES);
    for (int i = 0; i < READS; i++) {
        struct error why = {0};
        uint32_t random[2];
        random_bytes(random, sizeof random);
        uint64_t from = random[0] % WEB_SERVER_BYTES;
        size_t len = 1 + random[1] % (WEB_SERVER_BYTES - from);
        int rc = store_read(b->store, paths[i % 4], &pinned, from, len, bytes, &why);
        CHECK(!rc, "%s [%llu, +%zu): %s", paths[i % 4], (unsigned long long)from, len, why.text);
        for (size_t k = 0; k < len; k++)
            CHECK(bytes[k] == web_server_byte(from + k), "%s: byte %llu", paths[i % 4],
                  (unsigned long long)from + k);
    }
    return NULL;
}

static void many_threads_get_their_bytes(void)
{
    for (int authorized = 0; authorized < 2; authorized++) {
        struct bench b;
        pthread_t threads[THREADS];
        begin(&b, authorized);
        for (int i = 0; i < THREADS; i++)
            CHECK(!pthread_create(&threads[i], NULL, read_ranges, &b), "no thread");
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        unsigned asked = atomic_load(&b.server->requests), without = atomic_load(&b.server->unauthorized);
        CHECK(asked >= THREADS * READS && without == (authorized ? 0 : asked), "%u of %u without", without,
              asked);
        end(&b);
    }
}

/* ---- what is refused ---- */

static void what_is_not_the_pinned_object_is_refused(void)
{
    struct bench b;
    uint8_t byte;
    const struct store_object other = {.size = WEB_SERVER_BYTES, .pin = "etag=\"2\""},
                              wrong = {.size = WEB_SERVER_BYTES, .pin = "no pin"},
                              longer = {.size = WEB_SERVER_BYTES + 1, .pin = "etag=\"1\""};
    begin(&b, false);
    FAILS(ESTALE, "/big: ", store_read(b.store, "big", &other, 0, 1, &byte, &err));
    FAILS(ESTALE, "/moved: ", store_read(b.store, "moved", &other, 0, 1, &byte, &err));
    FAILS(ESTALE, "/big: ", store_read(b.store, "big", &longer, 0, 1, &byte, &err));
    FAILS(EINVAL, "'no pin' is no pin", store_read(b.store, "big", &wrong, 0, 1, &byte, &err));
    FAILS(ENOENT, "/none: ", store_read(b.store, "none", &pinned, 0, 1, &byte, &err));
    end(&b);
}

/* A server whose queue of connections is full answers none: the same to us as one that is not there. */
static void a_connection_that_never_comes_about_is_nobody_there(void)
{
    enum { FILL = 3 };
    struct bench b = {.server = NULL};
    struct store_object object;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fill[FILL];
    CHECK(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 0),
          "no listener");
    getsockname(listener, (struct sockaddr *)&address, &len);
    for (int i = 0; i < FILL; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fill[i], (struct sockaddr *)&address, sizeof address);
    }
    CLEANUP_FREE char *url = mem_printf("http://127.0.0.1:%u", ntohs(address.sin_port));
    OK(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &b.stores, &err));
    OK(store_open(b.stores, url, &b.store, &err));
    web_of(retry_of(b.store)->inner)->idle_ns = 100000000;
    retry_backoff(b.store)->base_ns = 1000;
    FAILS(EIO, "(tried 5 times)", store_head(b.store, "x", &object, &err));
    store_unref(b.store);
    stores_free(b.stores);
    for (int i = 0; i < FILL; i++)
        close(fill[i]);
    close(listener);
}

/* ---- cancelling ---- */

static void a_stalled_read_ends_when_it_must(void)
{
    for (int authorized = 0; authorized < 2; authorized++)
        for (enum watched_end how = WATCHED_DEADLINE; how <= WATCHED_STOP; how++) {
            struct bench b;
            begin(&b, authorized);
            struct watched w = {
                .get = {.path = "stall", .pin = pinned.pin, .size = WEB_SERVER_BYTES, .len = 1000}};
            w.get.deadline_ns = clock_now_ns() + (how ? INT64_C(3600000000000) : 300000000);
            int rc = watched_run(&w, b.store, b.stores, 10, how);
            CHECK(rc == (how ? -ECANCELED : -ETIMEDOUT) && w.got < 1000 && (!how || w.got >= 10),
                  "case %d: %d after %llu bytes", how, rc, (unsigned long long)w.got);
            end(&b);
        }
}

/* Cancelled before, while and after anything has come: each ends once, with what it was or cancelled. */
static void *cancel_at_any_moment(void *ctx)
{
    static const char *const paths[] = {"big", "moved", "stall", "cut"};
    struct bench *b = ctx;
    for (int i = 0; i < READS; i++) {
        struct watched w = {
            .get = {.path = paths[i % 4], .pin = pinned.pin, .size = WEB_SERVER_BYTES, .len = 200000}};
        int rc = watched_run(&w, b->store, b->stores, i % 4 == 2 ? i % 10 : i * 9000, WATCHED_CANCEL);
        CHECK(rc == -ECANCELED || (!rc && w.got == 200000), "%s: %d after %llu bytes", paths[i % 4], rc,
              (unsigned long long)w.got);
    }
    return NULL;
}

static void reads_are_cancelled_at_any_moment(void)
{
    for (int authorized = 0; authorized < 2; authorized++) {
        struct bench b;
        pthread_t threads[THREADS];
        begin(&b, authorized);
        for (int i = 0; i < THREADS; i++)
            CHECK(!pthread_create(&threads[i], NULL, cancel_at_any_moment, &b), "no thread");
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        end(&b);
    }
}

int main(void)
{
    many_threads_get_their_bytes();
    what_is_not_the_pinned_object_is_refused();
    a_connection_that_never_comes_about_is_nobody_there();
    a_stalled_read_ends_when_it_must();
    reads_are_cancelled_at_any_moment();
    return 0;
}
