// SPDX-License-Identifier: Apache-2.0
/* Which of two places says where the home is. */
#include <criterion/criterion.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/home.h"
#include "tests/test_leaks.h"

static void expect(const char *wanted)
{
    char *home = home_folder();
    cr_assert(wanted ? home && !strcmp(home, wanted) : !home, "%s", home ? home : "none");
    free(home);
}

Test(home, the_environment_goes_before_the_user_database)
{
    struct passwd *entry = getpwuid(geteuid());
    setenv("HOME", "/somewhere", 1);
    expect("/somewhere");
    unsetenv("HOME");
    expect(entry ? entry->pw_dir : NULL);
    setenv("HOME", "not/absolute", 1);
    expect(entry ? entry->pw_dir : NULL);
    check_leaks();
}
