// SPDX-License-Identifier: Apache-2.0
/* Notes that say the same are one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/notes.h"

Test(notes, each_reason_is_one_line_with_its_first_example_and_the_count)
{
    struct notes *notes = notes_new();
    notes_add(notes, "ignored", "a");
    notes_add(notes, "left out", "x");
    for (int i = 0; i < 11; i++)
        notes_add(notes, "ignored", "b");
    char text[200] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    notes_print(notes, to);
    fclose(to);
    notes_free(notes);
    cr_expect_str_eq(text, "note: ignored: a (and 11 more)\nnote: left out: x\n");
    check_leaks();
}
