// SPDX-License-Identifier: Apache-2.0
/* An object that lies in one of several places: found where it is, once for all who wait, and never another
 * in its place. A plain program, so that it also runs under ThreadSanitizer. */

#include "cache/store/places.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"
#include "cache/base/strmap.h"
#include "cache/store/fault.h"
#include "tests/store/check.h"
#include "tests/store/watched.h"

enum { SIZE = 3 << 20, PLACES = 3, READERS = 16 };

static struct error err;

/* Whoever remembers: a table, as index/learnt.c is one. */
struct memory {
    pthread_mutex_t lock;
    struct strmap *found; /* path -> place + 1 */
    char pin[STORE_PIN_BYTES];
    atomic_uint told;
};

static bool find(void *ctx, const char *path, const char *was, struct store_found *ret)
{
    struct memory *m = ctx;
    (void)was;
    pthread_mutex_lock(&m->lock);
    const struct strmap_entry *entry = strmap_find(m->found, path, strlen(path));
    if (entry) {
        ret->place = entry->value - 1;
        memcpy(ret->pin, m->pin, sizeof ret->pin);
    }
    pthread_mutex_unlock(&m->lock);
    return entry != NULL;
}

static bool recorded(void *ctx, size_t place, const char *path, struct store_object *was)
{
    (void)ctx, (void)place, (void)path, (void)was;
    return false;
}

static void learnt(void *ctx, const char *path, struct store_object *was)
{
    (void)ctx, (void)path, (void)was;
}

static void found(void *ctx, const char *path, const char *was, const struct store_found *now,
                  enum evidence_grounds grounds)
{
    struct memory *m = ctx;
    (void)was, (void)grounds;
    pthread_mutex_lock(&m->lock);
    strmap_put(m->found, path, strlen(path), NULL)->value = now->place + 1;
    memcpy(m->pin, now->pin, sizeof m->pin);
    pthread_mutex_unlock(&m->lock);
    atomic_fetch_add(&m->told, 1);
}

static void keep(void *ctx)
{
    (void)ctx; /* it belongs to the test */
}

static const struct store_places_memory ops = {
    .find = find, .recorded = recorded, .learnt = learnt, .found = found, .free = keep};

struct world {
    char *folder;
    struct stores *stores;
    struct store *faults[PLACES], *store; /* one of three folders, each with faults that may be planned */
    struct memory memory;
    struct store_object was;
    uint8_t *bytes;
};

static void make_world(struct world *w)
{
    static const struct fault_plan none = {0};
    struct store_place places[PLACES];
    *w = (struct world){.bytes = mem_alloc(SIZE)};
    for (size_t i = 0; i < SIZE; i++)
        w->bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    OK(file_make_temp_folder(NULL, "elidefs-places", &w->folder, &err));
    OK(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &w->stores, &err));
    pthread_mutex_init(&w->memory.lock, NULL);
    w->memory.found = strmap_new();
    for (size_t i = 0; i < PLACES; i++) {
        CLEANUP_FREE char *folder = mem_printf("%s/%zu", w->folder, i);
        struct store *local;
        OK(mkdir(folder, 0700));
        OK(store_open(w->stores, folder, &local, &err));
        w->faults[i] = store_fault_new(local, &none);
        places[i] = (struct store_place){w->faults[i], i == 1 ? "sub/" : ""};
    }
    w->store = store_places_new(w->stores,
                                &(struct store_places_options){.places = places,
                                                               .count = PLACES,
                                                               .memory = &ops,
                                                               .ctx = &w->memory,
                                                               .owner = "me",
                                                               .left_out = "elsewhere was not looked into",
                                                               .to_accept = "accept"});
    OK(store_put(w->faults[0], "run", w->bytes, SIZE, STORE_PUT_REPLACE, &w->was, &err));
    OK(evidence_take(w->faults[0], "run", &w->was, &w->was.evidence, &err));
    OK(evidence_take_whole(w->faults[0], "run", &w->was, &w->was.evidence, &err));
}

