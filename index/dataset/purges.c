// SPDX-License-Identifier: Apache-2.0
/* Lists that were read are kept: who has one goes on reading it. There are as many as purges were seen. */
#include "index/dataset/purges.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"

static const char name[] = "catalogs";

struct kept {
    struct kept *older;
    struct purge_list list;
};
struct purges {
    struct layout *layout;
    pthread_mutex_t lock; /* guards what follows */
    struct manifest_purge now;
    struct kept *newest;
};

struct purges *purges_new(struct layout *layout)
{
    struct purges *purges = MEM_NEW(struct purges);
    purges->layout = layout;
    pthread_mutex_init(&purges->lock, NULL);
    return purges;
}

void purges_free(struct purges *purges)
{
    if (!purges)
        return;
    for (struct kept *kept = purges->newest, *older; kept; kept = older) {
        older = kept->older;
        purge_list_done(&kept->list);
        free(kept);
    }
    pthread_mutex_destroy(&purges->lock);
    free(purges);
}

struct manifest_purge purges_now(struct purges *purges)
{
    pthread_mutex_lock(&purges->lock);
    struct manifest_purge now = purges->now;
    pthread_mutex_unlock(&purges->lock);
    return now;
}

const struct purge_list *purges_list(struct purges *purges)
{
    pthread_mutex_lock(&purges->lock);
    const struct purge_list *list = purges->newest ? &purges->newest->list : NULL;
    pthread_mutex_unlock(&purges->lock);
    return list;
}

/* Of two threads that read one at once the later list stays. */
static void keep(struct purges *purges, const struct manifest_purge *now, struct purge_list *list)
{
    struct kept *kept = MEM_NEW(struct kept);
    kept->list = *list;
    *list = (struct purge_list){0};
    pthread_mutex_lock(&purges->lock);
    bool newer = now->seq > purges->now.seq;
    struct kept **at = newer || !purges->newest ? &purges->newest : &purges->newest->older;
    kept->older = *at;
    *at = kept;
    if (newer)
        purges->now = *now;
    pthread_mutex_unlock(&purges->lock);
}

static void list_path(const char *id, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "elidefs/series/purges/%s.json", id);
}

/* ---- reading ---- */

static int damaged(const struct purges *purges, uint32_t seq, struct error *err)
{
    return error_set(
        err, EUCLEAN,
        "%s: elidefs/series/purges/%s/%u, which says what was purged, is damaged: nothing is shown, since "
        "it might have been",
        store_url(purges->layout->store), name, seq);
}

/* {"list": "<32 hex digits>", "sha256": "...", "requires": ["<feature>", ...]}; the last may be left out. */
static int parse_record(const struct purges *purges, const struct series *one, char ret_id[LAYOUT_ID_BYTES],
                        uint8_t ret_sha256[SHA256_BYTES], struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    char path[LAYOUT_PATH_BYTES];
    int rc = json_parse("", one->bytes.data, one->bytes.len, &json, NULL);
    series_path(SERIES_PURGES, name, one->seq, path);
    if (!rc && json_kind(json) == JSON_KIND_OBJECT && (rc = manifest_check_requires(path, json, err)))
        return error_within(err, rc, "what was purged from %s cannot be told, so nothing is shown",
                            store_url(purges->layout->store));
    const char *id = rc ? NULL : json_get_text(json, "list"),
               *hash = rc ? NULL : json_get_text(json, "sha256");
    if (!id || strlen(id) != LAYOUT_ID_BYTES - 1 || strspn(id, "0123456789abcdef") != LAYOUT_ID_BYTES - 1 ||
        !hash || hex_parse(hash, strlen(hash), ret_sha256, SHA256_BYTES))
        return damaged(purges, one->seq, err);
    snprintf(ret_id, LAYOUT_ID_BYTES, "%s", id);
    return 0;
}

static int read_list(struct purges *purges, const struct series *one, struct error *err)
{
    char id[LAYOUT_ID_BYTES];
    uint8_t says[SHA256_BYTES], is[SHA256_BYTES];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_PURGE_LIST struct purge_list list = {0};
    struct layout_reading reading = {.max_bytes = PURGE_LIST_BYTES_MAX, .note = "the list of purges"};
    struct manifest_purge now = {.seq = one->seq};
    int rc = parse_record(purges, one, id, says, err);
    if (rc)
        return rc;
    list_path(id, reading.path);
    layout_read_begin(purges->layout, &reading);
    rc = layout_read_end(purges->layout, &reading, PATIENCE_ENDLESS, &bytes, err);
    if (rc < 0)
        return error_within(err, rc == -ENOENT ? -EUCLEAN : rc, "what was purged from %s cannot be told",
                            store_url(purges->layout->store));
    sha256_of(bytes.data, bytes.len, is);
    if (memcmp(says, is, SHA256_BYTES) != 0)
        return damaged(purges, one->seq, err);
    rc = purge_list_parse(reading.path, bytes.data, bytes.len, &list, err);
    if (rc)
        return rc;
    sha256_of(one->bytes.data, one->bytes.len, now.sha256);
    keep(purges, &now, &list);
    return 0;
}

