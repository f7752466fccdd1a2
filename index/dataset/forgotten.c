// SPDX-License-Identifier: Apache-2.0
/* Each object of a series holds all that is forgotten of its versions, so only the last one is read; who adds
 * to it and finds that somebody was faster adds to what that one has written. */
#include "index/dataset/forgotten.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/json.h"

struct block {
    uint32_t first, seq;
    struct forgetting *list;
    size_t count, cap;
};

struct forgotten {
    struct layout *layout;
    pthread_mutex_t lock; /* guards what follows */
    bool listed;          /* the store lists, and what it listed was read */
    uint32_t looked; /* else: of the blocks below this number it is known that they have been asked for */
    struct block *blocks; /* by first */
    size_t count, cap;
};

void forgetting_done(struct forgetting *forgetting)
{
    free(forgetting->author);
    free(forgetting->message);
    *forgetting = (struct forgetting){0};
}

static void block_done(struct block *block)
{
    for (size_t i = 0; i < block->count; i++)
        forgetting_done(&block->list[i]);
    free(block->list);
    *block = (struct block){0};
}

struct forgotten *forgotten_new(struct layout *layout)
{
    struct forgotten *forgotten = MEM_NEW(struct forgotten);
    forgotten->layout = layout;
    pthread_mutex_init(&forgotten->lock, NULL);
    return forgotten;
}

void forgotten_free(struct forgotten *forgotten)
{
    if (!forgotten)
        return;
    for (size_t i = 0; i < forgotten->count; i++)
        block_done(&forgotten->blocks[i]);
    free(forgotten->blocks);
    pthread_mutex_destroy(&forgotten->lock);
    free(forgotten);
}

static uint32_t block_of(uint32_t version)
{
    return version / FORGOTTEN_BLOCK * FORGOTTEN_BLOCK;
}

static struct block *find_locked(struct forgotten *forgotten, uint32_t first)
{
    for (size_t i = 0; i < forgotten->count; i++)
        if (forgotten->blocks[i].first == first)
            return &forgotten->blocks[i];
    return NULL;
}

static uint32_t known_seq(struct forgotten *forgotten, uint32_t first)
{
    pthread_mutex_lock(&forgotten->lock);
    const struct block *block = find_locked(forgotten, first);
    uint32_t seq = block ? block->seq : 0;
    pthread_mutex_unlock(&forgotten->lock);
    return seq;
}

/* Takes the block. */
static void keep(struct forgotten *forgotten, struct block *block)
{
    pthread_mutex_lock(&forgotten->lock);
    struct block *old = find_locked(forgotten, block->first);
    if (!old) {
        mem_grow(&forgotten->blocks, &forgotten->cap, forgotten->count + 1, sizeof *forgotten->blocks);
        size_t at = forgotten->count++;
        for (; at && forgotten->blocks[at - 1].first > block->first; at--)
            forgotten->blocks[at] = forgotten->blocks[at - 1];
        forgotten->blocks[at] = *block;
        *block = (struct block){0};
    } else if (old->seq < block->seq) {
        struct block unused = *old;
        *old = *block;
        *block = unused;
    }
    pthread_mutex_unlock(&forgotten->lock);
    block_done(block);
}

static bool find_in(const struct block *block, uint32_t version, struct forgetting *ret)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct forgetting *one = &block->list[i];
        if (version < one->first || version > one->last)
            continue;
        if (ret) {
            *ret = *one;
            ret->author = mem_text(one->author);
            ret->message = mem_text(one->message);
        }
        return true;
    }
    return false;
}

bool forgotten_find(struct forgotten *forgotten, uint32_t version, struct forgetting *ret)
{
    pthread_mutex_lock(&forgotten->lock);
    const struct block *block = find_locked(forgotten, block_of(version));
    bool found = block && find_in(block, version, ret);
    pthread_mutex_unlock(&forgotten->lock);
    return found;
}

size_t forgotten_series(struct forgotten *forgotten, struct manifest_forgets **ret)
{
    size_t kept = 0;
    pthread_mutex_lock(&forgotten->lock);
    *ret = mem_alloc((forgotten->count + 1) * sizeof **ret);
    for (size_t i = 0; i < forgotten->count; i++)
        if (forgotten->blocks[i].seq)
            (*ret)[kept++] = (struct manifest_forgets){forgotten->blocks[i].first, forgotten->blocks[i].seq};
    pthread_mutex_unlock(&forgotten->lock);
    return kept;
}

