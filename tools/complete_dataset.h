// SPDX-License-Identifier: Apache-2.0
/*
 * What of a data set may stand in a command line: versions, tags, paths, attributes, roots. A store that does
 * not answer within some seconds ends the process, and nothing more is suggested. One thread.
 */
#pragma once

#include "query/say/suggest.h"
#include "tools/command.h"

/* What `text` begins is completed; `each` gets the whole of it. */
struct complete_dataset {
    const struct arguments *arguments; /* how stores are reached */
    const char *url;                   /* or the data set's name */
    const char *text;
    suggest_fn *each;
    void *ctx;
};

/* "v1", "latest", tags. */
void complete_version(const struct complete_dataset *what);
void complete_tag(const struct complete_dataset *what);
/* "v1/arm=left", "arm=left": a version, then components, then files. */
void complete_path(const struct complete_dataset *what);
/* Names of attributes of the newest version. */
void complete_attribute(const struct complete_dataset *what);
/* "arm=left": one condition of the newest version. */
void complete_condition(const struct complete_dataset *what);
/* Numbers of roots. */
void complete_root(const struct complete_dataset *what);
