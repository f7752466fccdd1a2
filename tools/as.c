// SPDX-License-Identifier: Apache-2.0
/* No name of a clip or condition is ".as", so the first such component is where a view begins. */
#include "tools/as.h"

#include <string.h>

const char *as_split(char *path)
{
    static const char as[] = ".as";
    for (char *at = path; *at; at += strcspn(at, "/"), at += strspn(at, "/"))
        if (strcspn(at, "/") == strlen(as) && !memcmp(at, as, strlen(as))) {
            *at = '\0';
            return at + strlen(as);
        }
    return NULL;
}

int as_open_view(struct session *session, const struct place *place, struct catalog_reader *reader,
                 const char *path, struct as_view *ret, struct error *err)
{
    struct as_view view = {.ask = {.dataset = session->dataset,
                                   .cache = session->cache,
                                   .reader = reader,
                                   .catalog = place->catalog,
                                   .version = place->version,
                                   .purge = view_purge(session->dataset, place->version)}};
    int rc = view_tree_find(&view.ask, place->query, path, &view.plan, &view.entry, err);
    if (rc)
        return error_prefix(err, ".as");
    *ret = view;
    return 0;
}

void as_close_view(struct as_view *view)
{
    view_plan_unref(view->plan);
    view->plan = NULL;
}