/* ---- an object of a series ---- */

static int read_one(const struct json *json, uint32_t first, struct forgetting *ret)
{
    const struct json *from = json_get(json, "first"), *to = json_get(json, "last");
    const char *time = json_get_text(json, "time"), *author = json_get_text(json, "author"),
               *message = json_get_text(json, "message");
    int64_t low = json_as_integer(from), high = json_as_integer(to);
    if (json_kind(from) != JSON_KIND_INTEGER || json_kind(to) != JSON_KIND_INTEGER || low < 1 ||
        low < first || high < low || high >= (int64_t)first + FORGOTTEN_BLOCK || !time || !author || !message)
        return -EUCLEAN;
    *ret = (struct forgetting){.first = (uint32_t)low, .last = (uint32_t)high};
    if (instant_parse(time, strlen(time), &ret->time_ns))
        return -EUCLEAN;
    ret->author = mem_text(author);
    ret->message = mem_text(message);
    manifest_clean_text(ret->author);
    manifest_clean_text(ret->message);
    return 0;
}

static int read_block(const struct buf *bytes, struct block *block)
{
    CLEANUP_JSON struct json *json = NULL;
    int rc = json_parse("", bytes->data, bytes->len, &json, NULL);
    const struct json *list = json_get(json, "forgotten");
    if (rc < 0 || json_kind(list) != JSON_KIND_ARRAY)
        return -EUCLEAN;
    for (size_t i = 0; !rc && i < json_count(list); i++) {
        mem_grow(&block->list, &block->cap, block->count + 1, sizeof *block->list);
        rc = read_one(json_at(list, i), block->first, &block->list[block->count]);
        block->count += !rc;
    }
    return rc;
}

static void print_one(struct buf *buf, const struct forgetting *one)
{
    CLEANUP_BUF struct buf time = BUF_INIT;
    instant_print(&time, one->time_ns);
    buf_printf(buf, "  {\"first\": %u, \"last\": %u, \"time\": \"%s\", \"author\": ", one->first, one->last,
               buf_text(&time));
    json_write_text(buf, one->author, strlen(one->author));
    buf_text_append(buf, ", \"message\": ");
    json_write_text(buf, one->message, strlen(one->message));
    buf_text_append(buf, "}");
}

static void print_block(struct buf *buf, const struct block *block)
{
    buf_text_append(buf, "{\"forgotten\": [\n");
    for (size_t i = 0; i < block->count; i++) {
        buf_text_append(buf, i ? ",\n" : "");
        print_one(buf, &block->list[i]);
    }
    buf_text_append(buf, "]}\n");
}

/* ---- reading ---- */

/* What stands at the end of a series that moved. Where that is damaged its versions are not forgotten: that
 * they can be read harms nobody. */
static void keep_moved(struct forgotten *forgotten, const struct series_list *series)
{
    for (size_t i = 0; i < series->count; i++) {
        const struct series *one = &series->list[i];
        struct block block = {.first = (uint32_t)strtoul(one->name, NULL, 10), .seq = one->seq};
        if (!one->moved)
            continue;
        if (read_block(&one->bytes, &block) < 0) {
            block_done(&block);
            block = (struct block){.first = (uint32_t)strtoul(one->name, NULL, 10), .seq = one->seq};
        }
        keep(forgotten, &block);
    }
}

/* The canonical decimal of the first version of a block, else UINT32_MAX. */
static uint32_t parse_first(const char *name)
{
    char text[16];
    unsigned long first = strspn(name, "0123456789") < 8 ? strtoul(name, NULL, 10) : UINT32_MAX;
    snprintf(text, sizeof text, "%lu", first);
    return strcmp(text, name) != 0 || first > MANIFEST_VERSION_MAX || first % FORGOTTEN_BLOCK
               ? UINT32_MAX
               : (uint32_t)first;
}

