// SPDX-License-Identifier: Apache-2.0
/* What a commit, or a person, says of roots: ids are reserved, places are written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/root_record.h"
#include "index/root_state.h"

int roots_id(struct roots *roots, const char *url, uint32_t *ret, struct error *err)
{
    pthread_mutex_lock(&roots->lock);
    uint32_t id = 0;
    for (size_t i = 0; i < roots->count && !id; i++)
        if (!strcmp(roots->roots[i].url, url))
            id = roots->roots[i].id;
    if (!id) {
        id = roots->count ? roots->roots[roots->count - 1].id + 1 : 1;
        struct root root = {.id = id, .url = mem_text(url)};
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
    return error_set(err, EAGAIN,
                     "%s: another import recorded a new root at the same time; nothing was committed, import "
                     "again",
                     store_url(roots->layout->store));
}

/* The id is taken: by this very place (our own lost reply, or another import of it), or by another. */
static int check_taken(struct roots *roots, const char *path, const struct buf *ours, struct error *err)
{
    CLEANUP_BUF struct buf theirs = BUF_INIT;
    int rc = layout_get(roots->layout, path, ours->len, &theirs, err);
    if (rc < 0 && rc != -EFBIG)
        return rc;
    if (!rc && theirs.len == ours->len && !memcmp(theirs.data, ours->data, ours->len))
        return 0;
    return taken(roots, err);
}

struct written {
    uint32_t id, seq;
    const char *url, *pins_id;
};

static int write_place(struct roots *roots, const struct written *root, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char name[16], path[LAYOUT_PATH_BYTES];
    root_record_print(&bytes, store_url(roots->layout->store), root->url, root->pins_id);
    snprintf(name, sizeof name, "%u", root->id);
    layout_series_path("roots", name, root->seq, path);
    struct error put_err = {0};
    int rc =
        store_put(roots->layout->store, path, bytes.data, bytes.len, STORE_PUT_IF_ABSENT, NULL, &put_err);
    if (rc == -EEXIST)
        rc = check_taken(roots, path, &bytes, &put_err);
    return rc < 0 ? error_copy(err, &put_err) : roots_keep(roots, root->id, root->seq, &bytes, err);
}

int roots_publish(struct roots *roots, uint32_t id, const char *url, struct error *err)
{
    CLEANUP_FREE char *known = NULL;
    if (!roots_known_seq(roots, id))
        return write_place(roots, &(struct written){.id = id, .seq = 1, .url = url}, err);
    roots_copy_url(roots, id, &known);
    return known && !strcmp(known, url) ? 0 : taken(roots, err);
}

/* *ret_id: of the object, or "" if there are none. */
static int write_pins(struct roots *roots, uint32_t id, const struct buf *pins, char ret_id[LAYOUT_ID_BYTES],
                      struct error *err)
{
    char path[LAYOUT_PATH_BYTES];
    *ret_id = 0;
    if (!pins || !pins->len)
        return 0;
    layout_random_id(ret_id);
    layout_pins_path(id, ret_id, path);
    return store_put(roots->layout->store, path, pins->data, pins->len, STORE_PUT_REPLACE, NULL, err);
}

static void copy_pins_id(struct roots *roots, uint32_t id, char ret_id[LAYOUT_ID_BYTES])
{
    pthread_mutex_lock(&roots->lock);
    const struct root *root = roots_find_locked(roots, id);
    strcpy(ret_id, root ? root->pins_id : "");
    pthread_mutex_unlock(&roots->lock);
}

int roots_move(struct roots *roots, uint32_t id, const struct root_move *move, struct error *err)
{
    CLEANUP_FREE char *known = NULL;
    char pins_id[LAYOUT_ID_BYTES];
    uint32_t seq = roots_known_seq(roots, id);
    struct error put_err = {0};
    if (!seq)
        return error_set(err, ENOENT, "%s: there is no root %u", store_url(roots->layout->store), id);
    if (!move->pins && !roots_copy_url(roots, id, &known) && !strcmp(known, move->url))
        return 0;
    int rc = write_pins(roots, id, move->pins, pins_id, err);
    if (rc < 0)
        return rc;
    if (!move->pins && move->keeps_pins)
        copy_pins_id(roots, id, pins_id);
    struct written written = {
        .id = id, .seq = seq + 1, .url = move->url, .pins_id = *pins_id ? pins_id : NULL};
    rc = write_place(roots, &written, &put_err);
    if (rc == -EAGAIN)
        return error_set(err, EAGAIN, "%s: somebody else moved root %u at the same time",
                         store_url(roots->layout->store), id);
    return rc < 0 ? error_copy(err, &put_err) : 0;
}
