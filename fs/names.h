// SPDX-License-Identifier: Apache-2.0
/* A short list of names with the kind of file each is (S_IFDIR, ...). One thread at a time. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct names_entry {
    char *name;
    mode_t type;
};
struct names {
    struct names_entry *entries;
    size_t count, cap;
};

void names_add(struct names *names, const char *name, mode_t type); /* the name is copied */
void names_done(struct names *names);