/* How far the manifest says that a block goes; 0: it says nothing. */
static uint32_t said_seq(const struct manifest *newest, uint32_t first)
{
    for (size_t i = 0; newest && i < newest->forgets_count; i++)
        if (newest->forgets[i].first == first)
            return newest->forgets[i].seq;
    return 0;
}

static uint32_t listed_seq(const struct series_list *listed, uint32_t first)
{
    for (size_t i = 0; i < listed->count; i++)
        if (parse_first(listed->list[i].name) == first)
            return listed->list[i].seq;
    return 0;
}

/* The manifest may be newer than the listing, which was begun before: what it names in addition is read. */
static void take_listed(struct forgotten *forgotten, const struct manifest *newest,
                        const struct series_list *listed, struct series_list *ret)
{
    for (size_t i = 0; i < listed->count; i++) {
        const struct series *one = &listed->list[i];
        uint32_t first = parse_first(one->name);
        if (first != UINT32_MAX && known_seq(forgotten, first) < one->seq &&
            said_seq(newest, first) <= one->seq)
            series_add_listed(ret, one);
    }
    for (size_t i = 0; newest && i < newest->forgets_count; i++) {
        char name[16];
        uint32_t first = newest->forgets[i].first, said = newest->forgets[i].seq;
        snprintf(name, sizeof name, "%u", first);
        if (said > known_seq(forgotten, first) && said > listed_seq(listed, first))
            series_add(ret, name, said - 1, true);
    }
}

/* Without a listing: each that there may be, from what the manifest says on. */
static void take_possible(struct forgotten *forgotten, const struct manifest *newest, struct series_list *ret)
{
    size_t said = 0;
    for (uint32_t first = 0; newest && first <= newest->version; first += FORGOTTEN_BLOCK) {
        char name[16];
        uint32_t seq = known_seq(forgotten, first);
        while (said < newest->forgets_count && newest->forgets[said].first < first)
            said++;
        bool news = said < newest->forgets_count && newest->forgets[said].first == first &&
                    newest->forgets[said].seq > seq;
        snprintf(name, sizeof name, "%u", first);
        series_add(ret, name, news ? newest->forgets[said].seq - 1 : seq, news);
    }
}

static void note_loaded(struct forgotten *forgotten, const struct manifest *newest, bool listed)
{
    uint32_t blocks = newest ? newest->version / FORGOTTEN_BLOCK + 1 : 0;
    pthread_mutex_lock(&forgotten->lock);
    forgotten->listed |= listed;
    if (forgotten->looked < blocks)
        forgotten->looked = blocks;
    pthread_mutex_unlock(&forgotten->lock);
}

bool forgotten_is_loaded(struct forgotten *forgotten, const struct manifest *newest)
{
    bool loaded = true;
    for (size_t i = 0; loaded && i < newest->forgets_count; i++)
        loaded = known_seq(forgotten, newest->forgets[i].first) >= newest->forgets[i].seq;
    pthread_mutex_lock(&forgotten->lock);
    loaded = loaded && (forgotten->listed || newest->version / FORGOTTEN_BLOCK < forgotten->looked);
    pthread_mutex_unlock(&forgotten->lock);
    return loaded;
}

/* Refused: a policy from before there was such a folder. Nothing is forgotten, then, for who reads. */
static int follow(struct forgotten *forgotten, struct series_list *series, struct error *err)
{
    struct error why = {0};
    int rc = series_follow(forgotten->layout, SERIES_FORGOTTEN, series, &why);
    if (rc < 0 && rc != -EACCES)
        return error_copy(err, &why);
    keep_moved(forgotten, series);
    return 0;
}

int forgotten_load(struct forgotten *forgotten, const struct manifest *newest, struct series_listing *listing,
                   struct error *err)
{
    CLEANUP_SERIES struct series_list series = {0};
    const struct series_list *listed = NULL;
    struct error list_err = {0};
    int rc = series_listed(listing, SERIES_FORGOTTEN, &listed, &list_err);
    bool lists = rc >= 0;
    if (rc < 0 && rc != -EACCES && rc != -ENOTSUP)
        return error_copy(err, &list_err);
    if (lists)
        take_listed(forgotten, newest, listed, &series);
    else
        take_possible(forgotten, newest, &series);
    rc = follow(forgotten, &series, err);
    if (!rc)
        note_loaded(forgotten, newest, lists);
    return rc;
}

