// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs attribute`: a table of verbs; `list` reads a version, the others are each an operation of a change
 * set.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "index/base/name.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/commit.h"
#include "query/report/askable.h"
#include "tools/commands.h"
#include "tools/meant.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"message", 'm', "MESSAGE", false, "say what this version is"},
    {"json", 0, NULL, false, "list: print each attribute as a line of JSON"},
    {NULL, 0, NULL, false, NULL},
};

/* ---- list ---- */

static void print_examples(const struct askable *askable, struct buf *line)
{
    for (size_t i = 0; i < askable->example_count; i++) {
        buf_text_append(line, i ? ", " : "");
        value_print(line, &askable->examples[i].value);
    }
    if (askable->values > askable->example_count && askable->example_count)
        buf_text_append(line, ", ...");
}

static int print_attribute(void *ctx, const struct askable *askable, struct error *err)
{
    const bool *json = ctx;
    const struct catalog_attribute *attribute = askable->attribute;
    bool is_list = attribute->type == VALUE_LIST; /* whose values are not counted */
    CLEANUP_BUF struct buf line = BUF_INIT, examples = BUF_INIT;
    (void)err;
    if (*json) {
        askable_print_json(askable, &line);
    } else {
        print_examples(askable, &examples);
        buf_printf(&line, "%-24s %-9s%s %14s %15s  %-32s%s%s", attribute->name,
                   value_type_name(attribute->type), attribute->multi ? "[]" : "  ",
                   COUNT(askable->clips, "clip"), is_list ? "" : COUNT(askable->values, "value"),
                   buf_text(&examples), *askable->description ? "  " : "", askable->description);
        while (line.len && line.data[line.len - 1] == ' ')
            buf_truncate(&line, line.len - 1);
    }
    puts(buf_text(&line));
    return 0;
}

/* The words behind the verb are those of a path. */
static int list_attributes(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION_PLACE struct session_place at = {0};
    struct arguments words = *arguments;
    bool json = arguments_flag(arguments, "json");
    words.positional++;
    words.count--;
    int rc = session_open_path(&words, &at.session, err);
    if (rc || (!dataset_head(at.session.dataset) && !*at.session.path))
        return rc;
    rc = session_resolve(&at, err);
    if (!rc && at.place.is_file)
        return error_set(err, EINVAL, "attribute list: %s is a file: its folder has attributes",
                         at.session.path);
    return rc ? rc : askable_each(at.place.query, at.reader, print_attribute, &json, err);
}

/* ---- changes ---- */

static int rename_attribute(struct changeset *set, const char *const *words, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT; /* '/' and '.' become '_', as in columns */
    int rc = name_attribute(&name, words[1], strlen(words[1]), err);
    return rc ? rc : changeset_rename(set, words[0], buf_text(&name), err);
}

static int describe_attribute(struct changeset *set, const char *const *words, struct error *err)
{
    return changeset_describe(set, words[0], words[1], err);
}

static int drop_attribute(struct changeset *set, const char *const *words, struct error *err)
{
    return changeset_drop(set, words[0], err);
}

static const struct action {
    const char *name;
    size_t words; /* behind DATASET */
    size_t more;  /* that may stand there, too */
    int (*say)(struct changeset *set, const char *const *words, struct error *err); /* NULL: list */
} actions[] = {
    {"list", 0, 1, NULL},
    {"rename", 2, 0, rename_attribute},
    {"describe", 2, 0, describe_attribute},
    {"drop", 1, 0, drop_attribute},
};

static int commit(const struct arguments *arguments, struct session *session, const struct changeset *set,
                  struct error *err)
{
    const char *const *words = arguments->positional, *message = arguments_text(arguments, "message");
    CLEANUP_FREE char *done = mem_printf("%s %s%s%s", words[0], words[2], arguments->count > 3 ? " " : "",
                                         arguments->count > 3 ? words[3] : "");
    struct dataset_commit info = {
        .message = message ? message : done, .based = true, .base = dataset_head(session->dataset)};
    uint32_t version = 0;
    int rc = dataset_commit(session->dataset, set, &info, &version, NULL, err);
    if (rc == -EALREADY) {
        fprintf(stderr, "%s\n", err->text);
        version = dataset_head(session->dataset);
        rc = 0;
    }
    if (!rc)
        printf("v%u\n", version);
    return rc;
}

/* "there is no attribute 'outcom'": and what was meant. */
static int explain_absence(struct session *session, const char *name, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_text_append(&text, err->text);
    if (!dataset_catalog(session->dataset, dataset_head(session->dataset), PATIENCE_ENDLESS, &catalog,
                         NULL) &&
        !catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, NULL))
        meant_attribute(reader, name, &text);
    return error_set(err, ENOENT, "%s", buf_text(&text));
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    const char *const *words = arguments->positional;
    const struct action *action = NULL;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(actions[i].name, words[0]))
            action = &actions[i];
    if (!action)
        return error_set(err, EINVAL, "attribute %s: expected list, rename, describe or drop", words[0]);
    if (arguments->count < action->words + 2 || arguments->count > action->words + action->more + 2)
        return error_set(err, EINVAL, "attribute %s: expected DATASET%s", action->name,
                         action->words == 2 ? " ATTRIBUTE and another text"
                         : action->words    ? " ATTRIBUTE"
                                            : " and maybe a PATH");
    if (!action->say)
        return list_attributes(arguments, err);
    int rc = action->say(set, words + 2, err);
    if (!rc)
        rc = session_open(arguments, words[1], NULL, &session, err);
    if (rc)
        return rc;
    rc = commit(arguments, &session, set, err);
    return rc == -ENOENT ? explain_absence(&session, words[2], err) : rc;
}

static const struct command_example examples[] = {
    {"elidefs attribute list s3://lab-data/kitchen", "What clips can be found by"},
    {"elidefs attribute list s3://lab-data/kitchen v12/outcome=fail",
     "What those that failed can be told apart by"},
    {"elidefs attribute rename s3://lab-data/kitchen outcom outcome",
     "The same attribute under another name"},
    {"elidefs attribute describe s3://lab-data/kitchen outcome 'ok or fail, by a person'", "What it means"},
    {NULL, NULL},
};

const struct command command_attribute = {
    .name = "attribute",
    .synopsis = "list DATASET [PATH] | rename|describe|drop DATASET ATTRIBUTE [TEXT]",
    .summary = "lists, renames, describes or drops attributes",
    .description =
        "list DATASET [PATH]: what clips can be asked for by: each attribute with its type ([]: several "
        "values "
        "a clip), how many clips have it, how many values there are (of lists they are not counted), some of "
        "them (the most frequent, or, of very many, the least), and its description. Of the newest version, "
        "or of "
        "the clips that PATH means.\n\n"
        "rename DATASET ATTRIBUTE NEW: the same attribute under another name, from a new version on; older "
        "ones "
        "keep the old name. An import that still says the old name means the attribute.\n\n"
        "describe DATASET ATTRIBUTE TEXT: what it means; an empty TEXT takes the description away.\n\n"
        "drop DATASET ATTRIBUTE: no clip has it any more, from a new version on. An import does not bring it "
        "back; "
        "annotate does, where it says the name.\n\n"
        "Others may commit at the same time: an attribute that they have renamed, dropped or described "
        "otherwise, and one to be dropped that they have set values of, is a conflict, named with the "
        "version; two that ask for the same both succeed.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 4,
    .examples = examples,
    .run = run,
};
