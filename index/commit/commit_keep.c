// SPDX-License-Identifier: Apache-2.0
/*
 * What a version is about to need must not be freed before its manifest says so. Nothing is freed that no
 * mark names (index/base/marks.h), nor within the least grace from then: so who commits at once what it has
 * uploaded need not look. Who took longer, or means copies that somebody else may have made long ago, looks
 * at the newest mark, and writes one without them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "index/base/marks.h"
#include "index/commit/commit_state.h"

static const char below[] = "elidefs/", copies[] = "elidefs/data/";

struct kept {
    char **list; /* below elidefs/ */
    size_t count, cap;
};

static void kept_done(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->list[i]);
    free(kept->list);
}

static void add(struct kept *kept, char *path)
{
    mem_grow(&kept->list, &kept->cap, kept->count + 1, sizeof *kept->list);
    kept->list[kept->count++] = path;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Also while the machine slept. */
int64_t commit_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void add_packs(const struct commit *commit, struct kept *kept)
{
    int64_t most = commit->request->options->upload_ns;
    if (commit_clock_ns() - commit->uploading_ns < (most ? most : MARK_GRACE_LEAST_NS / 2))
        return;
    for (size_t i = 0; i < commit->written.id_count; i++) {
        char hex[LAYOUT_ID_BYTES];
        hex_print(commit->written.ids[i], MAP_ID_BYTES, hex);
        add(kept, mem_printf("packs/%s", hex));
    }
}

static bool reads_own_folder(const struct commit *commit)
{
    for (size_t i = 0; i < commit->use_count; i++)
        if (!strcmp(commit->uses[i].url, dataset_url(commit->dataset)))
            return true;
    return false;
}

static void add_copies(const struct commit *commit, struct kept *kept)
{
    struct changeset_reader reader = CHANGESET_READER(commit->request->set);
    struct changeset_op op;
    while (reads_own_folder(commit) && changeset_next(&reader, &op))
        if (op.kind == CHANGESET_OBJECT && !strncmp(op.text, copies, sizeof copies - 1))
            add(kept, mem_text(op.text + sizeof below - 1));
    changeset_reader_done(&reader);
}

int commit_keep(struct commit *commit, struct error *err)
{
    struct kept kept CLEANUP(kept_done) = {0};
    struct error why = {0};
    add_packs(commit, &kept);
    add_copies(commit, &kept);
    if (!kept.count)
        return 0;
    qsort(kept.list, kept.count, sizeof *kept.list, by_text);
    int rc = marks_keep(&commit->dataset->layout, (const char *const *)kept.list, kept.count, &why);
    if (rc == -EACCES || rc == -ENOTSUP) /* who may not list cannot know of any */
        return 0;
    return rc < 0 ? error_copy(err, &why) : 0;
}
