// SPDX-License-Identifier: Apache-2.0
/* What people are told of clips that were purged. Their keys stand nowhere: who asks must know one. */
#include <errno.h>

#include "cache/base/instant.h"
#include "index/dataset/dataset_state.h"

int dataset_check_purged(struct dataset *dataset, const char *key, size_t len, struct error *err)
{
    const struct purge_list *list = purges_list(dataset->purges);
    CLEANUP_BUF struct buf time = BUF_INIT;
    const struct purge_event *event =
        list ? purge_list_event_of(list, purge_key_hash(dataset->uuid, key, len)) : NULL;
    if (!event)
        return 0;
    instant_print(&time, event->time_ns);
    return error_set(err, ENOENT, "'%.*s' was purged on %.10s by %s", (int)len, key, buf_text(&time),
                     event->author);
}

bool dataset_is_purged(struct dataset *dataset, uint32_t version, struct map_top *ret_top)
{
    const struct purge_list *list = purges_list(dataset->purges);
    const struct purge_version *purged = list ? purge_list_find(list, version) : NULL;
    if (purged)
        *ret_top = purged->top;
    return purged;
}

uint32_t dataset_purge_seq(struct dataset *dataset)
{
    return purges_now(dataset->purges).seq;
}
