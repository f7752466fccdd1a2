// SPDX-License-Identifier: Apache-2.0
/* A growing array of owned texts. */
#include "fs/names.h"

#include <stdlib.h>

#include "cache/base/memory.h"

void names_add(struct names *names, const char *name, mode_t type)
{
    mem_grow(&names->entries, &names->cap, names->count + 1, sizeof *names->entries);
    names->entries[names->count++] = (struct names_entry){.name = mem_text(name), .type = type};
}

void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->entries[i].name);
    free(names->entries);
    *names = (struct names){0};
}
