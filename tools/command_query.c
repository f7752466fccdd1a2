// SPDX-License-Identifier: Apache-2.0
/* `elidefs query`: what a path means, printed without a mount; `--where` makes a path of conditions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "query/facets.h"
#include "query/files.h"
#include "query/report/csv.h"
#include "query/report/report.h"
#include "query/say/hint.h"
#include "query/say/place.h"
#include "query/say/where.h"
#include "tools/as.h"
#include "tools/commands.h"
#include "tools/episodes.h"
#include "tools/meant.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"count", 'c', NULL, false, "print how many clips match"},
    {"json", 0, NULL, false, "print each clip's attributes and files as a line of JSON"},
    {"csv", 0, NULL, false, "print a table: key, files, and each attribute"},
    {"facets", 0, "ATTRIBUTE", false, "print the values that the clips have, each behind how many have it"},
    {"values", 0, "ATTRIBUTE", false, "print the values that the clips have, one a line"},
    {"paths0", 0, NULL, false, "print file names, each ended by a NUL byte, for xargs -0 and rsync --from0"},
    {"lerobot-episodes", 0, NULL, false,
     "print the clips as a list of numbers, for episodes= of the LeRobot data set they came from"},
    {"where", 0, "CONDITIONS", true,
     "narrow PATH by conditions, such as 'arm=left length>100'; alone, print the path that they make"},
    {NULL, 0, NULL, false, NULL},
};

static int print_path(void *ctx, const struct files_entry *entry, struct error *err)
{
    (void)ctx, (void)err;
    fputs(entry->name, stdout);
    putchar(0);
    return 0;
}

struct printing {
    struct catalog_reader *reader;
    const struct query *query;
    bool paths;
};

static int print_clip(void *ctx, uint32_t row, struct error *err)
{
    const struct printing *printing = ctx;
    if (printing->paths)
        return files_of_clip(printing->reader, printing->query, row, print_path, NULL, err);
    struct catalog_clip clip;
    int rc = catalog_clip(printing->reader, row, &clip, err);
    if (!rc)
        puts(clip.key);
    return rc;
}

static int print_report(const struct place *place, struct catalog_reader *reader, enum report_kind kind,
                        struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = report_append(kind, place->query, reader, &text, err);
    if (!rc)
        fwrite(text.data, 1, text.len, stdout);
    return rc;
}

/* A file's path means its clip. */
static int print_file(const struct arguments *arguments, const struct place *place,
                      struct catalog_reader *reader, struct error *err)
{
    static const char *const for_folders[] = {"json", "csv", "facets", "values", "where", "lerobot-episodes"};
    for (size_t i = 0; i < sizeof for_folders / sizeof *for_folders; i++)
        if (arguments_text(arguments, for_folders[i]))
            return error_set(err, EINVAL,
                             "--%s is for the clips of a folder; the file <key>.json tells of one",
                             for_folders[i]);
    if (!arguments_flag(arguments, "count"))
        return print_clip(&(struct printing){reader, place->query, arguments_flag(arguments, "paths0")},
                          place->row, err);
    puts("1");
    return 0;
}

/* ---- --where ---- */

static int narrow_by(struct place *place, struct catalog_reader *reader, const char *conditions,
                     struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    int rc = where_parse(conditions, strlen(conditions), &path, err);
    if (rc)
        return rc;
    struct query *narrowed;
    rc = query_narrow(place->query, buf_text(&path), path.len, reader, &narrowed, err);
    if (rc)
        return rc == -ENOENT ? hint_path(buf_text(&path), path.len, reader, err) : rc;
    query_unref(place->query);
    place->query = narrowed;
    return 0;
}

static int narrow(const struct arguments *arguments, struct place *place, struct catalog_reader *reader,
                  struct error *err)
{
    size_t count;
    CLEANUP_FREE const char **conditions = arguments_list(arguments, "where", &count);
    for (size_t i = 0; i < count; i++)
        if (narrow_by(place, reader, conditions[i], err))
            return error_prefix(err, "--where");
    return 0;
}