static void free_world(struct world *w)
{
    store_unref(w->store);
    for (size_t i = 0; i < PLACES; i++)
        store_unref(w->faults[i]);
    stores_free(w->stores);
    strmap_free(w->memory.found);
    pthread_mutex_destroy(&w->memory.lock);
    OK(file_remove_tree(w->folder, &err));
    free(w->folder), free(w->bytes);
}

/* The file goes from the first place to another. */
static void move(struct world *w, const char *to, const void *bytes)
{
    OK(store_remove(w->faults[0], "run", &err));
    OK(store_put(w->faults[to[0] - '0'], to + 2, bytes, SIZE, STORE_PUT_REPLACE, NULL, &err));
}

static int read_some(struct world *w, uint64_t at, size_t len, struct error *why)
{
    CLEANUP_FREE uint8_t *got = mem_alloc(len);
    int rc = store_read(w->store, "run", &w->was, at, len, got, why);
    if (!rc)
        CHECK(!memcmp(got, w->bytes + at, len), "other bytes at %llu", (unsigned long long)at);
    return rc;
}

/* ---- one reader ---- */

static void where_it_lay_it_is_read_and_nobody_is_asked(void)
{
    struct world w;
    make_world(&w);
    OK(read_some(&w, 100, 5000, &err));
    CHECK(!atomic_load(&w.memory.told), "something was looked for");
    free_world(&w);
}

static void it_is_found_at_another_place_and_that_is_kept(void)
{
    static const char *const to[] = {"1/sub/run", "2/run"};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        make_world(&w);
        move(&w, to[i], w.bytes);
        OK(read_some(&w, 100, SIZE - 100, &err));
        OK(read_some(&w, 0, 10, &err));
        CHECK(atomic_load(&w.memory.told) == 1, "found %u times", atomic_load(&w.memory.told));
        free_world(&w);
    }
}

static void a_place_that_is_away_is_passed_over(void)
{
    struct world w;
    make_world(&w);
    move(&w, "2/run", w.bytes);
    store_fault_set(w.faults[1],
                    &(struct fault_plan){.kind = FAULT_FAIL, .first = 1, .count = UINT32_MAX, .code = EIO});
    OK(read_some(&w, 0, SIZE, &err));
    free_world(&w);
}

static void another_file_of_its_name_is_not_it(void)
{
    struct world w;
    struct error why = {0};
    make_world(&w);
    w.bytes[SIZE / 2] ^= 1;
    move(&w, "2/run", w.bytes);
    w.bytes[SIZE / 2] ^= 1;
    CHECK(read_some(&w, 0, 10, &why) == -ESTALE, "%s", why.text);
    CHECK(strstr(why.text, "other bytes") && strstr(why.text, "elsewhere was not looked into"), "%s",
          why.text);
    unsigned calls = store_fault_calls(w.faults[2]);
    CHECK(read_some(&w, 0, 10, &why) == -ESTALE, "%s", why.text);
    calls = store_fault_calls(w.faults[2]) - calls;
    CHECK(calls <= 2, "%u calls: it is read again to be refused again", calls);
    free_world(&w);
}

static void what_is_nowhere_is_not_there(void)
{
    struct world w;
    struct error why = {0};
    make_world(&w);
    OK(store_remove(w.faults[0], "run", &err));
    CHECK(read_some(&w, 0, 10, &why) == -ENOENT, "%s", why.text);
    CHECK(strstr(why.text, "in none of 3 places"), "%s", why.text);
    free_world(&w);
}

static void a_read_goes_on_when_its_file_is_touched_in_the_middle(void)
{
    struct world w;
    struct stat st;
    make_world(&w);
    CLEANUP_FREE char *path = mem_printf("%s/0/run", w.folder);
    OK(stat(path, &st));
    OK(chmod(path, 0600));
    OK(read_some(&w, 0, SIZE, &err));
    CHECK(atomic_load(&w.memory.told) == 1, "found %u times", atomic_load(&w.memory.told));
    free_world(&w);
}

/* ---- several ---- */

struct reader {
    struct world *world;
    uint64_t at;
    pthread_t thread;
};

