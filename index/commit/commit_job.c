// SPDX-License-Identifier: Apache-2.0
/*
 * Fields one behind the other, printed and read back in one order. A line with the program's version stands
 * in front, so that what another version wrote is refused before any of it is believed.
 */
#include "index/commit/commit_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/cursor.h"

#define MAGIC "elidefs commit " ELIDEFS_VERSION " 1\n"

static void put_text(struct buf *buf, const char *text)
{
    buf_u8(buf, text != NULL);
    if (text)
        buf_append(buf, text, strlen(text) + 1);
}

static const char *get_text(struct cursor *c)
{
    return cursor_u8(c) ? cursor_text(c) : NULL;
}

static bool has_magic(struct cursor *c)
{
    const uint8_t *magic = cursor_bytes(c, sizeof MAGIC - 1);
    return magic && !memcmp(magic, MAGIC, sizeof MAGIC - 1);
}

void commit_job_print(const struct commit_job *job, struct buf *buf)
{
    const struct dataset_commit *options = &job->options;
    buf_append(buf, MAGIC, sizeof MAGIC - 1);
    put_text(buf, job->id);
    buf_varint(buf, job->head);
    put_text(buf, options->message);
    put_text(buf, options->author);
    put_text(buf, options->source);
    buf_u8(buf, options->based);
    buf_varint(buf, options->base);
    buf_varint(buf, options->pack_bytes);
    buf_append(buf, job->log, job->log_len);
}

int commit_job_parse(const struct buf *bytes, struct commit_job *ret, struct error *err)
{
    struct cursor c = cursor_of(bytes->data, bytes->len);
    struct commit_job job = {0};
    bool known = has_magic(&c);
    const char *id = get_text(&c);
    job.head = (uint32_t)cursor_varint(&c);
    job.options.message = get_text(&c);
    job.options.author = get_text(&c);
    job.options.source = get_text(&c);
    job.options.based = cursor_u8(&c);
    job.options.base = (uint32_t)cursor_varint(&c);
    job.options.pack_bytes = cursor_varint(&c);
    job.log_len = cursor_left(&c);
    job.log = cursor_bytes(&c, job.log_len);
    if (!known || c.failed || !id || strlen(id) != sizeof job.id - 1)
        return error_set(err, EINVAL, "a commit of another program");
    memcpy(job.id, id, sizeof job.id);
    *ret = job;
    return 0;
}

/* ---- answers ---- */

enum { NUMBERS = 17 };

/* All numbers of the counts, wherever they stand. */
static void list_numbers(struct apply_counts *counts, uint64_t *ret[NUMBERS])
{
    uint64_t *const list[] = {&counts->clips_added,    &counts->clips_replaced,
                              &counts->clips_removed,  &counts->clips_unchanged,
                              &counts->streams,        &counts->values,
                              &counts->clips_labelled, &counts->values_set,
                              &counts->events_set,     &counts->attributes_changed,
                              &counts->values_taken,   &counts->clips_taken,
                              &counts->values_changed, &counts->clips_kept,
                              &counts->clips,          &counts->rows,
                              &counts->sources_changed};
    _Static_assert(sizeof list / sizeof *list == NUMBERS, "all of them");
    memcpy(ret, list, sizeof list);
}

void commit_answer_print(const struct commit_answer *answer, struct buf *buf)
{
    struct apply_counts counts = answer->counts;
    uint64_t *numbers[NUMBERS];
    list_numbers(&counts, numbers);
    buf_append(buf, MAGIC, sizeof MAGIC - 1);
    buf_varint(buf, (uint64_t)-answer->rc);
    put_text(buf, answer->err.text);
    buf_varint(buf, answer->version);
    for (size_t i = 0; i < NUMBERS; i++)
        buf_varint(buf, *numbers[i]);
    buf_varint(buf, counts.taken_first);
    buf_varint(buf, counts.taken_last);
    put_text(buf, counts.changed_shown);
}

int commit_answer_parse(const struct buf *bytes, struct commit_answer *ret, struct error *err)
{
    struct cursor c = cursor_of(bytes->data, bytes->len);
    struct commit_answer answer = {0};
    uint64_t *numbers[NUMBERS];
    list_numbers(&answer.counts, numbers);
    bool known = has_magic(&c);
    answer.rc = -(int)cursor_varint(&c);
    const char *text = get_text(&c);
    answer.version = (uint32_t)cursor_varint(&c);
    for (size_t i = 0; i < NUMBERS; i++)
        *numbers[i] = cursor_varint(&c);
    answer.counts.taken_first = (uint32_t)cursor_varint(&c);
    answer.counts.taken_last = (uint32_t)cursor_varint(&c);
    const char *shown = get_text(&c);
    if (!known || c.failed || cursor_left(&c) || !text || !shown)
        return error_set(err, EINVAL, "an answer of another program");
    if (answer.rc)
        error_set(&answer.err, -answer.rc, "%s", text);
    snprintf(answer.counts.changed_shown, sizeof answer.counts.changed_shown, "%s", shown);
    *ret = answer;
    return 0;
}