static int print_place(const struct place *place, struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    query_canonical(place->query, &path);
    printf("v%" PRIu32 "%s%s\n", place->version, path.len ? "/" : "", buf_text(&path));
    return 0;
}

static int print_episodes(struct dataset *dataset, const struct place *place, struct catalog_reader *reader,
                          struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = episodes_append(dataset, place->query, reader, &text, err);
    if (rc)
        return error_prefix(err, "--lerobot-episodes");
    fwrite(text.data, 1, text.len, stdout);
    return 0;
}

/* ---- --facets, --values ---- */

static int find_attribute(const struct place *place, struct catalog_reader *reader, const char *name,
                          struct catalog_attribute *ret, struct error *err)
{
    CLEANUP_BUF struct buf meant = BUF_INIT;
    int rc = catalog_attribute_find(reader, name, strlen(name), ret, err);
    if (!rc && ret->type == VALUE_LIST)
        return error_set(err, EINVAL, "%s: lists are not compared, so their values are not counted", name);
    if (rc != -ENOENT)
        return rc;
    meant_attribute(reader, name, &meant);
    return error_set(err, ENOENT, "no attribute '%s' in v%" PRIu32 "%s", name, place->version,
                     buf_text(&meant));
}

static int print_facets(const struct place *place, struct catalog_reader *reader, const char *name,
                        bool counts, struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    CLEANUP_FACETS struct facets facets = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct catalog_attribute attribute;
    int rc = find_attribute(place, reader, name, &attribute, err);
    if (!rc)
        rc = query_rows(place->query, reader, &rows, err);
    if (rc)
        return rc;
    const struct facets_asked asked = {reader, rows, &attribute};
    rc = counts ? facets_of(&asked, SIZE_MAX, &facets, err) : facets_least(&asked, SIZE_MAX, &facets, err);
    if (rc)
        return rc;
    if (counts)
        facets_print(&facets, &text);
    for (size_t i = 0; !counts && i < facets.count; i++)
        facets_print_value(&facets.list[i].value, &text);
    fwrite(text.data, 1, text.len, stdout);
    return 0;
}

static int print_folder(const struct arguments *arguments, struct dataset *dataset, const struct place *place,
                        struct catalog_reader *reader, struct error *err)
{
    if (arguments_flag(arguments, "count"))
        return print_report(place, reader, REPORT_COUNT, err);
    if (arguments_flag(arguments, "json"))
        return report_manifest_print(place->query, reader, stdout, err);
    if (arguments_flag(arguments, "csv"))
        return csv_print(place->query, reader, stdout, err);
    if (arguments_text(arguments, "facets"))
        return print_facets(place, reader, arguments_text(arguments, "facets"), true, err);
    if (arguments_text(arguments, "values"))
        return print_facets(place, reader, arguments_text(arguments, "values"), false, err);
    if (arguments_flag(arguments, "lerobot-episodes"))
        return print_episodes(dataset, place, reader, err);
    if (arguments_flag(arguments, "where") && !arguments_flag(arguments, "paths0"))
        return print_place(place, err);
    return query_each_clip(place->query, reader, CATALOG_COMING_FILES, print_clip,
                           &(struct printing){reader, place->query, arguments_flag(arguments, "paths0")},
                           err);
}

/* Each is an answer of its own. */
static int check_answers(const struct arguments *arguments, struct error *err)
{
    static const char *const answers[] = {"count",           "json", "csv", "facets", "values", "paths0",
                                          "lerobot-episodes"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (!arguments_flag(arguments, answers[i]))
            continue;
        if (first)
            return error_set(err, EINVAL, "--%s and --%s exclude each other", first, answers[i]);
        first = answers[i];
    }
    return 0;
}

/* ---- .as/NAME ---- */

static int print_derived(void *ctx, const char *path, const struct view_entry *entry, struct error *err)
{
    const char *end = ctx;
    (void)entry, (void)err;
    fputs(path, stdout);
    putchar(*end);
    return 0;
}

