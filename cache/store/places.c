// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing is asked of a place before a read fails there, so what lies where it lay costs a look into a table.
 * Objects that were refused are remembered by the pin they had then: as long as they have it they are not
 * read again to be refused again.
 */
#include "cache/store/places.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/base/strmap.h"
#include "cache/store/ops.h"
#include "cache/store/stores.h"

enum { REFUSED_KEPT = 1 << 16 };
static const int64_t AFTER_SETTLING_NS = INT64_C(60000000000), AWAY_NS = INT64_C(300000000000);

struct refused {
    int code;
    char *why;
};

struct place {
    struct store *store;
    char *prefix;
    _Atomic int64_t away_until_ns; /* nobody answered: where there are others they are asked first */
};

struct places {
    struct store base;
    struct place *list;
    size_t count;
    const struct store_places_memory *memory;
    void *ctx;
    char *left_out, *to_accept, *owner;
    pthread_mutex_t lock; /* guards what follows, and what reads say of being parked */
    struct settling *settlings;
    struct strmap *refused; /* place, sizes, pins and path; value: struct refused, owned */
};

/* A read. */
struct placed {
    struct store_get get; /* at a place */
    struct store_get *outer;
    struct places *places; /* a reference */
    char *path;            /* at the place */
    size_t place;
    uint64_t at; /* how far it has come */
    bool settled, parked, cancelled;
    struct placed *next;
};

/* An object that is being looked for, and the reads that wait for it. */
struct settling {
    struct places *places; /* a reference */
    char *path;
    struct store_object was;
    struct placed *parked;
    struct settling *next;
};

static struct places *places_of(struct store *store)
{
    return (struct places *)store;
}

/* ---- looking for an object ---- */

static char *refusal_key(size_t place, const struct store_object *now, const struct settling *s)
{
    return mem_printf("%zu\n%llu %s\n%s\n%s", place, (unsigned long long)now->size, now->pin, s->was.pin,
                      s->path);
}

static bool was_refused(struct places *places, const char *what, struct error *err)
{
    pthread_mutex_lock(&places->lock);
    const struct strmap_entry *entry = strmap_find(places->refused, what, strlen(what));
    const struct refused *refused = entry ? (const struct refused *)entry->value : NULL;
    if (refused)
        error_set(err, refused->code, "%s", refused->why);
    pthread_mutex_unlock(&places->lock);
    return refused != NULL;
}

static void forget_refused(struct strmap *map)
{
    for (size_t i = 0; i < strmap_count(map); i++) {
        struct refused *refused = (struct refused *)strmap_at(map, i)->value;
        free(refused->why);
        free(refused);
    }
    strmap_free(map);
}

static void keep_refused(struct places *places, const char *what, const struct error *err)
{
    bool is_new;
    pthread_mutex_lock(&places->lock);
    if (strmap_count(places->refused) >= REFUSED_KEPT) {
        forget_refused(places->refused);
        places->refused = strmap_new();
    }
    struct strmap_entry *entry = strmap_put(places->refused, what, strlen(what), &is_new);
    if (is_new)
        entry->value =
            (uintptr_t)mem_copy(&(struct refused){err->code, mem_text(err->text)}, sizeof(struct refused));
    pthread_mutex_unlock(&places->lock);
}

/* As what was recorded for this place, or for one that it may have been copied from, else as it was imported.
 * 1, 0 or -errno. */
static int judge(const struct settling *s, size_t number, const struct store_object *now,
                 enum evidence_grounds *ret, struct error *err)
{
    struct places *places = s->places;
    const struct place *place = &places->list[number];
    CLEANUP_FREE char *path = mem_printf("%s%s", place->prefix, s->path);
    struct store_object was = s->was;
    bool recorded = false;
    int rc = 0;
    for (size_t k = 0; k < places->count && !recorded; k++)
        recorded = places->memory->recorded(places->ctx, (number + k) % places->count, s->path, &was);
    if (recorded)
        rc = evidence_judge(place->store, path, &was, now, ret, err);
    return rc ? rc : evidence_judge(place->store, path, &s->was, now, ret, err);
}

static bool is_away(const struct place *place)
{
    return clock_now_ns() < atomic_load(&place->away_until_ns);
}

static void note_answer(struct place *place, int rc)
{
    if (rc == -EIO || rc == -ETIMEDOUT)
        atomic_store(&place->away_until_ns, clock_now_ns() + AWAY_NS);
    else if (rc != -ECANCELED)
        atomic_store(&place->away_until_ns, 0);
}

