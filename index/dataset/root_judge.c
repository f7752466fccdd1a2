// SPDX-License-Identifier: Apache-2.0
/* One object at one place: what was learnt or recorded of it there, then evidence. What is found is learnt,
 * so that readers need not look again. */
#include <errno.h>
#include <string.h>

#include "index/dataset/dataset_state.h"
#include "index/roots/root_pins.h"

bool dataset_knows_pin(struct dataset *dataset, const struct dataset_judged *judged,
                       enum evidence_grounds *ret)
{
    const struct learnt_object object = {judged->root, judged->path, judged->was->pin};
    char *urls[] = {(char *)(uintptr_t)store_url(judged->at)};
    struct learnt_place before = {.grounds = EVIDENCE_PIN};
    bool known = judged->was->size == judged->now->size &&
                 (!strcmp(judged->was->pin, judged->now->pin) ||
                  (learnt_find(roots_learnt(dataset->roots), &object, urls, 1, &before) &&
                   !strcmp(before.pin, judged->now->pin)));
    if (known)
        *ret = before.grounds;
    return known;
}

int dataset_judge(struct dataset *dataset, const struct dataset_judged *judged, enum evidence_grounds *ret,
                  struct error *err)
{
    struct learnt *learnt = roots_learnt(dataset->roots);
    const struct learnt_object object = {judged->root, judged->path, judged->was->pin};
    const char *url = store_url(judged->at);
    struct store_object was = *judged->was, recorded;
    int rc = 0;
    if (dataset_knows_pin(dataset, judged, ret))
        return 1;
    if (!evidence_known_whole(&was.evidence, was.size))
        was.evidence.whole = learnt_whole(learnt, &object, was.evidence.sha256);
    recorded = was;
    if (roots_recorded(dataset->roots, judged->root, url, judged->path, &recorded) ||
        roots_recorded_anywhere(dataset->roots, judged->root, judged->path, &recorded))
        rc = evidence_judge(judged->at, judged->path, &recorded, judged->now, ret, err);
    if (!rc)
        rc = evidence_judge(judged->at, judged->path, &was, judged->now, ret, err);
    if (rc == 1)
        learnt_keep(learnt, &object, url, judged->now->pin, *ret);
    return rc;
}

void dataset_pin_line(struct dataset *dataset, const struct dataset_judged *judged, struct buf *pins)
{
    struct store_object now = *judged->now, recorded = *judged->was;
    char portable[STORE_PIN_BYTES];
    bool knew = evidence_known_whole(&judged->was->evidence, judged->was->size) != NULL;
    bool known = roots_recorded(dataset->roots, judged->root, store_url(judged->at), judged->path, &recorded);
    store_pin_portable(now.pin, portable);
    if (known && !strcmp(recorded.pin, portable) && !now.evidence.whole)
        return;
    if (known && !knew && recorded.evidence.whole &&
        !now.evidence.whole) { /* what is said again keeps its hash */
        now.evidence.whole = true;
        memcpy(now.evidence.sha256, recorded.evidence.sha256, SHA256_BYTES);
    }
    root_pins_print(pins, judged->path, judged->was->pin, &now);
}

int dataset_check_whole(struct dataset *dataset, const struct dataset_object *object,
                        const uint8_t sha256[SHA256_BYTES], struct error *err)
{
    struct learnt *learnt = roots_learnt(dataset->roots);
    const struct learnt_object key = {object->root, object->path, object->pinned.pin};
    const uint8_t *known = evidence_known_whole(&object->pinned.evidence, object->pinned.size);
    uint8_t before[SHA256_BYTES];
    if (!known && learnt_whole(learnt, &key, before))
        known = before;
    if (known && memcmp(known, sha256, SHA256_BYTES) != 0)
        return error_set(
            err, ESTALE,
            "%s/%s: has other bytes, under its old pin: the disk, or whoever keeps it, has changed "
            "it",
            store_url(object->store), object->path);
    struct store_object recorded = object->pinned;
    if (!known && !roots_recorded_anywhere(dataset->roots, object->root, object->path, &recorded))
        learnt_keep_whole(learnt, &key, sha256);
    return 0;
}

void dataset_learn_pin(struct dataset *dataset, const struct dataset_judged *judged)
{
    const struct learnt_object object = {judged->root, judged->path, judged->was->pin};
    learnt_keep(roots_learnt(dataset->roots), &object, store_url(judged->at), judged->now->pin,
                EVIDENCE_CONTENT);
}