bool purges_is_loaded(struct purges *purges, const struct manifest *newest)
{
    struct manifest_purge now = purges_now(purges);
    return newest->purge.seq < now.seq ||
           (newest->purge.seq == now.seq && !memcmp(newest->purge.sha256, now.sha256, SHA256_BYTES));
}

/* The newest that is listed; NULL: none is. */
static const struct series *find_listed(const struct series_list *listed)
{
    for (size_t i = 0; i < listed->count; i++)
        if (!strcmp(listed->list[i].name, name))
            return &listed->list[i];
    return NULL;
}

/* What is to be read: the last one that is listed, or what stands behind those that are known, or should be.
 */
static void take_newer(struct purges *purges, const struct manifest *newest, const struct series_list *listed,
                       struct series_list *ret)
{
    const struct series *last = listed ? find_listed(listed) : NULL;
    uint32_t seq = purges_now(purges).seq, said = newest ? newest->purge.seq : 0;
    if (last && last->seq > seq && last->seq >= said)
        series_add_listed(ret, last);
    else if (!listed || said > seq)
        series_add(ret, name, said > seq ? said - 1 : seq, said > seq);
}

int purges_load(struct purges *purges, const struct manifest *newest, struct series_listing *listing,
                struct error *err)
{
    CLEANUP_SERIES struct series_list series = {0};
    const struct series_list *listed = NULL;
    struct error list_err = {0};
    int rc = series_listed(listing, SERIES_PURGES, &listed, &list_err);
    if (rc < 0 && rc != -EACCES && rc != -ENOTSUP)
        return error_copy(err, &list_err);
    take_newer(purges, newest, rc < 0 ? NULL : listed, &series);
    rc = series_follow(purges->layout, SERIES_PURGES, &series, err);
    bool moved = !rc && series.count && series.list[0].moved;
    if (moved)
        rc = read_list(purges, &series.list[0], err);
    if (!rc && newest && !purges_is_loaded(purges, newest)) /* the manifest that names it vouches for it */
        rc = damaged(purges, newest->purge.seq, err);
    return rc ? rc : moved;
}

int purges_moved(struct purges *purges, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char path[LAYOUT_PATH_BYTES];
    series_path(SERIES_PURGES, name, purges_now(purges).seq + 1, path);
    int rc = layout_read(purges->layout, path, PURGE_LIST_BYTES_MAX, &bytes, err);
    return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

/* ---- writing ---- */

static int put_list(struct purges *purges, const struct purge_list *list, struct buf *record,
                    char ret_path[LAYOUT_PATH_BYTES], struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    char id[LAYOUT_ID_BYTES], hex[SHA256_HEX_BYTES];
    uint8_t digest[SHA256_BYTES];
    purge_list_print(&bytes, list);
    if (bytes.len > PURGE_LIST_BYTES_MAX)
        return error_set(err, E2BIG, "so many clips cannot be purged from one data set");
    layout_random_id(id);
    list_path(id, ret_path);
    sha256_of(bytes.data, bytes.len, digest);
    hex_print(digest, SHA256_BYTES, hex);
    buf_printf(record, "{\"list\": \"%s\", \"sha256\": \"%s\"}\n", id, hex);
    /* its name is our own: sent twice, it is the same */
    return store_put(purges->layout->store, ret_path, bytes.data, bytes.len, STORE_PUT_REPLACE, NULL, err);
}

/* Ours, if only the reply was lost. */
static int settle(struct purges *purges, const char *path, const struct buf *ours, int put_rc,
                  struct error *err)
{
    CLEANUP_BUF struct buf theirs = BUF_INIT;
    int rc = layout_read(purges->layout, path, PURGE_LIST_BYTES_MAX, &theirs, NULL);
    if (rc)
        return put_rc;
    if (theirs.len == ours->len && !memcmp(theirs.data, ours->data, ours->len))
        return 0;
    return error_set(err, EAGAIN, "%s: somebody else has purged clips just now",
                     store_url(purges->layout->store));
}

int purges_put(struct purges *purges, const struct manifest_purge *now, const struct purge_list *list,
               struct error *err)
{
    CLEANUP_BUF struct buf record = BUF_INIT;
    char path[LAYOUT_PATH_BYTES], list_at[LAYOUT_PATH_BYTES];
    int rc = put_list(purges, list, &record, list_at, err);
    if (rc < 0)
        return rc;
    series_path(SERIES_PURGES, name, now->seq + 1, path);
    rc = store_put(purges->layout->store, path, record.data, record.len, STORE_PUT_IF_ABSENT, NULL, err);
    if (rc < 0)
        rc = settle(purges, path, &record, rc, err);
    if (rc == -EAGAIN)
        store_remove(purges->layout->store, list_at, NULL); /* nobody names it */
    return rc;
}
