// SPDX-License-Identifier: Apache-2.0
#include "index/commit/apply/apply_packing.h"

#include <pthread.h>
#include <stdlib.h>

#include "cache/base/workers.h"

enum { GROUPS = 16 }; /* under way at once */

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
    pthread_mutex_t lock;
    pthread_cond_t packed;
};

int apply_packing_new(struct db *db, struct apply_packing **ret, struct error *err)
{
    struct apply_packing *packing = MEM_NEW(struct apply_packing);
    packing->db = db;
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
    packer_pack(packing->packer, group->bytes.data, group->bytes.len, PACKER_SAVING_PERCENT, &group->packed);
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

int apply_packing_add(struct apply_packing *packing, enum schema_query query, int64_t number,
                      struct buf *bytes, struct error *err)
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

int apply_packing_flush(struct apply_packing *packing, struct error *err)
{
    int rc = 0;
    while (!rc && packing->count)
        rc = write_first(packing, err);
    return rc;
}
