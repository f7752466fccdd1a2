// SPDX-License-Identifier: Apache-2.0
/* Least and greatest values out of statistics, and which statistics are not to be believed. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/parquet/opened.h"
#include "tests/test_leaks.h"

static bool bounds_of(const struct opened *opened, size_t group, const char *name, struct parquet_bounds *ret)
{
    int column = parquet_find(opened->parquet, name);
    cr_assert_geq(column, 0, "%s", name);
    return parquet_bounds(opened->parquet, group, (size_t)column, ret);
}

static void check_integers(const char *file, const char *name, int64_t min, int64_t max)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, file);
    struct parquet_bounds bounds;
    cr_assert(bounds_of(&opened, 0, name, &bounds), "%s: %s", file, name);
    cr_assert_eq(bounds.i64_min, min, "%s: %s: %lld", file, name, (long long)bounds.i64_min);
    cr_assert_eq(bounds.i64_max, max, "%s: %s: %lld", file, name, (long long)bounds.i64_max);
}

static void check_none(const char *file, const char *name)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, file);
    struct parquet_bounds bounds = {.nulls = 77};
    cr_assert_not(bounds_of(&opened, 0, name, &bounds), "%s: %s", file, name);
    cr_assert_eq(bounds.nulls, 77);
}

Test(parquet_bounds, signed_integers_times_and_booleans_have_bounds)
{
    check_integers("integers", "i8", -127, 127);
    check_integers("integers", "i16", -32767, 32767);
    check_integers("integers", "i32", -2147483647, 2147483647);
    check_integers("integers", "i64", -INT64_MAX, INT64_MAX);
    check_integers("timestamps", "ts-ms-utc", -1000000, INT64_C(1700000000123000000));
    check_integers("timestamps", "ts-us", -1000, INT64_C(1700000000123000));
    check_integers("times", "date", -1, 20000);
    check_integers("flat-snappy-v1", "bool/ean", 0, 1);
    check_leaks();
}

Test(parquet_bounds, each_group_has_its_own_bounds_and_nulls)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, "flat-zstd-v2");
    struct parquet_bounds bounds;
    cr_assert(bounds_of(&opened, 1, "a/b.c", &bounds));
    cr_assert_eq(bounds.i64_min, 0);
    cr_assert_eq(bounds.i64_max, 57);
    cr_assert(bounds.has_nulls);
    cr_assert_eq(bounds.nulls, 3);
    cr_assert(bounds_of(&opened, 0, "double", &bounds));
    cr_assert_eq(bounds.f64_min, -60 / 7.0);
    check_leaks();
}

Test(parquet_bounds, zeros_of_either_sign_lie_within)
{
    CLEANUP_OPENED struct opened opened;
    opened_init(&opened, "flat-zstd-v2");
    struct parquet_bounds bounds;
    cr_assert(bounds_of(&opened, 1, "f.32/x", &bounds));
    cr_assert_eq(bounds.f64_min, 0);
    cr_assert(signbit(bounds.f64_min));
    check_leaks();
}

Test(parquet_bounds, what_has_no_numeric_order_has_none)
{
    check_none("integers", "u8");
    check_none("integers", "u64");
    check_none("int96", "ts");
    check_none("flat-snappy-v1", "text/ä");
    check_none("flat-snappy-v1", "bytes");
    check_none("lists-v1", "one");
    check_none("others", "struct");
    check_none("nulls", "n");
    check_none("wide", "videos/cam.3/from_timestamp");
    check_leaks();
}

Test(parquet_bounds, old_statistics_count_and_undefined_or_damaged_ones_do_not)
{
    check_integers("statistics", "old", -9, 9);
    check_none("statistics", "no order");
    check_none("statistics", "reversed");
    check_none("statistics-short", "short");
    check_none("statistics", "half");
    check_leaks();
}
