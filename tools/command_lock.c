// SPDX-License-Identifier: Apache-2.0
/* `elidefs lock`: what a path means now, as one line for a file that is kept beside code. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/lock.h"
#include "tools/session.h"

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION_PLACE struct session_place at = {0};
    CLEANUP_LOCK struct lock lock = {0};
    CLEANUP_BUF struct buf canonical = BUF_INIT, text = BUF_INIT;
    const struct manifest *manifest;
    int rc = session_open_place(arguments, &at, err);
    if (rc)
        return rc;
    if (at.place.is_file)
        return error_set(err, EINVAL, "%s is a file: a lock is of a folder", at.session.path);
    rc = dataset_manifest(at.session.dataset, at.place.version, &manifest, err);
    if (!rc)
        rc = digest_query(at.place.query, at.reader, &lock.digest, err);
    if (rc)
        return rc;
    buf_printf(&canonical, "v%u/", at.place.version);
    query_canonical(at.place.query, &canonical);
    if (canonical.data[canonical.len - 1] == '/')
        buf_truncate(&canonical, canonical.len - 1);
    lock.dataset = mem_text(dataset_url(at.session.dataset)); /* a name means something here only */
    lock.uuid = mem_text(dataset_uuid(at.session.dataset));
    lock.path = mem_text(at.session.path);
    lock.canonical = (char *)buf_steal(&canonical);
    memcpy(lock.manifest, manifest->sha256, sizeof lock.manifest);
    lock_print(&lock, &text);
    fwrite(text.data, 1, text.len, stdout);
    return 0;
}

static const struct command_example examples[] = {
    {"elidefs lock s3://lab-data/kitchen latest/outcome=fail > data.lock", "Write down what a training used"},
    {NULL, NULL},
};

const struct command command_lock = {
    .name = "lock",
    .synopsis = "DATASET PATH [OPTION]...",
    .summary = "prints what a path means now, to be kept and checked",
    .description =
        "Prints a line of JSON for a file such as data.lock: the data set's URL, the path as it was asked "
        "for, "
        "the canonical "
        "path with "
        "its version, a digest of all that its clips hold, and counts. Nothing of a recording is read. "
        "`elidefs check` compares it later.",
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 2,
    .examples = examples,
    .run = run,
};
