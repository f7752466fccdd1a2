// SPDX-License-Identifier: Apache-2.0
/* The help text is also the grammar: nothing says a second time which words a command takes. */
#include "tools/synopsis.h"

#include <ctype.h>
#include <string.h>

static const char *next_form(const char *form)
{
    const char *bar = strstr(form, " | ");
    return bar ? bar + strlen(" | ") : NULL;
}

/* The verb behind `at` in the same form; NULL at the end. */
static const char *next_verb(const char *at, size_t *ret_len)
{
    if (!islower((unsigned char)*at))
        return NULL;
    *ret_len = strcspn(at, " |");
    return at;
}

static bool form_has(const char *form, const char *verb)
{
    size_t len;
    for (const char *at = form; (at = next_verb(at, &len)); at += len + (at[len] == '|'))
        if (strlen(verb) == len && !strncmp(at, verb, len))
            return true;
    return false;
}

bool synopsis_has_verbs(const char *synopsis)
{
    return islower((unsigned char)*synopsis);
}

bool synopsis_is_verb(const char *synopsis, const char *word)
{
    for (const char *form = synopsis; form; form = next_form(form))
        if (form_has(form, word))
            return true;
    return false;
}

void synopsis_each_verb(const char *synopsis, void (*each)(void *ctx, const char *verb, size_t len),
                        void *ctx)
{
    size_t len;
    for (const char *form = synopsis; form; form = next_form(form))
        for (const char *at = form; (at = next_verb(at, &len)); at += len + (at[len] == '|'))
            each(ctx, at, len);
}

/* A word ends at a blank or where its own brackets end: "NEWER[/PATH]", "NAME" of "[NAME [VERSION]]". */
static size_t word_len(const char *at)
{
    size_t len = 0;
    for (int open = 0; at[len] && at[len] != ' ' && (open || at[len] != ']'); len++)
        open += at[len] == '[' ? 1 : at[len] == ']' ? -1 : 0;
    return len;
}

const char *synopsis_word(const char *synopsis, const char *verb, size_t index, size_t *ret_len)
{
    const char *at = synopsis;
    if (verb && synopsis_has_verbs(at))
        while (!form_has(at, verb) && next_form(at))
            at = next_form(at);
    for (size_t i = 0;; i++) {
        at += strspn(at, " [");
        size_t len = word_len(at);
        if (!len || *at == '|' || !strncmp(at, "OPTION", strlen("OPTION")))
            return NULL;
        if (i == index || !strncmp(at + len, "]...", strlen("]..."))) {
            *ret_len = len;
            return at;
        }
        at += len + strspn(at + len, "]");
    }
}
