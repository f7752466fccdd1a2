// SPDX-License-Identifier: Apache-2.0
/*
 * Minima, maxima and envelopes need no memory of episodes; the variance needs the mean of all before, so
 * means and deviations are kept. A sum of several numbers at once goes episode by episode; numpy adds up a
 * single one pairwise, which depends on how many there are, so these are kept, too.
 *
 * Each operation stands in a statement of its own: fused, it would round once instead of twice.
 */
#include "query/view/lerobot/aggregate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/strmap.h"

enum { FEATURES_MAX = 10000, QUANTILES_MAX = 100, NUMBERS_MAX = 1 << 20 };
#define KEPT_BYTES_MAX (UINT64_C(2) << 30)

/* One statistic of a feature. */
struct series {
    uint64_t seen; /* episodes that had it */
    double *kept;  /* MEAN, STD, sums pairwise: `size` an episode */
    size_t cap;
    double *total; /* others: `size` */
};

enum { MIN, MAX, MEAN, STD, FIXED };
static const char *const fixed_names[FIXED] = {"min", "max", "mean", "std"};

struct quantile {
    char *name; /* "q01" */
    unsigned percent;
    struct series of;
};

struct feature {
    char *name;
    bool bad; /* an episode had it in another shape, or only a part of it */
    unsigned depth;
    uint32_t dims[LEROBOT_TENSOR_DEPTH_MAX];
    size_t size; /* numbers: what dims say; 0: not known yet */
    struct series fixed[FIXED];
    struct quantile *quantiles;
    size_t quantile_count, quantile_cap;
    int64_t *counts; /* of frames, an episode each */
    size_t counts_cap;
    uint64_t count_seen;
    int64_t count;
};

struct lerobot_aggregate {
    enum lerobot_quantiles how;
    uint64_t episodes, kept_bytes;
    struct feature *features;
    size_t count, cap;
    struct strmap *by_name;
    /* of the episode that is being added: counts are needed before the others, wherever they stand */
    struct buf counted;
    bool counting;
};

struct lerobot_aggregate *lerobot_aggregate_new(enum lerobot_quantiles quantiles)
{
    struct lerobot_aggregate *all = MEM_NEW(struct lerobot_aggregate);
    all->how = quantiles;
    all->by_name = strmap_new();
    return all;
}

static void series_done(struct series *series)
{
    free(series->kept);
    free(series->total);
}

static void feature_done(struct feature *feature)
{
    for (size_t i = 0; i < FIXED; i++)
        series_done(&feature->fixed[i]);
    for (size_t i = 0; i < feature->quantile_count; i++) {
        series_done(&feature->quantiles[i].of);
        free(feature->quantiles[i].name);
    }
    free(feature->quantiles);
    free(feature->counts);
    free(feature->name);
}

void lerobot_aggregate_free(struct lerobot_aggregate *all)
{
    for (size_t i = 0; i < all->count; i++)
        feature_done(&all->features[i]);
    free(all->features);
    strmap_free(all->by_name);
    buf_done(&all->counted);
    free(all);
}

/* ---- an episode ---- */

static struct feature *feature_of(struct lerobot_aggregate *all, const char *name)
{
    bool is_new;
    struct strmap_entry *entry = strmap_put(all->by_name, name, strlen(name), &is_new);
    if (is_new) {
        entry->value = all->count;
        mem_grow(&all->features, &all->cap, all->count + 1, sizeof *all->features);
        all->features[all->count++] = (struct feature){.name = mem_text(name)};
    }
    return &all->features[entry->value];
}

static bool fits(struct feature *feature, const struct lerobot_tensor *tensor)
{
    if (!feature->size) {
        feature->depth = tensor->depth;
        memcpy(feature->dims, tensor->dims, sizeof feature->dims);
        feature->size = tensor->count;
    }
    return feature->depth == tensor->depth && feature->size == tensor->count &&
           !memcmp(feature->dims, tensor->dims, sizeof feature->dims);
}

