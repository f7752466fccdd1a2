// SPDX-License-Identifier: Apache-2.0
/* `elidefs purge`: takes the clips that a path means out of all versions, after it has said what that is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/count.h"
#include "index/commit/purge.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"all", 0, NULL, false, "allow PATH to mean every clip"},
    {"dry-run", 0, NULL, false, "only say what would be purged"},
    {"yes", 0, NULL, false, "do not ask"},
    {"message", 'm', "MESSAGE", false, "say why, without naming who is purged: it stays in the log"},
    {"json", 0, NULL, false, "print the result as one JSON object"},
    {NULL, 0, NULL, false, NULL},
};

struct keys {
    struct catalog_reader *reader;
    char **list;
    size_t count, cap;
};

static void keys_done(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free(keys->list[i]);
    free(keys->list);
}

static int take_row(void *ctx, uint32_t row, struct error *err)
{
    struct keys *keys = ctx;
    struct catalog_clip clip;
    int rc = catalog_clip(keys->reader, row, &clip, err);
    if (rc)
        return rc;
    mem_grow(&keys->list, &keys->cap, keys->count + 1, sizeof *keys->list);
    keys->list[keys->count++] = mem_text(clip.key);
    return 0;
}

/* A path is easily mistyped: one without a condition is every clip there is. */
static int take(const struct arguments *arguments, struct session_place *at, struct keys *keys,
                struct error *err)
{
    size_t conditions;
    const struct place *place = &at->place;
    query_clauses(place->query, &conditions);
    if (!place->is_file && !conditions && !arguments_flag(arguments, "all"))
        return error_set(err, EINVAL, "'%s' means every clip: say which, such as person=jane, or --all",
                         at->session.path);
    keys->reader = at->reader;
    int rc = place->is_file
                 ? take_row(keys, place->row, err)
                 : query_each_clip(place->query, at->reader, CATALOG_COMING_FILES, take_row, keys, err);
    return rc || keys->count ? rc : error_set(err, ENOENT, "'%s' means no clip", at->session.path);
}

static void tell_plan(const struct session_place *at, const struct keys *keys,
                      const struct dataset_purged *plan)
{
    const char *url = dataset_url(at->session.dataset);
    fprintf(stderr, "%s, such as '%s', would be purged from v%u and all later versions (%s) of %s.\n",
            COUNT(keys->count, "clip"), keys->list[0], plan->first, COUNT(plan->versions, "version"), url);
    fprintf(stderr,
            "They are gone then: nothing brings them back. Not touched are the recordings they were "
            "imported from, names of attributes, messages of versions, and what others have copied or "
            "cached.\n");
}

/* Only a person can answer. */
static int ask(const struct arguments *arguments, struct error *err)
{
    char answer[8] = "";
    if (arguments_flag(arguments, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO))
        return error_set(err, EPERM, "nothing was purged: --yes says that it is meant");
    fprintf(stderr, "Purge them? Type yes: ");
    if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "yes\n") != 0)
        return error_set(err, ECANCELED, "nothing was purged");
    return 0;
}

static void tell(const struct arguments *arguments, const struct keys *keys,
                 const struct dataset_purged *done)
{
    if (done->version)
        fprintf(stderr,
                "v%u: %s purged from %s; packs that held them are freed by \"elidefs gc\", until then their "
                "bytes "
                "lie in the store\n",
                done->version, COUNT(done->clips, "clip"), COUNT(done->versions, "version"));
    if (arguments_flag(arguments, "json"))
        printf("{\"version\":%u,\"clips\":%zu,\"versions\":%llu,\"first\":%u,\"bytes\":%llu}\n",
               done->version, keys->count, (unsigned long long)done->versions, done->first,
               (unsigned long long)done->bytes);
    else if (done->version)
        printf("v%u\n", done->version);
}

/* One that was cut off when its clips were gone, but before the version that ends it. */
static int end_earlier(const struct session_place *at, bool *ret_ended, struct error *err)
{
    struct dataset_purge purge = {.message = "clips were purged from all versions"};
    struct dataset_purged done = {0};
    int rc = dataset_end_purge(at->session.dataset, &purge, &done, err);
    if (rc == 1)
        fprintf(stderr, "v%u: ends a purge that was cut off\n", done.version);
    *ret_ended = rc == 1;
    return rc < 0 ? rc : 0;
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION_PLACE struct session_place at = {0};
    struct keys keys CLEANUP(keys_done) = {0};
    struct dataset_purged plan = {0}, done = {0};
    bool ended = false;
    int rc = session_open_path(arguments, &at.session, err);
    if (!rc)
        rc = dataset_check_writable(at.session.dataset, err);
    if (!rc && !arguments_flag(arguments, "dry-run"))
        rc = end_earlier(&at, &ended, err);
    if (!rc)
        rc = session_resolve(&at, err);
    if (!rc)
        rc = take(arguments, &at, &keys, err);
    if (rc == -ENOENT && ended) /* these clips, as a rule */
        return 0;
    struct dataset_purge purge = {.keys = (const char *const *)keys.list,
                                  .count = keys.count,
                                  .message = arguments_text(arguments, "message"),
                                  .dry = true};
    if (!rc)
        rc = dataset_purge(at.session.dataset, &purge, &plan, err);
    if (rc)
        return rc;
    tell_plan(&at, &keys, &plan);
    if (arguments_flag(arguments, "dry-run")) {
        tell(arguments, &keys, &plan);
        return 0;
    }
    rc = ask(arguments, err);
    purge.dry = false;
    if (!purge.message)
        purge.message = "clips were purged from all versions";
    if (!rc)
        rc = dataset_purge(at.session.dataset, &purge, &done, err);
    if (!rc)
        tell(arguments, &keys, &done);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs purge s3://lab-data/kitchen outcome=fail --dry-run", "What would go"},
    {"elidefs purge s3://lab-data/kitchen v1/ep000001.json --dry-run",
     "The same of one clip, named by any of its files"},
    {NULL, NULL},
};

const struct command command_purge = {
    .name = "purge",
    .synopsis = "DATASET PATH [OPTION]...",
    .summary = "takes clips out of all versions",
    .description =
        "Takes the clips that PATH means out of every version and tag that has them, live or removed, "
        "whatever they "
        "were called or labelled in each: names, labels, events, times, fingerprints, streams, copied "
        "headers and "
        "tables, and what the index holds of them. All else stays as it is, and so do the names of versions. "
        "It says "
        "first what it will do, and asks. A new version ends it, with nothing new in it. Reading a purged "
        "clip says "
        "when it was purged; keys are kept as hashes only. Versions that clips were purged from have another "
        "catalog "
        "than the one that was committed, and \"elidefs catalog pull\" says so. "
        "The pages that held the clips, and copies of recordings that only they used, are not read any more; "
        "they are "
        "removed from the store by \"elidefs gc\". A mount shows them until it looks for new versions again. "
        "What it cannot do: the recordings that clips were imported from stay where they are, and an import "
        "of "
        "them brings the clips back, as new ones; what a LeRobot data set says of all its episodes (README, "
        "meta/) goes with the last of them; names of attributes and of who set values, sources and messages "
        "of "
        "versions, pins beside roots (elidefs root), parts of imports that are not merged, caches of "
        "machines, and catalogs, exports and clips that somebody has copied are not touched.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
