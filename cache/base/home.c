// SPDX-License-Identifier: Apache-2.0
/* $HOME where it is absolute, else what the user database says: a service may run without an environment. */
#include "cache/base/home.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/base/memory.h"

enum { ENTRY_BYTES = 4096 };

char *home_folder(void)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char text[ENTRY_BYTES];
    if (home && *home == '/')
        return mem_text(home);
    getpwuid_r(geteuid(), &entry, text, sizeof text, &found);
    return found && found->pw_dir && *found->pw_dir == '/' ? mem_text(found->pw_dir) : NULL;
}
