// SPDX-License-Identifier: Apache-2.0
/* `elidefs diff`: two versions, or a path in two versions, as text, as counts, or as JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/report/diff.h"
#include "query/say/place.h"
#include "tools/commands.h"
#include "tools/diff_text.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"stat", 0, NULL, false, "print how many clips and attributes differ, and not which"},
    {"json", 0, NULL, false, "print each difference as a line of JSON, as in .elidefs/diff-vN.jsonl"},
    {NULL, 0, NULL, false, NULL},
};

static int print_line(struct buf *line)
{
    fwrite(line->data, 1, line->len, stdout);
    buf_clear(line);
    return 0;
}

static int print_attribute(void *ctx, const struct diff_attribute *attribute, struct error *err)
{
    (void)err;
    diff_print_attribute(attribute, ctx);
    return print_line(ctx);
}

static int print_source(void *ctx, const struct diff_source *source, struct error *err)
{
    (void)err;
    diff_print_source(source, ctx);
    return print_line(ctx);
}

static int print_clip(void *ctx, const struct diff_clip *clip, struct error *err)
{
    (void)err;
    diff_print_clip(clip, ctx);
    return print_line(ctx);
}

static int print_json(const struct diff *diff, struct error *err)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    struct diff_visitor visitor = {print_attribute, print_source, print_clip, &line};
    return diff_run(diff, &visitor, err);
}

static int print_diff(const struct arguments *arguments, struct session *session, const struct place *place,
                      const char *older_name, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *older = NULL, *newer = NULL;
    uint32_t version;
    if (place->is_file)
        return error_set(err, EINVAL, "%s is a file: differences are those of a folder",
                         arguments->positional[2]);
    int rc = place_version(session->dataset, older_name, strlen(older_name), &version, err);
    if (!rc && version > place->version)
        return error_set(err, EINVAL, "v%u is newer than v%u: the older version comes first", version,
                         place->version);
    if (!rc)
        rc = catalog_reader_acquire(place->catalog, PATIENCE_ENDLESS, &newer, err);
    if (!rc)
        rc = catalog_reader_sibling(newer, version, &older, err);
    if (rc)
        return rc;
    struct diff diff = {older, newer, place->query};
    if (arguments_flag(arguments, "stat"))
        return diff_text_stat(&diff, err);
    return arguments_flag(arguments, "json") ? print_json(&diff, err)
                                             : diff_text_print(session->dataset, &diff, NULL, err);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    CLEANUP_PLACE struct place place = {0};
    int rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    if (!rc)
        rc = place_resolve(session.dataset, arguments->positional[2], &place, err);
    return rc ? rc : print_diff(arguments, &session, &place, arguments->positional[1], err);
}

static const struct command_example examples[] = {
    {"elidefs diff s3://lab-data/kitchen v11 v12", "What version 12 changed"},
    {"elidefs diff s3://lab-data/kitchen paper-1 latest/outcome=fail --stat",
     "How the failures differ from those of a tag"},
    {NULL, NULL},
};

const struct command command_diff = {
    .name = "diff",
    .synopsis = "DATASET OLDER NEWER[/PATH] [OPTION]...",
    .summary = "tells what differs between two versions",
    .description =
        "Prints the attributes and clips that were added (+), changed (~) and removed (-) from the version "
        "OLDER "
        "to NEWER, with the version that did it last and its author; of a changed clip its values and files "
        "that "
        "are others. Files in which a LeRobot set speaks of itself (`elidefs catalog sources`) are told, "
        "too. With PATH, only for the clips it means: one that came into it counts as added. A mount "
        "has the same as NEWER/PATH/.elidefs/diff-vN.jsonl.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 3,
    .most = 3,
    .examples = examples,
    .run = run,
};
