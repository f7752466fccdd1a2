// SPDX-License-Identifier: Apache-2.0
/*
 * Where an s3:// URL lies and how it is asked. For each setting the first of these that is given counts: the
 * configuration's section, the command line, AWS_* variables, the profile, a default. Immutable once made.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"

struct stores;

struct s3_place {
    char *url; /* s3://bucket[/prefix] */
    char *bucket;
    char *key_prefix; /* "" or "a/b/" */
    char *origin;     /* https://host[:port] */
    char *host;       /* of the Host header */
    char *path;       /* what stands before the key: "" or "/bucket" */
    char *endpoint;   /* as origin, but the same whether the bucket is part of the host or not */
    char *region;
    char *profile; /* named, or NULL */
    char *ca;      /* or NULL */
    bool region_given, anonymous;
};

/* -EINVAL if `url` is no s3:// URL, or the settings make no sense. Makes no request. */
int s3_place_resolve(struct stores *stores, const char *url, struct s3_place *ret, struct error *err);
void s3_place_done(struct s3_place *place);
