// SPDX-License-Identifier: Apache-2.0
/* Files stand behind their source in the log, so which one they are of need not be said. */
#include "index/commit/changeset_sources.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "index/commit/changeset_operations.h"

static int check_folder(const char *folder, struct error *err)
{
    return !*folder || source_folder_is(folder)
               ? 0
               : error_set(err, EINVAL, "'%s' is no folder below a root", folder);
}

int changeset_source_begin(struct changeset *set, uint32_t root, const char *folder, uint32_t *ret_source,
                           struct error *err)
{
    assert(changeset_allows(set, CHANGESET_SOURCE) && root < strmap_count(set->roots));
    int rc = check_folder(folder, err);
    if (rc)
        return rc;
    CLEANUP_FREE char *name = mem_printf("%u/%s", root, folder);
    uint32_t id = (uint32_t)strmap_count(set->sources);
    bool is_new;
    strmap_put(set->sources, name, strlen(name), &is_new);
    if (!is_new)
        return error_set(err, EEXIST, "the source '%s' is there twice", folder);
    struct changeset_op op = {.kind = CHANGESET_SOURCE, .id = id, .root = root, .text = folder};
    changeset_append(set, &op);
    set->source_files = 0;
    set->source_bytes = 0;
    set->source_file_at = 0;
    *ret_source = id;
    return 0;
}

int changeset_source_check(const struct changeset *set, const char *name, size_t len, struct error *err)
{
    const char *before = set->source_file_at ? (const char *)set->log.bytes.data + set->source_file_at : NULL;
    if (!source_file_name_is(name))
        return error_set(err, EINVAL, "'%s' is no name of a file", name);
    if (before && strcmp(before, name) >= 0)
        return error_set(err, EINVAL, "the file '%s' comes behind '%s'", name, before);
    if (len > SOURCE_FILE_BYTES_MAX)
        return error_set(err, EFBIG, "it has more than %d MiB", SOURCE_FILE_BYTES_MAX >> 20);
    if (set->source_bytes + len > SOURCE_BYTES_MAX)
        return error_set(err, EFBIG, "with the others it has more than %d MiB", SOURCE_BYTES_MAX >> 20);
    if (set->source_files == SOURCE_FILES_MAX)
        return error_set(err, E2BIG, "there are more than %d of them", SOURCE_FILES_MAX);
    return 0;
}

int changeset_source_file(struct changeset *set, const char *name, const void *bytes, size_t len,
                          struct error *err)
{
    assert(changeset_allows(set, CHANGESET_FILE));
    int rc = changeset_source_check(set, name, len, err);
    if (rc)
        return rc;
    struct changeset_op op = {.kind = CHANGESET_FILE, .text = name, .bytes = bytes, .len = len};
    set->source_file_at = changeset_append(set, &op).at[0];
    set->source_files++;
    set->source_bytes += len;
    return 0;
}

void changeset_of_source(struct changeset *set, uint32_t source)
{
    assert(changeset_allows(set, CHANGESET_OF_SOURCE) && source < strmap_count(set->sources));
    struct changeset_op op = {.kind = CHANGESET_OF_SOURCE, .id = source};
    changeset_append(set, &op);
    set->has_source = true;
}
