// SPDX-License-Identifier: Apache-2.0
/* The first groups of records that a catalog gets many of tell what records have in common: they are held
 * back until a dictionary was made of them. */
#include "index/commit/apply/apply_packing.h"

#include <pthread.h>
#include <stdlib.h>

#include "cache/base/workers.h"
#include "index/catalog/record.h"

enum {
    GROUPS = 16,                 /* under way at once */
    SAMPLED_BYTES_MAX = 16 << 20 /* fewer groups, if they have so many */
};
enum knowing { NOT_KNOWN, LEARNING, KNOWN };

struct packed_group {
    struct apply_packing *packing;
    enum schema_query query;
    int64_t number;
    struct buf bytes, packed;
    bool done; /* packed; under the lock */
};

struct apply_packing {
    struct db *db;
    struct workers *workers; /* one thread */
    struct packer *packer;   /* that thread's */
    struct packed_group groups[GROUPS];
    size_t first, count; /* those under way: a ring */
    enum knowing knowing;
    struct buf samples; /* held back: groups, one behind the other */
    int64_t numbers[APPLY_PACKING_SAMPLES];
    size_t sizes[APPLY_PACKING_SAMPLES], sample_count, samples_wanted;
    pthread_mutex_t lock;
    pthread_cond_t packed;
};

int apply_packing_new(struct db *db, size_t samples, struct apply_packing **ret, struct error *err)
{
    struct apply_packing *packing = MEM_NEW(struct apply_packing);
    packing->db = db;
    packing->samples_wanted = samples < APPLY_PACKING_SAMPLES ? samples : APPLY_PACKING_SAMPLES;
    packing->packer = packer_new();
    pthread_mutex_init(&packing->lock, NULL);
    pthread_cond_init(&packing->packed, NULL);
    int rc = workers_new(1, &packing->workers, err);
    if (rc)
        apply_packing_free(packing);
    else
        *ret = packing;
    return rc;
}

void apply_packing_free(struct apply_packing *packing)
{
    if (!packing)
        return;
    workers_free(packing->workers);
    for (size_t i = 0; i < GROUPS; i++) {
        buf_done(&packing->groups[i].bytes);
        buf_done(&packing->groups[i].packed);
    }
    buf_done(&packing->samples);
    packer_free(packing->packer);
    pthread_cond_destroy(&packing->packed);
    pthread_mutex_destroy(&packing->lock);
    free(packing);
}

static void pack(void *ctx)
{
    struct packed_group *group = ctx;
    struct apply_packing *packing = group->packing;
    buf_clear(&group->packed);
    (group->query == QUERY_GROUP_PUT ? packer_pack_short : packer_pack)(
        packing->packer, group->bytes.data, group->bytes.len, PACKER_SAVING_PERCENT, &group->packed);
    pthread_mutex_lock(&packing->lock);
    group->done = true;
    pthread_cond_signal(&packing->packed);
    pthread_mutex_unlock(&packing->lock);
}

static int write_first(struct apply_packing *packing, struct error *err)
{
    struct packed_group *group = &packing->groups[packing->first];
    sqlite3_stmt *stmt;
    pthread_mutex_lock(&packing->lock);
    while (!group->done)
        pthread_cond_wait(&packing->packed, &packing->lock);
    pthread_mutex_unlock(&packing->lock);
    packing->first = (packing->first + 1) % GROUPS;
    packing->count--;
    int rc = db_query(packing->db, group->query, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, group->number);
    db_bind_bytes(stmt, 2, group->packed.data, group->packed.len);
    return db_run(packing->db, stmt, err);
}

static int write_all(struct apply_packing *packing, struct error *err)
{
    int rc = 0;
    while (!rc && packing->count)
        rc = write_first(packing, err);
    return rc;
}

static int submit(struct apply_packing *packing, enum schema_query query, int64_t number, struct buf *bytes,
                  struct error *err)
{
    int rc = packing->count == GROUPS ? write_first(packing, err) : 0;
    if (rc)
        return rc;
    struct packed_group *group = &packing->groups[(packing->first + packing->count++) % GROUPS];
    struct buf spare = group->bytes; /* its memory serves again */
    buf_clear(&spare);
    *group = (struct packed_group){packing, query, number, *bytes, group->packed, false};
    *bytes = spare;
    workers_submit(packing->workers, pack, group);
    return 0;
}

/* ---- the dictionary ---- */

static int submit_samples(struct apply_packing *packing, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    size_t at = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < packing->sample_count; at += packing->sizes[i++]) {
        buf_clear(&bytes);
        buf_append(&bytes, packing->samples.data + at, packing->sizes[i]);
        rc = submit(packing, QUERY_GROUP_PUT, packing->numbers[i], &bytes, err);
    }
    packing->sample_count = 0;
    buf_clear(&packing->samples);
    return rc;
}

/* Nothing is under way that the packer packs: all groups of records were held back, and others have come
 * back. */
static int learn(struct apply_packing *packing, struct error *err)
{
    CLEANUP_BUF struct buf dictionary = BUF_INIT;
    int rc = write_all(packing, err);
    packing->knowing = KNOWN;
    if (rc || packer_learn(&packing->samples, packing->sizes, packing->sample_count, &dictionary) ||
        packer_take_dictionary(packing->packer, dictionary.data, dictionary.len))
        return rc;
    return db_put_bytes(packing->db, QUERY_DICTIONARY_PUT, 0, &dictionary, err);
}

static int hold(struct apply_packing *packing, int64_t number, struct buf *bytes, struct error *err)
{
    packing->numbers[packing->sample_count] = number;
    packing->sizes[packing->sample_count++] = bytes->len;
    buf_append(&packing->samples, bytes->data, bytes->len);
    buf_clear(bytes);
    if (packing->sample_count < packing->samples_wanted && packing->samples.len < SAMPLED_BYTES_MAX)
        return 0;
    int rc = learn(packing, err);
    return rc ? rc : submit_samples(packing, err);
}

int apply_packing_add(struct apply_packing *packing, enum schema_query query, int64_t number,
                      struct buf *bytes, struct error *err)
{
    if (query == QUERY_GROUP_PUT && packing->knowing == NOT_KNOWN) {
        int rc = record_dictionary(packing->db, packing->packer, err);
        if (rc < 0)
            return rc;
        packing->knowing = rc ? KNOWN : LEARNING;
    }
    return query == QUERY_GROUP_PUT && packing->knowing == LEARNING
               ? hold(packing, number, bytes, err)
               : submit(packing, query, number, bytes, err);
}

int apply_packing_flush(struct apply_packing *packing, struct error *err)
{
    int rc = submit_samples(packing, err);
    return rc ? rc : write_all(packing, err);
}
