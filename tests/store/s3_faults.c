// SPDX-License-Identifier: Apache-2.0
/* The S3 store on a bad network: each case starts the proxy (tests/proxy) with its fault in front of the
 * server that the environment names. usage: s3_faults PROXY */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/retry.h"
#include "cache/store/s3.h"
#include "tests/store/check.h"
#include "tests/store/watched.h"

enum { BIG = 2 << 20, PART = 5 << 20 };

static struct error err;

struct bench {
    const char *proxy_program, *server; /* "127.0.0.1:PORT" */
    char *bucket;
    uint8_t *bytes; /* PART of them */
    pid_t proxy;
    bool anonymous;
    char log[40];
    struct stores *stores;
    struct store *store;
};

static unsigned start_proxy(struct bench *b, const char *match, const char *fault)
{
    int ends[2];
    char port[16] = "";
    CHECK(!pipe2(ends, O_CLOEXEC), "pipe");
    b->proxy = fork();
    if (!b->proxy) {
        dup2(ends[1], STDOUT_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed check leaves no proxy behind */
        execl(b->proxy_program, "proxy", "--log", b->log, "--match", match, "--fault", fault, "0", b->server,
              NULL);
        _exit(127);
    }
    close(ends[1]);
    CHECK(read(ends[0], port, sizeof port - 1) > 0, "the proxy says no port");
    close(ends[0]);
    return (unsigned)atoi(port);
}

static void begin(struct bench *b, const char *match, const char *fault)
{
    strcpy(b->log, "/tmp/elidefs-proxy.XXXXXX");
    int fd = mkstemp(b->log);
    CHECK(fd >= 0 && !close(fd), "%s", b->log);
    CLEANUP_FREE char *endpoint = mem_printf("http://127.0.0.1:%u", start_proxy(b, match, fault));
    CLEANUP_FREE char *url = mem_printf("s3://%s", b->bucket);
    struct stores_options options = {.endpoint_url = endpoint, .no_sign_request = b->anonymous};
    OK(stores_new(&options, &b->stores, &err));
    struct store *s3;
    OK(s3_new(b->stores, url, &s3, &err));
    if (strstr(fault, "stall")) /* only there: a busy machine may answer late as well */
        s3_of(s3)->idle_ns = 1000000000;
    b->store = retry_new(s3);
    retry_backoff(b->store)->base_ns = 1000000;
}

/* Ends the proxy; the log's text is appended to `log` if it is given. */
static void end(struct bench *b, struct buf *log)
{
    store_unref(b->store);
    stores_free(b->stores);
    kill(b->proxy, SIGTERM); /* it writes its log to the end */
    waitpid(b->proxy, NULL, 0);
    if (log)
        OK(file_read(b->log, 1 << 20, log, &err));
    unlink(b->log);
}

static int count_objects(void *ctx, const char *path, const struct store_object *object,
                         struct error *ret_err)
{
    ++*(int *)ctx;
    return 0;
}

static int write_upload(struct bench *b)
{
    struct store_upload *upload;
    int rc = store_upload_begin(b->store, "up", &upload, &err);
    if (rc < 0)
        return rc;
    rc = store_upload_part(upload, b->bytes, PART, &err);
    if (!rc)
        rc = store_upload_part(upload, "end", 3, &err);
    if (!rc)
        return store_upload_finish(upload, NULL, &err);
    store_upload_abort(upload);
    return rc;
}

static int run_script(struct bench *b)
{
    CLEANUP_FREE uint8_t *back = mem_alloc(BIG);
    struct store_object object;
    int count = 0, rc = store_put(b->store, "big", b->bytes, BIG, STORE_PUT_REPLACE, NULL, &err);
    if (!rc)
        rc = store_head(b->store, "big", &object, &err);
    if (!rc)
        rc = store_read(b->store, "big", &object, 10, BIG - 20, back, &err);
    CHECK(rc || !memcmp(back, b->bytes + 10, BIG - 20), "other bytes");
    if (!rc)
        rc = write_upload(b);
    if (!rc)
        rc = store_read(b->store, "up", NULL, PART - 1, 4, back, &err);
    CHECK(rc || !memcmp(back + 1, "end", 3), "other bytes");
    if (!rc)
        rc = store_list(b->store, "", count_objects, &count, &err);
    CHECK(rc || count == 3, "%d objects", count);
    return rc ? rc : store_remove(b->store, "up", &err);
}

static void one_fault_of_each_request_is_cured(struct bench *b)
{
    static const char *const kinds[] = {"503", "reset", "lost", "truncate"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (unsigned n = 1, requests = n; n <= requests; n++) {
            char fault[64];
            CLEANUP_BUF struct buf log = BUF_INIT;
            snprintf(fault, sizeof fault, "%s@%u%s", kinds[i], n, i == 3 ? ":100" : "");
            begin(b, "", fault);
            int rc = run_script(b);
            CHECK(!rc, "%s: %s", fault, err.text);
            end(b, &log);
            requests = 0;
            for (const char *p = buf_text(&log); (p = strchr(p, '\n')); p++)
                requests++;
            CHECK(requests >= 9, "%s: %u requests", fault, requests);
        }
}

static void a_broken_read_goes_on_behind_the_last_byte(struct bench *b)
{
    CLEANUP_FREE uint8_t *back = mem_alloc(BIG);
    CLEANUP_BUF struct buf log = BUF_INIT;
    struct store_object object;
    begin(b, "GET", "truncate@1:1000000");
    OK(store_head(b->store, "big", &object, &err));
    OK(store_read(b->store, "big", &object, 5, BIG - 5, back, &err));
    CHECK(!memcmp(back, b->bytes + 5, BIG - 5), "other bytes");
    end(b, &log);
    CHECK(strstr(buf_text(&log), "big bytes=5-2097151 206 1000000 truncate "), "%s", buf_text(&log));
    CHECK(strstr(buf_text(&log), "big bytes=1000005-2097151 206 1097147 - "), "%s", buf_text(&log));
}

static void a_server_that_ignores_ranges_is_refused(struct bench *b)
{
    char got[3];
    struct store_stats stats;
    b->anonymous = true; /* a signed range cannot be left out on the way */
    begin(b, "GET", "whole@1+");
    FAILS(EIO, "public: the store ignored the range", store_read(b->store, "public", NULL, 2, 3, got, &err));
    stores_stats(b->stores, &stats);
    CHECK(stats.requests == 1 && !stats.retries, "asked %llu times", (unsigned long long)stats.requests);
    end(b, NULL);
    b->anonymous = false;
}

static void a_lost_reply_to_put_if_absent_shows_as_lost_race_with_our_own_bytes(struct bench *b)
{
    struct buf buf = BUF_INIT;
    begin(b, "PUT", "lost@1");
    FAILS(EEXIST, "commit: exists already",
          store_put(b->store, "commit", "mine", 4, STORE_PUT_IF_ABSENT, NULL, &err));
    OK(store_read_all(b->store, "commit", 9, &buf, NULL, &err));
    CHECK(!strcmp(buf_text(&buf), "mine"), "%s", buf_text(&buf));
    end(b, NULL);
    buf_done(&buf);
}

static void a_stalled_read_is_sent_again(struct bench *b)
{
    CLEANUP_FREE uint8_t *back = mem_alloc(BIG);
    begin(b, "GET", "stall@1:1000");
    OK(store_read(b->store, "big", NULL, 0, BIG, back, &err));
    CHECK(!memcmp(back, b->bytes, BIG), "other bytes");
    end(b, NULL);
}

static void a_read_that_hangs_is_asked_for_twice(struct bench *b)
{
    static const int64_t long_ns = INT64_C(3600000000000);
    for (int i = 0; i < 2; i++) { /* before the first byte, and behind some */
        CLEANUP_FREE uint8_t *back = mem_alloc(BIG);
        struct store_stats stats;
        begin(b, "GET", i ? "stall@41:1000" : "stall@41:0");
        s3_of(retry_of(b->store)->inner)->idle_ns = long_ns; /* no other cure */
        struct hedge *hedge = retry_hedge(b->store);
        hedge->percent = 100;
        hedge->still_ns = 1000000000;
        if (i)
            hedge->least_ns = long_ns; /* its one second request is for the standstill */
        for (int warm = 0; warm < 40; warm++)
            OK(store_read(b->store, "big", NULL, 0, 3, back, &err));
        OK(store_read(b->store, "big", NULL, 1, BIG - 1, back, &err));
        CHECK(!memcmp(back, b->bytes + 1, BIG - 1), "other bytes");
        stores_stats(b->stores, &stats);
        CHECK(stats.hedges && !stats.retries, "%llu hedges, %llu retries", (unsigned long long)stats.hedges,
              (unsigned long long)stats.retries);
        end(b, NULL);
    }
}

static void retry_after_is_obeyed(struct bench *b)
{
    char got[3];
    begin(b, "GET", "503@1:1");
    int64_t start = clock_now_ns();
    OK(store_read(b->store, "big", NULL, 0, 3, got, &err));
    CHECK(clock_now_ns() - start >= 1000000000, "came back early");
    end(b, NULL);
}

/* ---- ends that must not wait for the network ---- */

static void a_stalled_read_ends_when_it_must(struct bench *b)
{
    for (enum watched_end how = WATCHED_DEADLINE; how <= WATCHED_STOP; how++) {
        begin(b, "GET", "stall@1+:1000");
        s3_of(retry_of(b->store)->inner)->idle_ns = INT64_C(3600000000000);
        struct watched w = {.get = {.path = "big", .size = BIG, .len = BIG}};
        w.get.deadline_ns = clock_now_ns() + (how ? INT64_C(3600000000000) : 300000000);
        int rc = watched_run(&w, b->store, b->stores, 1000, how);
        CHECK(rc == (how ? -ECANCELED : -ETIMEDOUT) && (how ? w.got == 1000 : w.got <= 1000),
              "case %d: %d after %llu bytes", how, rc, (unsigned long long)w.got);
        end(b, NULL);
    }
}

/* With one object in it that all may read. */
static void make_bucket(struct bench *b)
{
    uint8_t id[6];
    char hex[13];
    struct stores *stores;
    struct store *store;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    random_bytes(id, sizeof id);
    hex_print(id, sizeof id, hex);
    b->bucket = mem_printf("elidefs-faults-%s", hex);
    CLEANUP_FREE char *url = mem_printf("s3://%s", b->bucket);
    OK(stores_new(&(struct stores_options){0}, &stores, &err));
    OK(s3_new(stores, url, &store, &err));
    struct s3_ask ask = {.method = "PUT"};
    OK(s3_run(s3_of(store), &ask, &reply, &err));
    ask = (struct s3_ask){.method = "PUT",
                          .path = "public",
                          .extra = {{.name = "x-amz-acl", .value = "public-read"}},
                          .body = "for all",
                          .body_len = 7};
    s3_reply_done(&reply);
    reply = (struct s3_reply){0};
    OK(s3_run(s3_of(store), &ask, &reply, &err));
    store_unref(store);
    stores_free(stores);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *bench);
    } tests[] = {
        {"one fault of each request is cured", one_fault_of_each_request_is_cured},
        {"a broken read goes on behind the last byte", a_broken_read_goes_on_behind_the_last_byte},
        {"a server that ignores ranges is refused", a_server_that_ignores_ranges_is_refused},
        {"a lost reply to put-if-absent shows as a lost race",
         a_lost_reply_to_put_if_absent_shows_as_lost_race_with_our_own_bytes},
        {"a stalled read is sent again", a_stalled_read_is_sent_again},
        {"a read that hangs is asked for twice", a_read_that_hangs_is_asked_for_twice},
        {"Retry-After is obeyed", retry_after_is_obeyed},
        {"a stalled read ends when it must", a_stalled_read_ends_when_it_must},
    };
    const char *endpoint = getenv("AWS_ENDPOINT_URL");
    if (argc != 2 || !endpoint || strncmp(endpoint, "http://", 7)) {
        puts("skipped: no S3 server; run it with tests/ceph/with.sh");
        return 77;
    }
    struct bench b = {.proxy_program = argv[1], .server = endpoint + 7, .bytes = mem_alloc(PART)};
    random_bytes(b.bytes, PART);
    make_bucket(&b);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].run(&b);
        printf("ok %s\n", tests[i].name);
        fflush(stdout);
    }
    free(b.bucket), free(b.bytes);
    return 0;
}
