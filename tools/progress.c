// SPDX-License-Identifier: Apache-2.0
/* The bar is drawn at most ten times a second: a terminal can be slower than the work. */
#include "tools/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"

enum { BAR_COLUMNS = 24, DRAW_EVERY_NS = 100000000 };

struct progress {
    const char *what, *unit;
    uint64_t total, done;
    int64_t started_ns, drawn_ns;
    bool terminal;
};

struct progress *progress_new(const char *what, const char *unit, uint64_t total)
{
    struct progress *progress = MEM_NEW(struct progress);
    *progress = (struct progress){.what = what, .unit = unit, .total = total, .started_ns = clock_now_ns()};
    progress->terminal = isatty(STDERR_FILENO);
    return progress;
}

static void print_amount(const struct progress *progress, double amount, const char *suffix)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    if (strcmp(progress->unit, "B")) {
        fprintf(stderr, "%.0f %s%s", amount, progress->unit, suffix);
        return;
    }
    for (; amount >= 1024 && unit < 4; unit++)
        amount /= 1024;
    fprintf(stderr, unit ? "%.1f %s%s" : "%.0f %s%s", amount, units[unit], suffix);
}

static void draw(struct progress *progress)
{
    double elapsed = (double)(clock_now_ns() - progress->started_ns) / 1e9;
    double rate = elapsed > 0 ? (double)progress->done / elapsed : 0;
    fprintf(stderr, "\r\033[K%s ", progress->what);
    if (progress->total) {
        double part = (double)progress->done / (double)progress->total;
        int full = (int)((part < 1 ? part : 1) * BAR_COLUMNS);
        fputc('[', stderr);
        for (int i = 0; i < BAR_COLUMNS; i++)
            fputc(i < full ? '#' : '.', stderr);
        fputs("] ", stderr);
    }
    print_amount(progress, (double)progress->done, ", ");
    print_amount(progress, rate, "/s");
    if (progress->total && rate > 0 && progress->done < progress->total)
        fprintf(stderr, ", %.0f s left", (double)(progress->total - progress->done) / rate);
    fflush(stderr);
}

void progress_expect(struct progress *progress, uint64_t total)
{
    if (progress)
        progress->total = total;
}

void progress_add(struct progress *progress, uint64_t amount)
{
    if (!progress)
        return;
    progress->done += amount;
    int64_t now = clock_now_ns();
    if (!progress->terminal || now - progress->drawn_ns < DRAW_EVERY_NS)
        return;
    progress->drawn_ns = now;
    draw(progress);
}

void progress_item(struct progress *progress, const char *name)
{
    if (!progress)
        return;
    if (strcmp(progress->unit, "B"))
        progress_add(progress, 1);
    if (!progress->terminal)
        fprintf(stderr, "%s %s\n", progress->what, name);
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    if (progress->terminal && progress->drawn_ns)
        fputs("\r\033[K", stderr);
    free(progress);
}
