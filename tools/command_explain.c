// SPDX-License-Identifier: Apache-2.0
/* `elidefs explain`: a path's plan, or why it means nothing; the report that a mount shows as well. */
#include <stdio.h>

#include "query/report/report.h"
#include "tools/as.h"
#include "tools/commands.h"
#include "tools/session.h"

/* Of a path into `.as/`: is there such a layout of these clips, or why not? */
static int print_view(struct session_place *at, const char *path, struct error *err)
{
    CLEANUP_AS_VIEW struct as_view view = {0};
    int rc = as_open_view(&at->session, &at->place, at->reader, path, &view, err);
    if (!rc)
        printf("\nshown as %s\n%s\n", view.plan->name, view.plan->kind->help);
    return rc;
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION_PLACE struct session_place at = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = session_open_path(arguments, &at.session, err);
    const char *view = rc ? NULL : as_split(at.session.path);
    if (!rc)
        rc = session_resolve(&at, err);
    if (!rc)
        rc = report_append(REPORT_EXPLAIN, at.place.query, at.reader, &text, err);
    if (!rc)
        fwrite(text.data, 1, text.len, stdout);
    return rc || !view ? rc : print_view(&at, view, err);
}

static const struct command_example examples[] = {
    {"elidefs explain /data/kitchen v1/arm=left/outcome=fail", "How the path is evaluated"},
    {"elidefs explain /mnt/kitchen/v1/outcome=fail",
     "The same, by a path inside a mount, also by one that does not exist"},
    {NULL, NULL},
};

const struct command command_explain = {
    .name = "explain",
    .synopsis = "DATASET PATH [OPTION]...",
    .summary = "tells what a path means, or why it means nothing",
    .description =
        "Prints the canonical form of PATH, the order in which its conditions are applied with estimates, "
        "and "
        "warnings, such as how many clips lack an attribute it asks for. A path that does not resolve gives "
        "the reason and what was probably meant. In a mount, .elidefs/errors of any folder has these reasons "
        "for the "
        "paths that you tried lately.",
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