static int keep(struct lerobot_aggregate *all, struct series *series, const double *values, size_t size,
                struct error *err)
{
    size_t at = (size_t)series->seen * size;
    all->kept_bytes += size * sizeof *values;
    if (all->kept_bytes > KEPT_BYTES_MAX)
        return error_set(err, EFBIG, "statistics of %llu episodes are too many to be put together",
                         (unsigned long long)all->episodes);
    mem_grow(&series->kept, &series->cap, at + size, sizeof *values);
    memcpy(series->kept + at, values, size * sizeof *values);
    return 0;
}

/* numpy's min() and max() give a NaN on; there is none in what JSON keeps. */
static void take_extreme(struct series *series, const double *values, size_t size, bool largest)
{
    if (!series->seen)
        series->total = mem_copy(values, size * sizeof *values);
    for (size_t i = 0; series->seen && i < size; i++)
        if (largest ? values[i] > series->total[i] : values[i] < series->total[i])
            series->total[i] = values[i];
}

static int take_weighted(struct lerobot_aggregate *all, struct series *series, const double *values,
                         size_t size, double weight, struct error *err)
{
    if (size == 1) {
        double product = values[0] * weight;
        return keep(all, series, &product, 1, err);
    }
    if (!series->seen)
        series->total = mem_zero(size * sizeof *values);
    for (size_t i = 0; i < size; i++) {
        double product = values[i] * weight;
        series->total[i] += product;
    }
    return 0;
}

/* "q05": 5, else -1. */
static int percent_of(const char *stat)
{
    int percent = -1;
    if (*stat == 'q' && stat[1] && strspn(stat + 1, "0123456789") == strlen(stat + 1) && strlen(stat) <= 4)
        percent = atoi(stat + 1);
    return percent;
}

static struct quantile *quantile_of(struct feature *feature, const char *stat, int percent)
{
    for (size_t i = 0; i < feature->quantile_count; i++)
        if (!strcmp(feature->quantiles[i].name, stat))
            return &feature->quantiles[i];
    if (feature->quantile_count == QUANTILES_MAX)
        return NULL;
    mem_grow(&feature->quantiles, &feature->quantile_cap, feature->quantile_count + 1,
             sizeof *feature->quantiles);
    feature->quantiles[feature->quantile_count] =
        (struct quantile){.name = mem_text(stat), .percent = (unsigned)percent};
    return &feature->quantiles[feature->quantile_count++];
}

static int take(struct lerobot_aggregate *all, struct feature *feature, const char *stat,
                const struct lerobot_tensor *tensor, struct error *err)
{
    struct series *series = NULL;
    int rc = 0, percent = percent_of(stat);
    struct quantile *quantile = percent < 0 ? NULL : quantile_of(feature, stat, percent);
    for (size_t i = 0; i < FIXED; i++)
        if (!strcmp(stat, fixed_names[i]))
            series = &feature->fixed[i];
    if (quantile)
        series = &quantile->of;
    if (!series || series->seen > all->episodes)
        return 0;
    if (quantile && all->how == LEROBOT_QUANTILES_MEAN)
        rc = take_weighted(all, series, tensor->values, tensor->count, (double)feature->counts[all->episodes],
                           err);
    else if (quantile)
        take_extreme(series, tensor->values, tensor->count, percent > 50);
    else if (series == &feature->fixed[MIN] || series == &feature->fixed[MAX])
        take_extreme(series, tensor->values, tensor->count, series == &feature->fixed[MAX]);
    else
        rc = keep(all, series, tensor->values, tensor->count, err);
    series->seen++;
    return rc;
}

