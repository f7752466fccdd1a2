// SPDX-License-Identifier: Apache-2.0
/* Ten thousand clips with one flaw are one line, not ten thousand. */
#include "tools/import/notes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"

struct notes {
    struct strmap *counts; /* reason -> count */
    char **examples;       /* by the reason's number */
    size_t cap;
};

struct notes *notes_new(void)
{
    struct notes *notes = MEM_NEW(struct notes);
    notes->counts = strmap_new();
    return notes;
}

void notes_free(struct notes *notes)
{
    for (size_t i = 0; i < strmap_count(notes->counts); i++)
        free(notes->examples[i]);
    free(notes->examples);
    strmap_free(notes->counts);
    free(notes);
}

void notes_add(struct notes *notes, const char *reason, const char *example)
{
    notes_add_many(notes, reason, example, 1);
}

void notes_add_many(struct notes *notes, const char *reason, const char *example, uint64_t many)
{
    bool is_new;
    strmap_put(notes->counts, reason, strlen(reason), &is_new)->value += many;
    if (!is_new)
        return;
    size_t count = strmap_count(notes->counts);
    mem_grow(&notes->examples, &notes->cap, count, sizeof *notes->examples);
    notes->examples[count - 1] = mem_text(example);
}

void notes_print(const struct notes *notes, FILE *to)
{
    for (size_t i = 0; i < strmap_count(notes->counts); i++) {
        const struct strmap_entry *entry = strmap_at(notes->counts, i);
        fprintf(to, "note: %s: %s", entry->key, notes->examples[i]);
        if (entry->value > 1)
            fprintf(to, " (and %zu more)", (size_t)entry->value - 1);
        fputc('\n', to);
    }
}
