// SPDX-License-Identifier: Apache-2.0
/* From the right, whether the order still matters; then from the left, sorts wait until it does. */
#include "query/lean.h"

#include <string.h>

static bool only_orders(const struct clause *clause)
{
    return clause->stage && clause->stage->leaves_all;
}

static bool counts_places(const struct clause *clause)
{
    return clause->stage && clause->stage->by_place;
}

static bool sorts(const struct clause *clause)
{
    return clause->stage && clause->stage->sorts;
}

/* Behind a sort nobody sees what the order before it was. */
static size_t drop_unseen(struct clause *const *clauses, size_t count, bool ordered, struct clause **ret)
{
    size_t at = count;
    for (size_t i = count; i-- > 0;) {
        if (only_orders(clauses[i]) && !ordered)
            continue;
        ordered = counts_places(clauses[i]) || (ordered && !sorts(clauses[i]));
        ret[--at] = clauses[i];
    }
    memmove(ret, ret + at, (count - at) * sizeof *ret);
    return count - at;
}

/* What is chosen whatever the order is chosen first. There is one sort at most before places are counted. */
static void put_off_sorts(struct clause **clauses, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++) {
        if (!only_orders(clauses[i]) || !sorts(clauses[i]) || counts_places(clauses[i + 1]))
            continue;
        struct clause *sort = clauses[i];
        clauses[i] = clauses[i + 1];
        clauses[i + 1] = sort;
    }
}

size_t lean_clauses(struct clause *const *clauses, size_t count, bool ordered, struct clause **ret)
{
    size_t kept = drop_unseen(clauses, count, ordered, ret);
    put_off_sorts(ret, kept);
    return kept;
}