static void *read_on(void *ctx)
{
    struct reader *reader = ctx;
    struct error why = {0};
    OK(read_some(reader->world, reader->at, 4096, &why));
    return NULL;
}

static void all_who_wait_for_it_wait_for_one_search(void)
{
    struct world w;
    struct reader readers[READERS];
    make_world(&w);
    move(&w, "2/run", w.bytes);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.world = &w, .at = i * 4096};
        CHECK(!pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), "no thread");
    }
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i].thread, NULL);
    unsigned told = atomic_load(&w.memory.told);
    CHECK(told >= 1 && told < READERS, "found %u times", told);
    free_world(&w);
}

/* While its object is looked for at a place that is slow. */
static void a_read_that_is_given_up_ends_though_its_object_is_still_looked_for(void)
{
    struct world w;
    make_world(&w);
    move(&w, "2/run", w.bytes);
    store_fault_set(w.faults[1], &(struct fault_plan){.kind = FAULT_DELAY,
                                                      .first = 1,
                                                      .count = UINT32_MAX,
                                                      .delay_ns = INT64_C(300000000)});
    struct watched read = {
        .get = {.path = "run", .pin = w.was.pin, .evidence = &w.was.evidence, .size = SIZE, .len = 10}};
    pthread_mutex_init(&read.lock, NULL);
    pthread_cond_init(&read.change, NULL);
    read.get.on_data = watched_data;
    read.get.on_done = watched_done;
    read.get.ctx = &read;
    store_get_start(w.store, &read.get);
    usleep(50000);
    pthread_mutex_lock(&read.lock); /* the caller's: it serialises the end and a cancel */
    CHECK(!read.done, "it was found before it was given up");
    store_get_cancel(w.store, &read.get);
    while (!read.done)
        pthread_cond_wait(&read.change, &read.lock);
    pthread_mutex_unlock(&read.lock);
    CHECK(read.rc == -ECANCELED, "%d", read.rc);
    OK(read_some(&w, 0, 10, &err)); /* others find it all the same */
    free_world(&w);
}

static atomic_uint ends;

static void count_done(struct store_get *get, int rc, const struct error *why)
{
    atomic_fetch_add(&ends, 1);
    watched_done(get, rc, why);
}

/* The search has failed, and the end of the read waits for the caller, who gives it up at that moment. */
static void a_read_that_is_given_up_when_its_search_fails_ends_once(void)
{
    struct world w;
    make_world(&w);
    OK(store_remove(w.faults[0], "run", &err));
    struct watched read = {
        .get = {.path = "run", .pin = w.was.pin, .evidence = &w.was.evidence, .size = SIZE, .len = 10}};
    pthread_mutex_init(&read.lock, NULL);
    pthread_cond_init(&read.change, NULL);
    read.get.on_data = watched_data;
    read.get.on_done = count_done;
    read.get.ctx = &read;
    pthread_mutex_lock(&read.lock); /* the caller's: it serialises the end and a cancel */
    store_get_start(w.store, &read.get);
    while (store_fault_calls(w.faults[2]) == 0) /* the last place is being asked */
        usleep(1000);
    usleep(50000);
    if (!read.done)
        store_get_cancel(w.store, &read.get);
    while (!read.done)
        pthread_cond_wait(&read.change, &read.lock);
    pthread_mutex_unlock(&read.lock);
    free_world(&w); /* waits for all threads */
    CHECK(atomic_load(&ends) == 1, "it ended %u times", atomic_load(&ends));
}

int main(void)
{
    where_it_lay_it_is_read_and_nobody_is_asked();
    it_is_found_at_another_place_and_that_is_kept();
    a_place_that_is_away_is_passed_over();
    another_file_of_its_name_is_not_it();
    what_is_nowhere_is_not_there();
    a_read_goes_on_when_its_file_is_touched_in_the_middle();
    all_who_wait_for_it_wait_for_one_search();
    a_read_that_is_given_up_ends_though_its_object_is_still_looked_for();
    a_read_that_is_given_up_when_its_search_fails_ends_once();
    return 0;
}
