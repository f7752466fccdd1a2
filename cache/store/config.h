// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration file: sections [store "s3://bucket/prefix"] or [store "https://host"], the longest prefix
 * wins; and names for data sets, [dataset "kitchen"]. Format: README.md.
 * Thread rule: immutable after config_load().
 */
#pragma once

#include "cache/base/error.h"
#include "cache/base/memory.h"

enum config_switch { CONFIG_UNSET, CONFIG_NO, CONFIG_YES };

struct config_store {
    char *prefix;                           /* without trailing '/', but for the bare "s3://" */
    char *endpoint, *region, *profile, *ca; /* NULL: not set */
    char *authorization_file;
    enum config_switch path_style, anonymous;
    char *place; /* "file:line" of the section */
};

struct config_dataset {
    char *name, *url;
    char *place; /* "file:line" of the section */
};

struct config;

/* `path` NULL: the user's file, then the machine's; those may be missing. The user's sections win over the
 * machine's of the same prefix. -EINVAL with file and line. */
int config_load(const char *path, struct config **ret, struct error *err);
int config_parse(const char *file, const char *text, size_t len, struct config **ret, struct error *err);
void config_free(struct config *config);
CLEANUP_DEFINE(struct config, config_free, cleanup_config)
#define CLEANUP_CONFIG CLEANUP(cleanup_config)

/* The section for `url`, or NULL. */
const struct config_store *config_find(const struct config *config, const char *url);
/* The data set of this name, or NULL. The user's wins over the machine's. */
const struct config_dataset *config_find_dataset(const struct config *config, const char *name);
/* All of them, *ret_count, in the order of the files. Borrowed. */
const struct config_dataset *config_datasets(const struct config *config, size_t *ret_count);
