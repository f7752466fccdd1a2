// SPDX-License-Identifier: Apache-2.0
/* What a commit, or a person, says of roots: ids are reserved, places are written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/roots/root_record.h"
#include "index/roots/root_state.h"

/* ROOT_PLACES_MAX: it has no such place. */
static size_t root_place_find(const struct root *root, const char *url)
{
    for (size_t i = 0; i < root->record.count; i++)
        if (!strcmp(root->record.places[i].url, url))
            return i;
    return ROOT_PLACES_MAX;
}

int roots_id(struct roots *roots, const char *url, uint32_t *ret, struct error *err)
{
    pthread_mutex_lock(&roots->lock);
    uint32_t id = 0;
    for (size_t i = 0; i < roots->count && !id; i++)
        if (root_place_find(&roots->roots[i], url) < ROOT_PLACES_MAX)
            id = roots->roots[i].id;
    if (!id) {
        id = roots->count ? roots->roots[roots->count - 1].id + 1 : 1;
        struct root root = {.id = id, .record = {.places = {{.url = mem_text(url)}}, .count = 1}};
        if (id)
            roots_put_locked(roots, &root);
        else
            root_done(&root);
    }
    pthread_mutex_unlock(&roots->lock);
    if (!id)
        return error_set(err, EOVERFLOW, "all root ids are taken");
    *ret = id;
    return 0;
}

void roots_forget_reserved(struct roots *roots)
{
    pthread_mutex_lock(&roots->lock);
    size_t kept = 0;
    for (size_t i = 0; i < roots->count; i++) {
        if (roots->roots[i].seq)
            roots->roots[kept++] = roots->roots[i];
        else
            root_done(&roots->roots[i]);
    }
    roots->count = kept;
    pthread_mutex_unlock(&roots->lock);
}

static int taken(const struct roots *roots, struct error *err)
{
    return error_set(err, EREMCHG,
                     "%s: another import recorded a new root at the same time; nothing was committed, import "
                     "again",
                     store_url(roots->layout->store));
}

/* The id is taken: by this very place (our own lost reply, or another import of it), or by another. */
static int check_taken(struct roots *roots, const char *path, const struct buf *ours, struct error *err)
{
    CLEANUP_BUF struct buf theirs = BUF_INIT;
    int rc = layout_read(roots->layout, path, ours->len, &theirs, err);
    if (rc < 0 && rc != -EFBIG)
        return rc;
    if (!rc && theirs.len == ours->len && !memcmp(theirs.data, ours->data, ours->len))
        return 0;
    return taken(roots, err);
}

static int write_record(struct roots *roots, uint32_t id, uint32_t seq, const struct root_record *record,
                        struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char name[16], path[LAYOUT_PATH_BYTES];
    root_record_print(&bytes, store_url(roots->layout->store), record);
    snprintf(name, sizeof name, "%u", id);
    series_path(SERIES_ROOTS, name, seq, path);
    struct error put_err = {0};
    int rc =
        store_put(roots->layout->store, path, bytes.data, bytes.len, STORE_PUT_IF_ABSENT, NULL, &put_err);
    if (rc == -EEXIST)
        rc = check_taken(roots, path, &bytes, &put_err);
    return rc < 0 ? error_copy(err, &put_err) : roots_keep(roots, id, seq, &bytes, err);
}

int roots_publish(struct roots *roots, uint32_t id, const char *url, struct error *err)
{
    struct root known CLEANUP(root_done) = {0};
    struct root_record record = {.places = {{.url = (char *)(uintptr_t)url}}, .count = 1};
    if (!roots_known_seq(roots, id))
        return write_record(roots, id, 1, &record, err);
    return !roots_copy(roots, id, &known) && root_place_find(&known, url) < ROOT_PLACES_MAX
               ? 0
               : taken(roots, err);
}

/* ---- what a person says of it ---- */

/* The pins of a place, written anew with more lines behind those of before. */
static int add_pins(struct roots *roots, struct root *root, size_t place, const struct buf *pins,
                    struct error *err)
{
    struct root_record_place *at = &root->record.places[place];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char path[LAYOUT_PATH_BYTES];
    if (!pins || !pins->len)
        return 0;
    layout_pins_path(root->id, at->pins, path);
    int rc = *at->pins ? layout_read(roots->layout, path, ROOT_PINS_BYTES_MAX, &bytes, err) : 0;
    if (rc < 0)
        return rc;
    buf_append(&bytes, pins->data, pins->len);
    if (bytes.len > ROOT_PINS_BYTES_MAX)
        return error_set(err, EFBIG, "%s: too many objects have other pins there", at->url);
    layout_random_id(at->pins);
    layout_pins_path(root->id, at->pins, path);
    return store_put(roots->layout->store, path, bytes.data, bytes.len, STORE_PUT_REPLACE, NULL, err);
}

/* Puts the place that the change is about into the root: its index, or -errno. */
static int change_places(struct root *root, const struct root_change *change, struct error *err)
{
    size_t at = root_place_find(root, change->url), count = root->record.count;
    struct root_record *record = &root->record;
    bool known = at < ROOT_PLACES_MAX;
    if (change->kind == ROOT_PINS && !known)
        return error_set(err, ENOENT, "root %u has no place %s", root->id, change->url);
    if (change->kind == ROOT_ADD && known)
        return error_set(err, EEXIST, "%s is a place of root %u already", change->url, root->id);
    if (change->kind == ROOT_ADD && count == ROOT_PLACES_MAX)
        return error_set(err, E2BIG, "root %u has %d places already, as many as there can be", root->id,
                         ROOT_PLACES_MAX);
    if (change->kind == ROOT_PINS)
        return (int)at;
    struct root_record_place new = {.url = mem_text(change->url)};
    if (change->kind == ROOT_SET && change->keeps_pins)
        memcpy(new.pins, record->places[0].pins, sizeof new.pins);
    if (change->kind == ROOT_SET)
        root_record_done(record);
    record->places[record->count] = new;
    return (int)record->count++;
}

int roots_change(struct roots *roots, uint32_t id, const struct root_change *change, struct error *err)
{
    struct root root CLEANUP(root_done) = {0};
    struct error put_err = {0};
    if (roots_copy(roots, id, &root) || !root.seq)
        return error_set(err, ENOENT, "%s: there is no root %u", store_url(roots->layout->store), id);
    bool stays = root.record.count == 1 && !strcmp(root.record.places[0].url, change->url);
    if (change->kind == ROOT_SET && stays && !change->pins)
        return 0;
    for (size_t i = 0; i < root.record.count; i++) {
        root_pins_unref(root.pins[i]);
        root.pins[i] = NULL;
    }
    int place = change_places(&root, change, err);
    int rc = place < 0 ? place : add_pins(roots, &root, (size_t)place, change->pins, err);
    if (rc < 0)
        return rc;
    rc = write_record(roots, id, root.seq + 1, &root.record, &put_err);
    if (rc == -EREMCHG)
        return error_set(err, EREMCHG, "%s: somebody else changed root %u at the same time",
                         store_url(roots->layout->store), id);
    return rc < 0 ? error_copy(err, &put_err) : 0;
}
