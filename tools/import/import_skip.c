// SPDX-License-Identifier: Apache-2.0
/* Whether an import fails is decided once, when all was looked at. */
#include "tools/import/import_skip.h"

#include <errno.h>
#include <string.h>

#include "cache/base/count.h"
#include "index/base/value.h"

int import_skip_parse(const char *text, struct import_skip *ret, struct error *err)
{
    CLEANUP_FREE char *number = mem_text(text);
    size_t len = strlen(text);
    struct import_skip skip = {.on = true, .limited = len > 0, .percent = len && text[len - 1] == '%'};
    struct value value = {0};
    if (skip.percent)
        number[--len] = 0;
    if (skip.limited && value_parse(skip.percent ? VALUE_FLOAT : VALUE_INT, number, len, &value, NULL))
        return error_set(err, EINVAL, "--skip-bad=%s: expected a number of clips, or of percent: 1%%", text);
    skip.limit = skip.percent ? value.real : (double)value.integer;
    if (!(skip.limit >= 0 && (!skip.percent || skip.limit <= 100)))
        return error_set(err, ERANGE, "--skip-bad=%s: that is no share of all clips", text);
    *ret = skip;
    return 0;
}

/* "2 of 4 clips and 1 entry of no clip are bad": a row of a table that no clip has is none. */
static int refuse_faults(const struct import_request *request, const struct drafts *drafts, uint64_t loose,
                         const char *what, struct error *err)
{
    uint64_t bad = drafts->bad;
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (bad)
        buf_printf(&text, "%llu of %s", (unsigned long long)bad, COUNT(drafts_count(drafts), "clip"));
    if (loose)
        buf_printf(&text, "%s%s of no clip", bad ? " and " : "", COUNT(loose, "entry"));
    return error_set(err, EINVAL, "%s: %s %s bad, and nothing was imported (%s)", request->source,
                     buf_text(&text), bad + loose == 1 ? "is" : "are", what);
}

/* The only one is told as it is. */
static int refuse_fault(const struct import_request *request, bool may_be_skipped, struct error *err)
{
    struct error first = {0};
    faults_first(request->faults, &first);
    return error_set(err, first.code, "%s%s", first.text,
                     may_be_skipped ? " (--skip-bad leaves it out, and imports the others)" : "");
}

/* All was looked at: may what is good be imported? */
int import_skip_check(const struct import_request *request, const struct drafts *drafts,
                      struct import_counts *counts, struct error *err)
{
    const struct faults *faults = request->faults;
    const struct import_skip *skip = &request->skip;
    if (!faults || !faults_count(faults))
        return 0;
    uint64_t loose = faults_loose(faults), bad = drafts->bad + loose;
    uint64_t all = drafts_count(drafts) - drafts->waiting + loose;
    counts->bad = bad;
    counts->bad_loose = loose;
    bool refused = faults_refused(faults), over = false;
    if (skip->on && skip->limited)
        over = (double)bad > (skip->percent ? skip->limit / 100 * (double)all : skip->limit);
    if (skip->on && !refused && !over && bad < all)
        return 0;
    if (faults_count(faults) == 1 && !over)
        return refuse_fault(request, !skip->on && !refused && bad < all, err);
    const char *what = refused                  ? "not all of this can be left out"
                       : over                   ? "more than --skip-bad allows"
                       : skip->on || bad == all ? "nothing good is left"
                                                : "--skip-bad imports the others";
    return refuse_faults(request, drafts, loose, what, err);
}
