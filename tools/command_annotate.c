// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs annotate`: a table of labels, or a stream of them, becomes one commit, or one every few seconds.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/count.h"
#include "cache/base/instant.h"
#include "cache/base/json.h"
#include "index/commit/commit.h"
#include "tools/commands.h"
#include "tools/import/notes.h"
#include "tools/label/annotate.h"
#include "tools/meant.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"by", 0, "NAME", false, "who sets the values: a person or a model (default: your user name)"},
    {"only-missing", 0, NULL, false, "leave every value that is there as it is"},
    {"overwrite", 0, NULL, false, "also replace what others have set"},
    {"suffix", 0, "S", false, "put S behind the name of every column, such as _net7"},
    {"multi", 0, "NAME", true, "this column holds several values, separated by ';'"},
    {"type", 0, "NAME=TYPE", true,
     "make this attribute boolean, integer, float, text, timestamp, duration or list, whatever its values "
     "look like"},
    {"prefix", 0, "P", false, "episode_index 7 is the clip P-ep000007, as of an import with --prefix P"},
    {"every", 0, "TIME", false, "commit what has come every so long, such as 5m, until the table ends"},
    {"message", 'm', "MESSAGE", false, "say what this version is"},
    {"json", 0, NULL, false, "print each result as one JSON object"},
    {NULL, 0, NULL, false, NULL},
};

struct run {
    const struct arguments *arguments;
    struct session session;
    struct annotate_options options;
    int64_t every_ns; /* 0: once */
    uint32_t base;    /* the version that the batch is made for */
    bool any;         /* has there been a row? */
};

/* ---- telling ---- */

static void tell(const struct run *run, uint32_t version, const struct apply_counts *counts)
{
    if (arguments_flag(run->arguments, "json")) {
        CLEANUP_BUF struct buf by = BUF_INIT;
        json_write_text(&by, run->options.by, strlen(run->options.by));
        printf("{\"version\":%u,\"by\":%s,\"clips\":%llu,\"unchanged\":%llu,\"values\":%llu,"
               "\"events\":%llu}\n",
               version, buf_text(&by), (unsigned long long)counts->clips_labelled,
               (unsigned long long)counts->clips_unchanged, (unsigned long long)counts->values_set,
               (unsigned long long)counts->events_set);
    } else {
        printf("v%u\n", version);
    }
    fflush(stdout); /* a reader of a stream's results waits for each */
}

static void tell_set(const struct run *run, uint32_t version, const struct apply_counts *counts)
{
    fprintf(stderr, "v%u: %s labelled by %s (%s, %s), %llu unchanged\n", version,
            COUNT(counts->clips_labelled, "clip"), run->options.by, COUNT(counts->values_set, "value"),
            COUNT(counts->events_set, "event"), (unsigned long long)counts->clips_unchanged);
}

/* ---- committing ---- */

/* Somebody else was first: what they set and this set touches is found by apply(), the rest lands. */
static int commit(struct run *run, const struct changeset *set, struct error *err)
{
    const char *message = arguments_text(run->arguments, "message");
    struct dataset_commit info = {.message = message, .based = true, .base = run->base};
    struct apply_counts counts = {0};
    uint32_t version = 0;
    int rc = dataset_commit(run->session.dataset, set, &info, &version, &counts, err);
    if (rc == -EALREADY) {
        fprintf(stderr, "%s\n", err->text);
        counts = (struct apply_counts){.clips_unchanged = changeset_clips(set)};
        tell(run, dataset_head(run->session.dataset), &counts);
        return 0;
    }
    if (rc)
        return rc;
    tell_set(run, version, &counts);
    tell(run, version, &counts);
    return 0;
}

