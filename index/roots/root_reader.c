// SPDX-License-Identifier: Apache-2.0
/* What the decorator over places asks is looked up in tables that nobody changes, or that lock themselves. */
#include "index/roots/root_reader.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"

struct memory {
    uint32_t root;
    size_t count;
    char **urls;
    struct root_pins **pins;
    struct learnt *learnt;
};

static bool find(void *ctx, const char *path, const char *was, struct store_found *ret)
{
    struct memory *m = ctx;
    const struct learnt_object object = {m->root, path, was};
    struct learnt_place at;
    if (!learnt_find(m->learnt, &object, m->urls, m->count, &at))
        return false;
    ret->place = at.place;
    memcpy(ret->pin, at.pin, sizeof ret->pin);
    return true;
}

static bool recorded(void *ctx, size_t place, const char *path, struct store_object *was)
{
    struct memory *m = ctx;
    return root_pins_find(m->pins[place], path, was);
}

static void learnt(void *ctx, const char *path, struct store_object *was)
{
    struct memory *m = ctx;
    const struct learnt_object object = {m->root, path, was->pin};
    if (!evidence_known_whole(&was->evidence, was->size))
        was->evidence.whole = learnt_whole(m->learnt, &object, was->evidence.sha256);
}

static void found(void *ctx, const char *path, const char *was, const struct store_found *now,
                  enum evidence_grounds grounds)
{
    struct memory *m = ctx;
    const struct learnt_object object = {m->root, path, was};
    learnt_keep(m->learnt, &object, m->urls[now->place], now->pin, grounds);
}

static void memory_free(void *ctx)
{
    struct memory *m = ctx;
    for (size_t i = 0; i < m->count; i++) {
        free(m->urls[i]);
        root_pins_unref(m->pins[i]);
    }
    free(m->urls);
    free(m->pins);
    learnt_unref(m->learnt);
    free(m);
}

struct store *root_reader_new(struct stores *stores, const struct root_reader_options *options)
{
    static const struct store_places_memory memory = {
        .find = find, .recorded = recorded, .learnt = learnt, .found = found, .free = memory_free};
    size_t count = options->count;
    CLEANUP_FREE struct store_place *at = mem_zero(count * sizeof *at);
    CLEANUP_BUF struct buf to_accept = BUF_INIT;
    struct memory *m = MEM_NEW(struct memory);
    *m = (struct memory){.root = options->root, .count = count, .learnt = learnt_ref(options->learnt)};
    m->urls = mem_zero(count * sizeof *m->urls);
    m->pins = mem_zero(count * sizeof *m->pins);
    for (size_t i = 0; i < count; i++) {
        at[i] = options->places[i].at;
        m->urls[i] = mem_text(options->places[i].url);
        m->pins[i] = root_pins_ref(options->places[i].pins);
    }
    buf_text_append(&to_accept, "elidefs root accept ");
    escape_shell(&to_accept, options->dataset);
    return store_places_new(stores, &(struct store_places_options){.places = at,
                                                                   .count = count,
                                                                   .memory = &memory,
                                                                   .ctx = m,
                                                                   .owner = options->uuid,
                                                                   .left_out = options->left_out,
                                                                   .to_accept = buf_text(&to_accept)});
}
