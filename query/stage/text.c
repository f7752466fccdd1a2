// SPDX-License-Identifier: Apache-2.0
/*
 * @text=WORDS,K: the K clips of the set whose texts say most of the words, best first (query/order/rank.h).
 * Words that no clip of the version has are no reason to refuse, unless all are such.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/order/rank.h"
#include "query/set.h"
#include "query/show.h"
#include "query/stage/read.h"

struct text {
    struct rank_words words;
    uint64_t most;
};

static void free_text(void *bound)
{
    struct text *text = bound;
    rank_words_done(&text->words);
    free(text);
}

struct search {
    struct catalog_reader *reader;
    const char *word;
};

/* 1: some clip has the word. */
static int look(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    const struct search *search = ctx;
    CLEANUP_ROWSET struct rowset *rows = NULL;
    const struct value word = {.type = VALUE_TEXT, .text = search->word, .len = strlen(search->word)};
    const struct catalog_literal literal = {
        .attribute = attribute->id, .op = CATALOG_WORDS, .values = &word, .count = 1};
    if (attribute->type != VALUE_TEXT)
        return 0;
    int rc = catalog_select(search->reader, &literal, &rows, err);
    return rc < 0 ? rc : !rowset_empty(rows);
}

static int check(const struct rank_words *words, struct catalog_reader *reader,
                 const struct grammar_text *arg, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    int rc = 0;
    if (!catalog_reader_nowait(reader))
        rank_ahead(reader, false);
    for (size_t i = 0; !rc && i < words->count; i++)
        rc = catalog_attributes(reader, look, &(struct search){reader, words->list[i]}, err);
    if (rc == -EAGAIN)
        rank_ahead(reader, true);
    if (rc)
        return rc < 0 ? rc : 0;
    show_append(&shown, arg->bytes, arg->len);
    return error_set(err, ENOENT, "@text: no clip has a word of '%s' in its texts", buf_text(&shown));
}

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct text text = {.most = 0};
    (void)why;
    int rc = read_arguments(&stage_text, count, 2, 2, err);
    if (!rc)
        rc = read_number(&stage_text, &args[1], "a number of clips", UINT32_MAX, &text.most, err);
    if (!rc && !rank_words_read(args[0].bytes, args[0].len, &text.words))
        rc = stage_refuse(&stage_text, err, "no word, or more than %d", RANK_WORDS_MAX);
    if (rc)
        return rc;
    rc = check(&text.words, reader, &args[0], err);
    if (rc)
        rank_words_done(&text.words);
    else
        *ret = mem_copy(&text, sizeof text);
    return rc;
}

static void print(const void *bound, struct buf *buf)
{
    const struct text *text = bound;
    CLEANUP_BUF struct buf words = BUF_INIT;
    for (size_t i = 0; i < text->words.count; i++)
        buf_printf(&words, "%s%s", i ? " " : "", text->words.list[i]);
    stage_print(buf, "%s", buf_text(&words));
    stage_print(buf, "%llu", (unsigned long long)text->most);
}

static uint64_t at_most(const void *bound, uint64_t of)
{
    const struct text *text = bound;
    return of < text->most ? of : text->most;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct text *text = bound;
    if (!text->most || !set_count(set)) {
        *ret = set_new_list(mem_alloc(0), 0);
        return 0;
    }
    CLEANUP_ROWSET struct rowset *rows = set_rows(set);
    uint32_t *list = NULL;
    size_t count = 0;
    int rc = rank_rows(reader, rows, &text->words, (size_t)text->most, &list, &count, err);
    if (!rc)
        *ret = set_new_list(list, count);
    return rc;
}

const struct stage stage_text = {
    .name = "text",
    .usage = "WORDS,K",
    .help = "the K whose texts say most of the words, best first",
    .bind = bind,
    .free = free_text,
    .print = print,
    .leaves = at_most,
    .sorts = true,
    .apply = apply,
};
