// SPDX-License-Identifier: Apache-2.0
/* has: some value has all these words, in any order and case (index/base/words.h). */
#include "index/base/words.h"
#include "query/op/binding.h"

static int bind_has(struct binding *binding, struct error *err)
{
    const struct grammar_text *text = &binding->from->args[0];
    const char *word;
    size_t at = 0, len;
    if (!words_next(text->bytes, text->len, &at, &word, &len))
        return binding_refuse(binding, err, "there is no word in it");
    return binding_text(binding, "has all of the words", err);
}

static void ask_has(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_WORDS;
}

const struct op op_has = {
    .name = "has",
    .help = "its text has all the words ...",
    .aliases = (const char *const[]){"contains", "words", "match", NULL},
    .bind = bind_has,
    .ask = ask_has,
};
