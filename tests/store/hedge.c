// SPDX-License-Identifier: Apache-2.0
/* Reads that hang and are asked for twice: injected faults above a local folder. A plain program, so that it
 * also runs under ThreadSanitizer. */
#include <pthread.h>

#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/fault.h"
#include "cache/store/retry.h"
#include "tests/store/check.h"

enum { BIG = 3 << 20, WARM = 3 * LATENCY_ENOUGH };
static const int64_t MS = 1000000, LONG_NS = INT64_C(3600) * 1000000000;

struct place {
    char *folder;
    struct stores *stores;
    struct store *fault; /* owned by `store` */
    struct store *store; /* retry, hedge -> fault -> local */
    struct store_object object;
    uint8_t *big;
};

static const struct fault_plan none = {.kind = FAULT_NONE};

static void read_back(const struct place *p, const struct store_object *pinned, uint64_t offset, size_t len)
{
    struct error err;
    uint8_t *back = mem_alloc(len);
    OK(store_read(p->store, "big", pinned, offset, len, back, &err));
    CHECK(!memcmp(back, p->big + offset, len), "other bytes at %llu", (unsigned long long)offset);
    free(back);
}

/* Reads until it is known how long one takes. */
static void place_init(struct place *p, unsigned percent)
{
    struct error err;
    struct store *local;
    *p = (struct place){.big = mem_alloc(BIG)};
    random_bytes(p->big, BIG);
    OK(file_make_temp_folder(NULL, "elidefs-hedge", &p->folder, &err));
    OK(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &p->stores, &err));
    OK(store_open(p->stores, p->folder, &local, &err));
    p->fault = store_fault_new(local, &none);
    p->store = retry_new(p->fault);
    struct hedge *hedge = retry_hedge(p->store);
    hedge->least_ns = 1 * MS;
    hedge->still_ns = 20 * MS;
    hedge->percent = percent;
    OK(store_put(p->store, "big", p->big, BIG, STORE_PUT_REPLACE, NULL, &err));
    OK(store_put(p->store, "empty", "", 0, STORE_PUT_REPLACE, NULL, &err));
    OK(store_head(p->store, "big", &p->object, &err));
    for (int i = 0; i < WARM; i++)
        read_back(p, &p->object, 0, 1000);
}

static void place_done(struct place *p)
{
    struct error err;
    store_unref(p->store);
    stores_free(p->stores);
    OK(file_remove_tree(p->folder, &err));
    free(p->folder), free(p->big);
}

static uint64_t hedges(const struct place *p)
{
    struct store_stats stats;
    stores_stats(p->stores, &stats);
    return stats.hedges;
}

static void one_that_does_not_begin_is_asked_for_again(void)
{
    struct place p;
    place_init(&p, 100);
    uint64_t before = hedges(&p);
    store_fault_set(p.fault,
                    &(struct fault_plan){.kind = FAULT_DELAY, .first = 1, .count = 1, .delay_ns = LONG_NS});
    read_back(&p, &p.object, 100, BIG - 100);
    CHECK(hedges(&p) > before, "nothing was asked for twice");
    CHECK(store_fault_calls(p.fault) == 2, "%u calls", store_fault_calls(p.fault));
    place_done(&p);
}

static void one_that_stands_still_goes_on_where_it_was(void)
{
    for (int pinned = 0; pinned < 2; pinned++) {
        struct place p;
        place_init(&p, 100);
        retry_hedge(p.store)->least_ns = LONG_NS; /* its one second request is for the standstill */
        retry_hedge(p.store)->still_ns = 500 * MS;
        uint64_t before = hedges(&p);
        store_fault_set(
            p.fault, &(struct fault_plan){.kind = FAULT_STALL, .first = 1, .count = 1, .at_byte = 1500000});
        read_back(&p, pinned ? &p.object : NULL, 7, BIG - 7);
        CHECK(hedges(&p) > before, "nothing was asked for twice");
        place_done(&p);
    }
}

static void an_empty_object_has_a_pin_all_the_same(void)
{
    struct error err;
    struct place p;
    struct buf buf = BUF_INIT;
    struct store_object object = {.size = 1};
    place_init(&p, 100);
    store_fault_set(p.fault,
                    &(struct fault_plan){.kind = FAULT_DELAY, .first = 1, .count = 1, .delay_ns = LONG_NS});
    OK(store_read_all(p.store, "empty", 10, &buf, &object, &err));
    CHECK(buf.len == 0 && object.size == 0 && *object.pin, "size %llu, pin '%s'",
          (unsigned long long)object.size, object.pin);
    buf_done(&buf);
    place_done(&p);
}