/* Counts are taken before all else. */
static void take_count(struct lerobot_aggregate *all, struct feature *feature,
                       const struct lerobot_tensor *tensor)
{
    if (feature->count_seen > all->episodes)
        return;
    if (!tensor || tensor->count != 1 || tensor->is_bool || tensor->values[0] < 0 ||
        tensor->values[0] > INT32_MAX || tensor->values[0] != floor(tensor->values[0])) {
        feature->bad = true;
        return;
    }
    mem_grow(&feature->counts, &feature->counts_cap, feature->count_seen + 1, sizeof *feature->counts);
    all->kept_bytes += sizeof *feature->counts;
    feature->counts[feature->count_seen++] = (int64_t)tensor->values[0];
    feature->count += (int64_t)tensor->values[0];
}

static int take_stat(void *ctx, const char *name, const char *stat, const struct lerobot_tensor *tensor,
                     struct error *err)
{
    struct lerobot_aggregate *all = ctx;
    if (all->count > FEATURES_MAX)
        return error_set(err, EFBIG, "there are statistics of more than %d features", FEATURES_MAX);
    struct feature *feature = feature_of(all, name);
    if (all->counting && !strcmp(stat, "count"))
        take_count(all, feature, tensor);
    if (all->counting || !strcmp(stat, "count") || feature->bad)
        return 0;
    if (!tensor || tensor->count > NUMBERS_MAX || feature->count_seen != all->episodes + 1 ||
        !fits(feature, tensor)) {
        feature->bad = true;
        return 0;
    }
    return take(all, feature, stat, tensor, err);
}

int lerobot_aggregate_add(struct lerobot_aggregate *all, struct buf *extra, struct error *err)
{
    buf_clear(&all->counted);
    buf_append(&all->counted, extra->data, extra->len);
    all->counting = true;
    int rc = extra->len ? lerobot_said_stats(&all->counted, take_stat, all, err) : 0;
    all->counting = false;
    if (!rc && extra->len)
        rc = lerobot_said_stats(extra, take_stat, all, err);
    all->episodes += !rc;
    return rc;
}

/* ---- all of them ---- */

/* As numpy's pairwise summation (numpy/_core/src/umath/loops_utils.h.src): it decides how sums are rounded.
 */
static double sum_pairwise(const double *values, uint64_t n)
{
    double sum = 0, part[8];
    if (n > 128) {
        uint64_t half = n / 2 - n / 2 % 8;
        return sum_pairwise(values, half) + sum_pairwise(values + half, n - half);
    }
    if (n < 8) {
        for (uint64_t i = 0; i < n; i++)
            sum += values[i];
        return sum;
    }
    memcpy(part, values, sizeof part);
    for (uint64_t i = 8; i < n - n % 8; i += 8)
        for (size_t k = 0; k < 8; k++)
            part[k] += values[i + k];
    sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    for (uint64_t i = n - n % 8; i < n; i++)
        sum += values[i];
    return sum;
}

/* Adds up products[e * size + i] for each i. */
static void sum_episodes(const double *products, uint64_t episodes, size_t size, double *ret)
{
    if (size == 1) {
        *ret = sum_pairwise(products, episodes);
        return;
    }
    memset(ret, 0, size * sizeof *ret);
    for (uint64_t e = 0; e < episodes; e++)
        for (size_t i = 0; i < size; i++)
            ret[i] += products[e * size + i];
}

static double *mean_of(const struct feature *feature, uint64_t episodes)
{
    size_t size = feature->size;
    const double *means = feature->fixed[MEAN].kept;
    CLEANUP_FREE double *products = mem_alloc(episodes * size * sizeof *products);
    double *total = mem_alloc(size * sizeof *total);
    for (uint64_t at = 0; at < episodes * size; at++) {
        uint64_t episode = at / size;
        products[at] = means[at] * (double)feature->counts[episode];
    }
    sum_episodes(products, episodes, size, total);
    for (size_t i = 0; i < size; i++)
        total[i] /= (double)feature->count;
    return total;
}