/* A listing costs more than some GETs. */
int forgotten_look(struct forgotten *forgotten, const struct manifest *newest, struct error *err)
{
    enum { GETS = 4 };
    bool few = !newest || newest->version / FORGOTTEN_BLOCK < GETS;
    struct series_listing *listing = few ? NULL : series_listing_begin(forgotten->layout);
    int rc = forgotten_load(forgotten, newest, listing, err);
    series_listing_free(listing);
    return rc;
}

/* ---- writing ---- */

/* What is known of a block, with `what` added where it says something new; 0: it does not. */
static bool add_to(struct forgotten *forgotten, const struct forgetting *what, struct block *ret)
{
    bool news = false;
    pthread_mutex_lock(&forgotten->lock);
    const struct block *known = find_locked(forgotten, ret->first);
    size_t count = known ? known->count : 0;
    ret->seq = known ? known->seq : 0;
    ret->list = mem_zero((count + FORGOTTEN_BLOCK) * sizeof *ret->list);
    for (; ret->count < count; ret->count++) {
        const struct forgetting *one = &known->list[ret->count];
        ret->list[ret->count] = *one;
        ret->list[ret->count].author = mem_text(one->author);
        ret->list[ret->count].message = mem_text(one->message);
    }
    for (uint32_t version = what->first; version <= what->last; version++) {
        if (known && find_in(known, version, NULL))
            continue;
        struct forgetting *last = ret->count > count ? &ret->list[ret->count - 1] : NULL;
        news = true;
        if (last && last->last + 1 == version) {
            last->last = version;
            continue;
        }
        ret->list[ret->count++] = (struct forgetting){.first = version,
                                                      .last = version,
                                                      .time_ns = what->time_ns,
                                                      .author = mem_text(what->author),
                                                      .message = mem_text(what->message)};
    }
    pthread_mutex_unlock(&forgotten->lock);
    return news;
}

static int put_block(struct forgotten *forgotten, const struct block *block, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    char name[16], path[LAYOUT_PATH_BYTES];
    snprintf(name, sizeof name, "%u", block->first);
    series_path(SERIES_FORGOTTEN, name, block->seq + 1, path);
    print_block(&text, block);
    if (text.len > SERIES_BYTES_MAX)
        return error_set(err, E2BIG,
                         "%s: so many versions were forgotten with messages of their own that there is no "
                         "room for this one: give a shorter one",
                         store_url(forgotten->layout->store));
    return store_put(forgotten->layout->store, path, text.data, text.len, STORE_PUT_IF_ABSENT, NULL, err);
}

/* 1: it is to be looked at again, as there is more than was known: ours, or what somebody else has added. */
static int put_once(struct forgotten *forgotten, const struct forgetting *what, struct error *err)
{
    CLEANUP_SERIES struct series_list series = {0};
    struct block block = {.first = block_of(what->first)};
    struct error why = {0};
    char name[16];
    snprintf(name, sizeof name, "%u", block.first);
    int rc = add_to(forgotten, what, &block) ? 1 : 0;
    series_add(&series, name, block.seq, false);
    if (rc)
        rc = put_block(forgotten, &block, &why);
    else {
        block_done(&block);
        return 0;
    }
    block_done(&block);
    if (rc < 0 && rc != -EEXIST)
        return error_copy(err, &why);
    rc = series_follow(forgotten->layout, SERIES_FORGOTTEN, &series, err);
    if (rc < 0)
        return rc;
    if (!series.list[0].moved)
        return error_set(err, EIO, "%s/elidefs/series/forgotten/%s: what was written there cannot be read",
                         store_url(forgotten->layout->store), name);
    keep_moved(forgotten, &series);
    return 1;
}

int forgotten_put(struct forgotten *forgotten, const struct forgetting *what, struct error *err)
{
    int rc = 0;
    for (uint32_t first = what->first; rc >= 0 && first <= what->last;) {
        struct forgetting part = *what;
        uint32_t end = block_of(first) + FORGOTTEN_BLOCK - 1;
        part.first = first;
        part.last = what->last < end ? what->last : end;
        while ((rc = put_once(forgotten, &part, err)) > 0)
            ;
        first = end + 1;
    }
    return rc;
}
