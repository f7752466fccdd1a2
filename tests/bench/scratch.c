// SPDX-License-Identifier: Apache-2.0
/* Makes and removes the folder, and ends the program with the reason where anything fails. */
#include "tests/bench/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"

void scratch_must(const struct scratch *scratch, int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s\n", scratch->err.text);
    exit(1);
}

void scratch_open(struct scratch *scratch, const char *parent, const char *name)
{
    struct error *err = &scratch->err;
    scratch_must(scratch, file_make_temp_folder(parent, name, &scratch->folder, err));
    CLEANUP_FREE char *url = mem_printf("%s/data", scratch->folder),
                      *cache = mem_printf("%s/cache", scratch->folder);
    struct cache_options options = {.folder = cache, .size_bytes = INT64_C(8) << 30};
    setenv("XDG_CONFIG_HOME", scratch->folder, 1); /* nothing of the user's is read or changed */
    setenv("XDG_STATE_HOME", scratch->folder, 1);
    scratch_must(scratch, stores_new(&(struct stores_options){0}, &scratch->stores, err));
    scratch_must(scratch, cache_new(&options, &scratch->cache, err));
    scratch_must(scratch, file_make_folders(url, 0755, err));
    scratch_must(scratch, dataset_init(scratch->stores, url, err));
    struct dataset_options opening = {.stores = scratch->stores, .cache = scratch->cache};
    scratch_must(scratch, dataset_open(&opening, url, &scratch->dataset, err));
}

void scratch_close(struct scratch *scratch)
{
    dataset_free(scratch->dataset);
    cache_free(scratch->cache);
    stores_free(scratch->stores);
    file_remove_tree(scratch->folder, NULL);
    free(scratch->folder);
}

struct value scratch_text(const char *text)
{
    return (struct value){.type = VALUE_TEXT, .text = text, .len = strlen(text)};
}