static void advise(const struct places *places, const struct store *store, const char *path,
                   struct error *err)
{
    CLEANUP_FREE char *url = mem_printf("%s/%s", store_url(store), path);
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (!places->to_accept)
        return;
    buf_printf(&text, "%s; if it is what was imported all the same, type: %s ", err->text, places->to_accept);
    escape_shell(&text, url);
    if (text.len < ERROR_TEXT_BYTES) /* half a command is none */
        error_set(err, err->code, "%s", buf_text(&text));
}

/* 1: it lies at this place, 0: it does not, or cannot be asked for. */
static int look_at(const struct settling *s, size_t number, struct store_found *ret,
                   enum evidence_grounds *ret_grounds, struct error *err)
{
    struct place *place = &s->places->list[number];
    CLEANUP_FREE char *path = mem_printf("%s%s", place->prefix, s->path);
    struct store_object now;
    int rc = store_head(place->store, path, &now, err);
    note_answer(place, rc);
    if (rc < 0)
        return rc == -ECANCELED ? rc : 0;
    CLEANUP_FREE char *key = refusal_key(number, &now, s);
    if (was_refused(s->places, key, err))
        return 0;
    rc = judge(s, number, &now, ret_grounds, err);
    if (!rc && *ret_grounds == EVIDENCE_UNPROVED)
        advise(s->places, place->store, path, err);
    if (!rc)
        keep_refused(s->places, key, err);
    if (rc == 1) {
        ret->place = number;
        memcpy(ret->pin, now.pin, sizeof ret->pin);
    }
    return rc < 0 && rc != -ECANCELED ? 0 : rc;
}

/* What is told of several places: the first that has the object, else the first. */
static void tell(struct error *err, const struct error *here, bool first)
{
    bool better = here->code == ESTALE && err->code != ESTALE;
    if (first || better)
        *err = *here;
}

/* 0 and where it lies, or -errno. */
static int look_for(const struct settling *s, struct store_found *ret, struct error *err)
{
    const struct places *places = s->places;
    enum evidence_grounds grounds = EVIDENCE_PIN;
    bool away[STORE_PLACES_MAX], any = false;
    int rc = 0;
    for (size_t i = 0; i < places->count; i++)
        away[i] = is_away(&places->list[i]);
    for (size_t k = 0; !rc && k < 2 * places->count; k++) { /* those that were away a moment ago come last */
        size_t i = k % places->count;
        struct error here = {0};
        if (away[i] != (k >= places->count))
            continue;
        rc = look_at(s, i, ret, &grounds, &here);
        if (rc < 0)
            return error_copy(err, &here);
        if (!rc)
            tell(err, &here, !any);
        any = true;
    }
    if (rc == 1) {
        places->memory->found(places->ctx, s->path, s->was.pin, ret, grounds);
        return 0;
    }
    if (places->count > 1)
        error_prefix(err, "in none of %zu places", places->count);
    const struct error told = *err;
    return places->left_out ? error_set(err, told.code, "%s; %s", told.text, places->left_out) : -told.code;
}

/* ---- reads ---- */

static void placed_free(struct placed *placed)
{
    struct places *places = placed->places;
    free(placed->path);
    free(placed);
    store_unref(&places->base);
}

static void end(struct placed *placed, int rc, const struct error *err)
{
    placed->outer->on_done(placed->outer, rc, err);
    placed_free(placed);
}

static void start_at(struct placed *placed, const struct store_found *found)
{
    struct places *places = placed->places;
    const struct place *place = &places->list[found->place];
    free(placed->path);
    placed->path = mem_printf("%s%s", place->prefix, placed->outer->path);
    placed->place = found->place;
    placed->get.path = placed->path;
    placed->get.state = NULL;
    store_get_start(place->store, &placed->get);
}

/* `pin` lives in the read: a request keeps what it was given. */
struct pinned_at {
    struct placed placed; /* first */
    struct store_found found;
};

static void go_on(struct placed *placed, const struct store_found *found)
{
    struct pinned_at *at = (struct pinned_at *)placed;
    const struct store_get *outer = placed->outer;
    int64_t least = clock_now_ns() + AFTER_SETTLING_NS;
    at->found = *found;
    placed->settled = true;
    placed->get.pin = at->found.pin;
    placed->get.offset = placed->at;
    placed->get.len = outer->offset + outer->len - placed->at;
    placed->get.deadline_ns = outer->deadline_ns > least ? outer->deadline_ns : least;
    start_at(placed, &at->found);
}

