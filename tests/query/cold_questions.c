// SPDX-License-Identifier: Apache-2.0
/* As the files of a mount and the commands ask: path, set and answer again from the start each time. */
#include "tests/query/cold_questions.h"

#include <errno.h>
#include <string.h>

#include "query/report/report.h"
#include "query/say/browse.h"

static int add_row(void *ctx, uint32_t row, struct error *err)
{
    (void)err;
    buf_printf(ctx, "%u ", row);
    return 0;
}

static int ask_rows(const char *path, struct catalog_reader *reader, struct buf *answer, struct error *err)
{
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_SET struct set *set = NULL;
    int rc = query_parse(path, strlen(path), reader, &query, err);
    if (!rc)
        rc = query_run(query, reader, &set, err);
    return rc ? rc : set_each(set, add_row, answer, err);
}

static int add_name(void *ctx, const char *name, struct error *err)
{
    (void)err;
    buf_printf(ctx, "%s ", name);
    return 0;
}

static int ask_facets(const struct query *query, const char *name, struct catalog_reader *reader,
                      struct buf *answer, struct error *err)
{
    struct catalog_attribute attribute;
    int rc = catalog_attribute_find(reader, name, strlen(name), &attribute, err);
    const struct report report = {.kind = REPORT_FACETS, .attribute = attribute.id};
    return rc ? rc : report_file_append(&report, query, reader, answer, err);
}

static int ask_report(const struct query *query, const struct cold_question *question,
                      struct catalog_reader *reader, struct buf *answer, struct error *err)
{
    struct report report;
    uint64_t size;
    if (report_find(question->of, false, 1, &report) && report_find(question->of, true, 1, &report))
        return error_set(err, EINVAL, "%s is no report", question->of);
    if (question->kind == COLD_REPORT)
        return report_file_append(&report, query, reader, answer, err);
    int rc = report_file_size(&report, query, reader, &size, err);
    if (!rc)
        buf_printf(answer, "%llu", (unsigned long long)size);
    return rc;
}

static int ask(const struct query *query, const struct cold_question *question, struct catalog_reader *reader,
               struct buf *answer, struct error *err)
{
    switch (question->kind) {
    case COLD_KEYS:
        return browse_keys(query, reader, add_name, answer, err);
    case COLD_VALUES:
        return browse_values(query, question->of, reader, add_name, answer, err);
    case COLD_FACETS:
        return ask_facets(query, question->of, reader, answer, err);
    default:
        return ask_report(query, question, reader, answer, err);
    }
}

/* What cannot be told is an answer, too. */
static int tell(int rc, struct buf *answer, const struct error *err)
{
    if (rc != -E2BIG && rc != -EFBIG)
        return rc;
    buf_text_append(answer, err->text);
    return 0;
}

int cold_question_ask(void *ctx, struct catalog_reader *reader, struct buf *answer, struct error *err)
{
    const struct cold_of *of = ctx;
    CLEANUP_QUERY struct query *query = NULL;
    size_t start = answer->len;
    int rc;
    if (of->question->kind == COLD_STAGE) {
        CLEANUP_FREE char *path = mem_printf("%s/%s", of->path, of->question->of);
        rc = ask_rows(path, reader, answer, err);
    } else {
        rc = query_parse(of->path, strlen(of->path), reader, &query, err);
        if (!rc)
            rc = tell(ask(query, of->question, reader, answer, err), answer, err);
    }
    if (rc)
        buf_truncate(answer, start);
    return rc;
}

int cold_question_set(void *ctx, struct catalog_reader *reader, struct buf *answer, struct error *err)
{
    const struct cold_of *of = ctx;
    return ask_rows(of->path, reader, answer, err);
}
