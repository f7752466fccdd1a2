// SPDX-License-Identifier: Apache-2.0
/*
 * Adding and merging. A run is as large as its level says, so each entry is written once a level, and a large
 * run is not touched before seven others are as large. What a commit merges is bounded in bytes of blocks
 * (never packed ones: the version of a library must not decide), and a merge ends at a block for the next
 * commit to go on: small ones first, or a large one would keep them waiting.
 */
#include <errno.h>
#include <stdlib.h>

#include "cache/base/sort.h"
#include "index/catalog/hash/hash_writer.h"

/* ---- what is added ---- */

void hash_additions_add(struct hash_additions *additions, enum schema_hash kind, uint32_t hash,
                        uint32_t number)
{
    struct hash_list *of = &additions->of[kind - 1];
    mem_grow(&of->list, &of->cap, of->count + 1, sizeof *of->list);
    of->list[of->count++] = (int64_t)(((uint64_t)hash << 32 | number) ^ UINT64_C(1) << 63);
}

static struct hash_entry entry_of(int64_t packed)
{
    uint64_t both = (uint64_t)packed ^ UINT64_C(1) << 63;
    return (struct hash_entry){(uint32_t)(both >> 32), (uint32_t)both};
}

void hash_additions_done(struct hash_additions *additions)
{
    for (size_t i = 0; i < SCHEMA_HASH_KINDS; i++)
        free(additions->of[i].list);
    *additions = (struct hash_additions){0};
}

/* ---- runs ---- */

static int new_run(struct hash_runs *runs, enum schema_hash kind, struct hash_run **ret, struct error *err)
{
    if (runs->next >= UINT32_C(1) << HASH_RUN_BITS)
        return error_set(err, EFBIG, "the catalog has had too many runs of hashes");
    mem_grow(&runs->list, &runs->cap, runs->count + 1, sizeof *runs->list);
    struct hash_run *run = &runs->list[runs->count++];
    *run = (struct hash_run){.kind = kind, .number = runs->next++, .end = HASH_END};
    *ret = run;
    return 0;
}

static int add_run(struct db *db, struct hash_runs *runs, struct hash_additions *additions,
                   enum schema_hash kind, struct error *err)
{
    struct hash_list *of = &additions->of[kind - 1];
    struct hash_run *run = NULL;
    if (!of->count)
        return 0;
    int rc = new_run(runs, kind, &run, err);
    if (rc)
        return rc;
    struct hash_writer writer = {.db = db, .run = run};
    sort_numbers(of->list, of->count);
    for (size_t i = 0; !rc && i < of->count; i++)
        rc = hash_writer_add(&writer, entry_of(of->list[i]), err);
    if (!rc)
        rc = hash_writer_finish(&writer, err);
    run->count = writer.entries;
    hash_writer_done(&writer);
    return rc;
}

static int drop_blocks(struct db *db, const struct hash_run *run, uint64_t before, struct error *err)
{
    int64_t first = hash_block_id(run, 0);
    return db_drop_rows(db, QUERY_HASH_DROP, first, first + (int64_t)before - 1, err);
}

/* ---- what is merged next ---- */

static unsigned level_of(const struct hash_run *run)
{
    unsigned level = 0;
    for (uint64_t most = HASH_LEVEL_MIN; run->count > most; most *= HASH_MERGE_RUNS)
        level++;
    return level;
}

/* Lower levels first, then kinds in order. */
static unsigned rank_of(const struct hash_run *run)
{
    return level_of(run) * (SCHEMA_HASH_KINDS + 1) + run->kind;
}

static bool is_free(const struct hash_run *run)
{
    return !run->into && run->end == HASH_END;
}

static size_t count_free(const struct hash_runs *runs, unsigned rank)
{
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++)
        count += is_free(&runs->list[i]) && rank_of(&runs->list[i]) == rank;
    return count;
}

