// SPDX-License-Identifier: Apache-2.0
/*
 * The reads of one handle as a streak that goes on or begins anew; what is fetched ahead follows from its
 * length.
 */
#include "cache/pattern.h"

/* A kernel's read-ahead may come a little out of order: reads that begin this close behind the last one
 * still follow it. */
enum { PATTERN_SLACK_BYTES = 256 << 10 };

static bool follows(const struct pattern *pattern, uint64_t offset)
{
    return pattern->streak && offset <= pattern->next + PATTERN_SLACK_BYTES &&
           offset + PATTERN_SLACK_BYTES >= pattern->next && pattern->next - pattern->streak <= offset;
}

uint64_t pattern_ahead(struct pattern *pattern, const struct pattern_file *file, uint64_t offset,
                       uint64_t len, uint64_t *ret_from)
{
    bool is_first = !pattern->streak, goes_on = follows(pattern, offset);
    uint64_t end = offset + len;
    if (!goes_on)
        *pattern = (struct pattern){.next = end, .streak = len};
    else if (end > pattern->next) {
        pattern->streak += end - pattern->next;
        pattern->next = end;
    }
    *ret_from = 0;
    if (file->policy == CACHE_FILL_EXACT)
        return 0;
    if (file->policy == CACHE_FILL_WHOLE || file->opens >= PATTERN_OPENS ||
        2 * file->blocks_here > file->blocks)
        return file->size;
    if (!goes_on || is_first)
        return 0;
    *ret_from = pattern->next;
    uint64_t left = file->size - pattern->next;
    return pattern->next + (pattern->streak < left ? pattern->streak : left);
}
