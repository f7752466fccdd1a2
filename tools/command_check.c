// SPDX-License-Identifier: Apache-2.0
/* Two questions: does the locked version still hold what was locked, and does the path that was asked for
 * still mean it? */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/file.h"
#include "query/report/diff.h"
#include "query/say/place.h"
#include "tools/commands.h"
#include "tools/diff_text.h"
#include "tools/lock.h"
#include "tools/session.h"

enum { LOCK_BYTES_MAX = 1 << 20 };

static const struct option_spec options[] = {
    {"dataset", 0, "DATASET", false, "the data set, if it lies elsewhere than when it was locked"},
    {"against", 0, "VERSION", false, "compare with this version instead of the path that was asked for"},
    {NULL, 0, NULL, false, NULL},
};

struct checking {
    const char *name; /* of the line, for messages */
    const struct lock *lock;
    const char *path; /* that is compared with it */
    struct dataset *dataset;
};

static bool same_digest(const struct digest *a, const struct digest *b)
{
    return !memcmp(a->sha256, b->sha256, sizeof a->sha256);
}

static int digest_place(const struct place *place, struct catalog_reader **ret_reader, struct digest *ret,
                        struct error *err)
{
    int rc = catalog_reader_acquire(place->catalog, PATIENCE_ENDLESS, ret_reader, err);
    return rc ? rc : digest_query(place->query, *ret_reader, ret, err);
}

/* The locked version itself. */
static int check_locked(const struct checking *checking, struct place *ret_place, struct error *err)
{
    const struct lock *lock = checking->lock;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    const struct manifest *manifest;
    struct digest digest;
    if (strcmp(lock->uuid, dataset_uuid(checking->dataset)) != 0)
        return error_set(err, ESTALE, "%s: %s is another data set than the one that was locked",
                         checking->name, dataset_url(checking->dataset));
    int rc = place_resolve(checking->dataset, lock->canonical, ret_place, err);
    if (!rc)
        rc = dataset_manifest(checking->dataset, ret_place->version, &manifest, err);
    if (rc)
        return error_prefix(err, "%s", checking->name);
    if (memcmp(manifest->sha256, lock->manifest, sizeof lock->manifest) != 0)
        return error_set(err, ESTALE,
                         "%s: v%u is not the version that was locked: its history was written anew",
                         checking->name, ret_place->version);
    rc = digest_place(ret_place, &reader, &digest, err);
    if (!rc && !same_digest(&digest, &lock->digest))
        return error_set(err, ESTALE, "%s: %s does not hold what was locked (%s, then %" PRIu64 ")",
                         checking->name, lock->canonical, COUNT(digest.clips, "clip"), lock->digest.clips);
    return rc;
}

static int tell_differences(const struct checking *checking, const struct place *locked,
                            const struct place *now, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *other = NULL;
    bool back = now->version < locked->version; /* a tag was moved to an older version */
    int rc = catalog_reader_sibling(reader, locked->version, &other, err);
    if (rc)
        return rc;
    struct diff diff = {back ? reader : other, back ? other : reader, back ? locked->query : now->query};
    uint64_t count = 0;
    printf("from v%u to v%u:\n", back ? now->version : locked->version,
           back ? locked->version : now->version);
    rc = diff_text_print(checking->dataset, &diff, &count, err);
    return rc ? rc
              : error_set(err, ESTALE, "%s: %s is not what was locked: v%u differs from v%u (%s)",
                          checking->name, checking->path, now->version, locked->version,
                          COUNT(count, "difference"));
}

/* What was asked for, as it is now. */
static int check_now(const struct checking *checking, const struct place *locked, struct error *err)
{
    CLEANUP_PLACE struct place now = {0};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct digest digest;
    int rc = place_resolve(checking->dataset, checking->path, &now, err);
    if (rc)
        return error_prefix(err, "%s: %s means nothing any more", checking->name, checking->path);
    if (now.version == locked->version)
        return 0;
    rc = digest_place(&now, &reader, &digest, err);
    if (rc || same_digest(&digest, &checking->lock->digest))
        return rc;
    return tell_differences(checking, locked, &now, reader, err);
}

static char *path_against(const struct lock *lock, const char *version)
{
    const char *query = strchr(lock->canonical, '/');
    return mem_printf("%s%s", version, query ? query : "");
}

static int check_line(const struct arguments *arguments, const char *name, const struct lock *lock,
                      struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    CLEANUP_PLACE struct place locked = {0};
    const char *elsewhere = arguments_text(arguments, "dataset"),
               *against = arguments_text(arguments, "against");
    int rc = session_open(arguments, elsewhere ? elsewhere : lock->dataset, NULL, &session, err);
    if (rc)
        return rc;
    CLEANUP_FREE char *path = against ? path_against(lock, against) : mem_text(lock->path);
    struct checking checking = {name, lock, path, session.dataset};
    rc = check_locked(&checking, &locked, err);
    if (!rc)
        rc = check_now(&checking, &locked, err);
    if (!rc)
        printf("%s: %s holds what was locked: %s\n", name, path, COUNT(lock->digest.clips, "clip"));
    return rc;
}

/* Every line is checked, so that all that differs is told; the last failure is the command's. */
static int check_lines(const struct arguments *arguments, const char *text, struct error *err)
{
    int status = 0;
    for (unsigned number = 1; *text; number++) {
        size_t len = strcspn(text, "\n");
        CLEANUP_FREE char *name = mem_printf("%s:%u", arguments->positional[0], number);
        CLEANUP_LOCK struct lock lock = {0};
        struct error why = {0};
        int rc = len ? lock_parse(name, text, len, &lock, &why) : 0;
        if (len && !rc)
            rc = check_line(arguments, name, &lock, &why);
        if (rc && status)
            fprintf(stderr, "elidefs: %s\n", err->text);
        if (rc)
            status = error_copy(err, &why);
        text += len + (text[len] == '\n');
    }
    return status;
}

/* Lines of other files are not told one by one: nobody took them for locks. */
static int check_is_lock(const char *name, const struct buf *text, struct error *err)
{
    static const char mark[] = "\"elidefs_lock\"";
    bool is_text = !memchr(text->data, '\0', text->len);
    if (is_text && memmem(text->data, text->len, mark, strlen(mark)))
        return 0;
    return error_set(err, EINVAL, "%s holds no lock: \"elidefs lock DATASET PATH > data.lock\" writes one",
                     name);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    const char *name = arguments->positional[0];
    int rc = file_read(name, LOCK_BYTES_MAX, &text, err);
    if (rc == -EFBIG || rc == -EISDIR)
        rc = error_set(err, EINVAL, "%s is %s: check reads a file that `elidefs lock` wrote", name,
                       rc == -EISDIR ? "a folder" : "too large for a lock");
    if (!rc)
        rc = check_is_lock(name, &text, err);
    return rc ? rc : check_lines(arguments, buf_text(&text), err);
}

static const struct command_example examples[] = {
    {"elidefs check data.lock", "Is it still the data that was locked?"},
    {"elidefs check data.lock --against latest", "What has changed since?"},
    {NULL, NULL},
};

const struct command command_check = {
    .name = "check",
    .synopsis = "FILE [OPTION]...",
    .summary = "compares data with a lock",
    .description = "FILE holds what `elidefs lock` printed, a line or several. Checks that the locked "
                   "version still holds "
                   "exactly what was locked, and that the path that was asked for (such as "
                   "latest/outcome=fail, or one that "
                   "begins with a tag) still means the same data. Where it does not, each clip that differs "
                   "is named, with "
                   "the version that changed it and its author, and the exit status is 1.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 1,
    .examples = examples,
    .run = run,
};