/* An input of what comes next, begun or not; NULL: there is nothing to do. */
static const struct hash_run *choose(const struct hash_runs *runs)
{
    const struct hash_run *best = NULL;
    for (size_t i = 0; i < runs->count; i++) {
        const struct hash_run *run = &runs->list[i];
        bool can = run->into || (is_free(run) && count_free(runs, rank_of(run)) >= HASH_MERGE_RUNS);
        if (can && (!best || rank_of(run) < rank_of(best) || (rank_of(run) == rank_of(best) && run->into)))
            best = run;
    }
    return best;
}

static struct hash_run *oldest_free(struct hash_runs *runs, unsigned rank)
{
    struct hash_run *oldest = NULL;
    for (size_t i = 0; i < runs->count; i++) {
        struct hash_run *run = &runs->list[i];
        if (is_free(run) && rank_of(run) == rank && (!oldest || run->number < oldest->number))
            oldest = run;
    }
    return oldest;
}

static int begin(struct hash_runs *runs, const struct hash_run *input, struct hash_run **ret,
                 struct error *err)
{
    unsigned rank = rank_of(input);
    int rc = new_run(runs, input->kind, ret, err);
    if (rc)
        return rc;
    (*ret)->end = 0;
    for (int i = 0; i < HASH_MERGE_RUNS; i++)
        oldest_free(runs, rank)->into = (*ret)->number;
    return 0;
}

static struct hash_run *by_number(struct hash_runs *runs, enum schema_hash kind, uint32_t number)
{
    struct hash_run *run = runs->list;
    while (run->kind != kind || run->number != number)
        run++;
    return run;
}

/* ---- a merge ---- */

struct input {
    const struct hash_run *run;
    struct buf bytes; /* of the block: what SQLite lent is gone when another input reads */
    struct hash_block block;
    struct hash_block_reader reader;
    struct hash_entry entry; /* the next one */
    bool ended;
};
struct merge {
    struct db *db;
    struct input *inputs;
    size_t count;
};

static int load(struct db *db, struct input *input, uint32_t hash, struct error *err)
{
    sqlite3_stmt *stmt;
    struct hash_block block;
    int rc = hash_runs_block(db, input->run, hash, &stmt, &block, err);
    if (rc)
        return rc;
    buf_clear(&input->bytes);
    buf_append(&input->bytes, sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));
    sqlite3_reset(stmt);
    hash_block_open(block.from, input->bytes.data, input->bytes.len, &input->block);
    hash_block_seek(&input->block, hash, &input->reader);
    return 0;
}

/* Its next entry; blocks follow each other without a gap. */
static int advance(struct db *db, struct input *input, struct error *err)
{
    int rc;
    while (!(rc = hash_block_next(&input->reader, &input->entry))) {
        uint32_t next = input->block.last + 1;
        if (!next) {
            input->ended = true;
            return 0;
        }
        rc = load(db, input, next, err);
        if (rc)
            return rc;
        if (input->block.from != next)
            break;
    }
    return rc == 1 ? 0 : hash_runs_damaged(db, input->run, err);
}

static int open_inputs(struct merge *merge, const struct hash_runs *runs, const struct hash_run *output,
                       struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < runs->count; i++) {
        if (runs->list[i].into != output->number || runs->list[i].kind != output->kind)
            continue;
        struct input *input = &merge->inputs[merge->count++];
        input->run = &runs->list[i];
        rc = load(merge->db, input, (uint32_t)output->end, err);
        do
            rc = rc ? rc : advance(merge->db, input, err);
        while (!rc && !input->ended && input->entry.hash < output->end);
    }
    return rc;
}

static struct input *least_of(struct merge *merge)
{
    struct input *least = NULL;
    for (size_t i = 0; i < merge->count; i++) {
        struct input *input = &merge->inputs[i];
        if (!input->ended &&
            (!least || input->entry.hash < least->entry.hash ||
             (input->entry.hash == least->entry.hash && input->entry.number < least->entry.number)))
            least = input;
    }
    return least;
}

