// SPDX-License-Identifier: Apache-2.0
/* `elidefs root`: a table of verbs over the places where recordings lie. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"verify", 0, NULL, false,
     "compare every recording with the new place first, and change nothing if one differs"},
    {NULL, 0, NULL, false, NULL},
};

static int print_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    static const char *const words[] = {[DATASET_ROOT_FOREIGN] = "not trusted",
                                        [DATASET_ROOT_TRUSTED] = "trusted",
                                        [DATASET_ROOT_OWN] = "own"};
    int trust = dataset_root_trust(ctx, url, err);
    if (trust >= 0)
        printf("%u %s (%s)\n", id, url, words[trust]);
    return trust < 0 ? trust : 0;
}

static int take_id(const char *text, uint32_t *ret, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long id = *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    if (!id || errno || *end || id > UINT32_MAX)
        return error_set(err, EINVAL, "'%s' is no number of a root; `elidefs root list DATASET` shows them",
                         text);
    *ret = (uint32_t)id;
    return 0;
}

static void tell_compared(const struct dataset_compared *compared)
{
    if (compared->all)
        fprintf(stderr, "%s %s the same there; %llu read to tell (%.1f MiB)\n",
                COUNT(compared->objects, "recording"), compared->objects == 1 ? "is" : "are",
                (unsigned long long)compared->read, (double)compared->bytes / (1 << 20));
    else if (compared->others)
        fprintf(stderr, "note: %llu of the %llu recordings that were looked for cannot be read there: %s\n",
                (unsigned long long)compared->others, (unsigned long long)compared->objects,
                compared->example);
}

static int list(const struct arguments *arguments, struct session *session, struct error *err)
{
    (void)arguments;
    return dataset_roots(session->dataset, print_root, session->dataset, err);
}

static int change(const struct arguments *arguments, struct session *session,
                  int (*change_root)(struct dataset *, uint32_t, const char *, struct dataset_compared *,
                                     struct error *),
                  struct error *err)
{
    struct dataset_compared compared = {.all = arguments_flag(arguments, "verify")};
    uint32_t id = 0;
    int rc = take_id(arguments->positional[2], &id, err);
    if (!rc)
        rc = change_root(session->dataset, id, arguments->positional[3], &compared, err);
    if (rc)
        return rc;
    tell_compared(&compared);
    return list(arguments, session, err);
}

static int set(const struct arguments *arguments, struct session *session, struct error *err)
{
    return change(arguments, session, dataset_root_set, err);
}

static int add(const struct arguments *arguments, struct session *session, struct error *err)
{
    return change(arguments, session, dataset_root_add, err);
}

static void tell_accepted(const char *path, const struct dataset_accepted *accepted)
{
    if (accepted->missing)
        fprintf(stderr, "note: %llu of %s %s not there\n", (unsigned long long)accepted->missing,
                COUNT(accepted->objects, "recording"), accepted->missing == 1 ? "is" : "are");
    double rest = (double)(accepted->bytes - accepted->compared) / (1 << 20);
    if (!accepted->accepted)
        printf("%s: %s, all of which can be told to be what was imported\n", path,
               COUNT(accepted->objects, "recording"));
    else
        printf("%s: %llu of %s accepted: sizes are the same, and so are the %.1f MiB that could be compared; "
               "the other %.1f MiB are taken at your word\n",
               path, (unsigned long long)accepted->accepted, COUNT(accepted->objects, "recording"),
               (double)accepted->compared / (1 << 20), rest);
}

static int accept(const struct arguments *arguments, struct session *session, struct error *err)
{
    int rc = 0;
    for (size_t i = 2; !rc && i < arguments->count; i++) {
        struct dataset_accepted accepted = {0};
        rc = dataset_root_accept(session->dataset, arguments->positional[i], &accepted, err);
        if (!rc)
            tell_accepted(arguments->positional[i], &accepted);
    }
    return rc;
}

static const struct verb {
    const char *name, *usage;
    size_t least, most;
    int (*run)(const struct arguments *arguments, struct session *session, struct error *err);
} verbs[] = {
    {"list", "list DATASET", 2, 2, list},
    {"set", "set DATASET ID URL", 4, 4, set},
    {"add", "add DATASET ID URL", 4, 4, add},
    {"accept", "accept DATASET PATH...", 3, SIZE_MAX, accept},
};

static int expected(struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", verbs[i].usage);
    return error_set(err, EINVAL, "elidefs root: expected one of: %s", buf_text(&text));
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        const struct verb *verb = &verbs[i];
        if (strcmp(arguments->positional[0], verb->name) != 0)
            continue;
        if (arguments->count < verb->least || arguments->count > verb->most)
            return error_set(err, EINVAL, "elidefs root: expected %s", verb->usage);
        int rc = session_open(arguments, arguments->positional[1], NULL, &session, err);
        return rc ? rc : verb->run(arguments, &session, err);
    }
    return expected(err);
}

static const struct command_example examples[] = {
    {"elidefs root list s3://lab-data/kitchen", "Where the recordings of a data set lie"},
    {"elidefs root set s3://lab-data/kitchen 1 s3://archive/kitchen --verify",
     "They have been copied to another bucket"},
    {"elidefs root add s3://lab-data/kitchen 1 s3://archive/kitchen", "They lie in another bucket, too"},
    {"elidefs root accept s3://lab-data/kitchen /robots/kitchen/videos",
     "The files were copied without their times, and they are the same"},
    {NULL, NULL},
};

const struct command command_root = {
    .name = "root",
    .synopsis = "list DATASET | set DATASET ID URL | add DATASET ID URL | accept DATASET PATH...",
    .summary = "shows or changes where the recordings of a data set lie",
    .description =
        "A version names its recordings relative to a root, such as the folder or bucket they were imported "
        "from. "
        "list prints each root's number and place, and whether you let the data set read there.\n\n"
        "set says that a root lies at URL from now on, for all versions and for everybody: a bucket that was "
        "moved or mirrored needs no new import. A few recordings are looked for there first, and nothing is "
        "changed if none of them can be read.\n\n"
        "add says that it lies at URL, too: each recording is looked for at each place of its root, in the "
        "order of list, until one has it. A place that is away is passed over; one that you have not trusted "
        "is passed over and named where a recording is not found.\n\n"
        "A recording is read at a place only if it is certain to be what was imported. Its pin tells (the "
        "same "
        "ETag, or in a folder the same time, inode and ctime); so a copy that keeps times (cp -a, rsync -a, "
        "a "
        "restore, a card mounted again) is told by what was seen of the file at its import: its headers and "
        "indices, or its first and last 64 KiB, and 32 samples between them. A file that was written to "
        "since, "
        "or copied without its time, is only taken if a hash of all its bytes is known: of copies that "
        "elidefs "
        "made, of files up to 1 MiB, of objects whose ETag is one. What was found so is kept in "
        "~/.local/state/elidefs, so that it is looked for once.\n\n"
        "With --verify every recording is compared with the new place before anything is changed, byte by "
        "byte "
        "where nothing else tells, while the old place can still be read; what pins each recording there is "
        "recorded beside the root.\n\n"
        "accept says that what lies at PATH (a file or a folder of a place, or its URL) is what was "
        "imported, "
        "though it was written to or copied without its time, and nobody can prove it. Its size and what was "
        "seen of it at its import must be the same; what was not compared is told. It is recorded beside the "
        "root, for everybody. Data sets that are mounted see a changed root when they are mounted again; "
        "whoever has not trusted a new place is asked to.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = SIZE_MAX,
    .examples = examples,
    .run = run,
};
