// SPDX-License-Identifier: Apache-2.0
/* `elidefs gc`: frees what no version needs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/instant.h"
#include "index/house/gc.h"
#include "tools/commands.h"
#include "tools/progress.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"grace", 0, "TIME", false,
     "free only what no version has needed for so long, such as 7d or 12h (default: 7d; at least 1h)"},
    {"dry-run", 'n', NULL, false, "only tell what no version needs: nothing is written, and nothing freed"},
    {"nobody-writes", 0, NULL, false,
     "nobody imports, labels or commits here while this runs, I know: then --grace may be as short as 0"},
    {NULL, 0, NULL, false, NULL},
};

/* "7d", "12h", "30min": days, hours, or as other durations. */
static int parse_grace(const char *text, int64_t *ret, struct error *err)
{
    enum { DAY_HOURS = 24, MAX_DAYS = 36500 };
    const int64_t hour = 3600 * INT64_C(1000000000);
    size_t len = strlen(text);
    char unit = len ? text[len - 1] : 0;
    int64_t number = strtoll(text, NULL, 10);
    bool whole = len > 1 && strspn(text, "0123456789") == len - 1 && len < 8;
    if (whole && unit == 'd' && number <= MAX_DAYS)
        *ret = number * DAY_HOURS * hour;
    else if (whole && unit == 'h' && number <= (int64_t)MAX_DAYS * DAY_HOURS)
        *ret = number * hour;
    else if (duration_parse(text, len, ret) || *ret < 0)
        return error_set(err, EINVAL, "--grace %s: expected a time such as 7d, 12h or 90min", text);
    return 0;
}

/* ---- progress ---- */

struct watch {
    struct progress *progress;
};

static void watch_begin(void *ctx, const char *what, const char *unit, uint64_t total)
{
    struct watch *watch = ctx;
    progress_free(watch->progress);
    watch->progress = progress_new(what, unit, total);
}

static void watch_step(void *ctx)
{
    struct watch *watch = ctx;
    progress_add(watch->progress, 1);
}

static void watch_done(struct watch *watch)
{
    progress_free(watch->progress);
}

/* ---- telling ---- */

static const char *const nouns[GC_KINDS] = {
    [GC_VERSIONS] = "version", [GC_PACKS] = "pack", [GC_COPIES] = "copy", [GC_PARTS] = "part"};

static bool print_amounts(const char *what, const struct gc_amount amounts[GC_KINDS])
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (int kind = 0; kind < GC_KINDS; kind++) {
        if (!amounts[kind].count)
            continue;
        buf_printf(&text, "%s%s", text.len ? ", " : "", COUNT(amounts[kind].count, nouns[kind]));
        if (kind != GC_VERSIONS)
            buf_printf(&text, " (%.1f MiB)", (double)amounts[kind].bytes / (1 << 20));
    }
    if (text.len)
        printf("%s: %s\n", what, buf_text(&text));
    return text.len > 0;
}

static void print_needed(const struct gc_report *report)
{
    const double mib = 1 << 20;
    uint64_t unneeded = report->pack_bytes - report->needed_bytes;
    printf("needed: %s (%.1f MiB)", COUNT(report->packs, "pack"), (double)report->pack_bytes / mib);
    if (report->packs)
        printf(", of which %.1f MiB only since something else in the same pack is", (double)unneeded / mib);
    putchar('\n');
    if (report->tagged)
        printf("forgotten, but tagged, so they stay: %s\n", COUNT(report->tagged, "version"));
}

static void subtract(struct gc_amount from[GC_KINDS], const struct gc_amount what[GC_KINDS])
{
    for (int kind = 0; kind < GC_KINDS; kind++) {
        from[kind].count -= what[kind].count;
        from[kind].bytes -= what[kind].bytes;
    }
}

static void tell(const struct gc_report *report, bool dry)
{
    struct gc_amount left[GC_KINDS];
    memcpy(left, report->unneeded, sizeof left);
    subtract(left, report->freed);
    if (!dry && !print_amounts("freed", report->freed))
        puts("freed: nothing");
    print_amounts(dry ? "no version needs" : "to be freed after the grace", left);
    if (dry && report->marked_ns) {
        CLEANUP_BUF struct buf time = BUF_INIT;
        instant_print(&time, report->marked_ns - report->marked_ns % 1000000000);
        CLEANUP_FREE char *what =
            mem_printf("of these were found so before, %s at the earliest", buf_text(&time));
        print_amounts(what, report->marked);
    }
    print_needed(report);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    struct watch watch CLEANUP(watch_done) = {0};
    const char *grace = arguments_text(arguments, "grace");
    struct gc_options with = {.grace_ns = GC_GRACE_NS,
                              .nobody_writes = arguments_flag(arguments, "nobody-writes"),
                              .dry = arguments_flag(arguments, "dry-run"),
                              .begin = watch_begin,
                              .step = watch_step,
                              .ctx = &watch};
    struct gc_report report = {0};
    int rc = grace ? parse_grace(grace, &with.grace_ns, err) : 0;
    if (!rc)
        rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    if (rc)
        return rc;
    rc = gc_run(session.dataset, &with, &report, err);
    watch_done(&watch);
    watch.progress = NULL;
    if (!rc)
        tell(&report, with.dry);
    else
        print_amounts("freed before it failed", report.freed);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs gc s3://lab-data/kitchen --dry-run", "How much would it be?"},
    {"elidefs gc s3://lab-data/kitchen", "Every night: frees what no version has needed for a week"},
    {NULL, NULL},
};

const struct command command_gc = {
    .name = "gc",
    .synopsis = "DATASET [OPTION]...",
    .summary = "frees what no version needs any more",
    .description =
        "Finds what lies in the data set's folder and is needed by no version that can be read: catalog "
        "pages of "
        "versions that were forgotten (`elidefs forget`), what imports and commits have left that were "
        "killed, "
        "copies of recordings that no catalog names, and parts of imports (`import --part`) that were not "
        "merged. A first run only writes down what it finds (elidefs/gc/); a later one frees what each run "
        "for at least the grace has found, by the store's own clock, after all that is new was read again. "
        "So run "
        "it every day.\n\n"
        "Whoever commits meanwhile loses nothing, and a run that was stopped is gone on with by the next. "
        "Who still reads in a forgotten version when its pages go is told that it was forgotten.\n\n"
        "A pack (up to some 32 MiB of pages) stays as long as one of its pages is needed; what that costs is "
        "told. So is a copy that a later version still names, though no clip there reads it.\n\n"
        "Needs the right to list and to delete in the data set's folder. With object versions the bucket "
        "keeps what is freed until its lifecycle rules end that.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 1,
    .examples = examples,
    .run = run,
};
