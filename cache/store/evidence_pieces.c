// SPDX-License-Identifier: Apache-2.0
/* Evidence of what was read anyway: pieces are joined to runs, and of these the first, the last, then the
 * longest are kept, cut where they would be too much. */
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"
#include "cache/store/evidence.h"

struct run { /* of pieces that touch or overlap */
    struct evidence_range range;
    size_t first, end; /* pieces */
};

static int by_offset(const void *a, const void *b)
{
    const struct evidence_piece *one = a, *other = b;
    if (one->offset != other->offset)
        return one->offset < other->offset ? -1 : 1;
    return one->len > other->len ? -1 : one->len < other->len;
}

static size_t join(const struct evidence_piece *pieces, size_t count, uint64_t size, struct run *runs)
{
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        const struct evidence_piece *piece = &pieces[i];
        struct run *last = made ? &runs[made - 1] : NULL;
        if (!piece->len || piece->offset > size || piece->len > size - piece->offset)
            continue;
        uint64_t end = piece->offset + piece->len;
        if (!last || piece->offset > last->range.offset + last->range.len)
            runs[made++] = (struct run){{piece->offset, piece->len}, i, i + 1};
        else if (end > last->range.offset + last->range.len)
            last->range.len = end - last->range.offset;
        runs[made - 1].end = i + 1;
    }
    return made;
}

/* The first, the last, then the longest of those between; the chosen ones stand first, in order of choice. */
static void choose(struct run *runs, size_t count, size_t wanted)
{
    for (size_t i = 1; i < wanted; i++) {
        size_t best = i == 1 ? count - 1 : i;
        for (size_t k = i; i > 1 && k < count; k++)
            if (runs[k].range.len > runs[best].range.len)
                best = k;
        struct run chosen = runs[best];
        runs[best] = runs[i];
        runs[i] = chosen;
    }
}

static int by_range(const void *a, const void *b)
{
    const struct run *one = a, *other = b;
    return one->range.offset < other->range.offset ? -1 : one->range.offset > other->range.offset;
}

static void hash_run(const struct evidence_piece *pieces, const struct run *run, struct sha256 *sha)
{
    uint64_t at = run->range.offset, end = at + run->range.len;
    for (size_t i = run->first; i < run->end && at < end; i++) {
        const struct evidence_piece *piece = &pieces[i];
        uint64_t piece_end = piece->offset + piece->len, to = piece_end < end ? piece_end : end;
        if (!piece->len || to <= at)
            continue;
        sha256_add(sha, piece->bytes + (at - piece->offset), (size_t)(to - at));
        at = to;
    }
}

void evidence_of_pieces(const struct evidence_piece *pieces, size_t count, uint64_t size,
                        struct evidence *ret)
{
    CLEANUP_FREE struct evidence_piece *sorted = mem_copy(pieces, count * sizeof *pieces);
    CLEANUP_FREE struct run *runs = mem_zero((count + 1) * sizeof *runs);
    struct evidence e = *ret;
    uint64_t left = EVIDENCE_BYTES_MAX;
    if (count)
        qsort(sorted, count, sizeof *sorted, by_offset);
    size_t made = join(sorted, count, size, runs),
           wanted = made < EVIDENCE_RANGES_MAX ? made : EVIDENCE_RANGES_MAX;
    choose(runs, made, wanted);
    for (size_t i = 0; i < wanted; i++) {
        if (runs[i].range.len > left / (wanted - i))
            runs[i].range.len = left / (wanted - i);
        left -= runs[i].range.len;
    }
    if (wanted)
        qsort(runs, wanted, sizeof *runs, by_range);
    struct sha256 *sha = sha256_new();
    for (size_t i = 0; i < wanted; i++) {
        e.ranges[i] = runs[i].range;
        hash_run(sorted, &runs[i], sha);
    }
    sha256_finish(sha, e.seen);
    e.count = (uint8_t)wanted;
    if (wanted)
        *ret = e;
}
