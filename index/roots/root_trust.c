// SPDX-License-Identifier: Apache-2.0
/* Which places this user lets the data set read, and what he is told of the others: all of them at once, so
 * that one command settles it. Words from outside are quoted in it: it is meant to be pasted into a shell. */
#include <errno.h>
#include <string.h>

#include "cache/base/escape.h"
#include "index/roots/root_state.h"
#include "index/roots/trust.h"

static bool is_own(const struct roots *roots, const struct root_place *place)
{
    return place->store == roots->layout->store;
}

static int is_trusted(const struct roots *roots, const char *url, struct error *err)
{
    return strmap_find(roots->trust, url, strlen(url)) ? 1 : trust_check(roots->uuid, url, err);
}

int roots_trust(struct roots *roots, const char *url, struct error *err)
{
    struct root_place place CLEANUP(root_place_done) = {0};
    if (roots_locate(roots, url, &place, NULL) < 0)
        return ROOT_FOREIGN;
    if (is_own(roots, &place))
        return ROOT_OWN;
    int rc = is_trusted(roots, store_url(place.store), err);
    return rc < 0 ? rc : rc ? ROOT_TRUSTED : ROOT_FOREIGN;
}

/* ---- telling ---- */

struct places { /* outside the data set, each once */
    struct roots *roots;
    bool foreign_only; /* of roots that have no place that may be read */
    struct strmap *urls;
};

static void add_place(struct places *places, const char *url)
{
    strmap_put(places->urls, url, strlen(url), NULL);
}

int roots_allows(struct roots *roots, const struct root_place *place, struct error *err)
{
    return is_own(roots, place) ? 1 : is_trusted(roots, store_url(place->store), err);
}

/* 1: the root has a place that may be read, 0 or -errno. A URL that cannot be opened here is told when the
 * root is opened. */
static int has_allowed(const struct places *places, const char *const *urls, size_t count, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        struct root_place place CLEANUP(root_place_done) = {0};
        if (!roots_locate(places->roots, urls[i], &place, NULL))
            rc = roots_allows(places->roots, &place, err);
    }
    return rc;
}

static int take_places(void *ctx, uint32_t id, const char *const *urls, size_t count, struct error *err)
{
    struct places *places = ctx;
    (void)id;
    int rc = places->foreign_only ? has_allowed(places, urls, count, err) : 0;
    if (rc)
        return rc < 0 ? rc : 0;
    for (size_t i = 0; i < count; i++) {
        struct root_place place CLEANUP(root_place_done) = {0};
        if (!roots_locate(places->roots, urls[i], &place, NULL) && !is_own(places->roots, &place))
            add_place(places, store_url(place.store));
    }
    return 0;
}

static int refuse(const struct places *places, struct error *err)
{
    CLEANUP_BUF struct buf own = BUF_INIT, text = BUF_INIT;
    size_t count = strmap_count(places->urls);
    escape_shell(&own, store_url(places->roots->layout->store));
    const char *set = buf_text(&own), *first = strmap_at(places->urls, 0)->key;
    if (count == 1)
        buf_printf(&text, "%s reads from %s, which lies outside it and which you have not trusted", set,
                   first);
    else
        buf_printf(&text, "%s reads from %zu places outside it which you have not trusted", set, count);
    size_t told = text.len;
    buf_printf(&text,
               "; for one mount there is -o trust=URL; to trust %s from now on, type: elidefs trust %s",
               count == 1 ? "it" : "them", set);
    for (size_t i = 0; i < count && text.len < ERROR_TEXT_BYTES; i++) {
        buf_u8(&text, ' ');
        escape_shell(&text, strmap_at(places->urls, i)->key);
    }
    if (text.len >= ERROR_TEXT_BYTES) { /* half a command is none */
        buf_truncate(&text, told);
        buf_printf(&text, "; to see them, type: elidefs trust %s", set);
    }
    return error_set(err, EPERM, "%s", buf_text(&text));
}

int roots_check_trust(struct roots *roots, struct error *err)
{
    CLEANUP_STRMAP struct strmap *urls = strmap_new();
    struct places places = {.roots = roots, .foreign_only = true, .urls = urls};
    int rc = roots_each(roots, take_places, &places, err);
    return rc || !strmap_count(urls) ? rc : refuse(&places, err);
}

int roots_allow(struct roots *roots, const struct root_place *place, struct error *err)
{
    int rc = roots_allows(roots, place, err);
    if (rc)
        return rc < 0 ? rc : 0;
    CLEANUP_STRMAP struct strmap *urls = strmap_new();
    struct places places = {.roots = roots, .foreign_only = true, .urls = urls};
    add_place(&places, store_url(place->store));
    roots_load_once(roots, NULL); /* a damaged one is no reason not to say this */
    rc = roots_each(roots, take_places, &places, err);
    return rc ? rc : refuse(&places, err);
}

int roots_find(struct roots *roots, const char *url, struct error *err)
{
    CLEANUP_BUF struct buf list = BUF_INIT;
    CLEANUP_STRMAP struct strmap *urls = strmap_new();
    const char *own = store_url(roots->layout->store);
    struct root_place place CLEANUP(root_place_done) = {0};
    struct places places = {.roots = roots, .urls = urls};
    int rc = roots_each(roots, take_places, &places, err);
    if (rc || strmap_find(urls, url, strlen(url)))
        return rc;
    if (!roots_locate(roots, url, &place, NULL) && is_own(roots, &place))
        return error_set(err, ENOENT, "%s lies in the data set, which needs nobody's trust to read it", url);
    for (size_t i = 0; i < strmap_count(urls); i++)
        buf_printf(&list, "%s%s", i ? ", " : "", strmap_at(urls, i)->key);
    if (!list.len)
        return error_set(err, ENOENT, "%s does not read from %s, nor anywhere else outside it", own, url);
    return error_set(err, ENOENT, "%s does not read from %s: outside it, it reads from %s", own, url,
                     buf_text(&list));
}