/* Until all is merged, which leaves from = 0, or enough blocks are written. */
static int write_some(struct merge *merge, struct hash_writer *writer, uint64_t budget, struct error *err)
{
    struct input *input = least_of(merge);
    int rc = 0;
    while (!rc && input && writer->bytes < budget) {
        rc = hash_writer_add(writer, input->entry, err);
        if (!rc)
            rc = advance(merge->db, input, err);
        input = least_of(merge);
    }
    if (rc || input)
        return rc;
    return writer->count ? hash_writer_finish(writer, err) : hash_runs_damaged(merge->db, writer->run, err);
}

/* The blocks of an input that answer for nothing any more. */
static int drop_merged(struct db *db, const struct hash_run *input, uint64_t end, struct error *err)
{
    sqlite3_stmt *stmt;
    struct hash_block block = {0};
    uint64_t before = end;
    if (end < HASH_END) {
        int rc = hash_runs_block(db, input, (uint32_t)end, &stmt, &block, err);
        if (rc)
            return rc;
        sqlite3_reset(stmt);
        before = block.from;
    }
    return before ? drop_blocks(db, input, before, err) : 0;
}

static int drop_inputs(struct db *db, struct hash_runs *runs, const struct hash_run *output,
                       struct error *err)
{
    struct hash_run made = *output;
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; i < runs->count; i++) {
        struct hash_run *run = &runs->list[i];
        bool is_input = run->kind == made.kind && run->into == made.number;
        if (is_input && !rc)
            rc = drop_merged(db, run, made.end, err);
        if (!is_input || made.end < HASH_END)
            runs->list[kept++] = *run;
    }
    runs->count = kept;
    return rc;
}

static int merge_some(struct db *db, struct hash_runs *runs, struct hash_run *output, uint64_t *budget,
                      struct error *err)
{
    struct merge merge = {.db = db, .inputs = mem_zero(runs->count * sizeof *merge.inputs)};
    struct hash_writer writer = {.db = db, .run = output, .from = (uint32_t)output->end};
    int rc = open_inputs(&merge, runs, output, err);
    if (!rc)
        rc = write_some(&merge, &writer, *budget, err);
    output->count += writer.entries;
    output->end = writer.from ? writer.from : HASH_END;
    *budget -= writer.bytes < *budget ? writer.bytes : *budget;
    for (size_t i = 0; i < merge.count; i++)
        buf_done(&merge.inputs[i].bytes);
    free(merge.inputs);
    hash_writer_done(&writer);
    return rc ? rc : drop_inputs(db, runs, output, err);
}

static bool is_crowded(const struct hash_runs *runs)
{
    size_t of[SCHEMA_HASH_KINDS + 1] = {0};
    bool crowded = false;
    for (size_t i = 0; i < runs->count; i++)
        crowded |= ++of[runs->list[i].kind] > HASH_RUNS_MANY;
    return crowded;
}

static int merge_within(struct db *db, struct hash_runs *runs, uint64_t *budget, struct error *err)
{
    const struct hash_run *input;
    uint64_t reserve;
    int rc = 0;
    while (!rc && (input = choose(runs))) {
        if (!*budget && is_crowded(runs)) {
            reserve = HASH_BUDGET;
            budget = &reserve;
        }
        if (!*budget)
            break;
        struct hash_run *output = NULL;
        if (input->into)
            output = by_number(runs, input->kind, input->into);
        else
            rc = begin(runs, input, &output, err);
        if (!rc)
            rc = merge_some(db, runs, output, budget, err);
    }
    return rc;
}

int hash_runs_append(struct db *db, struct hash_runs *runs, struct hash_additions *additions,
                     uint64_t *budget, struct error *err)
{
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < SCHEMA_HASH_KINDS; i++)
        count += additions->of[i].count;
    if (!count && runs->next)
        return 0;
    runs->next += !runs->next;
    hash_cache_done(&runs->sieves); /* what they say is none may be now */
    for (int kind = 1; !rc && kind <= SCHEMA_HASH_KINDS; kind++)
        rc = add_run(db, runs, additions, (enum schema_hash)kind, err);
    if (!rc)
        rc = merge_within(db, runs, budget, err);
    return rc ? rc : hash_runs_write(db, runs, err);
}
