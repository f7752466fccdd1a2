// SPDX-License-Identifier: Apache-2.0
/* Reads that wait: single flight, early bytes, errors, cancelling, deadlines. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cache/base/instant.h"
#include "tests/cache/test_place.h"
#include "tests/test_leaks.h"

enum { READERS = 100 };

/* A read whose end can be waited for. */
struct asked {
    struct cache_read read; /* first */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned ends;
    int rc;
    struct error err;
    uint8_t *bytes;
    pthread_t thread; /* that ended it */
};

static void asked_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct asked *asked = (struct asked *)read;
    pthread_mutex_lock(&asked->lock);
    asked->ends++;
    asked->rc = rc;
    asked->thread = pthread_self();
    if (!rc)
        asked->bytes = mem_copy(bytes, read->len);
    else
        asked->err = *err;
    pthread_cond_broadcast(&asked->wake);
    pthread_mutex_unlock(&asked->lock);
}

static void ask(struct asked *asked, struct cache_file *file, uint64_t offset, size_t len)
{
    *asked = (struct asked){.read = {.offset = offset, .len = len, .done = asked_done}};
    pthread_mutex_init(&asked->lock, NULL);
    pthread_cond_init(&asked->wake, NULL);
    cache_read(file, &asked->read);
}

static bool has_ended(struct asked *asked)
{
    pthread_mutex_lock(&asked->lock);
    bool ended = asked->ends > 0;
    pthread_mutex_unlock(&asked->lock);
    return ended;
}

/* Waits for the end; the result's code. */
static int ended(struct asked *asked)
{
    pthread_mutex_lock(&asked->lock);
    while (!asked->ends)
        pthread_cond_wait(&asked->wake, &asked->lock);
    pthread_mutex_unlock(&asked->lock);
    cr_assert_eq(asked->ends, 1);
    return asked->rc;
}

static void asked_free(struct asked *asked)
{
    pthread_mutex_destroy(&asked->lock);
    pthread_cond_destroy(&asked->wake);
    free(asked->bytes);
}

static void expect_end(struct asked *asked, uint64_t seed)
{
    cr_assert_eq(ended(asked), 0, "%s", asked->err.text);
    CLEANUP_FREE uint8_t *want = mem_alloc(asked->read.len);
    test_bytes(seed, asked->read.offset, want, asked->read.len);
    cr_assert(!memcmp(asked->bytes, want, asked->read.len), "at %llu",
              (unsigned long long)asked->read.offset);
    asked_free(asked);
}

struct place {
    char *folder;
    struct test_counts counts;
    struct cache *cache;
    struct cache_file *file;
};

static void place_init(struct place *p, const struct test_source_options *options)
{
    memset(p, 0, sizeof *p);
    p->folder = make_folder();
    p->cache = make_cache(p->folder, CACHE_FILL_EXACT);
    p->file = open_file(p->cache, options, &p->counts);
}

static void place_done(struct place *p)
{
    cache_close(p->file);
    cache_free(p->cache);
    remove_folder(p->folder);
    while (atomic_load(&p->counts.running))
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    check_leaks();
}

Test(waiting, a_hundred_readers_of_one_cold_file_cause_one_fetch)
{
    struct place p;
    struct asked *asked = mem_zero(READERS * sizeof *asked);
    place_init(&p, &(struct test_source_options){.seed = 1, .size = FILE_BYTES, .hold = true});
    for (int i = 0; i < READERS; i++)
        ask(&asked[i], p.file, (uint64_t)i * 100, FILE_BYTES - (size_t)i * 1000);
    cr_assert_eq(p.counts.fills, 1);
    atomic_store(&p.counts.released, true);
    for (int i = 0; i < READERS; i++)
        expect_end(&asked[i], 1);
    cr_assert_eq(p.counts.fills, 1);
    cr_assert_eq(p.counts.bytes, FILE_BYTES);
    free(asked);
    place_done(&p);
}

Test(waiting, overlapping_reads_fetch_each_block_once)
{
    struct place p;
    struct asked asked[3];
    place_init(&p, &(struct test_source_options){.seed = 2, .size = FILE_BYTES, .hold = true});
    ask(&asked[0], p.file, 100000, 50000);
    ask(&asked[1], p.file, 300000, 50000);
    ask(&asked[2], p.file, 0, FILE_BYTES);
    cr_assert_eq(p.counts.fills, 5, "the two, and the three holes around them");
    atomic_store(&p.counts.released, true);
    for (int i = 0; i < 3; i++)
        expect_end(&asked[i], 2);
    cr_assert_eq(p.counts.bytes, FILE_BYTES);
    place_done(&p);
}

/* A source that gives what the test says, when it says. */
struct manual {
    struct cache_source base; /* first */
    struct cache_fill *fill;
    unsigned started, cancelled;
};

static void manual_start(struct cache_source *base, struct cache_fill *fill)
{
    struct manual *manual = (struct manual *)base;
    manual->fill = fill;
    manual->started++;
}

static void manual_cancel(struct cache_source *base, struct cache_fill *fill)
{
    ((struct manual *)base)->cancelled++;
}