static void unlink_locked(struct settling *s)
{
    struct settling **at = &s->places->settlings;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
}

static void settle(void *ctx)
{
    struct settling *s = ctx;
    struct places *places = s->places;
    struct store_found found;
    struct error err = {0};
    places->memory->learnt(places->ctx, s->path, &s->was);
    int rc = look_for(s, &found, &err);
    pthread_mutex_lock(&places->lock);
    unlink_locked(s);
    struct placed *parked = s->parked;
    for (struct placed *p = parked; p; p = p->next)
        p->parked =
            false; /* who is given up from here on finds nothing that runs, and it ends all the same */
    while (!rc && parked) {
        struct placed *placed = parked;
        parked = placed->next;
        go_on(placed, &found);
    }
    pthread_mutex_unlock(&places->lock);
    while (parked) {
        struct placed *placed = parked;
        parked = placed->next;
        end(placed, rc, &err);
    }
    free(s->path);
    free(s);
    store_unref(&places->base);
}

static void park_locked(struct placed *placed, struct workers *settlers)
{
    struct places *places = placed->places;
    const struct store_get *outer = placed->outer;
    struct settling *s = places->settlings;
    while (s && (strcmp(s->path, outer->path) != 0 || strcmp(s->was.pin, outer->pin) != 0 ||
                 s->was.size != outer->size))
        s = s->next;
    placed->parked = true;
    placed->get.state = NULL; /* its request has ended */
    if (s) {
        placed->next = s->parked;
        s->parked = placed;
        return;
    }
    s = MEM_NEW(struct settling);
    *s = (struct settling){.places = places,
                           .path = mem_text(outer->path),
                           .was = {.size = outer->size},
                           .parked = placed,
                           .next = places->settlings};
    snprintf(s->was.pin, sizeof s->was.pin, "%s", outer->pin);
    if (outer->evidence)
        s->was.evidence = *outer->evidence;
    placed->next = NULL;
    places->settlings = s;
    store_ref(&places->base);
    workers_submit(settlers, settle, s);
}

/* Would looking for the object help? A place that is away is passed over where there is another. */
static bool wants_settling(const struct placed *placed, int rc)
{
    const struct store_get *outer = placed->outer;
    if (placed->settled || !outer->pin || outer->size == UINT64_MAX || rc == -ECANCELED)
        return false;
    return rc == -ESTALE || rc == -EINVAL || placed->places->count > 1 || placed->places->left_out;
}

static void on_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct placed *placed = get->ctx;
    placed->at = offset + len;
    placed->outer->on_data(placed->outer, offset, bytes, len);
}

static void on_done(struct store_get *get, int rc, const struct error *err)
{
    struct placed *placed = get->ctx;
    struct places *places = placed->places;
    struct workers *settlers = NULL;
    bool settles =
        rc < 0 && wants_settling(placed, rc) && !stores_settlers(places->base.stores, &settlers, NULL);
    pthread_mutex_lock(&places->lock);
    settles = settles && !placed->cancelled;
    if (settles)
        park_locked(placed, settlers);
    pthread_mutex_unlock(&places->lock);
    if (!settles)
        end(placed, rc, err);
}

/* Where the object is asked for first: true if it was found there before. */
static bool aim(const struct places *places, const struct store_get *outer, struct store_found *ret)
{
    struct store_object was = {.size = outer->size};
    if (places->memory->find(places->ctx, outer->path, outer->pin, ret))
        return true;
    snprintf(was.pin, sizeof was.pin, "%s", outer->pin);
    places->memory->recorded(places->ctx, 0, outer->path, &was);
    ret->place = 0;
    memcpy(ret->pin, was.pin, sizeof ret->pin);
    return false;
}

/* Nobody waits for a place that did not answer a moment ago, where there are others. */
static bool park_at_once(struct placed *placed)
{
    struct places *places = placed->places;
    struct workers *settlers;
    if (places->count < 2 || !is_away(&places->list[0]) || placed->outer->size == UINT64_MAX ||
        stores_settlers(places->base.stores, &settlers, NULL))
        return false;
    pthread_mutex_lock(&places->lock);
    park_locked(placed, settlers);
    pthread_mutex_unlock(&places->lock);
    return true;
}