static void what_is_not_there_is_not_there_twice(void)
{
    struct error err;
    struct place p;
    uint8_t byte;
    place_init(&p, 100);
    store_fault_set(p.fault,
                    &(struct fault_plan){.kind = FAULT_DELAY, .first = 1, .count = 1, .delay_ns = 100 * MS});
    FAILS(ENOENT, "nothing", store_read(p.store, "nothing", NULL, 0, 1, &byte, &err));
    place_done(&p);
}

static void where_all_is_slow_only_the_budget_is_spent(void)
{
    struct place p;
    place_init(&p, 5);
    store_fault_set(p.fault, &(struct fault_plan){
                                 .kind = FAULT_DELAY, .first = 1, .count = UINT32_MAX, .delay_ns = 60 * MS});
    for (int i = 0; i < 40; i++)
        read_back(&p, &p.object, 0, 1000);
    CHECK(hedges(&p) <= (WARM + 40) * 5 / 100, "%llu were asked for twice", (unsigned long long)hedges(&p));
    place_done(&p);
}

/* ---- cancelling ---- */

struct one {
    struct store_get get;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    int rc;
};

static void drop(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
}

static void on_done(struct store_get *get, int rc, const struct error *err)
{
    struct one *one = get->ctx;
    pthread_mutex_lock(&one->lock);
    one->done = true;
    one->rc = rc;
    pthread_cond_signal(&one->changed);
    pthread_mutex_unlock(&one->lock);
}

static void both_can_be_cancelled(void)
{
    struct place p;
    struct one one = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    place_init(&p, 100);
    uint64_t before = hedges(&p);
    store_fault_set(p.fault, &(struct fault_plan){.kind = FAULT_STALL, .first = 1, .count = UINT32_MAX});
    one.get = (struct store_get){.path = "big",
                                 .size = BIG,
                                 .len = BIG,
                                 .pin = p.object.pin,
                                 .ctx = &one,
                                 .deadline_ns = clock_now_ns() + LONG_NS,
                                 .on_data = drop,
                                 .on_done = on_done};
    store_get_start(p.store, &one.get);
    while (hedges(&p) == before)
        nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
    pthread_mutex_lock(&one.lock);
    store_get_cancel(p.store, &one.get);
    while (!one.done)
        pthread_cond_wait(&one.changed, &one.lock);
    pthread_mutex_unlock(&one.lock);
    CHECK(one.rc == -ECANCELED, "%d", one.rc);
    place_done(&p);
}

/* ---- many at once ---- */

static void *read_many(void *ctx)
{
    const struct place *p = ctx;
    for (int i = 0; i < 60; i++) {
        uint32_t random[2];
        random_bytes(random, sizeof random);
        size_t len = 1 + random[1] % 300000;
        read_back(p, i & 1 ? &p->object : NULL, random[0] % (BIG - len), len);
    }
    return NULL;
}

static void many_at_once_get_their_own_bytes(void)
{
    static const struct fault_plan plans[] = {
        {.kind = FAULT_DELAY, .first = 10, .count = 30, .delay_ns = 50 * 1000000},
        {.kind = FAULT_TRUNCATE, .first = 5, .count = 60, .at_byte = 70000},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct place p;
        pthread_t threads[4];
        place_init(&p, 100);
        retry_backoff(p.store)->base_ns = 1000;
        store_fault_set(p.fault, &plans[i]);
        for (int t = 0; t < 4; t++)
            CHECK(!pthread_create(&threads[t], NULL, read_many, &p), "no thread");
        for (int t = 0; t < 4; t++)
            pthread_join(threads[t], NULL);
        place_done(&p);
    }
}

int main(void)
{
    one_that_does_not_begin_is_asked_for_again();
    one_that_stands_still_goes_on_where_it_was();
    an_empty_object_has_a_pin_all_the_same();
    what_is_not_there_is_not_there_twice();
    where_all_is_slow_only_the_budget_is_spent();
    both_can_be_cancelled();
    many_at_once_get_their_own_bytes();
    return 0;
}