static void manual_free(struct cache_source *base)
{
}

static const struct cache_source_ops manual_ops = {
    .start = manual_start, .cancel = manual_cancel, .free = manual_free};

static struct cache_file *open_manual(struct cache *cache, struct manual *manual)
{
    struct cache_file *file = NULL;
    *manual = (struct manual){.base.ops = &manual_ops};
    cr_assert_eq(cache_open(cache, key_a, FILE_BYTES, &manual->base, &file, NULL), 0);
    return file;
}

static void give(struct manual *manual, uint64_t seed, uint64_t offset, size_t len)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(len);
    test_bytes(seed, offset, bytes, len);
    cache_fill_data(manual->fill, offset, bytes, len);
}

Test(waiting, a_reader_waits_for_its_own_bytes_only_and_gets_them_before_the_fill_has_ended)
{
    char *folder = make_folder();
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct manual manual;
    struct asked all, some;
    struct cache_file *file = open_manual(cache, &manual);
    ask(&all, file, 0, FILE_BYTES);
    ask(&some, file, 500000, 1000);
    cr_assert_eq(manual.started, 1);
    give(&manual, 3, 500500, 100000);
    cr_assert_not(has_ended(&some));
    give(&manual, 3, 499000, 1500);
    cr_assert(has_ended(&some), "its last byte is here");
    expect_end(&some, 3);
    cr_assert_not(has_ended(&all));
    uint8_t now[100];
    cr_assert_eq(cache_read_now(file, 550000, 100, now, NULL), 0, "in memory, not on disk");
    cr_assert_eq(cache_read_now(file, 500450, 100, now, NULL), 0, "of two pieces");
    cr_assert_eq(cache_read_now(file, 498950, 100, now, NULL), -EAGAIN);
    give(&manual, 3, 0, 500000); /* some bytes twice */
    give(&manual, 3, 500000, FILE_BYTES - 500000);
    expect_end(&all, 3);
    cache_fill_done(manual.fill, 0, NULL);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

Test(waiting, a_source_that_ends_early_without_an_error_is_an_error)
{
    char *folder = make_folder();
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct manual manual;
    struct asked asked;
    struct cache_file *file = open_manual(cache, &manual);
    ask(&asked, file, 0, 8192);
    give(&manual, 4, 0, 8191);
    cache_fill_done(manual.fill, 0, NULL);
    cr_assert_eq(ended(&asked), -EIO);
    cr_assert(strstr(asked.err.text, "without all bytes"), "%s", asked.err.text);
    asked_free(&asked);
    ask(&asked, file, 0, 4096);
    cr_assert_eq(ended(&asked), 0, "the first block came whole and was kept");
    asked_free(&asked);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

Test(waiting, an_error_reaches_every_waiter_and_a_later_read_succeeds)
{
    struct place p;
    struct asked asked[20];
    place_init(&p, &(struct test_source_options){.seed = 5, .size = FILE_BYTES, .hold = true, .fail_nth = 1});
    for (int i = 0; i < 20; i++)
        ask(&asked[i], p.file, 600000 - (uint64_t)i * 20000, 300000); /* the source gives the first half */
    atomic_store(&p.counts.released, true);
    unsigned failed = 0;
    for (int i = 0; i < 20; i++) {
        if (ended(&asked[i])) {
            cr_assert_eq(asked[i].rc, -EIO);
            cr_assert_str_eq(asked[i].err.text, "the store broke");
            failed++;
        }
        asked_free(&asked[i]);
    }
    cr_assert_geq(failed, 1);
    expect_bytes(p.file, 5, 0, FILE_BYTES);
    place_done(&p);
}

Test(waiting, whichever_fill_fails_the_next_try_gives_the_right_bytes)
{
    for (unsigned nth = 1; nth < 20; nth++) {
        struct place p;
        uint8_t *got = mem_alloc(FILE_BYTES);
        place_init(&p, &(struct test_source_options){
                           .seed = nth, .size = FILE_BYTES, .piece_bytes = 30000, .fail_nth = nth});
        unsigned failures = 0;
        for (int i = 0; i < 10; i++) {
            uint64_t offset = (uint64_t)i * 7 % 10 * 100000;
            if (cache_read_wait(p.file, offset, 100000, got, 0, NULL))
                failures++;
            expect_bytes(p.file, nth, offset, 100000);
        }
        cr_assert_eq(failures, nth <= 10 ? 1 : 0, "fill %u of %u", nth, p.counts.fills);
        cr_assert_geq(p.counts.fills, 10);
        free(got);
        place_done(&p);
    }
}

Test(waiting, a_cancelled_read_ends_and_its_fetch_is_cancelled_when_nobody_else_waits)
{
    struct place p;
    struct asked first, second;
    place_init(&p, &(struct test_source_options){.seed = 6, .size = FILE_BYTES, .hold = true});
    ask(&first, p.file, 0, 50000);
    ask(&second, p.file, 10000, 1000);
    cache_read_cancel(p.file, &first.read);
    cr_assert_eq(ended(&first), -ECANCELED);
    cr_assert_eq(p.counts.cancels, 0, "another read waits");
    cache_read_cancel(p.file, &second.read);
    cr_assert_eq(ended(&second), -ECANCELED);
    cr_assert_eq(p.counts.cancels, 1);
    asked_free(&first), asked_free(&second);
    ask(&first, p.file, 0, 50000); /* joins the dying fetch or makes a new one: the bytes come */
    atomic_store(&p.counts.released, true);
    expect_end(&first, 6);
    place_done(&p);
}

Test(waiting, done_of_a_cancelled_read_does_not_run_inside_the_cancel)
{
    struct place p;
    struct asked asked;
    place_init(&p, &(struct test_source_options){.seed = 6, .size = FILE_BYTES, .hold = true});
    ask(&asked, p.file, 0, 50000);
    pthread_mutex_lock(&asked.lock); /* done() takes it: would deadlock */
    cache_read_cancel(p.file, &asked.read);
    pthread_mutex_unlock(&asked.lock);
    cr_assert_eq(ended(&asked), -ECANCELED);
    cr_assert_not(pthread_equal(asked.thread, pthread_self()));
    asked_free(&asked);
    place_done(&p);
}

Test(waiting, a_warm_read_ends_in_the_calling_thread)
{
    struct place p;
    struct asked asked;
    place_init(&p, &(struct test_source_options){.seed = 7, .size = FILE_BYTES});
    expect_bytes(p.file, 7, 0, 100000);
    ask(&asked, p.file, 1000, 5000);
    cr_assert(has_ended(&asked));
    cr_assert(pthread_equal(asked.thread, pthread_self()));
    expect_end(&asked, 7);
    place_done(&p);
}

Test(waiting, a_deadline_ends_the_wait_and_the_bytes_may_come_later)
{
    struct place p;
    uint8_t got[100];
    struct error err = {0};
    place_init(&p, &(struct test_source_options){.seed = 8, .size = FILE_BYTES, .hold = true});
    int64_t before = clock_now_ns();
    cr_assert_eq(cache_read_wait(p.file, 0, 100, got, before + 20000000, &err), -ETIMEDOUT, "%s", err.text);
    cr_assert_geq(clock_now_ns() - before, 20000000);
    atomic_store(&p.counts.released, true);
    expect_bytes(p.file, 8, 0, 100);
    place_done(&p);
}

Test(waiting, read_now_gives_what_is_here_and_fetches_nothing)
{
    struct place p;
    uint8_t got[5000], want[5000];
    place_init(&p, &(struct test_source_options){.seed = 9, .size = FILE_BYTES});
    cr_assert_eq(cache_read_now(p.file, 4096, 5000, got, NULL), -EAGAIN);
    cr_assert_eq(p.counts.fills, 0);
    expect_bytes(p.file, 9, 4096, 8192);
    cr_assert_eq(cache_read_now(p.file, 5000, 5000, got, NULL), 0);
    test_bytes(9, 5000, want, 5000);
    cr_assert(!memcmp(got, want, 5000));
    cr_assert_eq(cache_read_now(p.file, 8000, 5000, got, NULL), -EAGAIN, "one byte too many");
    cr_assert_eq(p.counts.fills, 1);
    place_done(&p);
}

Test(waiting, stopping_ends_pending_and_new_reads)
{
    struct place p;
    struct asked asked[5];
    uint8_t got[10];
    place_init(&p, &(struct test_source_options){.seed = 10, .size = FILE_BYTES, .hold = true});
    for (int i = 0; i < 5; i++)
        ask(&asked[i], p.file, (uint64_t)i * 100000, 50000);
    cache_stop(p.cache);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(ended(&asked[i]), -ECANCELED);
        asked_free(&asked[i]);
    }
    cr_assert_eq(cache_read_wait(p.file, 0, 10, got, 0, NULL), -ECANCELED);
    place_done(&p);
}

Test(waiting, ranges_outside_the_file_are_refused_and_empty_ones_are_fine)
{
    struct place p;
    uint8_t got[10];
    place_init(&p, &(struct test_source_options){.seed = 11, .size = FILE_BYTES});
    cr_assert_eq(cache_read_wait(p.file, FILE_BYTES - 9, 10, got, 0, NULL), -EINVAL);
    cr_assert_eq(cache_read_wait(p.file, UINT64_MAX, 10, got, 0, NULL), -EINVAL);
    cr_assert_eq(cache_read_wait(p.file, FILE_BYTES, 0, got, 0, NULL), 0);
    expect_bytes(p.file, 11, FILE_BYTES - 10, 10);
    place_done(&p);
}

Test(waiting, a_large_read_is_fetched_in_parts_at_the_same_time)
{
    enum { LARGE = 20 << 20 };
    struct place p;
    struct asked asked;
    place_init(&p, &(struct test_source_options){.seed = 12, .size = LARGE, .hold = true});
    ask(&asked, p.file, 0, LARGE);
    cr_assert_eq(p.counts.fills, 5, "4 MiB each");
    atomic_store(&p.counts.released, true);
    expect_end(&asked, 12);
    place_done(&p);
}