static void get_start(struct store *store, struct store_get *outer)
{
    struct places *places = places_of(store);
    struct pinned_at *at = MEM_NEW(struct pinned_at);
    struct placed *placed = &at->placed;
    store_ref(store);
    *placed = (struct placed){.get = *outer, .outer = outer, .places = places, .at = outer->offset};
    placed->get.on_data = on_data;
    placed->get.on_done = on_done;
    placed->get.ctx = placed;
    outer->state = placed;
    if (outer->pin) {
        bool found = aim(places, outer, &at->found);
        placed->get.pin = at->found.pin;
        if (!found && park_at_once(placed))
            return;
    }
    start_at(placed, &at->found);
}

static void end_cancelled(void *ctx)
{
    struct error err = {.code = ECANCELED, .text = "the read was cancelled"};
    end(ctx, -ECANCELED, &err);
}

/* Nobody waits for an object that takes long to be looked for. */
static void leave_locked(struct placed *placed)
{
    for (struct settling *s = placed->places->settlings; s; s = s->next) {
        struct placed **at = &s->parked;
        while (*at && *at != placed)
            at = &(*at)->next;
        if (*at)
            *at = placed->next;
    }
}

static void get_cancel(struct store *store, struct store_get *outer)
{
    struct placed *placed = outer->state;
    struct places *places = places_of(store);
    pthread_mutex_lock(&places->lock);
    bool parked = placed->parked && !placed->cancelled;
    placed->cancelled = true;
    if (parked)
        leave_locked(placed);
    else if (!placed->parked)
        store_get_cancel(places->list[placed->place].store, &placed->get);
    pthread_mutex_unlock(&places->lock);
    if (parked)
        workers_submit(stores_workers(store->stores), end_cancelled, placed);
}

/* ---- the rest of a store ---- */

static int head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    const struct places *places = places_of(store);
    struct error first = {0};
    for (size_t i = 0; i < places->count; i++) {
        CLEANUP_FREE char *at = mem_printf("%s%s", places->list[i].prefix, path);
        struct error here = {0};
        if (!store_head(places->list[i].store, at, ret, &here))
            return 0;
        tell(&first, &here, !i);
    }
    return error_copy(err, &first);
}

static void identity(const struct store *store, const char *path, struct buf *buf)
{
    const struct places *places = (const struct places *)store;
    CLEANUP_FREE char *at = mem_printf("%s%s", places->list[0].prefix, path);
    store_object_identity(places->list[0].store, at, buf);
    buf_printf(buf, " %s", places->owner);
}

static void places_free(struct store *store)
{
    struct places *places = places_of(store);
    for (size_t i = 0; i < places->count; i++) {
        store_unref(places->list[i].store);
        free(places->list[i].prefix);
    }
    forget_refused(places->refused);
    places->memory->free(places->ctx);
    pthread_mutex_destroy(&places->lock);
    free(places->list);
    free(places->left_out);
    free(places->to_accept);
    free(places->owner);
    free(places);
}

static const struct store_ops places_ops = {.name = "places",
                                            .free = places_free,
                                            .get_start = get_start,
                                            .get_cancel = get_cancel,
                                            .head = head,
                                            .identity = identity};

static char *url_of(const struct store_place *place)
{
    size_t prefix = strlen(place->prefix);
    const char *url = store_url(place->store);
    return prefix ? mem_printf("%s/%.*s", url, (int)prefix - 1, place->prefix) : mem_text(url);
}

struct store *store_places_new(struct stores *stores, const struct store_places_options *options)
{
    struct places *places = MEM_NEW(struct places);
    store_init(&places->base, &places_ops, stores, url_of(&options->places[0]));
    places->base.local = store_is_local(options->places[0].store);
    places->base.read_only = true;
    places->memory = options->memory;
    places->ctx = options->ctx;
    places->left_out = options->left_out ? mem_text(options->left_out) : NULL;
    places->to_accept = options->to_accept ? mem_text(options->to_accept) : NULL;
    places->owner = mem_text(options->owner);
    places->list = mem_zero(options->count * sizeof *places->list);
    places->count = options->count;
    places->refused = strmap_new();
    pthread_mutex_init(&places->lock, NULL);
    for (size_t i = 0; i < options->count; i++)
        places->list[i] = (struct place){.store = store_ref(options->places[i].store),
                                         .prefix = mem_text(options->places[i].prefix)};
    return &places->base;
}