static int open_head(struct run *run, struct catalog **ret, struct catalog_reader **ret_reader,
                     struct error *err)
{
    int rc = 0;
    run->base = dataset_head(run->session.dataset); /* which was opened just now */
    if (!run->base)
        rc = error_set(err, ENOENT, "%s: there are no clips yet; import some first", run->session.url);
    if (!rc)
        rc = dataset_catalog(run->session.dataset, run->base, PATIENCE_ENDLESS, ret, err);
    return rc ? rc : catalog_reader_acquire(*ret, PATIENCE_ENDLESS, ret_reader, err);
}

/* A column that is misspelt would be an attribute of its own; with --suffix names are alike by intent. */
static void note_new(const struct run *run, struct catalog_reader *reader, const struct changeset *set)
{
    struct changeset_reader ops = CHANGESET_READER(set);
    struct changeset_op op;
    while (!run->options.suffix && changeset_next(&ops, &op) && op.kind != CHANGESET_LABELS) {
        struct catalog_attribute known;
        CLEANUP_BUF struct buf meant = BUF_INIT;
        if (op.kind != CHANGESET_ATTRIBUTE ||
            !catalog_attribute_find(reader, op.text, strlen(op.text), &known, NULL))
            continue;
        meant_attribute(reader, op.text, &meant);
        CLEANUP_FREE char *reason = mem_printf("'%s' is a new attribute", op.text);
        if (meant.len)
            notes_add(run->options.notes, reason, buf_text(&meant) + strlen(": "));
    }
    changeset_reader_done(&ops);
}

/* One batch: 1 if more may come. */
static int annotate_once(struct run *run, struct annotate **annotate, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_CHANGESET struct changeset *set = NULL;
    int rc = open_head(run, &catalog, &reader, err);
    if (!rc && !*annotate)
        rc = annotate_open(&run->options, reader, annotate, err);
    if (rc)
        return rc;
    int64_t deadline = run->every_ns ? clock_now_ns() + run->every_ns : 0;
    int more = annotate_read(*annotate, reader, deadline, &set, err);
    if (more < 0)
        return more;
    run->any |= set != NULL;
    if (set)
        note_new(run, reader, set);
    if (!more && !run->any) {
        fprintf(stderr, "%s: nothing new: the table has no rows, v%u stays\n", run->session.url, run->base);
        tell(run, run->base, &(struct apply_counts){0});
    }
    rc = set ? commit(run, set, err) : 0;
    return rc ? rc : more;
}

/* ---- options ---- */

static char *user_name(void)
{
    const struct passwd *user = getpwuid(getuid());
    return user ? mem_text(user->pw_name) : mem_printf("uid%u", (unsigned)getuid());
}

/* A value's minutes are "min", since "m" could be metres; here it could not. */
static int parse_time(const char *text, struct value *ret)
{
    size_t len = strlen(text);
    CLEANUP_FREE char *spelled = mem_printf("%s%s", text, len && text[len - 1] == 'm' ? "in" : "");
    return value_parse(VALUE_DURATION, spelled, strlen(spelled), ret, NULL);
}

static int take_options(struct run *run, struct error *err)
{
    const struct arguments *arguments = run->arguments;
    bool missing = arguments_flag(arguments, "only-missing"), all = arguments_flag(arguments, "overwrite");
    const char *every = arguments_text(arguments, "every");
    struct value time = {0};
    if (missing && all)
        return error_set(err, EINVAL, "--only-missing and --overwrite exclude each other");
    if (every && (parse_time(every, &time) || time.integer <= 0))
        return error_set(err, EINVAL, "--every '%s': expected a time such as 30s or 5m", every);
    if (!strcmp(run->options.by, "import"))
        return error_set(err, EINVAL, "--by import: that is the name of what imports set");
    run->every_ns = time.integer;
    run->options.policy = missing ? CHANGESET_MISSING : all ? CHANGESET_ALL : CHANGESET_OWN;
    run->options.table = arguments->positional[1];
    run->options.suffix = arguments_text(arguments, "suffix");
    run->options.prefix = arguments_text(arguments, "prefix");
    run->options.batches = every != NULL;
    return 0;
}

