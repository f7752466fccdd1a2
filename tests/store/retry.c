// SPDX-License-Identifier: Apache-2.0
/* The retry decorator above injected faults above a local folder: the 1st, 2nd, 3rd ... call fails, until a
 * run has fewer calls than that. A plain program, so that it also runs under ThreadSanitizer. */

#include "cache/store/retry.h"
#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/fault.h"
#include "tests/store/check.h"
#include "tests/store/watched.h"

enum { BIG = 3 << 20, PART = 5 << 20 };

static struct error err;

struct place {
    char *folder;
    struct stores *stores;
    struct store *fault; /* owned by `store` */
    struct store *store; /* retry -> fault -> local */
    uint8_t *big, *back;
};

static void place_init(struct place *p, const struct fault_plan *plan)
{
    struct store *local;
    *p = (struct place){.big = mem_alloc(PART), .back = mem_alloc(PART)};
    random_bytes(p->big, PART);
    OK(file_make_temp_folder(NULL, "elidefs-retry", &p->folder, &err));
    OK(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &p->stores, &err));
    OK(store_open(p->stores, p->folder, &local, &err));
    p->fault = store_fault_new(local, plan);
    p->store = retry_new(p->fault);
    struct backoff *backoff = retry_backoff(p->store);
    backoff->base_ns = 1000;
    backoff->most_ns = 100000;
}

static void place_done(struct place *p)
{
    store_unref(p->store);
    stores_free(p->stores);
    OK(file_remove_tree(p->folder, &err));
    free(p->folder), free(p->big), free(p->back);
}

/* ---- a bit of everything ---- */

static int count_objects(void *ctx, const char *path, const struct store_object *object,
                         struct error *ret_err)
{
    ++*(int *)ctx;
    return 0;
}

static int write_upload(struct place *p)
{
    struct store_upload *upload;
    int rc = store_upload_begin(p->store, "up", &upload, &err);
    if (rc < 0)
        return rc;
    rc = store_upload_part(upload, p->big, PART, &err);
    if (!rc)
        rc = store_upload_part(upload, "end", 3, &err);
    if (!rc)
        return store_upload_finish(upload, NULL, &err);
    store_upload_abort(upload);
    return rc;
}

static int write_things(struct place *p)
{
    int rc = store_put(p->store, "big", p->big, BIG, STORE_PUT_REPLACE, NULL, &err);
    if (!rc)
        rc = store_put(p->store, "once", "mine", 4, STORE_PUT_IF_ABSENT, NULL, &err);
    if (rc == -EEXIST) /* a lost reply: reading tells whose it is */
        rc = 0;
    return rc ? rc : write_upload(p);
}

static int read_things(struct place *p)
{
    struct store_object object;
    struct buf buf = BUF_INIT;
    int count = 0, rc = store_head(p->store, "big", &object, &err);
    if (!rc)
        rc = store_read(p->store, "big", &object, 100, BIG - 200, p->back, &err);
    CHECK(rc || !memcmp(p->back, p->big + 100, BIG - 200), "other bytes");
    if (!rc)
        rc = store_read_all(p->store, "big", BIG, &buf, &object, &err);
    CHECK(rc || (buf.len == BIG && !memcmp(buf.data, p->big, BIG) && object.size == BIG), "other bytes: %zu",
          buf.len);
    if (!rc)
        rc = store_read(p->store, "up", NULL, PART, 3, p->back, &err);
    CHECK(rc || !memcmp(p->back, "end", 3), "other bytes");
    if (!rc)
        rc = store_list(p->store, "", count_objects, &count, &err);
    CHECK(rc || count == 3, "%d objects", count);
    if (!rc)
        rc = store_remove(p->store, "once", &err);
    buf_done(&buf);
    return rc;
}

static int run_script(struct place *p)
{
    int rc = write_things(p);
    return rc ? rc : read_things(p);
}

/* ---- tests ---- */

static void one_fault_of_each_call_is_cured(void)
{
    static const struct fault_plan plans[] = {
        {.kind = FAULT_FAIL, .code = EAGAIN},         {.kind = FAULT_LOST},
        {.kind = FAULT_TRUNCATE, .at_byte = 1500000}, {.kind = FAULT_TRUNCATE, .at_byte = 0},
        {.kind = FAULT_DELAY, .delay_ns = 100000},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        unsigned n = 0, calls;
        do {
            struct place p;
            struct fault_plan plan = plans[i];
            struct store_stats stats;
            plan.first = ++n;
            plan.count = 1;
            place_init(&p, &plan);
            int rc = run_script(&p);
            CHECK(!rc, "plan %zu, call %u: %s", i, n, err.text);
            calls = store_fault_calls(p.fault);
            stores_stats(p.stores, &stats);
            CHECK(plan.kind != FAULT_FAIL || n > calls || stats.retries == 1,
                  "plan %zu, call %u: %llu retries", i, n, (unsigned long long)stats.retries);
            place_done(&p);
        } while (n <= calls);
        CHECK(n > 10, "only %u calls", n);
    }
}

static void a_fault_that_stays_is_told_and_leaves_nothing(void)
{
    unsigned n = 0, calls;
    do {
        struct place p;
        place_init(&p,
                   &(struct fault_plan){.kind = FAULT_FAIL, .first = ++n, .count = UINT32_MAX, .code = EIO});
        int rc = run_script(&p);
        calls = store_fault_calls(p.fault);
        CHECK(n > calls || rc == -EIO, "call %u: %d", n, rc);
        CHECK(n > calls || strstr(err.text, "a fault on purpose"), "%s", err.text);
        place_done(&p);
    } while (n <= calls);
}

