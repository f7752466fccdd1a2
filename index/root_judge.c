// SPDX-License-Identifier: Apache-2.0
/* One object at one place: what was learnt or recorded of it there, then evidence. What is found is learnt,
 * so that readers need not look again. */
#include <string.h>

#include "index/dataset_state.h"

int dataset_judge(struct dataset *dataset, const struct dataset_judged *judged, enum evidence_grounds *ret,
                  struct error *err)
{
    struct learnt *learnt = roots_learnt(dataset->roots);
    const struct learnt_object object = {judged->root, judged->path, judged->was->pin};
    char *urls[] = {(char *)(uintptr_t)store_url(judged->at)};
    struct store_object was = *judged->was, recorded;
    char pin[STORE_PIN_BYTES];
    size_t place;
    int rc = 0;
    if (!strcmp(was.pin, judged->now->pin) && was.size == judged->now->size) {
        *ret = EVIDENCE_PIN;
        return 1;
    }
    if (learnt_find(learnt, &object, urls, 1, &place, pin) && !strcmp(pin, judged->now->pin) &&
        was.size == judged->now->size) {
        *ret = EVIDENCE_CONTENT;
        return 1;
    }
    if (!was.evidence.whole)
        was.evidence.whole = learnt_whole(learnt, &object, was.evidence.sha256);
    recorded = was;
    if (roots_recorded(dataset->roots, judged->root, urls[0], judged->path, &recorded))
        rc = evidence_judge(judged->at, judged->path, &recorded, judged->now, ret, err);
    if (!rc)
        rc = evidence_judge(judged->at, judged->path, &was, judged->now, ret, err);
    if (rc == 1)
        learnt_keep(learnt, &object, urls[0], judged->now->pin, *ret);
    return rc;
}

void dataset_learn_pin(struct dataset *dataset, const struct dataset_judged *judged)
{
    const struct learnt_object object = {judged->root, judged->path, judged->was->pin};
    learnt_keep(roots_learnt(dataset->roots), &object, store_url(judged->at), judged->now->pin,
                EVIDENCE_CONTENT);
}