static double *std_of(const struct feature *feature, uint64_t episodes, const double *mean)
{
    size_t size = feature->size;
    CLEANUP_FREE double *products = mem_alloc(episodes * size * sizeof *products);
    double *total = mem_alloc(size * sizeof *total);
    for (uint64_t at = 0; at < episodes * size; at++) {
        double std = feature->fixed[STD].kept[at];
        double delta = feature->fixed[MEAN].kept[at] - mean[at % size];
        double variance = std * std;
        delta *= delta;
        variance += delta;
        uint64_t episode = at / size;
        products[at] = variance * (double)feature->counts[episode];
    }
    sum_episodes(products, episodes, size, total);
    for (size_t i = 0; i < size; i++) {
        double variance = total[i] / (double)feature->count;
        total[i] = sqrt(variance);
    }
    return total;
}

static double *quantile_mean_of(const struct feature *feature, const struct series *series, uint64_t episodes)
{
    double *total = mem_alloc(feature->size * sizeof *total);
    if (feature->size == 1)
        *total = sum_pairwise(series->kept, episodes);
    else
        memcpy(total, series->total, feature->size * sizeof *total);
    for (size_t i = 0; i < feature->size; i++)
        total[i] /= (double)feature->count;
    return total;
}

/* ---- printing ---- */

static void print_stat(struct buf *buf, const struct feature *feature, const char *stat,
                       enum lerobot_numbers numbers, double *values)
{
    struct lerobot_tensor tensor = {.depth = feature->depth, .values = values, .count = feature->size};
    memcpy(tensor.dims, feature->dims, sizeof tensor.dims);
    buf_printf(buf, "%s\"%s\": ", !strcmp(stat, "min") ? "" : ", ", stat);
    lerobot_tensor_print(buf, &tensor, numbers);
}

static void print_feature(struct buf *buf, const struct lerobot_aggregate *all, const struct feature *feature,
                          enum lerobot_numbers numbers)
{
    const enum lerobot_numbers real = LEROBOT_NUMBERS_REAL;
    CLEANUP_FREE double *mean = mean_of(feature, all->episodes);
    CLEANUP_FREE double *std = std_of(feature, all->episodes, mean);
    json_write_text(buf, feature->name, strlen(feature->name));
    buf_text_append(buf, ": {");
    print_stat(buf, feature, "min", numbers, feature->fixed[MIN].total);
    print_stat(buf, feature, "max", numbers, feature->fixed[MAX].total);
    print_stat(buf, feature, "mean", real, mean);
    print_stat(buf, feature, "std", real, std);
    buf_printf(buf, ", \"count\": [%lld]", (long long)feature->count);
    for (size_t i = 0; i < feature->quantile_count; i++) {
        const struct quantile *quantile = &feature->quantiles[i];
        if (quantile->of.seen != all->episodes)
            continue;
        CLEANUP_FREE double *weighted = all->how == LEROBOT_QUANTILES_MEAN
                                            ? quantile_mean_of(feature, &quantile->of, all->episodes)
                                            : NULL;
        print_stat(buf, feature, quantile->name, real, weighted ? weighted : quantile->of.total);
    }
    buf_u8(buf, '}');
}

static bool is_whole(const struct lerobot_aggregate *all, const struct feature *feature)
{
    bool whole = !feature->bad && feature->count_seen == all->episodes && feature->count > 0;
    for (size_t i = 0; i < FIXED; i++)
        whole = whole && feature->fixed[i].seen == all->episodes;
    return whole;
}

void lerobot_aggregate_print(const struct lerobot_aggregate *all, lerobot_numbers_fn *numbers_of, void *ctx,
                             struct buf *buf)
{
    const char *between = "\n    ";
    buf_u8(buf, '{');
    for (size_t i = 0; i < all->count; i++) {
        const struct feature *feature = &all->features[i];
        enum lerobot_numbers numbers = numbers_of(ctx, feature->name);
        if (!is_whole(all, feature) || numbers == LEROBOT_NUMBERS_NONE)
            continue;
        buf_text_append(buf, between);
        print_feature(buf, all, feature, numbers);
        between = ",\n    ";
    }
    buf_text_append(buf, "\n}\n");
}