static void giving_up_says_how_often_it_tried(void)
{
    struct place p;
    struct store_object object;
    place_init(&p, &(struct fault_plan){.kind = FAULT_FAIL, .first = 1, .count = UINT32_MAX, .code = EAGAIN});
    FAILS(EIO, "(tried 8 times)", store_head(p.store, "big", &object, &err));
    FAILS(EIO, "(tried 8 times)", store_read(p.store, "big", NULL, 0, 3, p.back, &err));
    retry_backoff(p.store)->tokens_most = retry_backoff(p.store)->tokens = 2;
    retry_backoff(p.store)->token_every_ns = INT64_MAX / 2;
    FAILS(EIO, "too many requests fail", store_head(p.store, "big", &object, &err));
    place_done(&p);
}

static void nobody_there_is_told_sooner_until_somebody_was(void)
{
    struct place p;
    struct store_object object;
    struct fault_plan plan = {.kind = FAULT_FAIL, .first = 1, .count = UINT32_MAX, .code = ECONNREFUSED};
    place_init(&p, &plan);
    FAILS(EIO, "(tried 5 times)", store_head(p.store, "x", &object, &err));
    FAILS(EIO, "(tried 5 times)", store_read(p.store, "x", NULL, 0, 1, p.back, &err));
    store_fault_set(p.fault, &(struct fault_plan){.kind = FAULT_NONE});
    OK(store_put(p.store, "x", "1", 1, STORE_PUT_REPLACE, NULL, &err));
    store_fault_set(p.fault, &plan);
    FAILS(EIO, "(tried 8 times)", store_head(p.store, "x", &object, &err));
    FAILS(EIO, "(tried 8 times)", store_read(p.store, "x", NULL, 0, 1, p.back, &err));
    place_done(&p);
}

static void refused_credentials_are_renewed_once(void)
{
    struct place p;
    struct store_object object;
    place_init(&p, &(struct fault_plan){.kind = FAULT_FAIL, .first = 2, .count = 1, .code = EKEYEXPIRED});
    OK(store_put(p.store, "x", "1", 1, STORE_PUT_REPLACE, NULL, &err));
    OK(store_head(p.store, "x", &object, &err));
    store_fault_set(p.fault,
                    &(struct fault_plan){.kind = FAULT_FAIL, .first = 1, .count = 2, .code = EKEYEXPIRED});
    FAILS(EACCES, "a fault on purpose", store_head(p.store, "x", &object, &err));
    store_fault_set(p.fault,
                    &(struct fault_plan){.kind = FAULT_FAIL, .first = 1, .count = 2, .code = EKEYEXPIRED});
    FAILS(EACCES, "a fault on purpose", store_read(p.store, "x", NULL, 0, 1, p.back, &err));
    place_done(&p);
}

static void a_stalled_read_ends_at_its_deadline_when_cancelled_and_when_stopped(void)
{
    for (enum watched_end how = WATCHED_DEADLINE; how <= WATCHED_STOP; how++) {
        struct place p;
        place_init(&p,
                   &(struct fault_plan){.kind = FAULT_STALL, .first = 2, .count = UINT32_MAX, .at_byte = 10});
        OK(store_put(p.store, "big", p.big, BIG, STORE_PUT_REPLACE, NULL, &err));
        struct watched w = {.get = {.path = "big", .size = BIG, .len = BIG}};
        w.get.deadline_ns = clock_now_ns() + (how ? 3600 : 0) * INT64_C(1000000000) + 20000000;
        int rc = watched_run(&w, p.store, p.stores, 10, how);
        CHECK(rc == (how ? -ECANCELED : -ETIMEDOUT) && (how ? w.got == 10 : w.got <= 10),
              "case %d: %d after %llu bytes", how, rc, (unsigned long long)w.got);
        place_done(&p);
    }
}

static void waiting_for_the_next_try_ends_when_cancelled_and_when_stopped(void)
{
    for (enum watched_end how = WATCHED_CANCEL; how <= WATCHED_STOP; how++) {
        struct place p;
        place_init(
            &p, &(struct fault_plan){.kind = FAULT_TRUNCATE, .first = 2, .count = UINT32_MAX, .at_byte = 10});
        retry_backoff(p.store)->base_ns = retry_backoff(p.store)->most_ns = INT64_C(3600000000000);
        OK(store_put(p.store, "big", p.big, BIG, STORE_PUT_REPLACE, NULL, &err));
        struct watched w = {.get = {.path = "big", .size = BIG, .len = BIG}};
        w.get.deadline_ns = clock_now_ns() + INT64_C(7200000000000);
        int rc = watched_run(&w, p.store, p.stores, 10, how);
        CHECK(rc == -ECANCELED, "case %d: %d", how, rc);
        place_done(&p);
    }
}

static void a_flipped_bit_passes_the_store_unseen(void)
{
    struct place p;
    place_init(&p, &(struct fault_plan){.kind = FAULT_CORRUPT, .first = 2, .count = 1, .at_byte = 1});
    OK(store_put(p.store, "x", "abc", 3, STORE_PUT_REPLACE, NULL, &err));
    OK(store_read(p.store, "x", NULL, 0, 3, p.back, &err));
    CHECK(!memcmp(p.back, "acc", 3), "%.3s", p.back);
    place_done(&p);
}

int main(void)
{
    one_fault_of_each_call_is_cured();
    a_fault_that_stays_is_told_and_leaves_nothing();
    giving_up_says_how_often_it_tried();
    nobody_there_is_told_sooner_until_somebody_was();
    refused_credentials_are_renewed_once();
    a_stalled_read_ends_at_its_deadline_when_cancelled_and_when_stopped();
    waiting_for_the_next_try_ends_when_cancelled_and_when_stopped();
    a_flipped_bit_passes_the_store_unseen();
    return 0;
}