static int run_all(struct run *run, struct error *err)
{
    CLEANUP_ANNOTATE struct annotate *annotate = NULL;
    int rc = take_options(run, err);
    if (!rc)
        rc = session_open(run->arguments, run->arguments->positional[0], NULL, &run->session, err);
    run->options.stores = run->session.stores;
    if (!rc)
        do
            rc = annotate_once(run, &annotate, err);
        while (rc > 0);
    return rc;
}

static int run(const struct arguments *arguments, struct error *err)
{
    struct run run = {.arguments = arguments};
    CLEANUP_FREE char *user = user_name();
    const char **multi = arguments_list(arguments, "multi", &run.options.multi_count);
    const char **types = arguments_list(arguments, "type", &run.options.type_count);
    const char *by = arguments_text(arguments, "by");
    run.options.multi = multi, run.options.types = types;
    run.options.by = by ? by : user;
    run.options.notes = notes_new();
    int rc = run_all(&run, err);
    session_close(&run.session);
    notes_print(run.options.notes, stderr);
    notes_free(run.options.notes);
    free(multi);
    free(types);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs annotate s3://lab-data/kitchen outcomes.csv -m 'second look'",
     "What people say, as one version"},
    {"infer.py | elidefs annotate s3://lab-data/kitchen - --by net-7 --suffix _net7 --every 5m",
     "What a model says, as it comes"},
    {"elidefs annotate s3://lab-data/kitchen events.parquet --by net-7", "Events: key, label, start, end"},
    {NULL, NULL},
};

const struct command command_annotate = {
    .name = "annotate",
    .synopsis = "DATASET TABLE|- [OPTION]...",
    .summary = "sets attributes and events of clips from a table, as one new version",
    .description =
        "TABLE is CSV (or TSV), JSON Lines or Parquet: a path, a URL, or - for standard input. Each row is "
        "about the "
        "clip in its column key, else episode_index; every other column is an attribute. An empty field, "
        "and 'nan' where the column is not text, says nothing. All of it lands as one version, whose name is "
        "printed, or "
        "nothing does: a value that does "
        "not fit, or a clip that is not there, is named with its line. A table that changes nothing commits "
        "nothing.\n\n"
        "An attribute keeps its type; only integers become floats, and text by --type NAME=text, which also "
        "keeps what another type does not, such as leading zeros. A list of numbers (in JSON and Parquet; in "
        "CSV a text such as [40,10.5], where the attribute is a list "
        "already or --type says so) is one value, kept as it is, in its order; NaN in it is null. A single "
        "number is no list: [3]. A list of texts (in CSV: columns of --multi, and of attributes that hold "
        "several values, separated by ';') is several labels, which replace those that were there; they are "
        "a set, without order or repeats, and an empty list takes them away. With --multi a list of numbers "
        "is such a set, too. Lists of anything else are left out, which is said.\n\n"
        "Every value knows who set it and when: `elidefs blame` tells. Changing what somebody else set, an "
        "import included, fails with how many there are and three examples, unless --overwrite is given. An "
        "import never takes back what people or models set. Others may commit at the same time: a value, or "
        "an "
        "attribute's name, that was changed since the table was begun to be read is a conflict, named with "
        "its "
        "version, also with --overwrite.\n\n"
        "A table with the columns label (or event), start (or start_s) and end (or end_s) holds events: "
        "spans of a clip's time, in seconds or with a unit. Those of a clip, label and --by replace the ones "
        "that were there; a row without start and end says that there are none. An event that "
        "starts before its clip, ends before it starts, or ends more than a frame behind its clip's duration "
        "(if "
        "that is an attribute of it) fails the table. The path event=LABEL finds "
        "clips by them.\n\n"
        "With --every, rows are committed as they come; a clip that comes again begins a new version.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 2,
    .examples = examples,
    .run = run,
};