static int print_view(const struct arguments *arguments, struct session_place *at, const char *path,
                      struct error *err)
{
    static const char *const for_clips[] = {"count", "json", "csv", "facets", "values", "lerobot-episodes"};
    CLEANUP_AS_VIEW struct as_view view = {0};
    for (size_t i = 0; i < sizeof for_clips / sizeof *for_clips; i++)
        if (arguments_text(arguments, for_clips[i]) || arguments_flag(arguments, for_clips[i]))
            return error_set(err, EINVAL, "--%s is of clips: give the path before '.as'", for_clips[i]);
    int rc = as_open_view(&at->session, &at->place, at->reader, path, &view, err);
    char end = arguments_flag(arguments, "paths0") ? '\0' : '\n';
    return rc ? rc : view_tree_each(view.plan, &view.ask, &view.entry, print_derived, &end, err);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION_PLACE struct session_place at = {0};
    int rc = check_answers(arguments, err);
    if (!rc)
        rc = session_open_path(arguments, &at.session, err);
    const char *view = rc ? NULL : as_split(at.session.path);
    if (!rc)
        rc = session_resolve(&at, err);
    if (!rc && at.place.is_file)
        return print_file(arguments, &at.place, at.reader, err);
    if (!rc)
        rc = narrow(arguments, &at.place, at.reader, err);
    if (!rc && view)
        return print_view(arguments, &at, view, err);
    return rc ? rc : print_folder(arguments, at.session.dataset, &at.place, at.reader, err);
}

static const struct command_example examples[] = {
    {"elidefs query s3://lab-data/kitchen v12/arm=left/outcome=fail", "The keys of the clips that match"},
    {"elidefs query /mnt/kitchen/latest/force.gt=2.5 --count", "How many, by a path inside a mount"},
    {"elidefs query s3://lab-data/kitchen v12/arm=left --facets outcome", "How many of them ended how"},
    {"elidefs query s3://lab-data/kitchen --where 'arm=left length>100 object in (cube, ball)'",
     "The path these conditions make"},
    {"elidefs query s3://lab-data/kitchen v12 --where 'outcome=fail' --lerobot-episodes",
     "The episodes to give to LeRobot"},
    {"elidefs query s3://lab-data/kitchen v12/outcome=fail/.as/webdataset",
     "The files of a layout of these clips"},
    {NULL, NULL},
};

const struct command command_query = {
    .name = "query",
    .synopsis = "DATASET PATH [OPTION]...",
    .summary = "prints the clips a path means",
    .description =
        "Prints one clip key a line, in listing order. PATH is what stands behind the mount point: "
        "v1/arm=left/outcome=fail; without a version it means the newest. Nothing of a clip is fetched. Of "
        "a PATH that goes on into another layout of the clips, such as v1/arm=left/.as/webdataset, it prints "
        "the files.\n\n"
        "Each part of a path narrows the one before it: arm=left (some value is left), arm.ne=left, "
        "arm.in=left,both, arm.nin=left,both, mass_g.lt=100 (also le, gt, ge), mass_g.rng=10..20, "
        "day.prefix=2026-03 (also suffix), task.has=cube (words), arm.null=1 (has no arm), arm=left+arm=both "
        "(either), @since=v9 (new or changed "
        "since "
        "version 9), @since=v9,outcome (whose outcome was another in version 9).\n\n"
        "Stages make another set of what stands before them: @sort=length, @sort=-length, @shuffle=7 (the "
        "order of seed 7; @shuffle=7.2 in epoch 2), @shard=0,4 (every fourth), @head=100, @skip=100, "
        "@sample=100,7 (a hundred chosen by seed 7), @split=0..90 (per cent), @split=0..90,7,session (whole "
        "sessions), @balance=outcome (as many of each), @key=ep000001,ep000002, "
        "@text=red cube,20 (whose texts say most of it), @streams=front,json (only these files of each).\n\n"
        "CONDITIONS are separated by blanks, and all must hold. Each is one of a path (arm=left, "
        "mass_g.gt=100, "
        "arm=left+arm=both for either), or as people write it: arm!=left, length > 100, length<=250, "
        "arm in (left, both), arm not in (left, both), length in 10..20. What holds blanks, or one of / + , "
        ") "
        "stands in quotes: task=\"pick up the cube\".",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
