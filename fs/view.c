// SPDX-License-Identifier: Apache-2.0
/* The table; each row's functions are in a file of their own. */
#include "fs/view.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/as.h"
#include "fs/by.h"
#include "fs/letters.h"
#include "fs/special.h"
#include "fs/top.h"

static const struct view views[] = {
    {"tags", VIEW_IN_ROOT, true, top_find_tag, top_list_tags},
    {".elidefs", VIEW_IN_ROOT, false, special_find_live, special_list_live},
    {".elidefs", VIEW_IN_QUERY, false, special_find_report, special_list_reports},
    {".as", VIEW_IN_QUERY, false, as_find, as_list},
    {".q", VIEW_IN_ROOT, false, letters_find, letters_list},
    {".by", VIEW_IN_QUERY, false, by_find, by_list},
};
enum { VIEWS = sizeof views / sizeof *views };

int view_enter(enum view_place place, const char *name, struct node *ret)
{
    for (size_t i = 0; i < VIEWS; i++)
        if (views[i].place == place && strcmp(views[i].name, name) == 0) {
            ret->kind = NODE_VIEW;
            ret->view = &views[i];
            return 0;
        }
    return -ENOENT;
}

void view_names(enum view_place place, struct names *names)
{
    for (size_t i = 0; i < VIEWS; i++)
        if (views[i].place == place && views[i].listed)
            names_add(names, views[i].name, S_IFDIR);
}
