// SPDX-License-Identifier: Apache-2.0
/* How versions are named. */
#include <criterion/criterion.h>
#include <string.h>

#include "index/base/manifest.h"
#include "index/base/version.h"

static const struct {
    const char *name;
    bool spelt;
    uint32_t number;
} cases[] = {
    {"v1", true, 1},
    {"v12", true, 12},
    {"v1048576", true, 1048576},
    {"v4294967294", true, 4294967294},
    {"v4294967295", true, UINT32_MAX},
    {"v4294967296", true, UINT32_MAX},
    {"v99999999999999999999999999999999", true, UINT32_MAX},
    {"v0", true, 0},
    {"v00", true, 0},
    {"v012", true, 0},
    {"", false, 0},
    {"v", false, 0},
    {"V1", false, 0},
    {"1", false, 0},
    {"v-1", false, 0},
    {"v+1", false, 0},
    {"v 1", false, 0},
    {"v1 ", false, 0},
    {"v1a", false, 0},
    {"v1.0", false, 0},
    {"v1..v2", false, 0},
    {"latest", false, 0},
};

Test(version, one_spelling_each)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t number = 7;
        bool spelt = version_parse(cases[i].name, strlen(cases[i].name), &number);
        cr_assert_eq(spelt, cases[i].spelt, "%s", cases[i].name);
        cr_assert_eq(number, spelt ? cases[i].number : 7, "%s", cases[i].name);
        cr_assert_eq(version_parse(cases[i].name, strlen(cases[i].name), NULL), spelt);
    }
}

Test(version, the_length_is_the_end)
{
    uint32_t number;
    cr_assert(version_parse("v12/arm=left", 3, &number) && number == 12);
    cr_assert(version_parse("v12", 2, &number) && number == 1);
    cr_assert_not(version_parse("v1\0", 3, &number));
}

Test(version, no_tag_is_spelt_like_a_version)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].spelt)
            cr_assert_lt(manifest_check_tag(cases[i].name, NULL), 0, "%s", cases[i].name);
    cr_assert_eq(manifest_check_tag("v1.0", NULL), 0);
    cr_assert_eq(manifest_check_tag("v", NULL), 0);
}
